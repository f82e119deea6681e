package sweeps

import (
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// divergenceKey is the key of the divergence limit: at the top of the file, or in [early_stop] as in earlier versions,
// where it cannot be said without a stopping rule.
const divergenceKey = "divergence"

// divergence reads how far the training loss may grow.
func (d *decoder) divergence(root *document.Node) {
	top := section{decoder: d, title: topTable.title, table: topTable, node: root}
	rule := d.section(root.Find("early_stop"), stopTable.title).of(stopTable) // a value that is no table has been reported
	s, e := top, root.Find(divergenceKey)
	if earlier := rule.node.Find(divergenceKey); earlier != nil && !rule.absent {
		if e != nil {
			d.report(earlier.At, document.Problem{Message: "`divergence` stands here and at the top of the file", Help: "keep the one at the top"})
			return
		}
		s, e = rule, earlier
	}
	if e == nil {
		d.spec.Stop.DivergenceFactor = d.usualDivergence()
		return
	}
	var factor float64
	switch e.Value.Kind {
	case document.Flag:
		if e.Value.Flag {
			factor = stop.DivergenceFactor
		}
	case document.Table:
		t := d.open(e, divergenceTable)
		t.only()
		factor = t.real("factor")
		if e.Value.Find("factor") == nil {
			t.missing("factor", "")
		}
	default:
		d.report(e.Value.At, document.Problem{Message: "`divergence` wants false or a table, got " + string(e.Value.Kind),
			Help: "divergence = false sets no limit, and divergence = { factor = 100 } another one than " + strconv.Itoa(stop.DivergenceFactor)})
		return
	}
	if factor > 0 && !d.unsure && !reportsLoss(d.spec.Task) {
		d.report(s.place(divergenceKey), document.Problem{Message: "`divergence` looks at the training loss, which the command does not report",
			Help: "let it report train_loss, and add that to `metrics`"})
	}
	d.spec.Stop.DivergenceFactor = factor
}

// reportsLoss reports whether trials of the task report a training loss.
func reportsLoss(t runner.Task) bool {
	return t.Command == nil || slices.Contains(t.Metrics, plugins.MetricTrainLoss)
}

// usualDivergence is the factor of a file that says nothing of it. A test function is as large as one likes far from its
// optimum, from where training may still come back, so it has no limit. The trials of a stored sweep have the one that
// they were trained under.
func (d *decoder) usualDivergence() float64 {
	if d.stored {
		factor, _ := divergenceOf(d.resolved)
		return factor
	}
	if _, function := runner.Function(d.spec.Task.Model); function && d.spec.Task.Objective == nil || !reportsLoss(d.spec.Task) {
		return 0
	}
	return stop.DivergenceFactor
}

// divergenceOf finds the factor in what [Spec.Resolved] has written; ok is false where there was none yet.
func divergenceOf(resolved string) (factor float64, ok bool) {
	text, ok := resolvedValue(resolved, runner.PathDivergence)
	if !ok {
		return 0, false
	}
	factor, err := strconv.ParseFloat(text, 64)
	return factor, err == nil
}
