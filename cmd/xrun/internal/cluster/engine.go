package cluster

import "context"

// An Engine queues jobs on machines that it chooses. It may run a job twice, or lose one.
type Engine interface {
	// Submit queues an array of jobs, and returns the engine's number of it.
	Submit(ctx context.Context, s Submission) (job string, err error)
	// Jobs lists the jobs of submissions that the engine believes to be queued or to run. An error says nothing about any of them.
	Jobs(ctx context.Context, all []Submission) ([]Job, error)
	// Requeue has a job run again that is believed to run and gives no sign of life.
	Requeue(ctx context.Context, s Submission, index int) error
	// Release has a job go on to wait for its turn that the engine holds back by itself.
	Release(ctx context.Context, s Submission, index int) error
	// Words are the last line of what a job has printed; empty if nobody knows.
	Words(s Submission, index int) string
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
	Array      string // the engine's number of its submission
	Running    bool
	Held       bool   // it never runs, since something went wrong when it was started
	Reason     string // why it is queued
	Node       string
}
