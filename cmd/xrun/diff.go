package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/showing"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "show the differences of two runs: settings, plugins, machine, results",
		ArgsUsage: "A B",
		Description: `A and B are numbers of runs, or beginnings of trial keys. Only differences are shown. Without any, it says whether
the curves are the same to the bit.`,
		Flags: []cli.Flag{storeFlag(), jsonFlag()},
		Action: func(c *cli.Context) error {
			args, err := commandline.Positional(c, 2, 2, "A B")
			if err != nil {
				return err
			}
			db, err := p.readStore(c.Context, c.String("store"))
			if err != nil {
				return err
			}
			defer db.Close()
			return p.diffRuns(c.Context, db, args, c.Bool("json"))
		},
	}
}

// diffRuns prints the differences of two runs.
func (p *program) diffRuns(ctx context.Context, db *store.Store, names []string, asJSON bool) error {
	if len(names) != 2 {
		return advice.Usage(fmt.Errorf("a difference is between two runs, got %d", len(names)), "for instance xrun diff 3 17")
	}
	var runs [2]store.Run
	for i, name := range names {
		var err error
		if runs[i], err = db.FindRun(ctx, name); err != nil {
			return err
		}
	}
	differences, err := question.Difference(ctx, db, runs[0], runs[1])
	if err != nil {
		return err
	}
	bits, err := question.FirstDifference(ctx, db, db, runs[0], runs[1], [2]string{fmt.Sprintf("in run %d", runs[0].ID), fmt.Sprintf("in run %d", runs[1].ID)})
	if err != nil {
		return err
	}
	if asJSON {
		return p.printJSON(map[string]any{"xrun_diff": 1, "a": showing.JSONOf(runs[0]), "b": showing.JSONOf(runs[1]), "differences": differences,
			"same_trial": runs[0].Trial == runs[1].Trial, "same_bits": bits == ""})
	}
	for _, r := range runs {
		fmt.Fprintf(p.stdout, "run %d of %s: %s seed %d, %s after %s\n", r.ID, r.SweepTitle,
			compare.Label{Optimizer: r.Optimizer, Regularizer: r.Regularizer, LR: r.LR, Lambda: r.Lambda}, r.Seed, r.Status, stats.Count(r.Epochs, "epoch", "epochs"))
	}
	group := ""
	var t *report.Table
	for _, d := range differences {
		if d.Group != group {
			if t != nil {
				t.Write(p.stdout)
			}
			group = d.Group
			fmt.Fprintln(p.stdout)
			t = report.NewTable(group, fmt.Sprintf("run %d", runs[0].ID), fmt.Sprintf("run %d", runs[1].ID))
		}
		t.Row(d.Name, d.A, d.B)
	}
	if t != nil {
		t.Write(p.stdout)
	}
	fmt.Fprintf(p.stdout, "\n%s\n", question.Conclusion(runs[0], runs[1], differences, bits))
	return nil
}
