// Package cluster trains the trials of a sweep on machines that share a folder with this one.
//
// A sweep has a directory in that folder. What a job needs lies in it: xrun itself, data and plugins under their digests, and files of tasks,
// each with the trials that one job trains together. Jobs write journals there, and nothing else comes back: a [Collector] reads them and
// records each attempt exactly once. An [Engine] queues jobs, says which it believes to run, and cancels them. An [Executor] puts these
// together: it submits, collects, submits again what was lost, and goes from rung to rung.
//
// Any job may be run twice, at the same time or after each other, and any process may die at any time.
package cluster

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/store/whole"
	"github.com/xrun-dev/xrun/sweeps"
)

// A Dir is the directory of a sweep in the shared folder. All paths in it are absolute.
type Dir string

func (d Dir) in(parts ...string) string {
	return filepath.Join(append([]string{string(d)}, parts...)...)
}

func (d Dir) tasks() string       { return d.in("tasks") }
func (d Dir) journals() string    { return d.in("journals") }
func (d Dir) checkpoints() string { return d.in("checkpoints") }
func (d Dir) jobs() string        { return d.in("jobs") }
func (d Dir) output() string      { return d.in("output") }
func (d Dir) stop() string        { return d.in("stop") }

// Trials is where trials of programs have their folders.
func (d Dir) Trials() string { return d.in("trials") }

// Make makes the directory with all its folders.
func (d Dir) Make() error {
	for _, folder := range []string{d.tasks(), d.journals(), d.checkpoints(), d.jobs(), d.output(), d.Trials(), d.in("files")} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
	}
	return nil
}

// A Task is the trials that one job trains.
type Task struct {
	Trials []runner.Trial
	Keys   []runner.Key // of the trials, so that a change of a copy is noticed
	Until  int          // the epoch after which trials are paused; 0 trains them to their ends
	Rule   *prune.Rule  // of the sweep that goes on with paused trials; nil for others
	Work   Work
}

// Work is how a job trains, which no result depends on.
type Work struct {
	Workers       int
	Division      sweeps.Division // of the part of a machine that a job has
	Limits        runner.Limits
	Checkpoint    runner.Checkpointing
	PluginTimeout int64 // nanoseconds
	PluginMemory  int64
	Version       string // of xrun
}

// atOnce is how many programs a job of so many cores is likely to run at once; only the job knows how many GPUs it has.
func (w Work) atOnce(cores int) int {
	d := w.Division
	if d.IsZero() {
		return max(w.Workers, cores, 1)
	}
	n := cores / max(d.CPUs, 1)
	if !d.GPUs.IsZero() {
		n = max(d.GPUs.First, len(d.GPUs.Indices), 1) * d.PerGPU
	}
	if w.Workers > 0 {
		n = min(n, w.Workers)
	}
	return max(n, 1)
}

// taskName is the name of a task: its wave, and its number in the wave.
func taskName(wave, index int) string { return fmt.Sprintf("%04d-%06d", wave, index) }

func (d Dir) taskFile(name string) string { return filepath.Join(d.tasks(), name+".task") }

// journal is the path of a journal without its ending. A folder has the journals of a thousand tasks, so that none grows too large to be listed.
func (d Dir) journal(name string) string {
	task, _, _ := strings.Cut(name, ".")
	return filepath.Join(d.journals(), task[:max(len(task)-3, 0)], name)
}

// PutTask writes the file of a task.
func (d Dir) PutTask(name string, t Task) error {
	for _, trial := range t.Trials {
		t.Keys = append(t.Keys, trial.Key())
	}
	return whole.Write(d.taskFile(name), 0o666, true, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		return errors.Join(gob.NewEncoder(z).Encode(t), z.Close())
	})
}

// Task reads the file of a task.
func (d Dir) Task(name string) (Task, error) {
	var t Task
	content, err := os.ReadFile(d.taskFile(name))
	if err != nil {
		return t, err
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err == nil {
		err = gob.NewDecoder(z).Decode(&t)
	}
	if err != nil {
		return t, fmt.Errorf("read %s: %w", d.taskFile(name), err)
	}
	for i, trial := range t.Trials {
		if key := trial.Key(); i >= len(t.Keys) || key != t.Keys[i] {
			return t, fmt.Errorf("%s has another content than when it was written: trial %s has the key %s here; all machines need the same xrun", d.taskFile(name), t.Keys[min(i, len(t.Keys)-1)].Short(), key.Short())
		}
	}
	return t, nil
}

// Copy copies files that belong together into the directory, into a folder named by their content, and returns the new path of the first. What
// is there already is not copied again.
func (d Dir) Copy(paths []string, mode fs.FileMode) (string, error) {
	sum := sha256.New()
	for _, path := range paths {
		digest, err := digestOf(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, digest)
	}
	folder := d.in("files", hex.EncodeToString(sum.Sum(nil))[:16])
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", err
	}
	for _, path := range paths {
		to := filepath.Join(folder, filepath.Base(path))
		if _, err := os.Stat(to); err == nil {
			continue
		}
		from, err := os.Open(path)
		if err != nil {
			return "", err
		}
		err = whole.Write(to, mode, true, func(w io.Writer) error {
			_, err := io.Copy(w, from)
			return err
		})
		if err = errors.Join(err, from.Close()); err != nil {
			return "", err
		}
	}
	return filepath.Join(folder, filepath.Base(paths[0])), nil
}

func digestOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// A Submission is an array of jobs that was queued, or was about to be.
type Submission struct {
	Name   string `json:"name"` // by which the engine lists its jobs
	Engine string `json:"engine"`
	Job    string `json:"job"` // the engine's number; empty if the submitter did not live to learn it
	Wave   int    `json:"wave"`
	From   int    `json:"from"` // the first task; the job with the index i of the array trains task From + i
	Count  int    `json:"count"`
}

// PutSubmission keeps a submission.
func (d Dir) PutSubmission(s Submission) error {
	return d.putJSON(filepath.Join(d.jobs(), s.Name+".json"), s)
}

// forgetSubmission forgets a submission that was refused.
func (d Dir) forgetSubmission(s Submission) error {
	return os.Remove(filepath.Join(d.jobs(), s.Name+".json"))
}

// Submissions lists all submissions.
func (d Dir) Submissions() (all []Submission, err error) {
	entries, err := os.ReadDir(d.jobs())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		var s Submission
		text, err := os.ReadFile(filepath.Join(d.jobs(), e.Name()))
		if err == nil {
			err = json.Unmarshal(text, &s)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Join(d.jobs(), e.Name()), err)
		}
		all = append(all, s)
	}
	return all, err
}

// nextWave is the wave of the next submission.
func (d Dir) nextWave() (wave int, err error) {
	all, err := d.Submissions()
	for _, s := range all {
		wave = max(wave, s.Wave+1)
	}
	return wave, err
}

func (d Dir) putJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return whole.Write(path, 0o666, true, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// givenFile is the name of the file with the first wave after the sweep was stopped, or trials were given up.
const givenFile = "given-up.json"

// give notes that the sweep was stopped, or trials were given up: jobs in which they come no further count from this wave on.
func (d Dir) give(wave int) error { return d.putJSON(d.in(givenFile), wave) }

// given is the first wave of which jobs count.
func (d Dir) given() (wave int, err error) {
	text, err := os.ReadFile(d.in(givenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &wave)
	}
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", d.in(givenFile), err)
	}
	return wave, nil
}

// Stopped reports whether somebody has asked all jobs to end.
func (d Dir) Stopped() bool {
	_, err := os.Stat(d.stop())
	return err == nil
}
