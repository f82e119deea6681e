package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/importing"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/imported"
)

func (p *program) importCommand() *cli.Command {
	return &cli.Command{
		Name:  "import",
		Usage: "add results of other programs to the database",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return commandline.NoCommand("import", c.Args().First(), c.Command.Subcommands)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{{
			Name:      "csv",
			Usage:     "add the results of a CSV file as a sweep of their own",
			ArgsUsage: "FILE",
			Description: `The first line names the columns. lr, lambda, optimizer, regularizer, seed, epoch (or step), status and
wall_seconds have the meaning of their names. With the columns metric and value a row has one value; otherwise
the columns of --metric, and names such as val_loss or accuracy, are metrics. run, run_id, trial, id and index
are identifiers, which are not read. All other columns are settings: rows with the same settings and seed are
epochs of one run. Without a column epoch a row is a whole run. Empty cells and NA are missing, NaN is NaN.

   xrun import csv results.csv --metric val_loss
   xrun import csv old.csv --map eta=lr --map l2=lambda --map comment=- --metric score --goal max

Without a column status runs are finished, or diverged if the metric's last value is NaN or infinite. Nothing is
imported twice. A file with other content is another sweep of the same name; the earlier one stays until
xrun db delete --sweep removes it. Nothing is imported from a file with a mistake.`,
			Flags: []cli.Flag{
				storeFlag(),
				&cli.StringFlag{Name: "name", Usage: "the `NAME` of the sweep; the file's by default"},
				&cli.GenericFlag{Name: "metric", Usage: "read the metric `NAME`; may be repeated; trials are compared by the first, val_loss by default", Value: &texts{}},
				&cli.StringFlag{Name: "goal", Usage: "min or max; max for accuracies and R², else min"},
				&cli.GenericFlag{Name: "map", Usage: "give a column a meaning, `COLUMN=NAME`; - leaves it out; may be repeated", Value: &texts{}},
			},
			Action: p.importCSV,
		}, p.importJournalCommand()},
	}
}

func (p *program) importCSV(c *cli.Context) (err error) {
	args, err := commandline.Positional(c, 1, 1, "FILE")
	if err != nil {
		return err
	}
	o := imported.Options{Name: filepath.Base(args[0]), Metrics: *c.Generic("metric").(*texts)}
	if goal := c.String("goal"); goal != "" && goal != "min" && goal != "max" {
		return advice.Usage(fmt.Errorf("--goal %q is neither min nor max", goal), "write --goal min or --goal max")
	}
	results, err := importing.Read(args[0], o, *c.Generic("map").(*texts))
	if err != nil {
		return err
	}
	name := c.String("name")
	if name == "" {
		name = strings.TrimSuffix(o.Name, filepath.Ext(o.Name))
	}
	if strings.TrimSpace(name) == "" || advice.OneLine(name) != name {
		return advice.Usage(fmt.Errorf("%q is not a name for a sweep", name), "give it one with --name")
	}
	goal, _ := question.GoalOf(store.SweepInfo{}, results.Metric)
	if g := c.String("goal"); g != "" {
		goal = stop.Goal(g)
	}
	ctx, cancel := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	db, err := p.openStore(ctx, storeNamed(c.String("store")))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	i := &importing.Import{Version: version(), Stdout: p.stdout, Stderr: p.stderr, DB: db, Results: results, Name: name, Goal: goal, File: args[0]}
	err = i.Keep(ctx)
	if ctx.Err() != nil && c.Context.Err() == nil && err != nil {
		fmt.Fprintln(p.stderr, "interrupted; the same command goes on")
		return advice.Exit(advice.ExitInterrupt)
	}
	return err
}
