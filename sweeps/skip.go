package sweeps

import (
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/runner"
)

// maxSkips limits the conditions that every trial is held against.
const maxSkips = 100

// skip reads [[skip]].
func (d *decoder) skip(e *entry) {
	if e == nil {
		return
	}
	if e.value.kind != nodeArray {
		d.report(e.at, Problem{Message: fmt.Sprintf("`skip` is a list of tables, got %s", e.value.kind),
			Help: "[[skip]]\nwhere = \"optimizer == 'sgd' and lr < 3e-3\""})
		return
	}
	if n := len(e.value.items); n > maxSkips {
		d.report(e.at, Problem{Message: fmt.Sprintf("%d [[skip]] are more than %d", n, maxSkips), Help: "join conditions with `or`, or use `in`"})
		return
	}
	for _, item := range e.value.items {
		s := d.section(&entry{name: e.name, at: item.at, value: item}, "[[skip]]")
		s.only([]string{"where"}, nil)
		if s.node.find("where") == nil {
			s.missing("where", "for instance where = \"optimizer == 'sgd' and lr < 3e-3\"")
		}
		if x := s.expression("where"); x != nil {
			d.spec.Skip = append(d.spec.Skip, x)
		}
	}
}

// countSkipped refuses to skip everything, and warns of conditions that hold for no trial.
func (d *decoder) countSkipped(e *entry) {
	if e == nil || len(d.problems) > 0 {
		return
	}
	if d.spec.Grid().Trials == 0 {
		d.report(e.at, Problem{Message: "every trial is skipped", Help: "a trial is left out when any of the conditions holds for it"})
		return
	}
	idle := make([]bool, len(d.spec.Skip))
	for i := range idle {
		idle[i] = true
	}
	for t := range d.spec.each() {
		lookup := d.spec.lookup(t)
		for i, x := range d.spec.Skip {
			idle[i] = idle[i] && !x.Evaluate(lookup)
		}
		if !slices.Contains(idle, true) {
			return
		}
	}
	for i, item := range e.value.items {
		if idle[i] {
			d.warn(item.find("where").value.at, Problem{Message: "this condition skips no trial",
				Help: "a comparison with what a trial does not have is false; a trial with lambda 0 has no regularizer"})
		}
	}
}

// skips reports whether any of the conditions leaves the trial out.
func (s *Spec) skips(t runner.Trial) bool {
	if len(s.Skip) == 0 {
		return false
	}
	lookup := s.lookup(t)
	for _, x := range s.Skip {
		if x.Evaluate(lookup) {
			return true
		}
	}
	return false
}
