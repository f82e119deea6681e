package runner

import (
	"math"

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
