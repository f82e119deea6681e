// Package importing puts results from elsewhere into a database, and reports how it read them.
package importing

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/imported"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// An Import puts the results of a file into a database.
type Import struct {
	Version        string
	Stdout, Stderr io.Writer
	Results        *imported.Results
	Name           string // of the sweep
	Goal           stop.Goal
	File           string
}

// Close implements Keeper.
func (i *Import) Close() error { return nil }

// Keep records the runs that the database does not have.
func (i *Import) Keep(ctx context.Context, db *store.Store) error {
	r := i.Results
	trials := make([]runner.Trial, len(r.Runs))
	keys := make([]runner.Key, len(r.Runs))
	points := map[runner.Key]bool{}
	for j, run := range r.Runs {
		trials[j], keys[j] = run.Trial, run.Trial.Key()
		points[run.Trial.Point()] = true
	}
	status, err := db.Status(ctx, keys)
	if err != nil {
		return err
	}
	before, err := db.FindSweep(ctx, i.Name)
	if err != nil && !question.Missing(err) {
		return err
	}
	digest := r.Digest + string(i.Goal)
	id, err := db.PutSweep(ctx, store.Sweep{Name: i.Name, File: i.File, Digest: digest, Metric: r.Metric, Goal: string(i.Goal), At: string(i.counts().At),
		Resolved: fmt.Sprintf("%s%q\n", question.ImportedFrom, filepath.Base(i.File)), Notes: "imported from " + filepath.Base(i.File)}, trials)
	if err != nil {
		return err
	}
	recorder := db.Recorder(id, store.Environment{Host: "another machine", CPU: "imported from " + filepath.Base(i.File), XrunVersion: i.Version}, nil)
	kept, known := 0, 0
	const together = 256
	for from := 0; from < len(trials); from += together {
		part := trials[from:min(from+together, len(trials))]
		var fresh []runner.Trial
		var runs []*imported.Run
		for j, t := range part {
			// An import that was interrupted left runs without a result.
			if s := status[keys[from+j]].Status; s != "" && s != runner.StatusInterrupted && s != runner.StatusRunning {
				known++
				continue
			}
			fresh, runs = append(fresh, t), append(runs, &r.Runs[from+j])
		}
		if len(fresh) == 0 {
			continue
		}
		begun, err := recorder.Begin(ctx, fresh)
		if err != nil {
			return err
		}
		for j, b := range begun {
			if b.Run == 0 { // by another process, meanwhile
				known++
				continue
			}
			if err := i.record(ctx, recorder, b.Run, runs[j]); err != nil {
				return err
			}
			kept++
		}
	}
	if err := recorder.Flush(ctx); err != nil {
		return err
	}
	i.say(before, digest, kept, known, len(points))
	return nil
}

// record writes one run, a piece at a time.
func (i *Import) record(ctx context.Context, recorder *store.Recorder, id runner.RunID, run *imported.Run) error {
	const together = 1024
	for from := 0; from < len(run.Points); from += together {
		u := runner.Update{Points: slices.Clone(run.Points[from:min(from+together, len(run.Points))])}
		for j := range u.Points {
			u.Points[j].Run = id
		}
		if err := recorder.Record(ctx, u); err != nil {
			return err
		}
	}
	for _, e := range run.Events {
		e.Run, e.At = id, time.Now()
		if err := recorder.Record(ctx, runner.Update{Events: []runner.Event{e}}); err != nil {
			return err
		}
	}
	e := runner.End{Run: id, At: time.Now(), Status: run.Status, Reason: run.Reason, Lasting: run.Status == runner.StatusFailed,
		Epochs: run.Epochs, Cost: runner.Cost{Wall: run.Wall}}
	if kept, ok := i.counts().Value(run.Status, run.Curve(i.Results.Metric)); ok {
		e.Kept = &kept
	}
	return recorder.Record(ctx, runner.Update{Ends: []runner.End{e}})
}

// counts chooses the kept epoch of a run: the best, as files of results do not tell which parameters are kept.
func (i *Import) counts() runner.Keep {
	return runner.Keep{Metric: i.Results.Metric, Goal: i.Goal, At: runner.AtBest}
}

// say reports how the file was read.
func (i *Import) say(before store.SweepInfo, digest string, kept, known, points int) {
	r := i.Results
	fmt.Fprintf(i.Stdout, "%s: %s of %s, as the sweep %s; %s", filepath.ToSlash(i.File), stats.Count(kept, "run", "runs"), stats.Count(points, "point", "points"), i.Name, strings.Join(r.Metrics, ", "))
	if known > 0 {
		fmt.Fprintf(i.Stdout, "; %s there already", stats.Count(known, "run was", "runs were"))
	}
	fmt.Fprintf(i.Stdout, "\ncompared by %s, the %s the better: %s\n", r.Metric, map[stop.Goal]string{stop.Min: "smaller", stop.Max: "larger"}[i.Goal], advice.Command("compare", i.Name))
	if len(r.Settings) > 0 {
		fmt.Fprintf(i.Stderr, "settings: %s\n", strings.Join(r.Settings, ", "))
	}
	if len(r.Ignored) > 0 {
		fmt.Fprintf(i.Stderr, "not read: %s\n", strings.Join(r.Ignored, ", "))
	}
	if n := warned(r.Runs); n > 0 {
		fmt.Fprintf(i.Stderr, "%s NaN or infinite values of another metric than %s: stored as they are; xrun show RUN says where\n", stats.Count(n, "run has", "runs have"), r.Metric)
	}
	for _, g := range r.Guesses {
		if hint := i.hint(g, len(r.Runs) == points && points > 3); hint != "" {
			fmt.Fprintln(i.Stderr, hint)
		}
	}
	if before.ID != 0 && before.Digest != digest {
		fmt.Fprintf(i.Stderr, "the sweep that was called %s before has other content; it stays, and is called %d now: xrun compare %[2]d\n", i.Name, before.ID)
	}
}

// warned counts the runs that have an event to tell of.
func warned(runs []imported.Run) (n int) {
	for _, run := range runs {
		if len(run.Events) > 0 {
			n++
		}
	}
	return n
}

// hint is how to give a column a meaning that none has. alone: every point has one run.
func (i *Import) hint(g imported.Guess, alone bool) string {
	column := g.Column
	if column == "" {
		column = "COLUMN"
	}
	as := advice.Word(column) + "=" + g.As
	switch {
	case g.As == "seed" && alone:
		if g.Column == "" {
			as = "rep=seed"
		}
		return fmt.Sprintf("every point has one run, so nothing tells chance from effect: if a column counts repetitions, --map %s says so", as)
	case g.As == "seed" || len(i.Results.Settings) == 0:
		return ""
	case g.As == "optimizer" && g.Column != "":
		return fmt.Sprintf("no column is the optimizer: --map %s makes arms of its values, as does %s", as, advice.Command("compare", i.Name, "--by", g.Column))
	case g.As == "optimizer":
		return fmt.Sprintf("no column is the optimizer: --map %s makes arms of a setting, as does %s", as, advice.Command("compare", i.Name, "--by", "COLUMN"))
	case g.Column != "":
		return fmt.Sprintf("no column is the learning rate: --map %s says that %s is", as, g.Column)
	}
	return fmt.Sprintf("no column is the learning rate, lr: --map %s if one is", as)
}
