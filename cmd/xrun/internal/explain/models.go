package explain

import (
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner/models"
	"github.com/xrun-dev/xrun/sweeps"
)

var functions = map[string]Fact{
	"quadratic":       {Summary: "a bowl of given condition", Formula: "J = ½·Σ dᵢxᵢ², dᵢ from 1 down to 1/condition in equal ratios", Doc: "Starts at N(0, 1); its minimum is 0 at 0.", Source: "common"},
	"noisy_quadratic": {Summary: "a bowl whose minimum is drawn anew at every step", Formula: "J(x; c) = ½·Σ dᵢ(xᵢ − cᵢ)², c from N(0, noise²)", Doc: "Its loss is reported without the noise. Starts at N(0, 1).", Source: "Schaul, Zhang, LeCun 2013 (ICML), section 3"},
	"rosenbrock":      {Summary: "a curved valley", Formula: "J = Σ 100·(xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)²", Doc: "Starts around (−1.2, 1, …); its minimum is 0 at (1, 1, …). From 4 dimensions on it has a second, local minimum near (−1, 1, …).", Source: "Rosenbrock 1960 (Comput. J. 3)"},
	"beale":           {Summary: "flat around its minimum, steep far from it", Formula: "J = Σ (cₖ − x + x·yᵏ)², c = 1.5, 2.25, 2.625", Doc: "Starts around (1, 1); its minimum is 0 at (3, 0.5).", Source: "Moré, Garbow, Hillstrom 1981 (ACM TOMS 7), problem 5"},
	"saddle":          {Summary: "a saddle at 0, towards which the start slides", Formula: "J = Σ ½x² − ½y² + ¼y⁴ over pairs (x, y)", Doc: "Starts around (1, 0); its minima are −¼ a pair, where x = 0 and y = ±1.", Source: "xrun"},
	"rastrigin":       {Summary: "a bowl with a local minimum near every point of integers", Formula: "J = 10n + Σ x² − 10·cos 2πx", Doc: "Starts anywhere in ±5.12; its minimum is 0 at 0.", Source: "Rastrigin 1974; Mühlenbein, Schomisch, Born 1991 (Parallel Comput. 17)"},
}

var networks = map[string]Fact{
	"linear":   {Summary: "linear regression, for a number", Formula: lines("h = Wx + b", "loss = 1/(2m)·Σ(h − y)²")},
	"logistic": {Summary: "logistic regression, for one of two classes", Formula: lines("p = 1/(1 + exp(−(Wx + b)))", "loss = mean of −log p(label)")},
	"softmax":  {Summary: "multinomial logistic regression, for any number of classes", Formula: lines("p ∝ exp(Wx + b)", "loss = mean of −log p(label)")},
	"mlp":      {Summary: "layers with an activation, for a number or classes", Formula: lines("h = W₂·a(W₁x + b₁) + b₂, with more layers likewise", "loss as linear or softmax")},
}

func modelFacts() (all []Fact) {
	for _, name := range models.Names() {
		f, ok := networks[name]
		if ok {
			f.Doc = "m is the number of training examples. J is the loss plus the penalty, which leaves biases out unless penalize_bias = true. Computed in float64 or float32, by dtype."
			f.Source = "Hastie, Tibshirani, Friedman 2009, The Elements of Statistical Learning, 3.2, 4.4 and 11.3"
		} else {
			f = functions[name]
			f.Doc += " An epoch is a step."
		}
		f.Kind, f.Name, f.Page = Model, name, "data"
		// What every model on data has is on the page.
		f.Settings = slices.DeleteFunc(settings("[task] with a model", name, false), func(k sweeps.Key) bool { return strings.Contains(k.Only, "linear") })
		all = append(all, f)
	}
	return all
}
