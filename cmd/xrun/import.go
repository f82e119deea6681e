package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/importing"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/trackers"
	"github.com/xrun-dev/xrun/runner/stop"
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
		Subcommands: append([]*cli.Command{{
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
		}, p.importJournalCommand()}, p.importTrackerCommands()...),
	}
}

// importTrackerCommands are the commands that import from other trackers.
func (p *program) importTrackerCommands() (all []*cli.Command) {
	for _, t := range trackers.All {
		flags := []cli.Flag{
			storeFlag(),
			&cli.GenericFlag{Name: "experiment", Usage: "import the experiment, study or project `NAME` alone; may be repeated", Value: &texts{}},
			&cli.StringFlag{Name: "name", Usage: "the `NAME` of the sweep; the experiment's by default"},
			&cli.StringFlag{Name: "metric", Usage: "compare by the metric `NAME`"},
			&cli.StringFlag{Name: "goal", Usage: "min or max"},
			&cli.GenericFlag{Name: "map", Usage: "give a setting a meaning, `SETTING=NAME`; - leaves it out; may be repeated", Value: &texts{}},
		}
		if t.Script {
			flags = append(flags, &cli.StringFlag{Name: "python", Usage: "the `INTERPRETER` that has the package of " + t.Title + "; python3 by default"})
		}
		all = append(all, &cli.Command{
			Name:        t.Name,
			Usage:       "add the runs of " + t.Title + ", a sweep for each experiment",
			ArgsUsage:   t.From,
			Description: t.About + "\n\n" + importing.AboutTrackers,
			Flags:       flags,
			Action: func(c *cli.Context) error {
				args, err := commandline.Positional(c, 1, 1, t.From)
				if err != nil {
					return err
				}
				return p.keepImport(c, func(ctx context.Context) (importing.Keeper, error) {
					return importing.OpenCollection(ctx, &importing.Collection{Version: version(), Stdout: p.stdout, Stderr: p.stderr, Terminal: isTerminal(p.stderr), Tracker: t, From: args[0],
						Python: c.String("python"), Experiments: *c.Generic("experiment").(*texts), Name: c.String("name"), Metric: c.String("metric"), Goal: c.String("goal"), Map: *c.Generic("map").(*texts)})
				})
			},
		})
	}
	return all
}

func (p *program) importCSV(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "FILE")
	if err != nil {
		return err
	}
	return p.keepImport(c, func(context.Context) (importing.Keeper, error) {
		return importing.OpenFile(args[0], &importing.Import{Version: version(), Stdout: p.stdout, Stderr: p.stderr, Name: c.String("name"), Goal: stop.Goal(c.String("goal"))},
			*c.Generic("metric").(*texts), *c.Generic("map").(*texts))
	})
}

// keepImport opens what is imported, and puts it into the database.
func (p *program) keepImport(c *cli.Context, open func(context.Context) (importing.Keeper, error)) (err error) {
	ctx, cancel := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	defer func() {
		if ctx.Err() != nil && c.Context.Err() == nil && err != nil {
			fmt.Fprintln(p.stderr, "interrupted; the same command goes on")
			err = advice.Exit(advice.ExitInterrupt)
		}
	}()
	from, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	db, err := p.openStore(ctx, storeNamed(c.String("store")))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return from.Keep(ctx, db)
}
