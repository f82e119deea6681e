package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/xrun-dev/xrun/runner"
)

// A Recorder records the runs of one sweep. It is a runner.Recorder; several workers may use it at once.
type Recorder struct {
	store       *Store
	sweep       int64
	environment Environment
	plugins     []PluginUse

	mu   sync.Mutex
	open map[runner.RunID]*openRun

	again map[runner.Key]bool // trials that run although they have a result
}

var _ runner.Recorder = (*Recorder)(nil)

// An Environment describes the machine and the program of runs.
type Environment struct {
	Host, CPU   string
	Cores       int
	OS, Arch    string
	GoVersion   string
	BLAS        string // the backend of dense products
	XrunVersion string
	GitCommit   string // of the working directory; empty outside of a repository
	GitDirty    bool
}

// A PluginUse is a component of a plugin in a role. A run uses it if the component of its trial in that role has this
// name, and Digest as its identity.
type PluginUse struct {
	Role      string // optimizer, base (of an optimizer), regularizer or objective
	Component string // not stored; empty is any of the plugin's
	Name      string
	Version   string
	Digest    string
	Protocol  string
	Features  []string
}

// Recorder records runs of a sweep's trials.
func (s *Store) Recorder(sweepID int64, env Environment, plugins []PluginUse) *Recorder {
	return &Recorder{store: s, sweep: sweepID, environment: env, plugins: plugins, open: map[runner.RunID]*openRun{}}
}

// Rerun makes trials run again that have a result. The new result replaces the old one, which is deleted as by
// DeleteRuns. Rerun must be called before Begin.
func (r *Recorder) Rerun(keys []runner.Key) {
	r.again = map[runner.Key]bool{}
	for _, key := range keys {
		r.again[key] = true
	}
}

// Record implements runner.Recorder. The epochs of a run must grow from call to call.
func (r *Recorder) Record(ctx context.Context, u runner.Update) error {
	p, err := r.look(u)
	if err != nil {
		return err
	}
	for i := range p.ends {
		// The caller writes files, so that several workers write at once.
		err := r.store.full.through(func() (err error) {
			p.ends[i].artifacts, err = keepAll(r.store.path, p.ends[i].End)
			return err
		})
		if err != nil {
			return explainFile(r.store.path, "record", err)
		}
		p.ends[i].Parameters, p.ends[i].Output, p.ends[i].Source = nil, nil, nil
	}
	for i := range p.checkpoints {
		c := &p.checkpoints[i]
		err := r.store.full.through(func() (err error) {
			c.kept, err = keep(r.store.path, artifactCheckpoint, c.Epoch, c.Content)
			return err
		})
		if err != nil {
			return explainFile(r.store.path, "record", err)
		}
		c.Content = nil
	}
	return r.store.writer.send(ctx, job{update: p})
}

// look finds the runs of an update, and checks the whole update before any of it is recorded.
func (r *Recorder) look(u runner.Update) (*pending, error) {
	p := &pending{points: make([]recorded, 0, len(u.Points)), events: u.Events}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, points := range u.Points {
		run := r.open[points.Run]
		switch {
		case run == nil:
			return nil, fmt.Errorf("record epoch %d: run %d is not open", points.Epoch, points.Run)
		case len(points.Metrics) != len(points.Values):
			return nil, fmt.Errorf("record epoch %d of run %d: %d metrics, %d values", points.Epoch, points.Run, len(points.Metrics), len(points.Values))
		case points.Epoch < run.lastEpoch, points.Epoch == run.lastEpoch && !run.attempt:
			return nil, fmt.Errorf("record epoch %d of run %d: epoch %d was recorded before", points.Epoch, points.Run, run.lastEpoch)
		}
		p.points = append(p.points, recorded{run, points})
	}
	for _, event := range u.Events {
		if r.open[event.Run] == nil {
			return nil, fmt.Errorf("record event %q: run %d is not open", event.Kind, event.Run)
		}
	}
	for _, c := range u.Checkpoints {
		run := r.open[c.Run]
		if run == nil {
			return nil, fmt.Errorf("keep a checkpoint of epoch %d: run %d is not open", c.Epoch, c.Run)
		}
		p.checkpoints = append(p.checkpoints, checkpointed{run: run, Checkpoint: c})
	}
	for _, end := range u.Ends {
		run := r.open[end.Run]
		if run == nil {
			return nil, fmt.Errorf("end run %d: it is not open", end.Run)
		}
		if end.Status == runner.StatusRunning || end.Status == "" {
			return nil, fmt.Errorf("end run %d: %q is no end", end.Run, end.Status)
		}
		p.ends = append(p.ends, ending{run: run, End: end})
	}
	for _, points := range p.points {
		points.run.lastEpoch = points.Epoch
	}
	for _, end := range p.ends {
		delete(r.open, end.Run)
	}
	return p, nil
}

// Flush waits until everything recorded before it is durable.
func (r *Recorder) Flush(ctx context.Context) error {
	return r.store.writer.ask(ctx, job{op: "flush", reply: make(chan error, 1)})
}
