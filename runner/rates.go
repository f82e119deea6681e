package runner

import (
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/schedule"
)

// scheduled reports whether the trial's learning rate changes while it trains.
func (t Trial) scheduled() bool { return !t.Optimizer.Schedule.IsConstant() }

// scheduleSettings lists what the optimizer's schedule adds to the trial: nothing for a constant
// rate.
func (t Trial) scheduleSettings() []Setting {
	if !t.scheduled() {
		return nil
	}
	s := t.Optimizer.Schedule
	if s.Kind == "" {
		s.Kind = schedule.Constant
	}
	if s.Per == "" {
		s.Per = schedule.PerEpoch
	}
	all := []Setting{{"schedule.kind", plugins.Text(string(s.Kind))}}
	for _, f := range s.Fields() {
		all = append(all, Setting{"schedule." + f.Name, valueOf(f)})
	}
	return all
}

func valueOf(f schedule.Field) plugins.Value {
	switch v := f.Value.(type) {
	case *int:
		return plugins.Integer(int64(*v))
	case *float64:
		return plugins.Real(*v)
	case *[]int:
		texts := make([]string, len(*v))
		for i, n := range *v {
			texts[i] = strconv.Itoa(n)
		}
		return plugins.Text(strings.Join(texts, ","))
	default:
		return plugins.Text(*v.(*string))
	}
}

// setRates sets the learning rates of the step to come.
func (l *lockstep[F]) setRates() {
	if !l.scheduled {
		return
	}
	for i, slot := range l.active {
		t := l.members[slot].trial
		s := t.Optimizer.Schedule
		at, total := l.clock(s, l.steps)
		l.rates[i] = float64(t.LR * s.Multiplier(at, total) * l.plateaus[slot].Multiplier(s))
		l.newest[slot] = l.rates[i]
	}
}

// clock converts a step, and the length of training, to the units of a schedule.
func (l *lockstep[F]) clock(s schedule.Schedule, step int64) (at, total int) {
	perEpoch := l.problem.batches()
	if s.Per == schedule.PerStep {
		return int(step), l.task.Epochs * perEpoch
	}
	return int(step) / perEpoch, l.task.Epochs
}

// observeRate shows the metrics of an epoch to the schedule of a slot. Epochs that end within the
// warm-up are left out: they say nothing about the full rate.
func (l *lockstep[F]) observeRate(slot int, values []float64) {
	s := l.members[slot].trial.Optimizer.Schedule
	if s.Kind != schedule.Plateau {
		return
	}
	if at, _ := l.clock(s, l.steps-1); at < s.Warmup {
		return
	}
	value := values[0] // the training loss
	if i := slices.Index(l.metrics, s.Monitor); i >= 0 {
		value = values[i]
	}
	l.plateaus[slot].Observe(s, value)
}
