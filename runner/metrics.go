package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/score"
	"github.com/xrun-dev/xrun/runner/stop"
)

// A Metric is a metric that xrun computes itself.
type Metric struct {
	Name    string // of a metric of rows, without its part: see [Parts]
	Meaning string
	// Goal says which way it gets better; empty where neither is better.
	Goal stop.Goal
	// Rows is set for a metric of rows of data, which is reported for every part that there is.
	Rows bool
	// Kind is the kind of data that has it; empty for any task.
	Kind data.Kind
	// OnRequest is set for a metric that a task has to ask for.
	OnRequest bool
	// Objectives is set for a metric on request that is known for objectives of plugins as well.
	Objectives bool
	// Models are those for which a metric on request is known; nil for all.
	Models []string
	// Penalties are the regularizers under which it is known; nil for all. Without one it is always known.
	Penalties []string
}

// The parts of the data, by the prefix of the names of metrics of their rows.
const (
	PartTrain      = "train_"
	PartValidation = "val_"
	PartTest       = "test_"
)

// The metrics that a task reports on request beside those of rows, each after the epoch, over the whole training set and
// at the parameters that are evaluated. A value that makes no sense for a trial is NaN.
const (
	// GradientNorm is ‖∇J‖₂, where J has no gradient of the subgradient that its regularizer gives.
	GradientNorm = "grad_norm"
	// Zeros is how many of the penalised parameters are exactly 0.
	Zeros = "zeros"
	// Optimality is max |dist(0, ∂J/∂θ)|, for penalties made of Σ|θ| and Σθ² or none.
	Optimality = "optimality"
	// DualityGap bounds J − J* from above without knowledge of J*: of the lasso and the elastic net.
	DualityGap = "duality_gap"
	// Suboptimality is J − J*, J* found by a reference solver or known of a test function. What is
	// below 0 by rounding in float64 is 0.
	Suboptimality = "suboptimality"
)

// Metrics lists what xrun reports, in the order of reports. Everything that asks for the name, the goal or the
// meaning of a metric asks here.
var Metrics = []Metric{
	{Name: "loss", Meaning: "the mean loss, without the penalty", Goal: stop.Min, Rows: true},
	{Name: "accuracy", Meaning: "the share of rows whose most likely class is right", Goal: stop.Max, Rows: true, Kind: data.Classification},
	{Name: "rmse", Meaning: "the root of the mean squared error", Goal: stop.Min, Rows: true, Kind: data.Regression},
	{Name: "r2", Meaning: "the coefficient of determination R²", Goal: stop.Max, Rows: true, Kind: data.Regression},
	ofClasses(score.AUC, "the area under the ROC curve: how often a row of a class has a higher probability of it than another row", stop.Max),
	ofClasses(score.AveragePrecision, "the area under the precision-recall curve, as a sum of steps", stop.Max),
	ofClasses(score.F1, "the harmonic mean of precision and recall", stop.Max),
	ofClasses(score.BalancedAccuracy, "the mean over the classes of the share of their rows that is right", stop.Max),
	ofClasses(score.Brier, "the mean squared error of the probabilities", stop.Min),
	ofClasses(score.LogLoss, "the mean of −log p of the right class, in which rows count alike", stop.Min),
	ofNumbers(score.MAE, "the mean absolute error"),
	ofNumbers(score.QuantileLoss, "the mean pinball loss of the quantile of N percent, N from 1 to 99"),
	{Name: plugins.MetricPenalty, Meaning: "the penalty of the regularizer, its strength included", Goal: stop.Min},
	{Name: plugins.MetricJ, Meaning: "the training loss and the penalty, which is what is minimized", Goal: stop.Min},
	{Name: GradientNorm, Meaning: "the Euclidean norm of the gradient of J", Goal: stop.Min, OnRequest: true},
	{Name: Zeros, Meaning: "how many of the penalized parameters are exactly 0", OnRequest: true, Objectives: true},
	{Name: Optimality, Meaning: "the largest distance of 0 from a component of the subdifferential of J", Goal: stop.Min, OnRequest: true, Penalties: []string{"l1", "l2", "elastic_net"}},
	{Name: DualityGap, Meaning: "an upper bound on J − J*, found without J*", Goal: stop.Min, OnRequest: true, Models: []string{"linear"}, Penalties: []string{"l1", "elastic_net"}},
	{Name: Suboptimality, Meaning: "J − J*, with the optimum J* of a reference solver or of a test function", Goal: stop.Min, OnRequest: true,
		Models: append([]string{"linear", "logistic", "softmax"}, Functions()...), Penalties: []string{"l1", "l2", "elastic_net"}},
	{Name: plugins.MetricRate, Meaning: "the learning rate of the epoch's last step, where it follows a schedule"},
}

// ofClasses and ofNumbers are metrics of rows that have to be asked for.
func ofClasses(name, meaning string, goal stop.Goal) Metric {
	return Metric{Name: name, Meaning: meaning, Goal: goal, Rows: true, Kind: data.Classification, OnRequest: true, Models: []string{"logistic", "softmax", "mlp"}}
}

func ofNumbers(name, meaning string) Metric {
	return Metric{Name: name, Meaning: meaning, Goal: stop.Min, Rows: true, Kind: data.Regression, OnRequest: true, Models: []string{"linear", "mlp"}}
}

// FindMetric finds a metric of xrun's own by its name, with or without its part; ok is false for others. A metric that
// stands for several has the name that is asked for: quantile_loss_90.
func FindMetric(name string) (m Metric, ok bool) {
	_, bare := PartOf(name)
	for _, m := range Metrics {
		if _, quantile := score.Quantile(bare); quantile && m.Name == score.QuantileLoss {
			m.Name = bare
			return m, true
		}
		if m.Name == name || m.Rows && m.Name == bare {
			return m, true
		}
	}
	return Metric{}, false
}

// PartOf cuts the name of a metric of rows into the part that it is computed on and the rest. part is empty for others.
func PartOf(name string) (part, rest string) {
	for _, part := range []string{PartTrain, PartValidation, PartTest} {
		if rest, ok := strings.CutPrefix(name, part); ok {
			return part, rest
		}
	}
	return "", name
}

// OfTestData reports whether a metric is computed on test rows.
func OfTestData(name string) bool { return strings.HasPrefix(name, PartTest) }

// Measures lists the metrics that can be requested.
func Measures() (names []string) {
	for _, m := range Metrics {
		if m.OnRequest {
			names = append(names, m.Name)
		}
	}
	return names
}

// Unknown says why a task cannot ask for the metric; empty if it can.
func (m Metric) Unknown(t Task) string {
	switch {
	case t.Objective != nil && !m.Objectives:
		return m.Name + " is known for xrun's own models"
	case t.Objective == nil && m.Models != nil && !slices.Contains(m.Models, t.Model):
		return fmt.Sprintf("%s is not known for the model %s, but for %s", m.Name, t.Model, strings.Join(m.Models, ", "))
	case m.OnRequest && m.Kind != "" && t.Kind != "" && string(m.Kind) != t.Kind:
		return fmt.Sprintf("%s is for a %s, and this task is a %s", m.Name, m.Kind, t.Kind)
	}
	return ""
}

// Reported lists the metrics that trials of the task can be judged by, in the order of their reports: all but
// the learning rate, which they are given.
func (t Task) Reported() (names []string) {
	if t.Command != nil {
		return t.Metrics
	}
	if t.Objective != nil {
		names = slices.Clone(t.Metrics)
	} else {
		for _, part := range t.Parts() {
			for _, m := range Metrics {
				if m.Rows && !m.OnRequest && (m.Kind == "" || string(m.Kind) == t.Kind) {
					names = append(names, part+m.Name)
				}
			}
		}
	}
	return append(append(names, plugins.MetricPenalty, plugins.MetricJ), t.Report...)
}

// Parts are the parts of the task's data that metrics are reported for, by their prefixes.
func (t Task) Parts() []string {
	parts := []string{PartTrain}
	if t.Validates() {
		parts = append(parts, PartValidation)
	}
	if t.Tests() {
		parts = append(parts, PartTest)
	}
	return parts
}
