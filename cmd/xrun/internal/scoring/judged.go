package scoring

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/score"
	"github.com/xrun-dev/xrun/runner/trained"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// judged are the rows with a target, kept for the metrics that a sum of losses does not give. They are kept only where the
// model names such metrics.
type judged struct {
	classes score.Classes
	y, h    []float64
}

func (j *judged) add(m *trained.Model, target float64, values []float64, classes []int, row int) {
	switch {
	case len(m.Metrics) == 0:
	case m.Classes != nil:
		j.classes.Labels = append(j.classes.Labels, int32(target))
		j.classes.Probabilities = append(j.classes.Probabilities, values...)
		j.classes.Predicted = append(j.classes.Predicted, classes[row])
		j.classes.Count = len(m.Classes)
	default:
		if m.DType == plugins.Float32 { // as training has it
			target = float64(float32(target))
		}
		j.y, j.h = append(j.y, target), append(j.h, values[0])
	}
}

// text has the metrics of the sweep that have a value.
func (j *judged) text(m *trained.Model) (text string) {
	var judge score.Judge
	for _, name := range m.Metrics {
		var v float64
		switch {
		case m.Classes != nil:
			v = judge.Classes(name, j.classes)
		case name == "r2":
			v = j.r2()
		default:
			v = score.Numbers(name, j.y, j.h)
		}
		if !math.IsNaN(v) {
			text += ", " + name + " " + stats.Number(v)
		}
	}
	return text
}

// r2 is the coefficient of determination R²; NaN where the targets do not vary.
func (j *judged) r2() float64 {
	var sum, errors, variation score.Sum
	for _, y := range j.y {
		sum.Add(y)
	}
	mean := sum.Value() / float64(len(j.y))
	for i, y := range j.y {
		errors.Add(float64((y - j.h[i]) * (y - j.h[i])))
		variation.Add(float64((y - mean) * (y - mean)))
	}
	if variation.Value() == 0 {
		return math.NaN()
	}
	return 1 - errors.Value()/variation.Value()
}
