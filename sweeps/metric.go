package sweeps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// usualMetric is the metric that trials are compared by where nothing is said: a loss on validation data, if there is any.
// An objective of a plugin may report another metric of validation data. If it reports several, or none and yet more than
// metrics of its training and test data, ambiguous lists those that can be meant.
func usualMetric(t runner.Task) (name string, ambiguous []string) {
	if t.Command != nil && len(t.Metrics) > 0 {
		return t.Metrics[0], nil // programs name it first
	}
	if slices.Contains(t.Reported(), runner.PartValidation+"loss") {
		return runner.PartValidation + "loss", nil
	}
	if t.Objective == nil {
		return plugins.MetricTrainLoss, nil
	}
	var validation, others []string
	for _, name := range t.Metrics {
		switch {
		case strings.HasPrefix(name, runner.PartValidation):
			validation = append(validation, name)
		case !strings.HasPrefix(name, runner.PartTrain) && !runner.OfTestData(name):
			others = append(others, name)
		}
	}
	switch {
	case len(validation) == 1:
		return validation[0], nil
	case len(validation) > 1:
		return plugins.MetricTrainLoss, validation
	case len(others) > 0:
		return plugins.MetricTrainLoss, append([]string{plugins.MetricTrainLoss}, others...)
	}
	return plugins.MetricTrainLoss, nil
}

// spelled gives a metric that stands as a name the form of the table that it is short for.
func spelled(e *document.Entry) {
	if e == nil || e.Value.Kind != document.Text {
		return
	}
	table := &document.Node{Kind: document.Table, At: e.Value.At}
	table.Add("name", e.At, e.Value)
	e.Value = table
}

// goalByName is the goal of a metric of a program or a plugin, if its name tells.
func (d *decoder) goalByName(at document.Span, name string) stop.Goal {
	goal, known := stop.GoalByName(name)
	if !known && !d.unsure && !d.stored && slices.Contains(d.spec.Task.Metrics, name) {
		d.report(at, document.Problem{Message: fmt.Sprintf("the name of `%s` does not tell whether it gets better when it falls or when it grows", document.Clip(name)),
			Help: "say it in [metric]: name = " + strconv.Quote(name) + ", goal = \"min\" or \"max\""})
	}
	return goal
}

// metric reads [metric].
func (d *decoder) metric(e *document.Entry) {
	s := d.open(e, metricTable)
	s.only()
	m := &d.spec.Metric
	usual, ambiguous := usualMetric(d.spec.Task)
	named := s.node.Find("name") != nil
	if was, ok := resolvedText(d.resolved, "metric.name"); ok && d.stored {
		usual, ambiguous = was, nil
	}
	if len(ambiguous) > 0 && !named && !d.unsure {
		d.report(d.places["metric"], document.Problem{Message: fmt.Sprintf("which metric are trials compared by? %s reports no val_loss, but %s", d.spec.Task.Model, document.List(ambiguous)),
			Help: "say it at the top of the file: metric = " + strconv.Quote(ambiguous[0])})
	}
	m.Name = s.metricName("name", usual)
	m.Goal, _ = stop.GoalByName(m.Name)
	if (s.spec.Task.Command != nil || s.spec.Task.Objective != nil) && s.node.Find("goal") == nil && (named || len(ambiguous) == 0) {
		at := s.place("name")
		if !named {
			at = d.places["metric"]
		}
		m.Goal = d.goalByName(at, m.Name)
	}
	if v, given := s.get("goal"); given {
		if stop.Goal(v.Text) != m.Goal && !d.unsure && s.spec.Task.Command == nil {
			d.warn(s.place("goal"), document.Problem{Message: fmt.Sprintf("the goal is %s, but %s gets better the other way", v.Text, m.Name)})
		}
		m.Goal = stop.Goal(v.Text)
	}
	if runner.OfTestData(m.Name) {
		d.warn(s.place("name"), document.Problem{Message: fmt.Sprintf("points are chosen by %s, so it no longer says how they do on new data", m.Name),
			Help: "choose by a val_ metric and look at the test_ ones last"})
	}
	m.At = s.metricAt()
	v, given := s.get("target")
	m.Target, m.HasTarget = v.Real, given
}

// metricName reads the name of a metric that the task reports.
func (s section) metricName(key, def string) string {
	name := s.textOr(key, def)
	if known := s.spec.Task.Reported(); !s.unsure && !slices.Contains(known, name) {
		p := document.Problem{Message: fmt.Sprintf("the task reports no metric `%s`", document.Clip(name)), Label: document.DidYouMean(name, known),
			Help: "it reports " + document.List(known)}
		if part, _, _ := strings.Cut(name, "_"); (part == "val" || part == "test") && !slices.ContainsFunc(known, func(other string) bool { return strings.HasPrefix(other, part+"_") }) {
			p.Label = map[string]string{"val": "there is no validation data", "test": "there is no test data"}[part]
		}
		if m, ok := runner.FindMetric(name); ok && m.Rows && m.OnRequest && s.spec.Task.Command == nil {
			if m.Name == name {
				p.Label = fmt.Sprintf("did you mean %q?", runner.PartValidation+name)
			}
			if problem := m.Unknown(s.spec.Task); problem != "" {
				p.Label = problem
			}
		}
		if name == plugins.MetricRate {
			p.Message, p.Label = "trials are not compared by `lr`: the schedule gives it to them", ""
		}
		s.report(s.place(key), p)
	}
	return name
}

// metricAt reads which epoch counts.
func (s section) metricAt() runner.At {
	def := runner.At(s.key("at").Default.Text)
	text := s.text("at")
	at, err := runner.ParseAt(text)
	epoch, named := runner.At(text).Epoch()
	switch {
	case err == nil && !named:
		return at
	case err == nil && epoch >= 1 && s.spec.Task.Command != nil && s.spec.Task.Epochs == 0:
		return at // how many there are is the program's business
	case err == nil && epoch >= 1 && epoch <= s.spec.leastEpochs():
		return at
	case strings.HasPrefix(text, "epoch:"):
		s.report(s.place("at"), document.Problem{Message: fmt.Sprintf("`at` is %q, but the epochs are 1 to %d", document.Clip(text), s.spec.leastEpochs())})
	default:
		s.report(s.place("at"), document.Problem{Message: fmt.Sprintf("`at` is %q, but wants best, last or epoch:N", document.Clip(text)),
			Label: document.DidYouMean(text, []string{string(runner.AtBest), string(runner.AtLast)})})
	}
	return def
}

// reached refuses an epoch that counts if something can end trials before it: they would have no value.
func (d *decoder) reached(root *document.Node) {
	epoch, named := d.spec.Metric.At.Epoch()
	if !named || d.stored || d.unsure {
		return
	}
	rule := d.spec.Stop
	ends, what := rule.Earliest(), "[early_stop]"
	if rule.HasTarget {
		what = "the target of [early_stop]"
	}
	if p := d.spec.Prune; p != nil && p.First < epoch {
		ends, what = p.First, "[prune]"
	}
	if ends == 0 || ends >= epoch {
		return
	}
	s := d.open(root.Find("metric"), metricTable)
	d.report(s.place("at"), document.Problem{Message: fmt.Sprintf("`at` is %q, but %s can end a trial after epoch %d", d.spec.Metric.At, what, ends),
		Help: `write at = "last" or at = "best", or let nothing end a trial before that epoch`})
}
