package sweeps

import (
	"fmt"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// earlyStop reads [early_stop]. Without the table a trial trains to its last epoch, or until it diverges.
func (d *decoder) earlyStop(e *document.Entry) {
	s := d.open(e, stopTable)
	if e == nil {
		return
	}
	s = s.choose()
	s.only()
	r := stop.New(stop.Name(s.choice("rule")))
	r.Monitor, r.Goal = d.spec.Metric.Name, d.spec.Metric.Goal
	if s.node.Find("monitor") != nil {
		r.Monitor, r.Goal = s.monitor(r.Monitor)
	}
	if problem := r.NoMeaning(); problem != "" && !d.unsure {
		d.report(s.place("rule"), document.Problem{Message: fmt.Sprintf("%s, but %s gets better when it grows", problem, r.Monitor),
			Help: "monitor a loss, or take rule = \"up\" or \"patience\""})
	}
	switch r.Name {
	case stop.Patience:
		r.Patience = s.integer("patience")
		r.MinDelta = s.real("min_delta")
		r.Delta = stop.Delta(s.choice("delta"))
		r.BestUpdate = stop.BestUpdate(s.choice("best_update"))
	case stop.GL:
		r.Alpha = s.real("alpha")
	case stop.PQ:
		r.Alpha = s.real("alpha")
		r.Strip = s.integer("strip")
	case stop.UP:
		r.Strips = s.integer("strips")
		r.Strip = s.integer("strip")
	}
	r.StartFrom = s.integer("start_from")
	s.restoreBest()
	v, given := s.get("target")
	r.Target, r.HasTarget = v.Real, given
	if r.Name == stop.PQ && !d.unsure && !reportsLoss(d.spec.Task) {
		d.report(s.place("rule"), document.Problem{Message: "`rule` looks at the training loss, which the command does not report",
			Help: "let it report train_loss, and add that to `metrics`"})
	}
	d.spec.Stop = r
}

// monitor reads the monitored metric, and which way it gets better.
func (s section) monitor(def string) (string, stop.Goal) {
	name := s.metricName("monitor", def)
	if name == s.spec.Metric.Name {
		return name, s.spec.Metric.Goal
	}
	if s.spec.Task.Command != nil || s.spec.Task.Objective != nil {
		return name, s.goalByName(s.place("monitor"), name)
	}
	goal, _ := stop.GoalByName(name)
	return name, goal
}
