package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/watching"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "follow a sweep that runs in another shell",
		ArgsUsage: "[SWEEP]",
		Description: `SWEEP is a name, an id or a file; the newest is the default. It only reads, and ends
with the sweep. Ctrl-C ends the watching, not the sweep. It shows what the sweep itself shows.`,
		Flags: []cli.Flag{
			storeFlag(), jsonFlag(), progressFlag(),
			&cli.BoolFlag{Name: "once", Usage: "print the state of the sweep, and end"},
		},
		Action: p.watch,
	}
}

func (p *program) watch(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[SWEEP]")
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
	w, err := watching.New(ctx, db, sweepName(args))
	if err != nil {
		return err
	}
	owners, err := w.Owners(ctx)
	if err != nil {
		return err
	}
	if c.Bool("once") || len(owners) == 0 {
		return p.showState(ctx, w, owners, c.Bool("json"))
	}
	state, err := w.State(ctx)
	if err != nil {
		return err
	}
	view := live.New(live.Seen(p.stderr, c.String("progress"), p.env, live.Options{State: state, Watching: true}))
	view.Start()
	for len(owners) > 0 && ctx.Err() == nil {
		began := time.Now()
		// Owners are read first: what is stored before the last of them ends is read after it.
		if owners, err = w.Owners(ctx); err != nil {
			break
		}
		if err = w.Poll(ctx); err != nil {
			break
		}
		view.Update(w.Results)
		if stage, err := w.Stage(ctx); err == nil { // the next look reports an unreadable database
			view.Stage(stage)
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(training.Look, 10*time.Since(began))):
		}
	}
	view.Stop()
	if ctx.Err() != nil && c.Context.Err() == nil {
		return nil // the user has seen enough
	}
	if err != nil {
		return err
	}
	return p.showState(c.Context, w, owners, c.Bool("json"))
}

// showState prints the state of a sweep.
func (p *program) showState(ctx context.Context, w *watching.Watching, owners []store.Owner, machine bool) error {
	counts := map[runner.Status]int{}
	for _, r := range w.Results {
		counts[r.Status]++
	}
	stage, err := w.Stage(ctx)
	if err != nil {
		return err
	}
	if machine {
		list := []map[string]any{}
		for _, o := range owners {
			list = append(list, map[string]any{"pid": o.PID, "host": o.Host, "command": o.Command, "started_at": o.StartedAt})
		}
		left := counts[""]
		delete(counts, "")
		out := map[string]any{"xrun_watch": 1, "sweep": w.Sweep.Name, "id": w.Sweep.ID, "trials": len(w.Results), "never_run": left, "counts": counts, "owners": list}
		if stage != "" {
			out["stage"] = stage
		}
		return p.printJSON(out)
	}
	text := fmt.Sprintf("%s: %s", w.Sweep.Title, stats.Count(len(w.Results), "trial", "trials"))
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
	if stage != "" {
		fmt.Fprintln(p.stdout, stage)
	}
	for _, r := range w.Results {
		if r.Status == runner.StatusRunning {
			l := w.Label(r)
			if !r.Found {
				fmt.Fprintf(p.stdout, "for instance %s seed %d, without a report so far\n", l, r.Seed)
				break
			}
			fmt.Fprintf(p.stdout, "for instance %s seed %d, epoch %d: %s %s\n", l, r.Seed, r.Epochs, w.Sweep.Metric, stats.Number(r.Summary.Last))
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
