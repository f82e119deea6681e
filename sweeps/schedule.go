package sweeps

import (
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// schedule reads how an optimizer's learning rate changes. Without it the rate is constant.
func (s section) schedule() schedule.Schedule {
	e := s.node.Find("schedule")
	t := s.section(e, scheduleTable.title+" of "+s.title).of(scheduleTable)
	if t.absent {
		return schedule.Schedule{}
	}
	if t.node.Find("kind") == nil {
		t.missing("kind", t.key("kind").Range())
		return schedule.Schedule{}
	}
	t = t.choose()
	kind := t.choice("kind")
	if t.chosen == "" {
		return schedule.Schedule{} // nothing can be said of its keys
	}
	t.only()
	out := schedule.New(schedule.Kind(kind))
	for _, f := range out.Fields() {
		if t.table.find(f.Name, kind) != nil { // all but the goal, which is the metric's
			t.scheduleField(f)
		}
	}
	t.scheduleFits(out)
	if out.IsConstant() {
		return schedule.Schedule{}
	}
	return out
}

// scheduleField reads one key into its field.
func (s section) scheduleField(f schedule.Field) {
	if f.Required && s.node.Find(f.Name) == nil {
		s.missing(f.Name, "")
		return
	}
	switch v := f.Value.(type) {
	case *int:
		*v = s.integer(f.Name)
	case *float64:
		*v = s.real(f.Name)
	case *[]int:
		*v = s.increasing(f.Name)
	case *string:
		if len(f.Words) > 0 {
			*v = s.choice(f.Name)
		} else if s.node.Find(f.Name) != nil {
			*v = s.metricName(f.Name, *v)
		}
	}
}

// increasing reads a list of integers, each above the one before and all above 0.
func (s section) increasing(key string) (all []int) {
	e := s.node.Find(key)
	if e.Value.Kind != document.Array {
		s.wrongType(key, document.Array, e.Value)
		return nil
	}
	if len(e.Value.Items) == 0 {
		s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`%s` is an empty list", key)})
	}
	last := int64(0)
	for _, n := range e.Value.Items {
		switch {
		case n.Kind != document.Integer:
			s.wrongType(key, document.Integer, n)
		case n.Integer <= last || n.Integer > math.MaxInt32:
			s.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` has %d after %d, but they have to increase from 1 on", key, n.Integer, last)})
		default:
			last = n.Integer
			all = append(all, int(last))
		}
	}
	return all
}

// scheduleFits reports what has no effect in a training of this length, which is known where lengths count
// epochs.
func (s section) scheduleFits(t schedule.Schedule) {
	if t.Kind == schedule.Cosine && t.T0 > 0 && t.TMax > 0 {
		s.report(s.node.Find("t_max").At, document.Problem{Message: "`t_max` means nothing with `t0`, which is where the cosine restarts"})
	}
	for _, key := range []string{"t_mul", "m_mul"} {
		if e := s.node.Find(key); e != nil && t.Kind == schedule.Cosine && t.T0 == 0 {
			s.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` means nothing without `t0`, where the cosine restarts", key)})
		}
	}
	epochs := s.spec.Task.Epochs
	if t.Per != schedule.PerEpoch {
		return
	}
	if t.Warmup >= epochs {
		s.report(s.place("warmup"), document.Problem{Message: fmt.Sprintf("`warmup` is %d, but there are %d epochs", t.Warmup, epochs),
			Help: "per = \"step\" counts steps"})
		return
	}
	for i, m := range t.Milestones {
		if m+t.Warmup >= epochs {
			s.warn(s.node.Find("milestones").Value.Items[i].At, document.Problem{
				Message: fmt.Sprintf("the milestone %d is never reached: it counts from the end of the warm-up, and there are %d epochs", m, epochs)})
		}
	}
}

// monitors completes what plateaus watch: the monitor of [early_stop], or else the training loss.
func (d *decoder) monitors() {
	for i := range d.spec.Optimizers {
		s := &d.spec.Optimizers[i].Schedule
		if s.Kind != schedule.Plateau {
			continue
		}
		goal, _ := stop.GoalByName(s.Monitor)
		switch s.Monitor {
		case "":
			s.Monitor, goal = "train_loss", stop.Min
			if d.spec.Stop.Monitor != "" {
				s.Monitor, goal = d.spec.Stop.Monitor, d.spec.Stop.Goal
			}
		case d.spec.Metric.Name:
			goal = d.spec.Metric.Goal
		}
		s.Goal = string(goal)
	}
}
