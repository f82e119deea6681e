// Package showing shows single runs and points of a database, and lists of runs, as text and as JSON.
package showing

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

const (
	clock = "15:04:05"
	day   = "2006-01-02 " + clock
)

// A Run is everything that the database has about a run.
type Run struct {
	run          store.Run
	label        compare.Label
	givenUp      []question.GivenUp
	settings     []runner.Setting
	metrics      []store.MetricSummary
	curves       map[string][]float64
	events       []store.Event
	environment  store.Environment
	plugins      []store.PluginUse
	coefficients map[string]float64
}

// ReadRun reads everything about a run.
func ReadRun(ctx context.Context, db *store.Store, r store.Run) (*Run, error) {
	out := &Run{run: r, curves: map[string][]float64{}}
	for _, read := range []func() error{
		func() (err error) { out.settings, err = db.TrialSettings(ctx, r.Trial); return err },
		func() (err error) { out.metrics, err = db.Metrics(ctx, r.ID); return err },
		func() (err error) { out.events, err = db.Events(ctx, r.ID); return err },
		func() (err error) { out.environment, err = db.EnvironmentOf(ctx, r.ID); return err },
		func() (err error) { out.plugins, err = db.PluginsOf(ctx, r.ID); return err },
		func() (err error) { out.coefficients, err = db.Coefficients(ctx, r.ID); return err },
		func() (err error) { out.givenUp, err = question.FindGivenUp(ctx, db, r.Point); return err },
		func() (err error) { out.label, err = question.LabelOf(ctx, db, r); return err },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	for _, m := range out.metrics {
		points, err := db.Curve(ctx, r.ID, m.Metric)
		if err != nil {
			return nil, err
		}
		for _, point := range points {
			out.curves[m.Metric] = append(out.curves[m.Metric], point.Value)
		}
	}
	return out, nil
}

// JSON is the run as JSON has it.
func (r *Run) JSON() any {
	series := map[string][]report.JSONNumber{}
	for name, curve := range r.curves {
		for _, v := range curve {
			series[name] = append(series[name], report.JSONNumber(v))
		}
	}
	used := []map[string]any{}
	for _, use := range r.plugins {
		used = append(used, map[string]any{"role": use.Role, "name": use.Name, "version": use.Version, "protocol": use.Protocol,
			"features": use.Features, "identity": use.Digest})
	}
	return map[string]any{"xrun_run": 1, "run": JSONOf(r.run), "point_key": r.run.Point, "given_up": givenUpJSON(r.givenUp), "events": r.events,
		"environment": r.environment, "plugins": used, "settings": texts(r.settings), "coefficients": r.coefficients, "curves": series}
}

// Write writes the run for a person.
func (r *Run) Write(w io.Writer) {
	run := r.run
	fmt.Fprintf(w, "run %d of trial %s, attempt %d, in sweep %s\n", run.ID, run.Trial, run.Attempt, run.SweepTitle)
	fmt.Fprintf(w, "%s seed %d\nof point %s\n", r.label, run.Seed, run.Point.Short())
	fmt.Fprintf(w, "%s after %s", run.Status, stats.Count(run.Epochs, "epoch", "epochs"))
	if run.Keeps {
		fmt.Fprintf(w, " (%s %s at epoch %d is kept)", run.Metric, stats.Number(run.Kept.Value), run.Kept.Epoch)
	}
	fmt.Fprint(w, ", ")
	if run.Cost.Steps > 0 { // a program counts its own
		fmt.Fprintf(w, "%d steps, ", run.Cost.Steps)
	}
	fmt.Fprint(w, report.About(run.Cost.Wall))
	if run.Reason != "" {
		fmt.Fprintf(w, ": %s", run.Reason)
	}
	place := []string{r.environment.Host, r.environment.CPU}
	if r.environment.BLAS != "" {
		place = append(place, r.environment.BLAS)
	}
	fmt.Fprintln(w)
	writeGivenUp(w, r.givenUp)
	fmt.Fprintf(w, "started %s on %s\n\n", run.StartedAt.Local().Format(day), strings.Join(place, ", "))
	t := report.NewTable("metric", "last", "min", "at", "max", "at", "curve")
	for _, m := range r.metrics {
		t.Row(m.Metric, stats.Number(m.Last), stats.Number(m.Min), m.MinStep, stats.Number(m.Max), m.MaxStep, live.Spark(r.curves[m.Metric], 24))
	}
	t.Write(w)
	fmt.Fprintln(w)
	s := report.NewTable("setting", "value")
	for _, set := range r.settings {
		s.Row(set.Path, set.Value.String())
	}
	for _, part := range slices.Sorted(maps.Keys(r.coefficients)) {
		s.Row("coefficient of "+part, stats.Number(r.coefficients[part]))
	}
	s.Write(w)
	fmt.Fprintln(w)
	u := report.NewTable("role", "component", "version", "protocol", "features", "identity")
	for _, use := range r.plugins {
		u.Row(use.Role, use.Name, use.Version, use.Protocol, strings.Join(use.Features, ", "), use.Digest)
	}
	u.Write(w)
	for _, e := range r.events {
		fmt.Fprintf(w, "\n%s %s, epoch %d: %s\n", e.At.Local().Format(clock), e.Kind, e.Epoch, e.Message)
		if e.Kind == question.EventMLflow {
			continue // what its client knows: it is above, or for the client alone
		}
		for _, line := range strings.Split(e.Detail, "\n") {
			if line != "" {
				fmt.Fprintln(w, "   ", line)
			}
		}
	}
}

// texts are settings by their paths.
func texts(settings []runner.Setting) map[string]string {
	values := map[string]string{}
	for _, s := range settings {
		values[s.Path] = s.Value.String()
	}
	return values
}
