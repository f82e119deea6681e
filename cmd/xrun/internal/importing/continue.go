package importing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/starter"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/trackers"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/imported"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Continue is a sweep file that goes on with an experiment: the newest, if the collection names none.
func (c *Collection) Continue(ctx context.Context) (string, error) {
	chosen, err := c.filled(ctx)
	switch {
	case err != nil:
		return "", err
	case len(chosen) > 1:
		return "", advice.Usage(fmt.Errorf("%s has %d experiments", c.From, len(chosen)), "choose one with --experiment: "+strings.Join(names(chosen), ", "))
	}
	s, e := chosen[0], chosen[0].experiment
	r, err := c.read(ctx, e, s, store.SweepInfo{})
	if err != nil {
		return "", err
	}
	metric, goal, err := c.metric(e, s)
	if err != nil {
		return "", err
	}
	out := starter.Continuation{Name: e.Name + "-next", // the imported sweep keeps its name
		Metric: metric, Goal: string(goal),
		From: fmt.Sprintf("the experiment %s of %s in %s: %s", e.Name, c.Tracker.Title, filepath.Base(c.From), stats.Count(s.runs, "run", "runs"))}
	if c.Tracker.Name == "mlflow" {
		out.Tracking = c.Tracker.Name
	}
	values, order, err := c.searched(ctx, e, &out, runner.Keep{Metric: metric, Goal: goal, At: e.At})
	if err != nil {
		return "", err
	}
	space := map[string]starter.Axis{}
	if searched, ok := c.source.(trackers.Searched); ok {
		axes, err := searched.Space(ctx, e)
		if err != nil {
			return "", err
		}
		for _, a := range axes {
			space[a.Name] = starter.Axis{Name: a.Name, Values: a.Values, Low: a.Low, High: a.High, Log: a.Log, Whole: a.Whole, Says: a.Says}
			if !slices.Contains(order, a.Name) {
				order = append(order, a.Name)
			}
		}
	}
	for _, name := range order {
		axis, known := space[name]
		distinct := starter.Distinct(values[name])
		switch {
		case name == r.Seed:
			out.Seeds, out.SeedName = max(len(distinct), 1), name
			continue
		case !known && len(distinct) < 2:
			for _, v := range distinct {
				out.Fixed = append(out.Fixed, starter.Fixed{Name: name, Value: v})
			}
			continue
		case !known:
			axis = starter.Axis{Name: name, Values: distinct}
		}
		switch numbers := s.settings[name] != nil && s.settings[name].Numbers == s.settings[name].Runs; {
		case name == r.LR && numbers:
			axis.As = runner.AxisLR
		case name == r.Lambda && numbers:
			axis.As = runner.AxisLambda
		}
		out.Axes = append(out.Axes, axis)
	}
	return out.Text(), nil
}

// searched collects the values of each setting, in the order in which they came, and the best run.
func (c *Collection) searched(ctx context.Context, e trackers.Experiment, out *starter.Continuation, counts runner.Keep) (values map[string]map[plugins.Value]int, order []string, err error) {
	values = map[string]map[plugins.Value]int{}
	best := math.NaN()
	if counts.At == "" {
		counts.At = runner.AtBest
	}
	err = c.source.Runs(ctx, e, func(run *trackers.Run) error {
		for _, s := range run.Settings {
			if values[s.Path] == nil {
				values[s.Path] = map[plugins.Value]int{}
				order = append(order, s.Path)
			}
			if _, had := values[s.Path][s.Value]; !had {
				values[s.Path][s.Value] = len(values[s.Path])
			}
		}
		if len(out.Program) == 0 {
			out.Program = run.Program
		}
		if !run.Status.Keeps() {
			return nil
		}
		all, err := c.source.Values(ctx, e, run)
		if err != nil {
			return err
		}
		curve := imported.InOrder(all[counts.Metric]).Points
		kept, ok := counts.Value(run.Status, curve)
		if _, wild := runner.Wild(curve); !ok || wild {
			return nil
		}
		if v := kept.Value; math.IsNaN(best) || counts.Goal == stop.Max && v > best || counts.Goal != stop.Max && v < best {
			best, out.Best = v, nil
			for _, s := range run.Settings {
				out.Best = append(out.Best, starter.Fixed{Name: s.Path, Value: s.Value})
			}
			out.BestSays = fmt.Sprintf("the best there: run %s with %s %v", run.ID, counts.Metric, stats.Shown(v))
		}
		return nil
	})
	return values, order, err
}

// Draft is a sweep file that goes on with what is in a path: runs of a tracker, or a multirun of Hydra.
func Draft(ctx context.Context, from, experiment string, stderr io.Writer) (text string, err error) {
	name, path := "mlflow", strings.TrimPrefix(from, "sqlite:///")
	if !strings.HasPrefix(from, "http://") && !strings.HasPrefix(from, "https://") {
		switch info, wrong := os.Stat(path); {
		case wrong != nil:
			return "", advice.Usage(wrong, "--from names a file or a folder of another tool, or the address of an MLflow server")
		case info.Name() == starter.MultirunFile:
			return starter.FromHydra(path)
		case slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(filepath.Ext(path))):
			text, err := os.ReadFile(path)
			if err != nil {
				return "", advice.Usage(err, "")
			}
			return starter.FromWandb(text, path)
		case info.IsDir():
			if found := starter.Hydra(path); found != "" {
				return starter.FromHydra(found)
			}
		}
		if name, err = trackers.Of(ctx, path); err != nil {
			return "", err
		}
	}
	i := slices.IndexFunc(trackers.All, func(t trackers.Tracker) bool { return t.Name == name })
	c := &Collection{Stderr: stderr, Tracker: trackers.All[i], From: from}
	if experiment != "" {
		c.Experiments = []string{experiment}
	}
	if _, err := OpenCollection(ctx, c); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.Continue(ctx)
}
