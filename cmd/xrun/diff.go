package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "say what differs between two runs: settings, plugins, machine, results",
		ArgsUsage: "A B",
		Description: `A and B are numbers of runs, or beginnings of trial keys. Only what differs is shown; where nothing
does, it says so, and whether the curves are the same to the bit.`,
		Flags: []cli.Flag{storeFlag(), jsonFlag()},
		Action: func(c *cli.Context) error {
			args, err := positional(c, 2, 2, "A B")
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

// An unlike is a fact that two runs do not share; "–" is one that a run does not have.
type unlike struct {
	Group string `json:"group"` // setting, plugin, environment or result
	Name  string `json:"name"`
	A     string `json:"a"`
	B     string `json:"b"`
}

// diffRuns says what differs between two runs.
func (p *program) diffRuns(ctx context.Context, db *store.Store, names []string, asJSON bool) error {
	if len(names) != 2 {
		return advice.Usage(fmt.Errorf("a difference is between two runs, got %d", len(names)), "for instance xrun diff 3 17")
	}
	var runs [2]store.Run
	var facts [2]map[[2]string]string
	for i, name := range names {
		var err error
		if runs[i], err = db.FindRun(ctx, name); err != nil {
			return err
		}
		if facts[i], err = runFacts(ctx, db, runs[i]); err != nil {
			return err
		}
	}
	differences := differ(facts[0], facts[1])
	bits, err := firstDifference(ctx, db, db, runs[0], runs[1], [2]string{fmt.Sprintf("in run %d", runs[0].ID), fmt.Sprintf("in run %d", runs[1].ID)})
	if err != nil {
		return err
	}
	if asJSON {
		return p.printJSON(map[string]any{"xrun_diff": 1, "a": runToJSON(runs[0]), "b": runToJSON(runs[1]), "differences": differences,
			"same_trial": runs[0].Trial == runs[1].Trial, "same_bits": bits == ""})
	}
	for _, r := range runs {
		fmt.Fprintf(p.stdout, "run %d of %s: %s seed %d, %s after %s\n", r.ID, r.Sweep,
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
	fmt.Fprintf(p.stdout, "\n%s\n", conclusion(runs[0], runs[1], differences, bits))
	return nil
}

// conclusion says why two runs came to what they came to.
func conclusion(a, b store.Run, differences []unlike, bits string) string {
	has := func(group string) bool {
		return slices.ContainsFunc(differences, func(d unlike) bool { return d.Group == group })
	}
	same := a.Trial == b.Trial
	switch {
	case same && bits == "":
		return "The same trial, and the same bits in every metric of every epoch and in the parameters."
	case same && has("environment"):
		return "The same trial on other arithmetic, which changes its bits: " + bits + "."
	case same:
		return "The same trial on the same kind of machine, and yet: " + bits + ". A plugin or a program may depend on more than its trial; xrun repro tells."
	case bits == "":
		return "Different trials with the same bits: what differs made no difference."
	}
	return "Different trials. First difference: " + bits + "."
}

// differ lists what two sets of facts, by group and name, do not share.
func differ(a, b map[[2]string]string) []unlike {
	names := map[[2]string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	order := []string{"setting", "plugin", "environment", "result"}
	keys := slices.SortedFunc(maps.Keys(names), func(x, y [2]string) int {
		if x[0] != y[0] {
			return slices.Index(order, x[0]) - slices.Index(order, y[0])
		}
		return slices.Compare(x[1:], y[1:])
	})
	list := []unlike{}
	for _, name := range keys {
		x, inA := a[name]
		y, inB := b[name]
		if x == y && inA == inB {
			continue
		}
		list = append(list, unlike{name[0], name[1], orDash(x), orDash(y)})
	}
	return list
}

// runFacts are what can differ between runs, by group and name.
func runFacts(ctx context.Context, db *store.Store, r store.Run) (map[[2]string]string, error) {
	facts := map[[2]string]string{}
	settings, err := db.TrialSettings(ctx, r.Trial)
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		facts[[2]string{"setting", s.Path}] = s.Value.String()
	}
	used, err := db.PluginsOf(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	for _, u := range used {
		facts[[2]string{"plugin", u.Role + " " + u.Name + " version"}] = u.Version
		facts[[2]string{"plugin", u.Role + " " + u.Name + " identity"}] = u.Digest
		facts[[2]string{"plugin", u.Role + " " + u.Name + " protocol"}] = u.Protocol
	}
	e, err := db.EnvironmentOf(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	dirty := ""
	if e.GitDirty {
		dirty = ", with changes"
	}
	for name, value := range map[string]string{"host": e.Host, "CPU": e.CPU, "cores": fmt.Sprint(e.Cores), "operating system": e.OS, "architecture": e.Arch,
		"arithmetic": e.BLAS, "xrun": e.XrunVersion, "Go": e.GoVersion, "git commit": e.GitCommit + dirty} {
		facts[[2]string{"environment", name}] = value
	}
	metrics, err := db.Metrics(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	for _, m := range metrics {
		text := stats.Number(m.Last) + " last"
		if r.Keeps {
			curve, err := db.Curve(ctx, r.ID, m.Metric)
			if err != nil {
				return nil, err
			}
			v, _ := runner.ValueAt(curve, r.Kept.Epoch)
			text = fmt.Sprintf("%s at epoch %d, which counts, %s", stats.Number(v), r.Kept.Epoch, text)
		}
		facts[[2]string{"result", m.Metric}] = text
	}
	facts[[2]string{"result", "status"}] = string(r.Status)
	facts[[2]string{"result", "reason"}] = r.Reason
	facts[[2]string{"result", "epochs"}] = fmt.Sprint(r.Epochs)
	return facts, nil
}
