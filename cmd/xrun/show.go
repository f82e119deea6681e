package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) showCommand() *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "show everything about one run",
		ArgsUsage:   "RUN",
		Description: `RUN is the number of a run, or the beginning of a trial's key.`,
		Flags: []cli.Flag{storeFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "output", Usage: "print only what the program of the run printed"}},
		Action: p.show,
	}
}

func (p *program) show(c *cli.Context) error {
	args, err := positional(c, 1, 1, "RUN")
	if err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := c.Context
	r, err := db.FindRun(ctx, args[0])
	if err != nil {
		return err
	}
	if c.Bool("output") {
		return p.printOutput(ctx, db, r.ID)
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
	label, err := question.LabelOf(ctx, db, r)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "run %d of trial %s, attempt %d, in sweep %s\n", r.ID, r.Trial, r.Attempt, r.Sweep)
	fmt.Fprintf(p.stdout, "%s seed %d\n", label, r.Seed)
	fmt.Fprintf(p.stdout, "%s after %d epochs", r.Status, r.Epochs)
	if r.Keeps {
		fmt.Fprintf(p.stdout, " (%s %s at epoch %d is kept)", r.Metric, stats.Number(r.Kept.Value), r.Kept.Epoch)
	}
	fmt.Fprint(p.stdout, ", ")
	if r.Cost.Steps > 0 { // a program counts its own
		fmt.Fprintf(p.stdout, "%d steps, ", r.Cost.Steps)
	}
	fmt.Fprint(p.stdout, report.About(r.Cost.Wall))
	if r.Reason != "" {
		fmt.Fprintf(p.stdout, ": %s", r.Reason)
	}
	place := []string{env.Host, env.CPU}
	if env.BLAS != "" {
		place = append(place, env.BLAS)
	}
	fmt.Fprintf(p.stdout, "\nstarted %s on %s\n\n", r.StartedAt.Local().Format("2006-01-02 15:04:05"), strings.Join(place, ", "))
	t := report.NewTable("metric", "last", "min", "at", "max", "at", "curve")
	for _, m := range metrics {
		t.Row(m.Metric, stats.Number(m.Last), stats.Number(m.Min), m.MinStep, stats.Number(m.Max), m.MaxStep, live.Spark(curves[m.Metric], 24))
	}
	t.Write(p.stdout)
	fmt.Fprintln(p.stdout)
	s := report.NewTable("setting", "value")
	for _, set := range settings {
		s.Row(set.Path, set.Value.String())
	}
	for _, part := range slices.Sorted(maps.Keys(coefficients)) {
		s.Row("coefficient of "+part, stats.Number(coefficients[part]))
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

// printOutput prints the output of a run's program unchanged.
func (p *program) printOutput(ctx context.Context, db *store.Store, run int64) error {
	output, err := db.OutputOf(ctx, run)
	if question.Missing(err) {
		return advice.Nothing(fmt.Errorf("run %d has no output", run), "only programs of [task] command have one, if they print more than reports")
	}
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(output.Content)
	return err
}

// usedToJSON is the JSON form of the components of a run.
func usedToJSON(used []store.PluginUse) []map[string]any {
	list := []map[string]any{}
	for _, use := range used {
		list = append(list, map[string]any{"role": use.Role, "name": use.Name, "version": use.Version, "protocol": use.Protocol,
			"features": use.Features, "identity": use.Digest})
	}
	return list
}
