package runner

import (
	"context"
	"sync"
	"time"
)

// A Share is the part of the machine that one worker has, where the machine is divided: a place on a GPU, and a number of threads. One program
// at a time runs with it, or the plugins of one worker do. The zero value is a part of nothing.
type Share struct {
	// Device names the device. Programs that were suspended go on only where it is the same, since they hold its memory.
	Device string
	// Env is NAME=value, for programs and plugins. What a task says of a variable goes before.
	Env []string
	// Message and Detail are recorded with each run that has the share. Without a message nothing is.
	Message, Detail string
}

// EventShare is the kind of the event that says which share a run had.
const EventShare = "share"

// noteShare records the share that members have from now on, where it is not the one that they had.
func (w *worker) noteShare(ctx context.Context, members []*member) error {
	var u Update
	for _, m := range members {
		if m.share.Message == w.share.Message && m.share.Device == w.share.Device {
			continue
		}
		m.share = w.share
		u.Events = append(u.Events, Event{Run: m.run, At: time.Now(), Kind: EventShare, Epoch: max(m.recorded, 0), Message: w.share.Message, Detail: w.share.Detail})
	}
	return w.record(ctx, u)
}

// queue is the jobs of a stage that no worker has begun.
type queue struct {
	mu   sync.Mutex
	jobs []job
}

// take takes the first job that a worker can do; there may be none left, or none for its device.
func (q *queue) take(w *worker) (job, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, j := range q.jobs {
		if device, bound := j.device(); bound && device != w.share.Device {
			continue
		}
		copy(q.jobs[1:], q.jobs[:i]) // the ones before move up: there are few, or none
		q.jobs = q.jobs[1:]
		return j, true
	}
	return job{}, false
}

// device is the device of a suspended program; any other job goes to any device.
func (j job) device() (device string, bound bool) {
	for _, m := range j.paused {
		if m.attempt != nil && m.attempt.program != nil {
			return m.share.Device, true
		}
	}
	return "", false
}
