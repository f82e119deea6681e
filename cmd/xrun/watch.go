package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "follow a sweep that runs in another shell",
		ArgsUsage: "[SWEEP]",
		Description: `SWEEP is a name, an id or a file; the newest is the default. It only reads: the sweep does not notice. It ends
when nobody runs the sweep any more; Ctrl-C ends the watching and not the sweep.`,
		Flags: []cli.Flag{
			storeFlag(), jsonFlag(), progressFlag(),
			&cli.BoolFlag{Name: "once", Usage: "say how far the sweep is, and end"},
		},
		Action: p.watch,
	}
}

// watching follows a sweep through its database.
type watching struct {
	store   *store.Store
	sweep   store.SweepInfo
	axes    map[runner.Key][]runner.Setting
	epochs  int // of each trial; 0 if they differ, or are not known
	results []runner.Result
	seen    map[int64]runner.Result // by run
}

func (p *program) watch(c *cli.Context) error {
	args, err := positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	if err := checkProgress(c); err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := signal.NotifyContext(c.Context, os.Interrupt)
	defer cancel()
	w := &watching{store: db, seen: map[int64]runner.Result{}}
	if w.sweep, err = db.FindSweep(ctx, sweepName(args)); err != nil {
		return err
	}
	if err := w.describe(ctx); err != nil {
		return err
	}
	owners, err := w.poll(ctx)
	if err != nil {
		return err
	}
	if c.Bool("once") || len(owners) == 0 {
		return p.showState(c, w, owners)
	}
	done := 0
	for _, r := range w.results {
		if ended(r) {
			done++
			w.seen[r.RunID] = r
		}
	}
	view := live.New(p.viewOptions(c.String("progress"), live.Options{Sweep: w.sweep.Name, Metric: w.sweep.Metric, Goal: stop.Goal(w.sweep.Goal),
		Trials: len(w.results) - done, Before: done, Watching: true}))
	view.Start()
	for len(owners) > 0 && ctx.Err() == nil {
		w.show(view)
		began := time.Now()
		if owners, err = w.poll(ctx); err != nil {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(training.Look, 10*time.Since(began))):
		}
	}
	w.show(view)
	view.Stop()
	if ctx.Err() != nil && c.Context.Err() == nil {
		return nil // the user has seen enough
	}
	if err != nil {
		return err
	}
	return p.showState(c, w, owners)
}

// describe looks up what does not change while the sweep runs.
func (w *watching) describe(ctx context.Context) error {
	varying, same, err := w.store.Varying(ctx, w.sweep.ID)
	if err != nil {
		return err
	}
	for _, s := range same {
		if s.Path == "task.epochs" {
			w.epochs = int(s.Value.Integer)
		}
	}
	w.axes, err = w.store.Axes(ctx, varying, w.sweep.ID)
	return err
}

// poll reads how far the trials are, and who is at work on them.
func (w *watching) poll(ctx context.Context) ([]store.Owner, error) {
	owners, err := w.store.Owners(ctx, w.sweep.ID)
	if err == nil {
		w.results, err = w.store.Results(ctx, w.sweep.ID, w.sweep.Metric)
	}
	return owners, err
}

// show tells the view what has changed since the last time.
func (w *watching) show(view *live.View) {
	for _, r := range w.results {
		before, known := w.seen[r.RunID]
		if r.RunID == 0 || known && before.Epochs == r.Epochs && before.Status == r.Status {
			continue
		}
		w.seen[r.RunID] = r
		p := runner.Progress{Trial: w.trial(r), Run: runner.RunID(r.RunID), Epoch: r.Epochs, Metrics: []string{w.sweep.Metric}, Values: []float64{r.Summary.Last}}
		if r.Found {
			view.Observe(p)
		}
		if ended(r) {
			p.End = &runner.End{Run: p.Run, Status: r.Status, Reason: r.Reason, Epochs: r.Epochs}
			if r.Keeps {
				p.End.Kept = &r.Kept
			}
			view.Observe(p)
		}
	}
}

// ended reports whether a trial has come to an end that a sweep does not take up again by itself.
func ended(r runner.Result) bool {
	return r.Status.Done() || r.Status == runner.StatusFailed || r.Status == runner.StatusPruned
}

// trial is as much of a trial as a view shows.
func (w *watching) trial(r runner.Result) runner.Trial {
	t := runner.Trial{Task: runner.Task{Epochs: w.epochs, Native: runner.Native{Supervised: runner.Supervised{Digest: string(r.Point)}}}, Optimizer: runner.Choice{Label: r.Optimizer},
		LR: r.LR, Lambda: r.Lambda, Seed: r.Seed, Axes: w.axes[r.Point]}
	if r.Regularizer != "" {
		t.Regularizer = &runner.Choice{Label: r.Regularizer}
	}
	return t
}

// showState says how far a sweep is.
func (p *program) showState(c *cli.Context, w *watching, owners []store.Owner) error {
	counts := map[runner.Status]int{}
	for _, r := range w.results {
		counts[r.Status]++
	}
	if c.Bool("json") {
		list := []map[string]any{}
		for _, o := range owners {
			list = append(list, map[string]any{"pid": o.PID, "host": o.Host, "command": o.Command, "started_at": o.StartedAt})
		}
		left := counts[""]
		delete(counts, "")
		return p.printJSON(map[string]any{"xrun_watch": 1, "sweep": w.sweep.Name, "id": w.sweep.ID, "trials": len(w.results), "never_run": left, "counts": counts, "owners": list})
	}
	text := fmt.Sprintf("%s: %s", w.sweep.Name, stats.Count(len(w.results), "trial", "trials"))
	for _, status := range append(slices.Clone(statuses), "") {
		if n := counts[status]; n > 0 {
			name := string(status)
			if name == "" {
				name = "not begun"
			}
			text += fmt.Sprintf(" · %d %s", n, name)
		}
	}
	fmt.Fprintln(p.stdout, text)
	for _, r := range w.results {
		if r.Status == runner.StatusRunning {
			l := compare.Label{Optimizer: r.Optimizer, Regularizer: r.Regularizer, LR: r.LR, Lambda: r.Lambda, Axes: w.axes[r.Point]}
			fmt.Fprintf(p.stdout, "for instance %s seed %d, epoch %d: %s %s\n", l, r.Seed, r.Epochs, w.sweep.Metric, stats.Number(r.Summary.Last))
			break
		}
	}
	for _, o := range owners {
		fmt.Fprintf(p.stdout, "run by %s since %s\n", ownerText(o), o.StartedAt.Local().Format(time.DateTime))
	}
	if len(owners) == 0 {
		fmt.Fprintf(p.stdout, "nobody runs it now\n")
	}
	return nil
}
