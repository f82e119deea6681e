package sweeps

import (
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// Pruning says how trials are pruned; nil if they are not. known are the trials that have results already.
func (s *Spec) Pruning(known []runner.Known) *runner.Pruning {
	if s.Prune == nil {
		return nil
	}
	p := &runner.Pruning{Rule: *s.Prune, Known: known}
	if s.keep != nil {
		p.Keep = func(t runner.Trial) bool { return s.keep.Evaluate(s.lookup(t)) }
	}
	return p
}

// prune reads [prune]. By the defaults, points are compared about three times in a training (halving), or
// five times (the other rules).
func (d *decoder) prune(e *document.Entry) {
	s := d.open(e, pruneTable)
	if e == nil || s.absent {
		return
	}
	s = s.choose()
	s.only()
	epochs := d.spec.Task.Epochs
	if d.spec.Task.Command != nil {
		if epochs == 0 {
			d.report(s.at, document.Problem{Message: "[prune] compares trials after parts of their epochs, and [task] does not say how many there are",
				Help: "for instance epochs = 20 in [task]; the command is told by {epochs}"})
			return
		}
		d.warn(s.at, document.Problem{Message: "trials wait for each other where they are compared: their processes are paused and stay in memory",
			Help: "a small grid, or programs that take little memory, can afford it"})
	}
	if slices.ContainsFunc(d.spec.Axes, func(a Axis) bool { return a.Name == "epochs" && len(a.Values) > 1 }) {
		d.report(s.at, document.Problem{Message: "trials are compared after equal epochs, but `epochs` is an axis", Help: "give each number of epochs a sweep of its own"})
	}
	r := prune.Rule{
		Name:    s.choice("rule"),
		Monitor: s.metricName("monitor", d.spec.Metric.Name),
	}
	r.Goal = d.spec.Metric.Goal
	if r.Monitor != d.spec.Metric.Name {
		r.Goal, _ = stop.GoalByName(r.Monitor)
		if d.spec.Task.Command != nil {
			r.Goal = d.goalByName(s.place("monitor"), r.Monitor)
		}
	}
	if r.Name == prune.Halving {
		r.Eta = s.integer("eta")
		r.First = s.integerOr("first", max(1, epochs/r.Eta/r.Eta/r.Eta))
	} else {
		r.Every = s.integerOr("every", max(1, epochs/5))
		r.First = s.integerOr("first", max(1, epochs/5))
	}
	if r.Name == prune.Percentile {
		r.Percent = s.real("percent")
	}
	if len(r.Rungs(epochs)) == 0 {
		s.report(s.place("first"), document.Problem{Message: fmt.Sprintf("`first` is epoch %d of %d: nothing would ever be pruned", r.First, epochs)})
	}
	d.spec.Prune = &r
	d.spec.keep = s.expression("keep")
}
