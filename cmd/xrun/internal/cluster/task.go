package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/journal"
)

// A Node is what a job trains with on its machine.
type Node struct {
	Job         string // by the name that the engine gave it
	Options     runner.Options
	Environment store.Environment
	Drain       func() // ends the job after the running epochs
}

// indices are the variables in which engines tell a job its index.
var indices = []string{"SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"}

// TaskName finds the name of the task of a job from the index that its engine has given it.
func TaskName(wave, from int) (string, error) {
	for _, variable := range indices {
		if text, ok := os.LookupEnv(variable); ok {
			i, err := strconv.Atoi(text)
			if err != nil || i < 0 {
				return "", fmt.Errorf("%s=%s is no index of a job", variable, text)
			}
			return taskName(wave, from+i), nil
		}
	}
	return "", fmt.Errorf("no index of a job in %s: an engine sets one of them", strings.Join(indices, ", "))
}

const (
	stopLook = 2 * time.Second // between two looks at whether all jobs are to end
	beat     = 20 * time.Second
)

// Train trains a task, as its job. Trials that an earlier job of the task has brought to an end are passed over.
func (d Dir) Train(ctx context.Context, name string, n Node) error {
	t, err := d.Task(name)
	if err != nil {
		return err
	}
	if v := n.Environment.XrunVersion; v != t.Work.Version {
		return fmt.Errorf("this is xrun %s, the task was made by xrun %s: submit again with this one", v, t.Work.Version)
	}
	skip, err := d.finished(name, t)
	if err != nil {
		return err
	}
	builtin := true
	for _, trial := range t.Trials {
		builtin = builtin && trial.Task.Command == nil && ownArithmetic(trial)
	}
	w, err := newWriter(d, name, n.Job, n.Environment, builtin)
	if err != nil {
		return err
	}
	w.skip, w.drain = skip, n.Options.Drain
	o := n.Options
	o.Recorder, o.Limits, o.Checkpoint, o.Folders, o.Until = w, t.Work.Limits, t.Work.Checkpoint, d.Trials(), t.Until
	if t.Rule != nil {
		o.Prune = &runner.Pruning{Rule: *t.Rule}
		if o.Until == 0 {
			o.Until = runner.ToTheEnd
		}
	}
	load := o.Load
	o.Load = func(task runner.Task) (*data.Set, error) {
		set, err := load(task)
		if err == nil && set.Digest != task.Digest {
			err = fmt.Errorf("%s has other content on this machine than where the sweep was submitted", task.Dataset)
		}
		return set, err
	}
	done := make(chan struct{})
	defer close(done)
	go w.attend(done, n.Drain)
	err = runner.Execute(ctx, o, t.Trials)
	note := ""
	if err != nil {
		note = err.Error()
	}
	return errors.Join(err, w.close(note))
}

// ownArithmetic reports whether a trial has no plugin but the built-in one.
func ownArithmetic(t runner.Trial) bool {
	own := func(c *runner.Choice) bool {
		for ; c != nil; c = c.Base {
			if !strings.HasPrefix(c.Identity, "builtin:") {
				return false
			}
		}
		return true
	}
	return own(&t.Optimizer) && own(t.Regularizer) && own(t.Task.Objective)
}

// attend shows that the job lives, by the time of its journal, and looks whether all jobs are to end.
func (w *writer) attend(done <-chan struct{}, drain func()) {
	tick := time.NewTicker(stopLook)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		if w.dir.Stopped() {
			drain()
		}
		if time.Since(last) >= beat {
			last = time.Now()
			w.mu.Lock()
			w.journal.WriteString("\n") // where it fails, the job may be taken for lost, and a copy of it started
			w.mu.Unlock()
		}
	}
}

// finished are the trials of a task that an earlier job of it has brought to their ends, or to an epoch.
func (d Dir) finished(name string, t Task) (map[runner.Key]bool, error) {
	folder := filepath.Dir(d.journal(name))
	files, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	epochs := map[runner.Key]int{}
	for _, trial := range t.Trials {
		epochs[trial.Key()] = trial.Task.Epochs
	}
	ended := map[runner.Key]bool{}
	for _, file := range files {
		if !strings.HasPrefix(file.Name(), name+".") || !strings.HasSuffix(file.Name(), journalEnding) || file.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			return nil, err
		}
		records, _, _ := journal.Parse(text)
		trials, tallies := map[string]runner.Key{}, map[string]*journal.Tally{}
		for _, r := range records {
			if r.Begin != nil {
				trials[r.Attempt], tallies[r.Attempt] = runner.Key(r.Begin.Trial), &journal.Tally{}
			}
			tally := tallies[r.Attempt]
			if tally == nil {
				continue
			}
			tally.Add(r)
			if r.End == nil || !tally.Complete(*r.End) {
				continue
			}
			end, err := resultOf(r.End)
			if err != nil {
				continue // it is trained again
			}
			paused := runner.Status(r.End.Status) == runner.StatusInterrupted
			key := trials[r.Attempt]
			if paused && 0 < t.Until && t.Until < epochs[key] && end.Epochs >= t.Until || !paused && !end.Again {
				ended[key] = true
			}
		}
	}
	return ended, nil
}

// refs lists the choices of a trial, each of which may be changed.
func refs(t *runner.Trial) []*runner.Choice {
	var all []*runner.Choice
	var add func(c *runner.Choice)
	add = func(c *runner.Choice) {
		if c != nil {
			all = append(all, c)
			add(c.Base)
		}
	}
	add(&t.Optimizer)
	add(t.Regularizer)
	add(t.Task.Objective)
	return all
}

// copied is a trial whose parts may be changed without a change of the original.
func copied(t runner.Trial) runner.Trial {
	clone := func(c *runner.Choice) *runner.Choice {
		if c == nil {
			return nil
		}
		n := *c
		return &n
	}
	t.Regularizer, t.Task.Objective, t.Optimizer.Base = clone(t.Regularizer), clone(t.Task.Objective), clone(t.Optimizer.Base)
	return t
}

// A Layer copies what jobs need into the directory, each file once.
type Layer struct {
	Dir Dir
	// Find finds the file of a plugin; own is true for those that xrun carries.
	Find func(ref string) (path string, own bool, err error)

	paths map[string]string
}

// Lay copies what a trial needs, and returns the trial as it is trained there: it has the same key.
func (l *Layer) Lay(t runner.Trial) (runner.Trial, error) {
	if l.paths == nil {
		l.paths = map[string]string{}
	}
	if t.Task.Command != nil {
		return t, nil // it runs where it is, with whatever it reads there
	}
	t = copied(t)
	for _, path := range []*string{&t.Task.Dataset, &t.Task.ValidationPath, &t.Task.TestPath} {
		if *path == "" || slices.Contains(data.Names(), *path) {
			continue
		}
		to, err := l.copy(data.Files(*path), 0o666)
		if err != nil {
			return t, fmt.Errorf("copy data to where all machines see them: %w", err)
		}
		*path = to
	}
	for _, c := range refs(&t) {
		if c.Plugin == "" {
			continue
		}
		path, own, err := l.Find(c.Plugin)
		if err != nil {
			return t, err
		}
		if own {
			continue
		}
		if c.Plugin, err = l.copy([]string{path}, 0o777); err != nil {
			return t, fmt.Errorf("copy plugin %s to where all machines see it: %w", c.Component, err)
		}
	}
	return t, nil
}

// copy copies files that belong together into one folder, and returns the path of the first.
func (l *Layer) copy(paths []string, mode os.FileMode) (string, error) {
	if to, ok := l.paths[paths[0]]; ok {
		return to, nil
	}
	to, err := l.Dir.Copy(paths, mode)
	if err == nil {
		l.paths[paths[0]] = to
	}
	return to, err
}
