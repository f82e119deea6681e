package runner

import (
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/models"
	"github.com/xrun-dev/xrun/runner/score"
)

// scoring is the working memory of metrics of rows that a task has asked for: that of one slot and one part of the data.
type scoring[F plugins.Float] struct {
	outputs models.Outputs[F]
	values  []float64 // of the rows of a part
	classes []int
	targets map[string][]float64 // of a regression, by part
	judge   score.Judge
}

// rowScores counts the metrics on request that are computed from the outputs of rows.
func (t Task) rowScores() (n int) {
	for _, name := range t.Report {
		if part, _ := PartOf(name); part != "" && t.Dataset != "" {
			n++
		}
	}
	return n
}

// prepareScores makes room for the metrics of rows. It says how many bytes that takes.
func (n *native[F]) prepareScores(t Task) (bytes float64) {
	if t.rowScores() == 0 {
		return 0
	}
	rows, columns := 0, max(1, n.config.Classes)
	for _, set := range n.sets {
		rows = max(rows, set.part.N)
	}
	n.scoring = &scoring[F]{targets: map[string][]float64{}}
	return float64(8*float64(rows)*float64(columns+1)) + score.Bytes(float64(rows))
}

// score writes the metrics of rows that are wanted for a slot to values, at their places. The slot is computed alone, so that
// the memory does not grow with the cohort.
func (n *native[F]) score(slot int, want []string, values []float64) {
	s := n.scoring
	if s == nil {
		return
	}
	if s.outputs == nil {
		s.outputs = n.model.(models.Outputs[F]) // every model of data is
	}
	for i, name := range want {
		if part, _ := PartOf(name); part != "" {
			values[i] = math.NaN() // of a part without rows
		}
	}
	for _, set := range n.sets {
		predicted := false
		for i, name := range want {
			part, metric := PartOf(name)
			if part != set.prefix {
				continue
			}
			if !predicted {
				n.predict(slot, set)
				predicted = true
			}
			if set.part.Labels != nil {
				values[i] = s.judge.Classes(metric, score.Classes{Labels: set.part.Labels, Probabilities: s.values, Predicted: s.classes, Count: n.config.Classes})
			} else {
				values[i] = score.Numbers(metric, s.numbers(set), s.values)
			}
		}
	}
}

// predict computes what a slot says of the rows of a part.
func (n *native[F]) predict(slot int, set evaluated[F]) {
	s, size := n.scoring, set.part.N*n.scoring.outputs.Columns()
	if cap(s.values) < size {
		s.values = make([]float64, size)
	}
	if cap(s.classes) < set.part.N && set.part.Labels != nil {
		s.classes = make([]int, set.part.N)
	}
	s.values, s.classes = s.values[:size], s.classes[:min(set.part.N, cap(s.classes))]
	s.outputs.Predict(set.part, n.slab, slot, s.values, s.classes)
}

// numbers are the targets of a part in float64.
func (s *scoring[F]) numbers(set evaluated[F]) []float64 {
	if s.targets[set.prefix] == nil {
		s.targets[set.prefix] = doubles(set.part.Y)
	}
	return s.targets[set.prefix]
}

// constantsOf are what the constant predictor scores on every part, by the metrics of rows that the task reports. What has no
// finite value is left out.
func (n *native[F]) constantsOf(t Task) map[string]float64 {
	if n.constants != nil || t.Dataset == "" {
		return n.constants
	}
	n.constants = map[string]float64{}
	var constant *score.Constant
	if n.parts.Train.Labels != nil {
		constant = score.OfClasses(n.parts.Train.OfClasses(), n.config.ClassWeights)
	} else {
		constant = score.OfNumbers(doubles(n.parts.Train.Y))
	}
	for _, set := range n.sets {
		rows, y := set.part.OfClasses(), doubles(set.part.Y)
		for _, name := range append(slices.Clone(n.names), t.Report...) {
			part, metric := PartOf(name)
			if part != set.prefix {
				continue
			}
			v := constant.Numbers(metric, y)
			if set.part.Labels != nil {
				v = constant.Classes(metric, rows)
			}
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				n.constants[name] = v
			}
		}
	}
	return n.constants
}

// judgeable returns an error if a metric that decides about a trial has no value on the rows of its part, as the AUC of rows of
// one class. Without it, trials would seem to diverge.
func (l *lockstep[F]) judgeable() error {
	for _, m := range l.members {
		for _, name := range []string{m.trial.Keep.Metric, m.trial.Stop.Monitor} {
			part, metric := PartOf(name)
			if f, ok := FindMetric(name); !ok || !f.OnRequest || part == "" {
				continue
			}
			if _, ok := l.native.constantsOf(l.task)[name]; !ok {
				return fmt.Errorf("%s has no value: the rows of its part are of one class under seed %d, and %s compares classes", name, m.trial.Seed, metric)
			}
		}
	}
	return nil
}

// ConstantSays describes what the constant predictor predicts where it is judged by a metric. classes tells a classification
// from a regression.
func ConstantSays(metric string, classes bool) string {
	_, metric = PartOf(metric)
	share, quantile := score.Quantile(metric)
	switch {
	case classes && slices.Contains([]string{"accuracy", score.F1, score.BalancedAccuracy}, metric):
		return "the class that most training rows have"
	case classes:
		return "the classes' shares of the training rows"
	case quantile:
		return fmt.Sprintf("the %.0f %% quantile of the training rows", float64(100*share))
	case metric == score.MAE:
		return "the median of the training rows"
	}
	return "the mean of the training rows"
}
