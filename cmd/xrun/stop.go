package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/cluster"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) stopCommand() *cli.Command {
	return &cli.Command{
		Name:      "stop",
		Usage:     "end a sweep that runs in another shell",
		ArgsUsage: "[SWEEP]",
		Description: `SWEEP is a name, an id or a file; the newest is the default. The sweep ends as after one Ctrl-C: after the
running epochs, and nothing is lost; xrun sweep continues it later.`,
		Flags:  []cli.Flag{storeFlag(), &cli.BoolFlag{Name: "now", Usage: "do not wait for the running epochs"}},
		Action: p.stop,
	}
}

func (p *program) stop(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	sweep, err := db.FindSweep(c.Context, sweepName(args))
	if err != nil {
		return err
	}
	owners, err := db.Owners(c.Context, sweep.ID)
	if err != nil {
		return err
	}
	if len(owners) == 0 {
		hint := "xrun sweep runs it, xrun watch shows its state"
		if cluster.Has(db.Path()) {
			hint = "jobs on a cluster that are queued, or left alone: xrun collect takes them up, and ctrl-c ends them there"
		}
		return advice.Nothing(fmt.Errorf("nobody runs %s now", sweep.Title), hint)
	}
	for _, o := range owners {
		if err := db.RequestStop(o, c.Bool("now")); err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "asked %s to stop\n", ownerText(o))
	}
	for _, o := range owners {
		if err := outlive(c.Context, db, o); err != nil {
			return err
		}
	}
	if sweep, err = db.Sweep(c.Context, sweep.ID); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s is stopped: %s of %d kept in %s\n", sweep.Title, stats.Count(sweep.Done(), "trial with a result", "trials with results"), sweep.Trials, db.Path())
	return nil
}

// outlive waits until an owner has ended.
func outlive(ctx context.Context, db *store.Store, o store.Owner) error {
	for db.Lives(o) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(training.Look / 3):
		}
	}
	return nil
}

func ownerText(o store.Owner) string {
	return fmt.Sprintf("pid %d on %s (`%s`)", o.PID, o.Host, o.Command)
}
