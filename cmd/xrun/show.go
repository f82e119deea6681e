package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/store"
)

func (p *program) showCommand() *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "show everything about one run",
		ArgsUsage:   "RUN",
		Description: `RUN is the number of a run, or the beginning of a trial's key.`,
		Flags:       []cli.Flag{storeFlag(), jsonFlag()},
		Action:      p.show,
	}
}

func (p *program) show(c *cli.Context) error {
	args, err := positional(c, 1, 1, "RUN")
	if err != nil {
		return err
	}
	db, err := p.readStore(c)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := c.Context
	r, err := db.FindRun(ctx, args[0])
	if err != nil {
		return err
	}
	settings, err := db.TrialSettings(ctx, r.Trial)
	if err != nil {
		return err
	}
	metrics, err := db.Metrics(ctx, r.ID)
	if err != nil {
		return err
	}
	events, err := db.Events(ctx, r.ID)
	if err != nil {
		return err
	}
	env, err := db.EnvironmentOf(ctx, r.ID)
	if err != nil {
		return err
	}
	used, err := db.PluginsOf(ctx, r.ID)
	if err != nil {
		return err
	}
	coefficients, err := db.Coefficients(ctx, r.ID)
	if err != nil {
		return err
	}
	curves := map[string][]float64{}
	for _, m := range metrics {
		points, err := db.Curve(ctx, r.ID, m.Metric)
		if err != nil {
			return err
		}
		for _, point := range points {
			curves[m.Metric] = append(curves[m.Metric], point.Value)
		}
	}
	if c.Bool("json") {
		out := map[string]any{"xrun_run": 1, "run": runToJSON(r), "events": events, "environment": env, "plugins": usedToJSON(used)}
		values := map[string]string{}
		for _, s := range settings {
			values[s.Path] = s.Value.String()
		}
		out["settings"], out["coefficients"] = values, coefficients
		series := map[string][]report.JSONNumber{}
		for name, curve := range curves {
			for _, v := range curve {
				series[name] = append(series[name], report.JSONNumber(v))
			}
		}
		out["curves"] = series
		return p.printJSON(out)
	}
	fmt.Fprintf(p.stdout, "run %d of trial %s, attempt %d, in sweep %s\n", r.ID, r.Trial, r.Attempt, r.Sweep)
	fmt.Fprintf(p.stdout, "%s lr %s %s λ %s seed %d\n", r.Optimizer, report.Number(r.LR), orDash(r.Regularizer), report.Number(r.Lambda), r.Seed)
	fmt.Fprintf(p.stdout, "%s after %d epochs (best %d), %d steps, %s", r.Status, r.Epochs, r.BestEpoch, r.Cost.Steps, report.About(r.Cost.Wall))
	if r.Reason != "" {
		fmt.Fprintf(p.stdout, ": %s", r.Reason)
	}
	fmt.Fprintf(p.stdout, "\nstarted %s on %s, %s, %s\n\n", r.StartedAt.Local().Format("2006-01-02 15:04:05"), env.Host, env.CPU, env.BLAS)
	t := report.NewTable("metric", "last", "min", "at", "max", "at", "curve")
	for _, m := range metrics {
		t.Row(m.Metric, report.Number(m.Last), report.Number(m.Min), m.MinStep, report.Number(m.Max), m.MaxStep, live.Spark(curves[m.Metric], 24))
	}
	t.Write(p.stdout)
	fmt.Fprintln(p.stdout)
	s := report.NewTable("setting", "value")
	for _, set := range settings {
		s.Row(set.Path, set.Value.String())
	}
	for _, part := range slices.Sorted(maps.Keys(coefficients)) {
		s.Row("coefficient of "+part, report.Number(coefficients[part]))
	}
	s.Write(p.stdout)
	fmt.Fprintln(p.stdout)
	u := report.NewTable("role", "component", "version", "protocol", "features", "identity")
	for _, use := range used {
		u.Row(use.Role, use.Name, use.Version, use.Protocol, strings.Join(use.Features, ", "), use.Digest)
	}
	u.Write(p.stdout)
	for _, e := range events {
		fmt.Fprintf(p.stdout, "\n%s %s, epoch %d: %s\n", e.At.Local().Format("15:04:05"), e.Kind, e.Epoch, e.Message)
		for _, line := range strings.Split(e.Detail, "\n") {
			if line != "" {
				fmt.Fprintln(p.stdout, "   ", line)
			}
		}
	}
	return nil
}

// usedToJSON is the JSON form of what a run used.
func usedToJSON(used []store.PluginUse) []map[string]any {
	list := []map[string]any{}
	for _, use := range used {
		list = append(list, map[string]any{"role": use.Role, "name": use.Name, "version": use.Version, "protocol": use.Protocol,
			"features": use.Features, "identity": use.Digest})
	}
	return list
}
