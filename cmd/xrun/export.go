package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/exporting"
	"github.com/xrun-dev/xrun/store/export"
)

func (p *program) exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write runs for other programs: " + strings.Join(exporting.Formats, ", "),
		ArgsUsage: "FORMAT [SWEEP]",
		Description: `SWEEP is a name or an id of the database; the newest is the default. Each trial has one run, the
attempt that xrun compare uses.

   xrun export csv > values.csv                 a row for each value; --wide: for each run
   xrun export csv --steps --metric val_loss    a row for each epoch, a column for each metric
   xrun export jsonl -o runs.jsonl              a line for each run, with its settings and curves
   xrun export parquet -o results               results/runs.parquet and results/points.parquet
   xrun export tensorboard -o logs              tensorboard --logdir logs
   xrun export mlflow --uri http://127.0.0.1:5000    or MLFLOW_TRACKING_URI; again to go on

In CSV a missing value is empty, and reals are NaN, inf, -inf or have all their digits; an apostrophe precedes a
text that a spreadsheet would take for a formula. In JSON NaN is null, and infinities are the texts +Inf and
-Inf. TensorBoard has single precision. Values are checked against the hash of their run, except with --wide,
which reads the summaries of metrics.`,
		Flags: append([]cli.Flag{
			storeFlag(),
			&cli.StringFlag{Name: "where", Usage: "only runs for which the condition `EXPR` holds, as in xrun runs"},
			&cli.GenericFlag{Name: "metric", Usage: "only the metric `NAME`; may be repeated", Value: &texts{}},
			&cli.BoolFlag{Name: "long", Usage: "csv: a row for each value; the default"},
			&cli.BoolFlag{Name: "wide", Usage: "csv: a row for each run, with the summaries of its metrics"},
			&cli.BoolFlag{Name: "steps", Usage: "csv: a row for each epoch, with a column for each metric"},
			&cli.BoolFlag{Name: "settings", Usage: "write all settings into tables, not only the axes"},
			&cli.BoolFlag{Name: "attempts", Usage: "write all attempts at a trial"},
			&cli.BoolFlag{Name: "all", Usage: "write the runs of all sweeps"},
			&cli.StringFlag{Name: "uri", Usage: "mlflow: `URL` of the server", EnvVars: []string{"MLFLOW_TRACKING_URI"}},
			&cli.StringFlag{Name: "experiment", Usage: "mlflow: the `NAME` of the experiment, instead of the sweep's"},
		}, outputFlags("write to `FILE`, for parquet and tensorboard a folder")...),
		Action: p.export,
	}
}

func (p *program) export(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 2, "FORMAT [SWEEP]")
	if err != nil {
		return err
	}
	format := args[0]
	if !slices.Contains(exporting.Formats, format) {
		return advice.Usage(fmt.Errorf("%q is not a format", format),
			commandline.DidYouMean("", format, exporting.Formats, "it is one of "+strings.Join(exporting.Formats, ", ")+"; xrun compare --tex and --md print tables"))
	}
	o := &exporting.Options{Format: format, Sweep: sweepName(args[1:]), Output: c.String("output"), Where: c.String("where"), Metrics: *c.Generic("metric").(*texts),
		Long: c.Bool("long"), Wide: c.Bool("wide"), Steps: c.Bool("steps"), Settings: c.Bool("settings"), Attempts: c.Bool("attempts"), All: c.Bool("all"),
		Force: c.Bool("force"), URI: c.String("uri"), Experiment: c.String("experiment"),
		Stdout: p.stdout, Stderr: p.stderr, Terminal: isTerminal(p.stderr), Env: p.env, Wrote: p.wrote}
	if err := o.Check(); err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = o.Run(ctx, db)
	if ctx.Err() != nil && c.Context.Err() == nil && err != nil {
		said := "interrupted"
		if format == "mlflow" {
			said = "interrupted; the same command goes on"
		}
		fmt.Fprintln(p.stderr, said)
		return advice.Exit(advice.ExitInterrupt)
	}
	return advice.AsUsageIf[*export.AddressError](err)
}
