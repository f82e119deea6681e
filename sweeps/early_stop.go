package sweeps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
)

// stopKeys are the keys of [early_stop] that belong to one rule each.
var stopKeys = map[stop.Name][]string{
	stop.Patience: {"patience", "min_delta", "delta", "best_update"},
	stop.GL:       {"alpha"},
	stop.PQ:       {"alpha", "strip"},
	stop.UP:       {"strips", "strip"},
}

// earlyStop reads [early_stop]. Without the table a trial trains to its end, or until it diverges.
func (d *decoder) earlyStop(e *entry) {
	s := d.section(e, "[early_stop]")
	if e == nil {
		return
	}
	var names []string
	for _, name := range stop.Names {
		names = append(names, string(name))
	}
	before := len(d.problems)
	r := stop.New(stop.Name(s.choice("rule", names, nil)))
	if len(d.problems) == before {
		s.stopKeys(r.Name)
	}
	r.Monitor, r.Goal = d.spec.Metric.Name, d.spec.Metric.Goal
	if s.node.find("monitor") != nil {
		r.Monitor, r.Goal = s.monitor(r.Monitor)
	}
	if problem := r.NoMeaning(); problem != "" && !d.unsure {
		d.report(s.place("rule"), Problem{Message: fmt.Sprintf("%s, but %s is to become large", problem, r.Monitor),
			Help: "monitor a loss, or take rule = \"up\" or \"patience\""})
	}
	switch r.Name {
	case stop.Patience:
		r.Patience = s.integer("patience", r.Patience, 0)
		r.MinDelta = s.real(plugins.RealSetting("min_delta", 0, "").AtLeast(0))
		r.Delta = stop.Delta(s.choice("delta", []string{string(stop.Absolute), string(stop.Relative)}, nil))
		r.BestUpdate = stop.BestUpdate(s.choice("best_update", []string{string(stop.OnThreshold), string(stop.OnAny)}, nil))
	case stop.GL:
		r.Alpha = s.real(plugins.RealSetting("alpha", r.Alpha, "").Above(0))
	case stop.PQ:
		r.Alpha = s.real(plugins.RealSetting("alpha", r.Alpha, "").Above(0))
		r.Strip = s.integer("strip", r.Strip, 2)
	case stop.UP:
		r.Strips = s.integer("strips", r.Strips, 1)
		r.Strip = s.integer("strip", r.Strip, 1)
	}
	r.StartFrom = s.integer("start_from", 0, 0)
	s.restoreBest()
	v, given := s.get(plugins.RealSetting("target", 0, ""))
	r.Target, r.HasTarget = v.Real, given
	if e := s.node.find("divergence"); e != nil {
		divergence := d.section(e, "divergence")
		divergence.only([]string{"factor"}, nil)
		r.DivergenceFactor = divergence.real(plugins.RealSetting("factor", 0, "").Above(1))
		if e.value.kind == nodeTable && e.value.find("factor") == nil {
			divergence.missing("factor", "")
		}
	}
	if t := d.spec.Task; t.Command != nil && !d.unsure && !slices.Contains(t.Metrics, plugins.MetricTrainLoss) {
		for key, needed := range map[string]bool{"rule": r.Name == stop.PQ, "divergence": r.DivergenceFactor > 0} {
			if needed {
				d.report(s.place(key), Problem{Message: fmt.Sprintf("`%s` looks at the training loss, which the command does not report", key),
					Help: "let it report train_loss, and add that to `metrics`"})
			}
		}
	}
	d.spec.Stop = r
}

// restoreBest is a key of earlier sweep files: whether the parameters of the best epoch are kept, or of the last.
const restoreBest = "restore_best"

// restoreBest reads the key of that name, which [metric] has taken the place of.
func (s section) restoreBest() {
	if s.flag(restoreBest, true) {
		return
	}
	if s.stored {
		s.spec.Metric.At = runner.AtLast
		return
	}
	s.report(s.place(restoreBest), Problem{Message: "`restore_best = false` is not read any more: [metric] says which epoch counts, and its parameters are kept",
		Help: `at = "last" in [metric] counts the last epoch and keeps its parameters`})
}

// stopKeys reports keys that are unknown, or belong to another rule.
func (s section) stopKeys(name stop.Name) {
	known := slices.Concat([]string{"rule", "monitor"}, stopKeys[name], []string{"start_from", "target", "divergence"})
	for _, key := range append(known, restoreBest) {
		s.recorder.note(s.title, key, map[string]any{})
	}
	for _, e := range s.node.entries {
		switch {
		case slices.Contains(known, e.name) || e.name == restoreBest:
		case slices.ContainsFunc(stop.Names, func(n stop.Name) bool { return slices.Contains(stopKeys[n], e.name) }):
			s.report(e.at, Problem{Message: fmt.Sprintf("`%s` means nothing to the rule %s", e.name, name),
				Help: fmt.Sprintf("keys of %s for %s: %s", s.title, name, strings.Join(known, ", "))})
		default:
			s.unknown(e, known)
		}
	}
}

// monitor reads the key of that name, and which way its metric gets better.
func (s section) monitor(def string) (string, stop.Goal) {
	name := s.metricName("monitor", def)
	if name == s.spec.Metric.Name {
		return name, s.spec.Metric.Goal
	}
	if s.spec.Task.Command != nil {
		return name, s.goalByName(s.place("monitor"), name)
	}
	goal, _ := stop.GoalByName(name)
	return name, goal
}
