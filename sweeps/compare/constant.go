package compare

import (
	"fmt"
	"math"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Constant is what a predictor scores that knows the targets of the training rows and nothing else: it says whether anything
// was learned. It is judged on the rows of the best point's runs.
type Constant struct {
	Metric string
	Value  float64 // the mean over the seeds of the best point
	Says   string  // what it predicts, for people
	best   stats.Interval
	// Better is by how much the best point is better, paired by seed; of one seed it has no interval.
	Better stats.Interval
	OnTest []ConstantOnTest // metrics of test data, in the order of the report's
}

// A ConstantOnTest is the mean of a metric of test data.
type ConstantOnTest struct {
	Metric string
	Value  float64
	best   stats.Interval
}

// Constant is the constant predictor on the rows of the best point; ok is false where none is known, as of programs, test
// functions, and metrics that are not of rows.
func (r *Report) Constant() (c Constant, ok bool) {
	best, ok := r.Best()
	if !ok || r.Across != nil {
		return Constant{}, false
	}
	var ours, its []float64
	classes := false
	for _, seed := range best.Seeds {
		scores := r.Constants[seed.Run]
		v, known := scores[r.Metric]
		if !known || math.IsNaN(seed.Value) {
			return Constant{}, false // a mean over other seeds could not be compared
		}
		_, classes = scores[runner.PartTrain+"accuracy"]
		ours, its = append(ours, seed.Value), append(its, v)
	}
	c = Constant{Metric: r.Metric, Value: stats.Mean(its), Says: runner.ConstantSays(r.Metric, classes), Better: stats.PairedT(ours, its, Level), best: best.Interval}
	if !r.Goal.Better(1, 0) {
		c.Better = stats.PairedT(its, ours, Level)
	}
	for i, t := range r.OnTest {
		var values []float64
		for _, seed := range best.Seeds {
			if v, known := r.Constants[seed.Run][t.Metric]; known {
				values = append(values, v)
			}
		}
		if len(values) == len(best.Seeds) {
			c.OnTest = append(c.OnTest, ConstantOnTest{t.Metric, stats.Mean(values), r.bestOnTest(i)})
		}
	}
	return c, true
}

// bestOnTest is a metric of test data of the arm that the best point is of; unknown if none is.
func (r *Report) bestOnTest(metric int) stats.Interval {
	for k, a := range r.Arms {
		if a.Chosen == 0 && k < len(r.OnTest[metric].Arms) {
			return r.OnTest[metric].Arms[k]
		}
	}
	return stats.None()
}

// told reports whether the best point is better than the constant: its interval is above 0, or of one seed its value.
func (c Constant) told() bool {
	if c.Better.IsRounding(c.Value) {
		return false
	}
	if c.Better.N < 2 {
		return c.Better.Value > 0
	}
	return c.Better.Low > 0
}

// ConstantName is what tables call the constant predictor.
const ConstantName = "a constant"

// Text is the value for a table, to the place to which the best point's is written.
func (c Constant) Text() string { return stats.Beside(c.Value, c.best) }

// String is the row under a table.
func (c Constant) String() string {
	scores := []string{c.Metric + " " + c.Text()}
	for _, t := range c.OnTest {
		scores = append(scores, t.Metric+" "+stats.Beside(t.Value, t.best))
	}
	return fmt.Sprintf("%s: %s (it predicts %s)", ConstantName, strings.Join(scores, ", "), c.Says)
}

// unlearned warns of a best point that a constant predictor may equal.
func (r *Report) unlearned() []Note {
	c, ok := r.Constant()
	if !ok || c.told() {
		return nil
	}
	return []Note{warningf("the best point is not told from a constant, which predicts %s and scores %s %s: the inputs may say nothing about the target", c.Says, c.Metric, c.Text())}
}
