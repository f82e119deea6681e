package question

import (
	"context"
	"maps"
	"math"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// values reads the values that results do not hold: the metric after the epoch of --at, and the metric that chooses
// points if test data are shown.
func (c *comparison) values(ctx context.Context) error {
	ask := &c.ask
	chosenBy := c.sweeps[0].Metric
	if runner.OfTestData(ask.Metric) && !runner.OfTestData(chosenBy) {
		return c.chosenBy(ctx, chosenBy)
	}
	epoch, named := ask.At.Epoch()
	if !named {
		return nil
	}
	ask.EpochAt = map[int64]int{}
	var err error
	if ask.ValueAt, err = c.valuesAfter(ctx, ask.Metric, epoch); err != nil {
		return err
	}
	for run := range ask.ValueAt {
		ask.EpochAt[run] = epoch
	}
	return nil
}

// valuesAfter are the values of a metric after one epoch, by run.
func (c *comparison) valuesAfter(ctx context.Context, metric string, epoch int) (map[int64]float64, error) {
	all := map[int64]float64{}
	for _, s := range c.sweeps {
		values, err := c.db.ValueAt(ctx, s.ID, metric, epoch)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, values)
	}
	return all, nil
}

// chosenBy chooses points by another metric than the shown one, at its epoch.
func (c *comparison) chosenBy(ctx context.Context, metric string) error {
	ask := &c.ask
	results, err := c.results(ctx, metric)
	if err != nil {
		return err
	}
	ask.Choice, ask.ChoiceName, ask.ChoiceGoal = map[int64]float64{}, metric, stop.Goal(c.sweeps[0].Goal)
	if ask.At == "" {
		for _, r := range results {
			if r.Keeps {
				ask.Choice[r.RunID] = r.Kept.Value
			}
		}
		return nil
	}
	ask.ValueAt, ask.EpochAt = map[int64]float64{}, map[int64]int{}
	keep := runner.Keep{Metric: metric, Goal: ask.ChoiceGoal, At: ask.At}
	var after map[int64]float64
	if epoch, named := ask.At.Epoch(); named {
		if after, err = c.valuesAfter(ctx, metric, epoch); err != nil {
			return err
		}
	}
	for _, r := range results {
		kept, ok, known := keep.ValueInShort(r.Status, r.Epochs, r.Summary)
		if !known {
			kept.Epoch, _ = ask.At.Epoch()
			kept.Value, ok = after[r.RunID]
		}
		if ok {
			ask.Choice[r.RunID], ask.EpochAt[r.RunID] = kept.Value, kept.Epoch
		}
	}
	for _, s := range c.sweeps {
		curves, err := c.db.Curves(ctx, s.ID, ask.Metric)
		if err != nil {
			return err
		}
		for run, epoch := range ask.EpochAt {
			if v, ok := runner.ValueAt(curves[run], epoch); ok {
				ask.ValueAt[run] = v
			}
		}
	}
	return nil
}

// onTest adds the values of the chosen points on test data.
func (c *comparison) onTest(ctx context.Context, r *compare.Report) error {
	best, ok := r.BestSeed()
	if !ok || runner.OfTestData(r.Metric) {
		return nil
	}
	known, err := c.db.Metrics(ctx, best.Run)
	if err != nil {
		return err
	}
	for _, m := range known {
		if !runner.OfTestData(m.Metric) {
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

// constants adds what a constant predictor scores on the rows of the best point's runs.
func (c *comparison) constants(ctx context.Context, r *compare.Report) (err error) {
	best, ok := r.Best()
	if !ok || c.ask.Command || c.ask.Imported {
		return nil
	}
	var runs []int64
	for _, seed := range best.Seeds {
		runs = append(runs, seed.Run)
	}
	r.Constants, err = c.db.Constants(ctx, runs)
	return err
}

// atChosenEpochs are the values of a metric after the epochs whose values of the compared metric are shown.
func (c *comparison) atChosenEpochs(ctx context.Context, s compare.Point, metric string) ([]float64, error) {
	var values []float64
	for _, seed := range s.Seeds {
		if seed.Run == 0 || math.IsNaN(seed.Value) {
			continue
		}
		curve, err := c.db.Curve(ctx, seed.Run, metric)
		if err != nil {
			return nil, err
		}
		if v, ok := runner.ValueAt(curve, seed.Epoch); ok {
			values = append(values, v)
		}
	}
	return values, nil
}
