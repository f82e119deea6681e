package explain

import (
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/score"
	"github.com/xrun-dev/xrun/runner/stop"
)

// A formula of a metric and its source, which runner.Metrics does not have.
type formula struct{ text, source string }

var formulas = map[string]formula{
	"loss":                 {lines("numbers: 1/(2m)·Σ(h − y)²", "classes: mean of −log p(label), with class_weight of w·(−log p(label))"), "xrun explain linear, xrun explain softmax"},
	"accuracy":             {"number right / m, ties to the first class", "common"},
	"rmse":                 {"√(1/m·Σ(h − y)²), in the units of the target", "common"},
	"r2":                   {"1 − Σ(h − y)² / Σ(ȳ − y)²", "common; scikit-learn 1.9, r2_score"},
	score.AUC:              {lines("class 1, or the mean of each class against the rest:", "(#{p⁺ > p⁻} + ½·#{p⁺ = p⁻}) / (m⁺·m⁻); NaN where m⁺ or m⁻ is 0"), "scikit-learn 1.9, roc_auc_score(multi_class=\"ovr\")"},
	score.AveragePrecision: {lines("class 1, or the mean of each class against the rest:", "Σ(Rₙ − Rₙ₋₁)·Pₙ over the distinct p; 0 where m⁺ is 0"), "scikit-learn 1.9, average_precision_score"},
	score.F1:               {lines("class 1, or the mean over the classes that have rows or predictions:", "2·TP / (2·TP + FP + FN); 0 where that is 0/0"), "scikit-learn 1.9, f1_score, average=\"binary\" or \"macro\""},
	score.BalancedAccuracy: {"the mean of TP_c / m_c over the classes that have rows", "scikit-learn 1.9, balanced_accuracy_score"},
	score.Brier:            {lines("1/m·Σ_i Σ_c (y_ic − p_ic)²,", "of two classes half of it: 1/m·Σ(y − p)²"), "scikit-learn 1.9, brier_score_loss"},
	score.LogLoss:          {"1/m·Σ −log p(label), p within [2⁻⁵², 1 − 2⁻⁵²]", "scikit-learn 1.9, log_loss"},
	score.MAE:              {"1/m·Σ|y − h|", "scikit-learn 1.9, mean_absolute_error"},
	score.QuantileLoss:     {"1/m·Σ max(q·(y − h), (q − 1)·(y − h)), q = N/100", "scikit-learn 1.9, mean_pinball_loss"},
	plugins.MetricPenalty:  {"R(θ), see xrun explain l2", "the regularizer"},
	plugins.MetricJ:        {"J = train_loss + penalty", "common"},
	plugins.MetricRate:     {"lr·factor, see xrun help schedules", "the schedule"},
	runner.GradientNorm:    {"‖∇J‖₂", "common"},
	runner.Zeros:           {"#{i: θᵢ = 0}", "common"},
	runner.Optimality:      {"max over i of dist(0, ∂J/∂θᵢ)", "the first-order condition; Boyd, Vandenberghe 2004, Convex Optimization"},
	runner.DualityGap:      {"J(θ) − D(ν), ν the residuals scaled to be feasible", "Kim et al. 2007 (IEEE J. Sel. Top. Signal Process. 1)"},
	runner.Suboptimality:   {"J − J*, J* to 1e-12", "runner/reference, a solver; the minimum of a test function"},
}

var parts = []string{runner.PartTrain, runner.PartValidation, runner.PartTest}

// of names the rows on which a part's metrics are computed.
var of = map[string]string{
	runner.PartTrain:      "On the training rows.",
	runner.PartValidation: "On the validation rows, by which trials are judged.",
	runner.PartTest:       "On the test rows, by which nothing is chosen.",
}

func metrics() (all []Fact) {
	for _, part := range parts {
		for _, m := range runner.Metrics {
			if m.Rows {
				all = append(all, metric(m, part))
			}
		}
	}
	for _, m := range runner.Metrics {
		if !m.Rows {
			all = append(all, metric(m, ""))
		}
	}
	return all
}

// metric is the fact of a metric of a part of the rows, or of no part.
func metric(m runner.Metric, part string) Fact {
	f := Fact{Kind: Metric, Name: part + m.Name, Summary: m.Meaning, Formula: formulas[m.Name].text, Source: formulas[m.Name].source, Page: "metrics"}
	if better := Better(m); better != "" {
		f.Summary += "; " + better + " is better"
	}
	doc := []string{of[part]}
	if m.Kind != "" {
		doc = append(doc, "For "+string(m.Kind)+".")
	}
	switch {
	case m.OnRequest && m.Rows:
		doc = append(doc, "On request: report = [\""+m.Name+"\"] in [task], or named as metric, monitor or in a check.")
	case m.OnRequest:
		doc = append(doc, "On request: report = [\""+m.Name+"\"] in [task]. Over the whole training set, at the parameters that are evaluated.")
	}
	if m.Models != nil {
		doc = append(doc, "Known for the models "+strings.Join(m.Models, ", ")+".")
	}
	if m.Penalties != nil {
		doc = append(doc, "Known for the regularizers "+strings.Join(m.Penalties, ", ")+", and without one.")
	}
	f.Doc = strings.TrimSpace(strings.Join(doc, " "))
	return f
}

// Better is the direction in which a metric gets better: less, more, or empty if neither.
func Better(m runner.Metric) string {
	return map[stop.Goal]string{stop.Min: "less", stop.Max: "more"}[m.Goal]
}
