package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/showing"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

func (p *program) runsCommand() *cli.Command {
	return &cli.Command{
		Name:      "runs",
		Usage:     "list runs, newest first",
		ArgsUsage: "[SWEEP]",
		Description: `Conditions are written as in sweep files:

   xrun runs --where "optimizer ~ '^adam' and lr < 3e-3 and min(val_loss) < 0.3"
   xrun runs --where "status == 'failed' and error is not null" --limit 0

Names are run, trial, sweep, optimizer, regularizer, lr, lambda, seed, attempt, status, reason, error,
epochs, kept_epoch, steps, wall_seconds, started_at and ended_at; every setting by its path, such as
optimizer.momentum or task.batch; and every metric. val_loss is the value at the kept epoch; min(val_loss),
max, first, last, mean, count and step(min(val_loss)) are of the whole curve. --cols and --sort take lists:

   xrun runs digits --cols "last(train_loss), wall_seconds" --sort "-min(val_loss)"`,
		Flags: []cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.StringSliceFlag{Name: "status", Usage: "only runs of this `STATUS`: " + question.Joined(statuses)},
			&cli.StringFlag{Name: "where", Usage: "only runs for which the condition `EXPR` holds"},
			&cli.StringFlag{Name: "cols", Usage: "further columns, a list of `EXPRS`: \"last(train_loss), wall_seconds\""},
			&cli.StringFlag{Name: "sort", Usage: "sort by `EXPRS` instead of newest first; - before one is largest first"},
			&cli.IntFlag{Name: "width", Usage: "fit the table into `COLUMNS` characters; the terminal's width by default"},
			&cli.IntFlag{Name: "limit", Usage: "list at most `N` runs; 0 is all", Value: 30},
		},
		Action: p.runs,
	}
}

// statuses are the values of --status.
var statuses = []runner.Status{runner.StatusRunning, runner.StatusFinished, runner.StatusStopped, runner.StatusPruned,
	runner.StatusDiverged, runner.StatusFailed, runner.StatusInterrupted}

func (p *program) runs(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	limit := c.Int("limit")
	q := store.RunQuery{Newest: true}
	if limit > 0 && c.String("sort") == "" {
		q.Limit = limit + 1 // one more shows whether there are more
	}
	for _, s := range c.StringSlice("status") {
		if !slices.Contains(statuses, runner.Status(s)) {
			return advice.Usage(fmt.Errorf("--status %q is not a status of a run", s), "it is one of "+question.Joined(statuses))
		}
		q.Status = append(q.Status, runner.Status(s))
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	l := question.NewList(db)
	if len(args) == 1 {
		if l.Sweep, err = db.FindSweep(c.Context, sweepName(args)); err != nil {
			return err
		}
		q.Sweep = l.Sweep.ID
	}
	if c.IsSet("where") {
		schema, err := question.StoreSchema(c.Context, db, q.Sweep)
		if err != nil {
			return err
		}
		x, err := question.Condition("--where", c.String("where"), schema)
		if err != nil {
			return err
		}
		q.Where = x
	}
	if l.Runs, err = db.Runs(c.Context, q); err != nil {
		return err
	}
	if len(l.Runs) == 0 {
		return advice.Nothing(fmt.Errorf("no runs match"), "xrun runs without flags lists the newest")
	}
	if err := l.Describe(c.Context, len(args) == 1, c.String("cols"), c.String("sort")); err != nil {
		return err
	}
	more := limit > 0 && len(l.Runs) > limit
	if more {
		l.Runs = l.Runs[:limit]
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"xrun_runs": 1, "runs": showing.RunsJSON(l)})
	}
	view := p.plainView()
	if c.IsSet("width") {
		view.Width = c.Int("width")
	}
	if view.Width != 0 && view.Width < 40 {
		return advice.Usage(fmt.Errorf("--width %d is less than 40", view.Width), "0 is any width")
	}
	report.Columns(p.stdout, showing.Table(l), view)
	if more {
		fmt.Fprintln(p.stdout, "… and more: --limit 0")
	}
	if len(args) == 0 { // the newest sweep's
		if l.Sweep, err = db.FindSweep(c.Context, ""); err != nil && !question.Missing(err) {
			return err
		}
	}
	lacking, err := question.Lacking(c.Context, db, l.Sweep)
	if lacking != "" {
		fmt.Fprintln(p.stderr, lacking)
	}
	return err
}
