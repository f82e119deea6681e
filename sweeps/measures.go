package sweeps

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

func reportKey(example string) key {
	return text("report", "", "Further metrics to compute after each epoch: "+document.List(runner.Measures())+". Those of rows are reported for every part of the data, or with train_, val_ or test_ before them for one. A metric of rows that [metric], a monitor or a check names need not stand here.", example).
		as("the name of a metric").or(listOf("names", map[string]any{"pattern": "^(" + strings.Join(reportPatterns(), "|") + ")$", "type": "string"})).optional("none")
}

// reportPatterns are regular expressions of the names that `report` can have.
func reportPatterns() (patterns []string) {
	for _, name := range runner.Measures() {
		name = strings.Replace(name, "_N", "_[1-9][0-9]?", 1)
		if m, _ := runner.FindMetric(name); m.Rows || strings.Contains(name, "[") {
			name = "((train|val|test)_)?" + name
		}
		patterns = append(patterns, name)
	}
	return patterns
}

// measures reads the metrics that are reported on request.
func (s section) measures(t runner.Task) (names []string) {
	for _, n := range s.texts("report") {
		m, known := runner.FindMetric(n.Text)
		if !known || !m.OnRequest || strings.HasSuffix(m.Name, "_N") {
			p := document.Problem{Message: fmt.Sprintf("`report` has %q, which is no metric on request", document.Clip(n.Text)),
				Label: document.DidYouMean(n.Text, runner.Measures()), Help: "metrics on request: " + document.List(runner.Measures())}
			if known && m.OnRequest {
				p.Label = "N is a percentage: quantile_loss_90"
			}
			s.decoder.report(n.At, p)
			continue
		}
		if slices.Contains(t.Metrics, n.Text) {
			s.decoder.report(n.At, document.Problem{Message: fmt.Sprintf("`report` has %q, which %s reports itself", n.Text, t.Model), Help: "leave it out: the metric of the plugin is recorded"})
			continue
		}
		if problem := m.Unknown(t); problem != "" && t.Model != "" {
			s.decoder.report(n.At, document.Problem{Message: problem})
			continue
		}
		if !m.Rows {
			names = append(names, n.Text)
			continue
		}
		parts := t.Parts()
		if part, _ := runner.PartOf(n.Text); part != "" && !slices.Contains(parts, part) {
			what := map[string]string{runner.PartValidation: "validation", runner.PartTest: "test"}[part]
			s.decoder.report(n.At, document.Problem{Message: fmt.Sprintf("`report` has %q, but there is no %s data", n.Text, what), Help: fmt.Sprintf("`%s` sets rows aside", what)})
			continue
		} else if part != "" {
			parts = []string{part}
		}
		for _, part := range parts {
			names = append(names, part+m.Name)
		}
	}
	return inOrder(names)
}

// inOrder has each name once. In whatever order they are asked for, it is the same trial.
func inOrder(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// addNamed adds the metrics of rows that the file names elsewhere to those that the task reports.
func (d *decoder) addNamed(t *runner.Task) {
	if d.unsure {
		return
	}
	for _, name := range d.named {
		part, _ := runner.PartOf(name)
		if m, _ := runner.FindMetric(name); slices.Contains(t.Parts(), part) && m.Unknown(*t) == "" {
			t.Report = append(t.Report, name)
		}
	}
	t.Report = inOrder(t.Report)
}

// namedScores are the metrics of rows on request, with their parts, that a file names where metrics are chosen and watched.
func namedScores(root *document.Node) []string {
	names := map[string]bool{}
	var walk func(n *document.Node)
	walk = func(n *document.Node) {
		if n.Kind == document.Text {
			for _, word := range strings.FieldsFunc(n.Text, func(r rune) bool {
				return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
			}) {
				part, rest := runner.PartOf(word)
				if m, ok := runner.FindMetric(word); ok && part != "" && m.Rows && m.OnRequest && !strings.HasSuffix(rest, "_N") {
					names[word] = true
				}
			}
		}
		for _, item := range n.Items {
			walk(item)
		}
		for _, e := range n.Entries {
			walk(e.Value)
		}
	}
	for _, table := range []string{"metric", "optimizers", "grid", "early_stop", "prune", "compare", "check", "seeds"} {
		if e := root.Find(table); e != nil {
			walk(e.Value)
		}
	}
	return slices.Sorted(maps.Keys(names))
}
