package sweeps

import (
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// maxSkips limits the conditions, each of which every trial is checked against.
const maxSkips = 100

// skip reads [[skip]].
func (d *decoder) skip(e *document.Entry) {
	if e == nil {
		return
	}
	if e.Value.Kind != document.Array {
		d.report(e.At, document.Problem{Message: fmt.Sprintf("`skip` is a list of tables, got %s", e.Value.Kind),
			Help: "[[skip]]\nwhere = \"optimizer == 'sgd' and lr < 3e-3\""})
		return
	}
	if n := len(e.Value.Items); n > maxSkips {
		d.report(e.At, document.Problem{Message: fmt.Sprintf("%d [[skip]] are more than %d", n, maxSkips), Help: "join conditions with `or`, or use `in`"})
		return
	}
	for _, item := range e.Value.Items {
		s := d.section(&document.Entry{Name: e.Name, At: item.At, Value: item}, skipTable.title).of(skipTable)
		s.only()
		if s.node.Find("where") == nil {
			s.missing("where", "for instance where = \"optimizer == 'sgd' and lr < 3e-3\"")
		}
		if x := s.expression("where"); x != nil {
			d.spec.Skip = append(d.spec.Skip, x)
		}
	}
}

// countSkipped refuses to skip everything, and warns of conditions that hold for no trial.
func (d *decoder) countSkipped(e *document.Entry) {
	if e == nil || len(d.problems) > 0 {
		return
	}
	if d.spec.Grid().Trials == 0 {
		d.report(e.At, document.Problem{Message: "every trial is skipped", Help: "a trial is left out when any of the conditions holds for it"})
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
	for i, item := range e.Value.Items {
		if idle[i] {
			d.warn(item.Find("where").Value.At, document.Problem{Message: "this condition skips no trial",
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
