package explain

import (
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
)

// parts are what a model is measured on.
var parts = []struct{ prefix, doc string }{
	{"train_", "On the training data, after the epoch, at the parameters as they are then."},
	{"val_", "On the validation data, by which trials are judged."},
	{"test_", "On the test data, which nothing is chosen by."},
}

// measured are the metrics of a part.
var measured = []Fact{
	{Name: "loss", Summary: "mean loss, without the penalty; less is better", Formula: lines("numbers: 1/(2m)·Σ(h − y)²", "classes: mean of −log p(label)"), Source: "xrun explain linear, xrun explain softmax"},
	{Name: "accuracy", Summary: "share of rows whose most likely class is right; more is better", Formula: "number right / m, ties to the first class", Source: "common"},
	{Name: "rmse", Summary: "root of the mean squared error, in the units of the target; less is better", Formula: "√(1/m·Σ(h − y)²)", Source: "common"},
	{Name: "r2", Summary: "share of the variance that is explained; more is better", Formula: "1 − Σ(h − y)² / Σ(ȳ − y)²", Source: "common; scikit-learn 1.9, r2_score"},
}

// others are the metrics that are not of a part of the data.
var others = []Fact{
	{Name: "penalty", Summary: "the penalty on the parameters; less is better", Formula: "R(θ), see xrun explain l2", Source: "the regularizer"},
	{Name: "J", Summary: "what is minimised; less is better", Formula: "J = train_loss + penalty", Source: "common"},
	{Name: "lr", Summary: "the learning rate of the epoch, of trials with a schedule", Formula: "lr·factor, see xrun help schedules", Doc: "Trials are not judged by it.", Source: "the schedule"},
	{Name: runner.GradientNorm, Summary: "norm of the gradient of J; less is better", Formula: "‖∇J‖₂", Doc: onRequest, Source: "common"},
	{Name: runner.Zeros, Summary: "how many penalised parameters are exactly 0", Formula: "#{i: θᵢ = 0}", Doc: onRequest, Source: "common"},
	{Name: runner.Optimality, Summary: "distance of 0 to the subgradients of J; less is better", Formula: "max over θᵢ of dist(0, ∂J/∂θᵢ)", Doc: onRequest + " Known for l1, l2 and elastic_net.", Source: "Boyd, Vandenberghe 2004, Convex Optimization; first-order condition"},
	{Name: runner.DualityGap, Summary: "a bound on J − J* that needs no solver; less is better", Formula: "J(θ) − D(ν), ν the residuals scaled to be feasible", Doc: onRequest + " Known for the model linear with l1 or elastic_net.", Source: "Kim et al. 2007 (IEEE J. Sel. Top. Signal Process. 1)"},
	{Name: runner.Suboptimality, Summary: "how far J is from its optimum; less is better", Formula: "J − J*, J* by a reference solver to 1e-12, or known of a test function", Doc: onRequest + " Known for l1, l2 and elastic_net, and not for mlp.", Source: "runner/reference"},
}

const onRequest = "On request: report = [\"…\"] in [task]. Over the whole training set, at the parameters that are evaluated."

func metrics() (all []Fact) {
	for _, part := range parts {
		for _, f := range measured {
			f.Name = part.prefix + f.Name
			f.Doc = strings.TrimSpace(part.doc + " " + f.Doc)
			all = append(all, f)
		}
	}
	all = slices.Concat(all, others)
	for i := range all {
		all[i].Kind, all[i].Page = Metric, "metrics"
	}
	return all
}
