package question

import (
	"context"
	"fmt"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Replay applies stopping rules to the stored curves of a sweep. An empty monitor is the monitor of the sweep's own rule,
// an empty metric the sweep's.
func Replay(ctx context.Context, db *store.Store, name string, rules []stop.Rule, monitor, metric string) (*compare.Replay, error) {
	sweep, err := db.FindSweep(ctx, name)
	if err != nil {
		return nil, err
	}
	monitor, err = monitorOf(ctx, db, sweep, monitor)
	if err != nil {
		return nil, err
	}
	for i := range rules {
		rules[i].Monitor = monitor
		rules[i].Goal, _ = GoalOf(sweep, monitor)
		if problem := rules[i].NoMeaning(); problem != "" {
			return nil, advice.Usage(fmt.Errorf("%s, but the goal of %s is max", problem, monitor), "monitor a loss with --monitor, or replay up or patience")
		}
	}
	ask := compare.Question{Sweep: sweep.Title, Metric: sweep.Metric, Goal: stop.Goal(sweep.Goal), Keep: sweep.Keep()}
	if metric != "" {
		ask.Metric = metric
		ask.Goal, _ = GoalOf(sweep, metric)
	}
	var results []runner.Result
	for _, metric := range []string{monitor, ask.Metric} { // the last is the one to keep
		if results, err = db.Results(ctx, sweep.ID, metric); err != nil {
			return nil, err
		}
		if err := knownMetric(ctx, db, results, metric); err != nil {
			return nil, err
		}
	}
	curves := compare.Curves{}
	read := map[string]map[int64][]runner.CurvePoint{}
	for _, want := range []struct {
		metric string
		into   *map[int64][]runner.CurvePoint
	}{{"train_loss", &curves.Loss}, {monitor, &curves.Monitor}, {ask.Metric, &curves.Metric}, {sweep.Metric, &curves.Kept}} {
		if read[want.metric] == nil {
			if read[want.metric], err = db.Curves(ctx, sweep.ID, want.metric); err != nil {
				return nil, err
			}
		}
		*want.into = read[want.metric]
	}
	c := &comparison{db: db, sweeps: []store.SweepInfo{sweep}, ask: ask}
	about := c.describe(ctx)
	if about.err != nil {
		return nil, about.err
	}
	c.ask.Command, c.ask.Axes, c.ask.Names = about.command(), about.axes, about.names
	if err := c.problems(ctx, results, about); err != nil {
		return nil, err
	}
	ask = c.ask
	if ask.Command {
		return nil, advice.Usage(fmt.Errorf("%s trains programs, whose curves are not replayed", sweep.Name), "rules need every epoch and the training loss, which programs need not report")
	}
	r := compare.BuildReplay(ask, monitor, rules, results, curves)
	if r.Trials == 0 {
		return nil, advice.Nothing(fmt.Errorf("no trial of %s has a result to replay", sweep.Name), "xrun sweep trains them")
	}
	return r, nil
}

// monitorOf is the metric that the rules watch: the one asked for, or the monitor of the sweep's own rule, or the sweep's
// metric.
func monitorOf(ctx context.Context, db *store.Store, sweep store.SweepInfo, asked string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	_, same, err := db.Varying(ctx, sweep.ID)
	if err != nil {
		return "", err
	}
	for _, s := range same {
		if s.Path == "early_stop.monitor" && s.Value.Text != "" {
			return s.Value.Text, nil
		}
	}
	return sweep.Metric, nil
}
