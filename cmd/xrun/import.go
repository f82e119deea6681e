package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/imported"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) importCommand() *cli.Command {
	return &cli.Command{
		Name:  "import",
		Usage: "take results from elsewhere into the database",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return noCommand("import", c.Args().First(), c.Command.Subcommands)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{{
			Name:      "csv",
			Usage:     "take the results of a CSV file as a sweep of their own",
			ArgsUsage: "FILE",
			Description: `The first line names the columns. lr, lambda, optimizer, regularizer, seed, epoch (or step), status and
wall_seconds are what they are called; a column metric with a column value has one value a row. Otherwise
columns named by --metric, and those like val_loss or accuracy, are metrics. run, run_id, trial, id and index
are identifiers, which are not read. All others are settings, which tell runs apart as well: rows with the same settings and the same seed are epochs of one run. Without an epoch a
row is a whole run. Empty cells and NA are missing, NaN is NaN.

   xrun import csv results.csv --metric val_loss
   xrun import csv old.csv --map eta=lr --map l2=lambda --map comment=- --metric score --goal max

Runs are finished, or diverged if the metric's last value is NaN or infinite, unless a column says otherwise.
What is there already is not taken again. Other content is another sweep, of the same name; the earlier
one stays until xrun db delete --sweep removes it. Nothing is taken of a file with a mistake.`,
			Flags: []cli.Flag{
				storeFlag(),
				&cli.StringFlag{Name: "name", Usage: "the `NAME` of the sweep; the file's by default"},
				&cli.GenericFlag{Name: "metric", Usage: "the column or metric `NAME` is a metric; may be repeated, trials are compared by the first; val_loss by default", Value: &texts{}},
				&cli.StringFlag{Name: "goal", Usage: "min or max; max for accuracies and R², else min"},
				&cli.GenericFlag{Name: "map", Usage: "say what a column is, `COLUMN=NAME`; - leaves it out; may be repeated", Value: &texts{}},
			},
			Action: p.importCSV,
		}},
	}
}

func (p *program) importCSV(c *cli.Context) (err error) {
	args, err := positional(c, 1, 1, "FILE")
	if err != nil {
		return err
	}
	o := imported.Options{Name: filepath.Base(args[0]), Metrics: *c.Generic("metric").(*texts)}
	for _, text := range *c.Generic("map").(*texts) {
		column, as, ok := cutLast(text)
		if !ok || column == "" || as == "" {
			return advice.Usage(fmt.Errorf("--map %q is not COLUMN=NAME", text), "for instance --map eta=lr, or --map comment=- to leave a column out")
		}
		o.Map = append(o.Map, imported.Mapping{Column: column, As: as})
	}
	if goal := c.String("goal"); goal != "" && goal != "min" && goal != "max" {
		return advice.Usage(fmt.Errorf("--goal %q is neither min nor max", goal), "write --goal min or --goal max")
	}
	results, err := readResults(args[0], o)
	if err != nil {
		return err
	}
	name := c.String("name")
	if name == "" {
		name = strings.TrimSuffix(o.Name, filepath.Ext(o.Name))
	}
	if strings.TrimSpace(name) == "" || question.OneLine(name) != name {
		return advice.Usage(fmt.Errorf("%q is no name of a sweep", name), "give it one with --name")
	}
	goal, _ := question.GoalOf(store.SweepInfo{}, results.Metric)
	if g := c.String("goal"); g != "" {
		goal = stop.Goal(g)
	}
	ctx, cancel := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	db, err := p.openStore(ctx, storeNamed(c))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	i := &importing{program: p, db: db, results: results, name: name, goal: goal, file: args[0]}
	err = i.keep(ctx)
	if ctx.Err() != nil && c.Context.Err() == nil && err != nil {
		fmt.Fprintln(p.stderr, "interrupted; the same command goes on")
		return advice.Exit(advice.ExitInterrupt)
	}
	return err
}

// cutLast splits at the last =, since columns may have any name.
func cutLast(text string) (before, after string, ok bool) {
	at := strings.LastIndexByte(text, '=')
	if at < 0 {
		return "", "", false
	}
	return text[:at], text[at+1:], true
}

func readResults(path string, o imported.Options) (*imported.Results, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, advice.Usage(err, "")
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, advice.Usage(fmt.Errorf("%s is a folder", path), "xrun import csv wants a file")
	}
	results, err := imported.Read(f, o)
	return results, asUsageIf[*imported.Problems](err)
}

// importing puts results into a database.
type importing struct {
	*program
	db      *store.Store
	results *imported.Results
	name    string
	goal    stop.Goal
	file    string
}

func (i *importing) keep(ctx context.Context) error {
	r := i.results
	trials := make([]runner.Trial, len(r.Runs))
	keys := make([]runner.Key, len(r.Runs))
	points := map[runner.Key]bool{}
	for j, run := range r.Runs {
		trials[j], keys[j] = run.Trial, run.Trial.Key()
		points[run.Trial.Point()] = true
	}
	status, err := i.db.Status(ctx, keys)
	if err != nil {
		return err
	}
	before, err := i.db.FindSweep(ctx, i.name)
	if err != nil && !question.Missing(err) {
		return err
	}
	digest := r.Digest + string(i.goal)
	id, err := i.db.PutSweep(ctx, store.Sweep{Name: i.name, File: i.file, Digest: digest, Metric: r.Metric, Goal: string(i.goal), At: string(i.counts().At),
		Resolved: fmt.Sprintf("%s%q\n", question.ImportedFrom, filepath.Base(i.file)), Notes: "imported from " + filepath.Base(i.file)}, trials)
	if err != nil {
		return err
	}
	recorder := i.db.Recorder(id, store.Environment{Host: "another machine", CPU: "imported from " + filepath.Base(i.file), XrunVersion: version()}, nil)
	kept, known := 0, 0
	const together = 256
	for from := 0; from < len(trials); from += together {
		part := trials[from:min(from+together, len(trials))]
		var fresh []runner.Trial
		var runs []*imported.Run
		for j, t := range part {
			// An import that broke off has left runs without a result.
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

// counts says which epoch of a run counts: the best, as files of results do not say which parameters are kept.
func (i *importing) counts() runner.Keep {
	return runner.Keep{Metric: i.results.Metric, Goal: i.goal, At: runner.AtBest}
}

// record writes one run, a piece at a time.
func (i *importing) record(ctx context.Context, recorder *store.Recorder, id runner.RunID, run *imported.Run) error {
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
	e := runner.End{Run: id, At: time.Now(), Status: run.Status, Reason: run.Reason, Lasting: run.Status == runner.StatusFailed,
		Epochs: run.Epochs, Cost: runner.Cost{Wall: run.Wall}}
	if kept, ok := i.counts().Value(run.Status, run.Curve(i.results.Metric)); ok {
		e.Kept = &kept
	}
	return recorder.Record(ctx, runner.Update{Ends: []runner.End{e}})
}

// say tells what was made of the file.
func (i *importing) say(before store.SweepInfo, digest string, kept, known, points int) {
	r := i.results
	fmt.Fprintf(i.stdout, "%s: %s of %s, as the sweep %s; %s", filepath.ToSlash(i.file), stats.Count(kept, "run", "runs"), stats.Count(points, "point", "points"), i.name, strings.Join(r.Metrics, ", "))
	if known > 0 {
		fmt.Fprintf(i.stdout, "; %s there already", stats.Count(known, "run was", "runs were"))
	}
	fmt.Fprintf(i.stdout, "\ncompared by %s, the %s the better: xrun compare %s\n", r.Metric, map[stop.Goal]string{stop.Min: "smaller", stop.Max: "larger"}[i.goal], i.name)
	if len(r.Settings) > 0 {
		fmt.Fprintf(i.stderr, "settings: %s\n", strings.Join(r.Settings, ", "))
	}
	if len(r.Ignored) > 0 {
		fmt.Fprintf(i.stderr, "not read: %s\n", strings.Join(r.Ignored, ", "))
	}
	for _, g := range r.Guesses {
		if advice := i.advice(g, len(r.Runs) == points && points > 3); advice != "" {
			fmt.Fprintln(i.stderr, advice)
		}
	}
	if before.ID != 0 && before.Digest != digest {
		fmt.Fprintf(i.stderr, "the sweep that was called %s before has other content; it stays, and is called %d now: xrun compare %[2]d\n", i.name, before.ID)
	}
}

// advice says how to give a column a meaning that none has. alone says that no point has a second run.
func (i *importing) advice(g imported.Guess, alone bool) string {
	column := g.Column
	if column == "" {
		column = "COLUMN"
	}
	as := strings.TrimSpace(column + "=" + g.As)
	if strings.ContainsAny(as, " ()&;'\"$*?|<>") {
		as = strconv.Quote(as)
	}
	switch {
	case g.As == "seed" && alone:
		if g.Column == "" {
			as = "rep=seed"
		}
		return fmt.Sprintf("every point has one run, so nothing tells chance from effect: if a column counts repetitions, --map %s says so", as)
	case g.As == "seed" || len(i.results.Settings) == 0:
		return ""
	case g.As == "optimizer" && g.Column != "":
		return fmt.Sprintf("no column is the optimizer: --map %s makes arms of its values, as does xrun compare %s --by %s", as, i.name, g.Column)
	case g.As == "optimizer":
		return fmt.Sprintf("no column is the optimizer: --map %s makes arms of a setting, as does xrun compare %s --by COLUMN", as, i.name)
	case g.Column != "":
		return fmt.Sprintf("no column is the learning rate: --map %s says that %s is", as, g.Column)
	}
	return fmt.Sprintf("no column is the learning rate, lr: --map %s if one is", as)
}
