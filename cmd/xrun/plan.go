package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/showing"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show what a sweep would run, without running or writing anything",
		ArgsUsage: "SWEEP.toml",
		Flags: append([]cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.IntFlag{Name: "top", Usage: "list the first `N` trials; 0 is all", Value: 20},
		}, slices.Concat(wishFlags(), changeFlags(), hostFlags())...),
		Action: p.plan,
	}
}

func (p *program) plan(c *cli.Context) error {
	args, err := positional(c, 1, 1, "SWEEP.toml")
	if err != nil {
		return err
	}
	h, err := p.newHost(pluginOptionsOf(c))
	if err != nil {
		return err
	}
	p.data.Remember(args[0], version(), c.Bool("verify"))
	spec, err := p.load(c.Context, args[0], changes(c), h)
	if err != nil {
		return err
	}
	for _, w := range spec.Warnings {
		fmt.Fprintln(p.stderr, w.Warning())
	}
	where, err := filepath.Abs(storePath(c.String("store"), spec))
	if err != nil {
		return err
	}
	plan, err := training.FindPlan(c.Context, spec, where, wishesOf(c), &p.data)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		out := map[string]any{"xrun_plan": 1, "sweep": spec.Name, "store": where, "grid": spec.Grid().String(), "folded": spec.Grid().Folded, "at_once": plan.AtOnce, "trials": plan.Trials}
		if plan.Memory != nil {
			out["memory"] = plan.Memory
		}
		if plan.Seeds != nil {
			out["seeds"] = plan.Seeds
		}
		return p.printJSON(out)
	}
	fmt.Fprintf(p.stdout, "%s: %s\n", spec.Name, spec.Grid())
	open, pace := len(plan.State.Open), "at the pace of the finished trials"
	if plan.Seeds != nil {
		fmt.Fprintln(p.stdout, plan.Seeds)
		open, pace = max(plan.Seeds.Likely-plan.State.Done, 0), pace+", for the likely number"
	}
	fmt.Fprintln(p.stdout, plan.State.Describe())
	if left := plan.Each * time.Duration(open); left > 0 {
		fmt.Fprintf(p.stdout, "about %s, %s\n", report.About(left), pace)
	}
	for _, line := range plan.Machine() {
		fmt.Fprintln(p.stdout, line)
	}
	for _, line := range training.ByCause(plan.Why) {
		fmt.Fprintln(p.stdout, line)
	}
	fmt.Fprintln(p.stdout)
	head := []any{"key", "optimizer", "lr", "regularizer", "λ"}
	for _, name := range spec.AxisNames() {
		head = append(head, name)
	}
	t := report.NewTable(append(head, "seed", "state")...)
	top := c.Int("top")
	for i, row := range plan.Trials {
		if top > 0 && i == top {
			break
		}
		cells := []any{row.Key.Short(), row.Optimizer, showing.Rate(row.LR), showing.OrDash(row.Regularizer), stats.Number(row.Lambda)}
		for _, name := range spec.AxisNames() {
			cells = append(cells, showing.OrDash(row.Axes[name]))
		}
		if row.Because != "" {
			row.State += ": " + row.Because
		}
		t.Row(append(cells, row.Seed, row.State)...)
	}
	t.Write(p.stdout)
	if top > 0 && len(plan.Trials) > top {
		fmt.Fprintf(p.stdout, "… and %d more: --top 0\n", len(plan.Trials)-top)
	}
	return nil
}
