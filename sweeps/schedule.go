package sweeps

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// schedule reads how an optimizer's learning rate changes. Without it the rate is constant.
func (s section) schedule() schedule.Schedule {
	e := s.node.Find("schedule")
	t := s.section(e, "the schedule of "+s.title)
	if t.absent {
		return schedule.Schedule{}
	}
	kinds := make([]string, len(schedule.Kinds))
	for i, kind := range schedule.Kinds {
		kinds[i] = string(kind)
	}
	if t.node.Find("kind") == nil {
		t.missing("kind", "one of "+strings.Join(kinds, ", "))
		return schedule.Schedule{}
	}
	before := len(s.problems)
	kind := t.choice("kind", kinds, nil)
	if len(s.problems) > before {
		return schedule.Schedule{} // nothing can be said of its keys
	}
	out := schedule.New(schedule.Kind(kind))
	known := []string{"kind"}
	fields := out.Fields()
	for _, f := range fields {
		if f.Name != "goal" { // the metric's own
			known = append(known, f.Name)
		}
	}
	t.scheduleKeys(kind, known)
	for _, f := range fields {
		if slices.Contains(known, f.Name) {
			t.scheduleField(f)
		}
	}
	t.scheduleFits(out)
	if out.IsConstant() {
		return schedule.Schedule{}
	}
	return out
}

// scheduleKeys reports keys that are unknown, or belong to another kind.
func (s section) scheduleKeys(kind string, known []string) {
	for _, e := range s.node.Entries {
		switch {
		case slices.Contains(known, e.Name):
		case slices.ContainsFunc(schedule.Kinds, func(k schedule.Kind) bool { return usesField(k, e.Name) }):
			s.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` means nothing to the schedule %s", e.Name, kind),
				Help: fmt.Sprintf("keys of %s: %s", kind, strings.Join(known, ", "))})
		default:
			s.unknown(e, known)
		}
	}
}

func usesField(kind schedule.Kind, name string) bool {
	s := schedule.New(kind)
	return name != "goal" && slices.ContainsFunc(s.Fields(), func(f schedule.Field) bool { return f.Name == name })
}

// scheduleField reads one key into its field.
func (s section) scheduleField(f schedule.Field) {
	if f.Required && s.node.Find(f.Name) == nil {
		s.missing(f.Name, "")
		return
	}
	setting := plugins.Setting{Name: f.Name, Low: f.Low, LowOpen: f.LowOpen, High: f.High}
	if math.IsInf(f.High, 1) || f.High == math.MaxInt32 {
		setting.High = math.NaN() // none that is worth telling of
	}
	switch v := f.Value.(type) {
	case *int:
		*v = s.integerOf(setting, *v)
	case *float64:
		setting.Type, setting.Default = plugins.TypeReal, plugins.Real(*v)
		*v = s.real(setting)
	case *[]int:
		*v = s.increasing(f.Name)
	case *string:
		if len(f.Words) > 0 {
			*v = s.choice(f.Name, f.Words, nil)
		} else if s.node.Find(f.Name) != nil {
			*v = s.metricName(f.Name, *v)
		}
	}
}

// integerOf reads an integer that may be left out.
func (s section) integerOf(setting plugins.Setting, def int) int {
	setting.Type, setting.Default = plugins.TypeInteger, plugins.Integer(int64(def))
	v, _ := s.get(setting)
	if v.Integer > math.MaxInt32 {
		s.report(s.place(setting.Name), document.Problem{Message: fmt.Sprintf("`%s` is %d, which is too large", setting.Name, v.Integer)})
		return def
	}
	return int(v.Integer)
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

// scheduleFits reports what has no effect in a training of this length, where that is known: in
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

// monitors completes what plateaus watch: the metric of early stopping, or else the training loss.
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
