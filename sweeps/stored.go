package sweeps

import (
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// restoreBest is a key of earlier sweep files: whether the parameters of the best epoch are kept, or of the last.
const restoreBest = "restore_best"

// restoreBest reads the key of that name, which [metric] has taken the place of.
func (s section) restoreBest() {
	if s.flag(restoreBest) {
		return
	}
	if s.stored {
		s.spec.Metric.At = runner.AtLast
		return
	}
	s.report(s.place(restoreBest), document.Problem{Message: "`restore_best = false` is not read any more: [metric] says which epoch counts, and its parameters are kept",
		Help: `at = "last" in [metric] counts the last epoch and keeps its parameters`})
}

// Renew is the changes that make the text of a stored sweep, under its overrides, one that a new file may have and that
// asks for what [Spec.Resolved] wrote then.
func Renew(file string, text []byte, overrides []string, resolved string) (set []string, err error) {
	if text, err = document.Rewrite(file, text, overrides); err != nil {
		return nil, err
	}
	root, problems := document.Parse(document.New(file, text))
	if len(problems) > 0 {
		return nil, problems
	}
	rule := root.Find("early_stop")
	if factor, _ := divergenceOf(resolved); factor == 0 && resolved != "" && root.Find(divergenceKey) == nil && (rule == nil || rule.Value.Find(divergenceKey) == nil) && limited(root) {
		set = append(set, divergenceKey+"=false")
	}
	if rule == nil {
		return set, nil
	}
	if e := rule.Value.Find(restoreBest); e != nil && e.Value.Kind == document.Flag && !e.Value.Flag {
		set = append(set, "early_stop."+restoreBest+"=true", `metric.at="`+string(runner.AtLast)+`"`)
	}
	return set, nil
}

// limited reports whether a file that does not say divergence asks for a limit.
func limited(root *document.Node) bool {
	task := root.Find("task")
	if task == nil {
		return false
	}
	if task.Value.Find("command") != nil {
		metrics := task.Value.Find("metrics")
		return metrics != nil && (metrics.Value.Text == plugins.MetricTrainLoss ||
			slices.ContainsFunc(metrics.Value.Items, func(n *document.Node) bool { return n.Text == plugins.MetricTrainLoss }))
	}
	model := task.Value.Find("model")
	return model == nil || !slices.Contains(runner.Functions(), model.Value.Text)
}
