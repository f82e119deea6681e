// Package trackers reads the runs that other programs have kept, from the files or servers where they keep them. It writes nothing there.
package trackers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store/imported"
)

// A Source is a place where a tracker keeps runs. It is for one goroutine.
type Source interface {
	// Experiments lists what the runs belong to.
	Experiments(ctx context.Context) ([]Experiment, error)
	// Runs calls each with the runs of an experiment, oldest first, without their values. Calls of it give the same runs.
	Runs(ctx context.Context, of Experiment, each func(*Run) error) error
	// Values are the values of a run, by metric.
	Values(ctx context.Context, of Experiment, run *Run) (map[string][]imported.Logged, error)
	io.Closer
}

// An Experiment is what a tracker calls an experiment, a project or a study. It becomes a sweep.
type Experiment struct {
	ID       string // in its source
	Name     string
	Identity string // a copy of the source has the same; other experiments have others, whatever their names
	Metric   string // by which the tracker compares; empty if it does not
	Goal     stop.Goal
	At       runner.At // the epoch that counts; empty is the best
	Left     []Left
}

// Left counts things that are not taken.
type Left struct {
	What string // such as "waiting trials"
	N    int
}

// A Searched source knows from what the settings of runs were drawn.
type Searched interface {
	Space(ctx context.Context, of Experiment) ([]Axis, error)
}

// An Axis is what a setting was drawn from: values, or a range.
type Axis struct {
	Name      string
	Values    []plugins.Value
	Low, High float64
	Log       bool
	Whole     bool // integers
	Says      string
}

// A Run is one of a tracker's runs. Its status is running if it may get more values there.
type Run struct {
	ID       string // of its experiment
	Name     string
	Settings []runner.Setting
	Status   runner.Status
	Reason   string // for its status; may be empty
	Start    time.Time
	End      time.Time // zero if unknown
	Metrics  []string
	Note     string // what the tracker's user wrote about it
	Program  []string
	// Revision is another one when the source has got more of the run. It is empty if a run that has ended does not change.
	Revision string
	// Key tells it from runs of copies of its source that have gone on by themselves; its ID if empty.
	Key string

	at int64 // where the source finds it again
}

// A Tracker is a program whose runs can be read.
type Tracker struct {
	Name  string // on the command line
	Title string
	From  string // what its argument is
	About string // what is read, and how
	// Script says that the tracker's own Python package reads its runs.
	Script bool
	Open   func(ctx context.Context, from string, o Options) (Source, error)
}

// Options say how to reach a source.
type Options struct {
	Notice func(text string) // what people should know; not nil
	Python string            // the interpreter that has the tracker's own package, for the trackers that need it
}

// All are the trackers, by name.
var All []Tracker

// add enters a tracker.
func add(t Tracker) struct{} {
	All = append(All, t)
	slices.SortFunc(All, func(a, b Tracker) int { return strings.Compare(a.Name, b.Name) })
	return struct{}{}
}

// longestName and longestText limit what one run can bring into a table.
const (
	longestName = 512
	longestText = 8192
)

// Shown is a name in one line that can be shown. Characters that cannot are replaced.
func Shown(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(name, string(unicode.ReplacementChar)))
	if runes := []rune(name); len(runes) > longestName {
		name = string(runes[:longestName-1]) + "…"
	}
	return name
}

// setting adds a setting that the tracker has as a text.
func (r *Run) setting(name, text string) {
	if v, ok := imported.FromText(strings.ToValidUTF8(text, string(unicode.ReplacementChar))); ok {
		r.Settings = append(r.Settings, runner.Setting{Path: Shown(name), Value: v})
	}
}

// cannotOpen says that there is nothing to read at a path.
func cannotOpen(err error) error {
	return advice.Usage(err, "name the file or the folder where the runs are: xrun help database lists what each command reads")
}

// unreadable says that a source is none of the tracker's.
func unreadable(path, title, why string) error {
	return advice.Usage(fmt.Errorf("%s has no runs of %s: %s", path, title, why), "")
}

// damaged says where a source cannot be read.
func damaged(path, where string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return advice.Usage(fmt.Errorf("%s: %s: %w", path, where, err), "nothing after this place is read; what was imported before it stays")
}

// Of is the name of the tracker that has written a file or a folder.
func Of(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", cannotOpen(err)
	case info.IsDir():
		return ofFolder(path)
	case strings.HasSuffix(path, ".wandb"):
		return "wandb", nil
	case strings.Contains(info.Name(), "tfevents"):
		return "tensorboard", nil
	}
	db, err := openSQLite(ctx, path, "any tracker")
	if err != nil {
		start := make([]byte, 1)
		if f, err := os.Open(path); err == nil {
			_, _ = f.Read(start)
			f.Close()
		}
		if start[0] == '{' {
			return "optuna", nil // a journal
		}
		return "", err
	}
	defer db.Close()
	for _, t := range ofTables {
		if found, err := db.Has(ctx, t.table); err == nil && found {
			return t.name, nil
		}
	}
	return "", unreadable(path, "a tracker", "it has the tables of none that xrun knows")
}

// ofTables are tables that the databases of one tracker have alone.
var ofTables = []struct{ name, table string }{{"optuna", "studies"}, {"mlflow", "experiments"}, {"trackio", "configs"}}

// ofFolder looks at what lies in a folder.
func ofFolder(path string) (string, error) {
	for _, t := range []struct{ name, pattern string }{
		{"aim", ".aim"}, {"mlflow", "*/" + metaFile}, {"mlflow", "mlruns"}, {"wandb", "offline-run-*"}, {"wandb", "run-*"}, {"wandb", "*.wandb"},
		{"tensorboard", "*tfevents*"}, {"tensorboard", "*/*tfevents*"}, {"tensorboard", "*/*/*tfevents*"}, {"trackio", "*.db"},
	} {
		if found, err := filepath.Glob(filepath.Join(globbed(path), filepath.FromSlash(t.pattern))); err == nil && len(found) > 0 {
			return t.name, nil
		}
	}
	return "", unreadable(path, "a tracker", "nothing in it is of one that xrun knows")
}

// globbed is a path in a pattern.
func globbed(path string) string {
	return regexp.MustCompile(`[*?\[\\]`).ReplaceAllStringFunc(path, func(c string) string {
		if filepath.Separator == '\\' {
			return "?"
		}
		return `\` + c
	})
}
