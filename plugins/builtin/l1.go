package builtin

import "github.com/xrun-dev/xrun/plugins"

var l1 = plugins.NewRegularizer(plugins.Spec{
	Name:    "l1",
	Summary: "sum of absolute values: weights become zero",
	Doc: `R(θ) = κ·Σ|θ|, subgradient κ·sign θ with sign 0 = 0. κ is λ/(2m) by the convention mean_squares, m the
number of training examples, also under mini-batches. Subgradient steps hardly ever give exact
zeros; mode = "proximal" does: after the step, θ ← sign θ · max(|θ| − s·κ, 0). s is the learning
rate times what the optimizer's steps settle at, 1/(1 − μ) under momentum, so that the optimum is
that of J. Behind an optimizer that scales each coordinate apart, as adam does, no s gives the
optimum of J: the same λ is then another penalty.`,
	Citation:    "Tibshirani 1996 (JRSS B 58); proximal map: Parikh, Boyd 2014, Proximal Algorithms, 6.5.2",
	Revision:    1,
	Settings:    []plugins.Setting{strengthsOfL1.setting(), mode},
	Conventions: strengthsOfL1.conventions(),
	Features:    []string{plugins.FeatureProx, plugins.FeatureCoefficients},
}, newL1[float32], newL1[float64])

var strengthsOfL1 = strengths{
	{plugins.Convention{Name: meanSquares, Source: sourceMeanSquares,
		Rule: "R = λ/(2m)·Σ|θ|"}, perExample},
	{plugins.Convention{Name: "sklearn", Source: sourceSKLearn,
		Rule: "λ = alpha of Lasso: R = λ·Σ|θ|; squared losses only"}, ofSquares},
	{plugins.Convention{Name: "inverse_C", Source: sourceSKLearn,
		Rule: "λ = 1/C of LogisticRegression: R = λ/m·Σ|θ|; not for squared losses"}, inverseC},
	{plugins.Convention{Name: "keras", Source: sourceKeras,
		Rule: "λ = l1 of regularizers.L1: R = λ·Σ|θ|, or λ/2·Σ|θ| beside squares, as the loss mse lacks our ½"}, ofKeras},
	{plugins.Convention{Name: "glmnet", Source: sourceGLMNet,
		Rule: "λ = lambda at alpha = 1: R = λ·Σ|θ|"}, plain},
	{plugins.Convention{Name: "lambda_max_fraction", Source: sourceGLMNet + "; 2.5 for the largest lambda",
		Rule: "R = λ·κ·Σ|θ|, κ the smallest at which all weights are 0; linear, logistic and softmax models only"}, ofNull},
}

func newL1[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	return newPenalty[F](in, strengthsOfL1, 1)
}
