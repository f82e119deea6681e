package cluster

import (
	"context"
	"time"
)

// An Engine queues jobs on machines that it chooses. It may run a job twice, or lose one.
type Engine interface {
	// Submit queues an array of jobs, and returns the engine's number of it.
	Submit(ctx context.Context, s Submission) (job string, err error)
	// Jobs lists the jobs of submissions that the engine believes to be queued or to run. An error says nothing about any of them.
	Jobs(ctx context.Context, all []Submission) ([]Job, error)
	// Requeue has a job run again that is believed to run and gives no sign of life.
	Requeue(ctx context.Context, s Submission, index int) error
	// Cancel ends the queued jobs of submissions; with running also those at work.
	Cancel(ctx context.Context, all []Submission, running bool) error
	// Limit is the most jobs that an array may have.
	Limit(ctx context.Context) (int, error)
	// Follow has the engine run a command once all jobs of submissions have ended, however they did.
	Follow(ctx context.Context, all []Submission, command []string) error
}

// A Job is one of an array, as its engine sees it.
type Job struct {
	Submission string // the name
	Index      int
	Running    bool
	Reason     string // why it is queued
	Node       string
}

// A Config says how jobs are submitted: the table [cluster.NAME] of a sweep file or of the user's own file, and flags.
type Config struct {
	Partition  string
	Account    string
	QOS        string
	Time       time.Duration // the most that a job may take; 0 leaves it to the site
	Gres       string
	Cpus       int
	Memory     string
	Constraint string
	Setup      []string // lines of the shell before xrun
	Sbatch     []string // further arguments of sbatch
	Array      int      // the most jobs of an array; 0 asks the site
	AtOnce     int      // the most jobs of an array that run at once; 0 for no limit of one's own
	Jobs       int      // the most jobs that are queued or run
	Task       time.Duration
	Poll       time.Duration
	Lead       time.Duration // between the signal and the end of a job's time
	Silence    time.Duration // of a job that is believed to run, before it is run again
	Grace      time.Duration // for the journals of a job that has ended, before it is taken for lost
	Directory  string        // the folder that all machines see; empty: beside the database
}

// Defaults are what a table need not say. The site's rules say the rest.
func Defaults() Config {
	return Config{Jobs: 1000, Task: 5 * time.Minute, Poll: 15 * time.Second, Lead: 2 * time.Minute, Silence: 5 * time.Minute, Grace: time.Minute}
}
