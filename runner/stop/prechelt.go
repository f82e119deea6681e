package stop

import (
	"fmt"
	"math"
)

// Strip is the state of PQ and UP: the current strip, and the ones before.
type Strip struct {
	Epochs     int // watched so far
	Sum, Least float64
	Last       float64 // the monitored value at the end of the strip before
	HasLast    bool
	Up         int // strips in a row that ended worse than the one before
}

// loss is GL in percent; ok is false if it is undefined.
func (w *Watch) loss(value float64) (gl float64, ok bool) {
	if w.BestValue <= 0 {
		return 0, false
	}
	return float64(100 * (value/w.BestValue - 1)), true
}

func (w *Watch) generalizationLoss(epoch int, value float64) verdict {
	gl, ok := w.loss(value)
	if !ok || !(gl > w.rule.Alpha) {
		return verdict{}
	}
	return verdict{true, "GL", gl, w.rule.Alpha, fmt.Sprintf("%s %.6g at epoch %d is %.3g %% above its best %.6g (epoch %d): GL > %g",
		w.rule.Monitor, value, epoch, gl, w.BestValue, w.BestEpoch, w.rule.Alpha)}
}

func (w *Watch) progressQuotient(epoch int, trainingLoss, value float64) verdict {
	s := &w.State.Strip
	if s.Epochs == 0 {
		s.Least = trainingLoss
	}
	s.Epochs++
	s.Sum += trainingLoss
	s.Least = math.Min(s.Least, trainingLoss)
	if s.Epochs < w.rule.Strip {
		return verdict{}
	}
	sum, least := s.Sum, s.Least
	*s = Strip{}
	gl, ok := w.loss(value)
	if !ok || least <= 0 || gl <= 0 {
		return verdict{}
	}
	progress := float64(1000 * (sum/float64(float64(w.rule.Strip)*least) - 1))
	quotient := gl / math.Max(progress, 0) // rounding can make a progress of 0 slightly negative
	if !(quotient > w.rule.Alpha) {
		return verdict{}
	}
	return verdict{true, "GL/P", quotient, w.rule.Alpha, fmt.Sprintf(
		"%s %.6g at epoch %d is %.3g %% above its best %.6g (epoch %d), for a training progress of %.3g ‰ in %d epochs: GL/P = %.3g > %g",
		w.rule.Monitor, value, epoch, gl, w.BestValue, w.BestEpoch, progress, w.rule.Strip, quotient, w.rule.Alpha)}
}

func (w *Watch) upStrips(epoch int, value float64) verdict {
	s := &w.State.Strip
	if s.Epochs++; s.Epochs < w.rule.Strip {
		return verdict{}
	}
	s.Epochs = 0
	if s.HasLast && w.rule.Goal.Better(s.Last, value) {
		s.Up++
	} else {
		s.Up = 0
	}
	s.Last, s.HasLast = value, true
	if s.Up < w.rule.Strips {
		return verdict{}
	}
	return verdict{true, "strips up", float64(s.Up), float64(w.rule.Strips), fmt.Sprintf(
		"%s became worse in %d strips of %d epochs in a row, to %.6g at epoch %d; its best is %.6g (epoch %d)",
		w.rule.Monitor, s.Up, w.rule.Strip, value, epoch, w.BestValue, w.BestEpoch)}
}
