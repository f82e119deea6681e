package trackers

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
)

// A told is a line that a script prints: one of its parts. After a run come its values. The last line says that all is told.
type told struct {
	Experiment *toldExperiment `json:"experiment,omitempty"`
	Run        *shelvedRun     `json:"run,omitempty"`
	Values     *toldValues     `json:"values,omitempty"`
	Left       *toldLeft       `json:"left,omitempty"`
	Notice     string          `json:"notice,omitempty"`
	Error      string          `json:"error,omitempty"`
	Help       string          `json:"help,omitempty"`
	Done       bool            `json:"done,omitempty"`
}

type toldExperiment struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Identity string `json:"identity"`
}

type toldValues struct {
	Metric string  `json:"metric"`
	Steps  []int64 `json:"steps"`
	Times  reals   `json:"times"` // seconds; none if unknown
	Values reals   `json:"values"`
}

type toldLeft struct {
	Of   string `json:"of"`
	What string `json:"what"`
	N    int    `json:"n"`
}

// statuses are those that a script can tell.
var statuses = []runner.Status{runner.StatusFinished, runner.StatusFailed, runner.StatusRunning, runner.StatusPruned, runner.StatusStopped}

// tellScript is what scripts begin with.
//
//go:embed scripts/tell.py
var tellScript string

// ask has the tracker's own package tell its runs: a script, in the user's interpreter. What it tells comes onto a shelf.
func ask(ctx context.Context, o Options, title, script string, args ...string) (_ *shelf, err error) {
	s, err := newShelf()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.Python, append([]string{"-c", tellScript + script, s.folder}, args...)...)
	said := &ending{}
	cmd.Stderr, cmd.WaitDelay = said, 5*time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, advice.Usage(fmt.Errorf("%s is read by its own Python package, and %s does not start: %w", title, o.Python, err), "--python names the interpreter that has the package")
	}
	h := &hearing{shelf: s, notice: o.Notice}
	heard := lines(ctx, out, func(line []byte) error { return h.line(finite(line)) })
	if heard != nil {
		cancel() // it may have more to tell
	}
	ended := cmd.Wait()
	switch {
	case h.wrong != nil:
		return nil, h.wrong
	case heard != nil:
		return nil, fmt.Errorf("what %s tells of %s: %w", filepath.Base(o.Python), title, heard)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case ended != nil || !h.done:
		why := "it has told only a part"
		if ended != nil {
			why = ended.Error()
		}
		return nil, advice.Usage(fmt.Errorf("%s could not read the runs of %s: %s%s", o.Python, title, why, said), "nothing was imported")
	}
	s.sort()
	return s, nil
}

// A hearing puts what a script tells onto a shelf.
type hearing struct {
	*shelf
	notice func(string)
	of     *shelved // of the run that was told last
	done   bool
	wrong  error // what the script itself says went wrong
}

// line takes one line.
func (h *hearing) line(text []byte) error {
	var t told
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("%q is none of its lines: %w", clip(text), err)
	}
	switch {
	case t.Error != "":
		h.wrong = advice.Usage(errors.New(t.Error), t.Help)
		return h.wrong
	case t.Notice != "":
		h.notice(Shown(t.Notice))
	case t.Experiment != nil:
		e := t.Experiment
		h.experiment(e.ID, func() Experiment { return Experiment{Name: Shown(e.Name), Identity: e.Identity} })
	case t.Run != nil:
		if !slices.Contains(statuses, t.Run.Status) {
			return fmt.Errorf("run %s is %q, which is no status", t.Run.ID, t.Run.Status)
		}
		e, err := h.find(Experiment{ID: t.Run.Of})
		if err != nil {
			return err
		}
		h.of = e
		if err := h.put(e, *t.Run, nil, nil); err != nil {
			return fmt.Errorf("run %s: %w", t.Run.ID, err)
		}
	case t.Values != nil:
		if h.of == nil || len(t.Values.Values) != len(t.Values.Steps) {
			return fmt.Errorf("%q has values of no run, or without steps", clip(text))
		}
		if _, err := h.write(text); err != nil {
			return err
		}
		run := &h.of.runs[len(h.of.runs)-1]
		run.end = h.size
		if name := h.shared(Shown(t.Values.Metric)); !slices.Contains(run.metrics, name) {
			run.metrics = append(run.metrics, name)
		}
	case t.Left != nil:
		e, err := h.find(Experiment{ID: t.Left.Of})
		if err != nil {
			return err
		}
		e.left[t.Left.What] += t.Left.N
	case t.Done:
		h.done = true
	}
	return nil
}

func clip(text []byte) string { return string(text[:min(len(text), 200)]) }

// An ending keeps the end of what a program prints.
type ending struct{ text []byte }

// Write implements io.Writer.
func (e *ending) Write(text []byte) (int, error) {
	const most = 4096
	e.text = append(e.text, text...)
	if len(e.text) > 2*most {
		e.text = append(e.text[:0], e.text[len(e.text)-most:]...)
	}
	return len(text), nil
}

// String is the last lines, for the end of an error.
func (e *ending) String() string {
	const most = 5
	all := strings.Split(strings.TrimSpace(string(e.text)), "\n")
	if len(all) == 1 && all[0] == "" {
		return ""
	}
	for i := range all {
		all[i] = Shown(strings.TrimRight(all[i], "\r"))
	}
	return "\n" + strings.Join(all[max(0, len(all)-most):], "\n")
}
