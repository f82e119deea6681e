package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
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

// planned is a trial in the JSON form of a plan.
type planned struct {
	Key         runner.Key        `json:"key"`
	Optimizer   string            `json:"optimizer"`
	Regularizer string            `json:"regularizer"`
	LR          float64           `json:"lr"`
	Lambda      float64           `json:"lambda"`
	Axes        map[string]string `json:"axes,omitempty"`
	Seed        int64             `json:"seed"`
	State       string            `json:"state"`
	Because     string            `json:"because,omitempty"` // for a new trial: what has changed since the trial at its place ran
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
	spec, err := p.load(c.Context, args[0], changes(c), h)
	if err != nil {
		return err
	}
	trials := spec.Trials()
	want := wishesOf(c)
	if err := want.Check(trials); err != nil {
		return err
	}
	var why map[runner.Key]string
	state := training.State{Open: trials, Fresh: len(trials)}
	var each time.Duration // mean time of a trial; 0 if unknown
	db, err := store.OpenReadOnly(c.Context, storePath(c.String("store"), spec))
	switch {
	case err == nil:
		defer db.Close()
		if state, err = training.Survey(c.Context, db, spec, trials, want); err != nil {
			return err
		}
		if each, err = training.Pace(c.Context, db, state); err != nil {
			return err
		}
		if why, err = training.Because(c.Context, db, spec, trials, state.Status); err != nil {
			return err
		}
	case !question.Missing(err):
		return err
	}
	var list []planned
	for _, t := range trials {
		row := planned{Key: t.Key(), Optimizer: t.Optimizer.Label, LR: t.LR, Lambda: t.Lambda, Seed: t.Seed, State: "new"}
		if t.Regularizer != nil {
			row.Regularizer = t.Regularizer.Label
		}
		for _, axis := range t.Axes {
			if row.Axes == nil {
				row.Axes = map[string]string{}
			}
			row.Axes[axis.Path] = axis.Value.String()
		}
		if st := state.Status[row.Key]; st.Status != "" {
			row.State = planState(st, spec.Prune != nil, want.RetryFailed)
		}
		if state.Status[row.Key].Status.Done() && want.Again(row.Key) {
			row.State = "will run again: --rerun"
		}
		row.Because = why[row.Key]
		list = append(list, row)
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"xrun_plan": 1, "sweep": spec.Name, "grid": spec.Grid().String(), "folded": spec.Grid().Folded, "trials": list})
	}
	fmt.Fprintf(p.stdout, "%s: %s\n%s\n", spec.Name, spec.Grid(), state.Describe())
	if left := each * time.Duration(len(state.Open)); left > 0 {
		fmt.Fprintf(p.stdout, "about %s, at the pace of the finished trials\n", report.About(left))
	}
	for _, line := range training.ByCause(why) {
		fmt.Fprintln(p.stdout, line)
	}
	fmt.Fprintln(p.stdout)
	head := []any{"key", "optimizer", "lr", "regularizer", "λ"}
	for _, name := range spec.AxisNames() {
		head = append(head, name)
	}
	t := report.NewTable(append(head, "seed", "state")...)
	top := c.Int("top")
	for i, row := range list {
		if top > 0 && i == top {
			break
		}
		cells := []any{row.Key.Short(), row.Optimizer, rate(row.LR), orDash(row.Regularizer), stats.Number(row.Lambda)}
		for _, name := range spec.AxisNames() {
			cells = append(cells, orDash(row.Axes[name]))
		}
		if row.Because != "" {
			row.State += ": " + row.Because
		}
		t.Row(append(cells, row.Seed, row.State)...)
	}
	t.Write(p.stdout)
	if top > 0 && len(list) > top {
		fmt.Fprintf(p.stdout, "… and %d more: --top 0\n", len(list)-top)
	}
	return nil
}

func planState(st store.TrialStatus, prunes, retryFailed bool) string {
	switch {
	case st.Status == runner.StatusPruned && prunes:
		return "pruned: " + st.Reason
	case st.Status.Done():
		return "done: " + string(st.Status)
	case st.Status == runner.StatusRunning:
		return "running: " + st.Owner
	case st.Status == runner.StatusFailed && st.Lasting && !retryFailed:
		return "failed for good: " + st.Reason
	case st.Checkpoint > 0:
		return fmt.Sprintf("goes on from epoch %d", st.Checkpoint)
	case st.Status == runner.StatusFailed:
		return "will retry: " + st.Reason
	}
	return "will run again: " + string(st.Status)
}

// rate is a learning rate in a table. A command without one has the rate 0.
func rate(lr float64) string {
	if lr == 0 {
		return orDash("")
	}
	return stats.Number(lr)
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
