package question

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// values reads the metric where its summary does not have it: after a certain epoch, and of test data at
// the epoch that validation has chosen.
func (c *comparison) values(ctx context.Context) error {
	ask := &c.ask
	chosenBy := c.sweeps[0].Metric
	if strings.HasPrefix(ask.Metric, testPrefix) && !strings.HasPrefix(chosenBy, testPrefix) {
		return c.chosenBy(ctx, chosenBy)
	}
	epoch, err := epochOf(ask.At)
	if err != nil || epoch < 0 {
		return err
	}
	ask.ValueAt, ask.EpochAt = map[int64]float64{}, map[int64]int{}
	for _, s := range c.sweeps {
		values, err := c.db.ValueAt(ctx, s.ID, ask.Metric, epoch)
		if err != nil {
			return err
		}
		maps.Copy(ask.ValueAt, values)
		for run := range values {
			ask.EpochAt[run] = epoch
		}
	}
	return nil
}

// chosenBy has points chosen by another metric than the one that is shown, at its epoch.
func (c *comparison) chosenBy(ctx context.Context, metric string) error {
	ask := &c.ask
	results, err := c.results(ctx, metric)
	if err != nil {
		return err
	}
	epoch, err := epochOf(ask.At)
	if err != nil {
		return err
	}
	ask.Choice, ask.ChoiceName, ask.ChoiceGoal, ask.ValueAt = map[int64]float64{}, metric, stop.Goal(c.sweeps[0].Goal), map[int64]float64{}
	steps := map[int64]int{}
	ask.EpochAt = steps
	for _, r := range results {
		if !r.Found {
			continue
		}
		switch {
		case ask.At == "last":
			ask.Choice[r.RunID], steps[r.RunID] = r.Summary.Last, r.Epochs
		case epoch >= 0:
			steps[r.RunID] = epoch
		case ask.ChoiceGoal == stop.Max:
			ask.Choice[r.RunID], steps[r.RunID] = r.Summary.Max, r.Summary.MaxStep
		default:
			ask.Choice[r.RunID], steps[r.RunID] = r.Summary.Min, r.Summary.MinStep
		}
	}
	for _, s := range c.sweeps {
		if epoch >= 0 {
			chosen, err := c.db.ValueAt(ctx, s.ID, metric, epoch)
			if err != nil {
				return err
			}
			maps.Copy(ask.Choice, chosen)
		}
		curves, err := c.db.Curves(ctx, s.ID, ask.Metric)
		if err != nil {
			return err
		}
		for run, curve := range curves {
			if v, ok := atEpoch(curve, steps[run]); ok {
				ask.ValueAt[run] = v
			}
		}
	}
	return nil
}

// onTest adds what the chosen points come to on test data.
func (c *comparison) onTest(ctx context.Context, r *compare.Report) error {
	best, ok := r.BestRun()
	if !ok || strings.HasPrefix(r.Metric, testPrefix) {
		return nil
	}
	known, err := c.db.Metrics(ctx, best)
	if err != nil {
		return err
	}
	for _, m := range known {
		if !strings.HasPrefix(m.Metric, testPrefix) {
			continue
		}
		t := compare.OnTest{Metric: m.Metric}
		for _, a := range r.Arms {
			var values []float64
			if a.Chosen >= 0 {
				if values, err = c.atChosenEpochs(ctx, r.Points[a.Chosen], m.Metric); err != nil {
					return err
				}
			}
			t.Arms = append(t.Arms, r.Interval(values))
		}
		r.OnTest = append(r.OnTest, t)
	}
	return nil
}

// testPrefix begins the names of metrics of test data.
const testPrefix = "test_"

// atChosenEpochs are the values of a metric at the epochs whose value of the compared metric counts: those of
// the parameters that are kept.
func (c *comparison) atChosenEpochs(ctx context.Context, s compare.Point, metric string) ([]float64, error) {
	var values []float64
	for _, seed := range s.Seeds {
		if seed.Run == 0 || !seed.Status.Done() {
			continue
		}
		curve, err := c.db.Curve(ctx, seed.Run, metric)
		if err != nil {
			return nil, err
		}
		if v, ok := atEpoch(curve, seed.Epoch); ok {
			values = append(values, v)
		}
	}
	return values, nil
}

func atEpoch(curve []runner.CurvePoint, epoch int) (float64, bool) {
	i, ok := slices.BinarySearchFunc(curve, epoch, func(p runner.CurvePoint, epoch int) int { return p.Epoch - epoch })
	if !ok {
		return 0, false
	}
	return curve[i].Value, true
}
