package sweeps

import (
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/sweeps/document"
)

const (
	// quickEpochs limits the epochs of a first look: enough for a loss to fall or not. A warm-up gets the
	// epochs that it takes.
	quickEpochs = 5
	// quickValues is what remains of an axis: its ends and its middle.
	quickValues = 3
)

// quicken makes a first look of a sweep whose axes have been thinned: few epochs, one seed, no pruning, which
// is for long trainings. Its trials are ordinary ones: where the task is short anyway, the whole sweep does not
// train them again.
func (s *Spec) quicken() {
	epochs := quickEpochs
	for _, o := range s.Optimizers {
		if o.Schedule.Warmup > 0 && o.Schedule.Per != schedule.PerStep {
			epochs = max(epochs, o.Schedule.Warmup+2)
		}
	}
	s.Name += "-quick"
	s.Seeds = slices.Clip(s.Seeds[:min(1, len(s.Seeds))])
	s.Task.Epochs = min(s.Task.Epochs, epochs) // 0 is left to a command
	for i := range s.variants {
		s.variants[i].task.Epochs = min(s.variants[i].task.Epochs, epochs)
	}
	if epoch, named := s.Metric.At.Epoch(); named && epoch > s.leastEpochs() && s.leastEpochs() > 0 {
		s.Metric.At = runner.AtLast
	}
	s.Prune, s.keep, s.Until = nil, nil, nil
}

// thin leaves the ends and the middle of an axis for a first look. An axis that moves with
// optimizers or regularizers stays: which of them are compared does not change.
func thin[T any](d *decoder, axis string, values []T) []T {
	n := len(values)
	if !d.changes.Quick || n <= quickValues || slices.Contains(d.labelled, axis) {
		return values
	}
	return []T{values[0], values[(n-1)/2], values[n-1]}
}

// withLabels lists the axes that move together with optimizers or regularizers.
func withLabels(root *document.Node) (axes []string) {
	grid := root.Find("grid")
	if grid == nil || grid.Value.Find("zip") == nil {
		return nil
	}
	for _, group := range grid.Value.Find("zip").Value.Items {
		var names []string
		for _, n := range group.Items {
			names = append(names, n.Text)
		}
		if slices.Contains(names, "optimizer") || slices.Contains(names, "regularizer") {
			axes = append(axes, names...)
		}
	}
	return axes
}
