package builtin

import "github.com/xrun-dev/xrun/plugins"

var elasticNet = plugins.NewRegularizer(plugins.Spec{
	Name:    "elastic_net",
	Summary: "a mixture of l1 and l2",
	Doc: `R(θ) = κ₁·Σ|θ| + κ₂/2·Σθ². By the convention mean_squares this is λ/(2m)·(ρ·Σ|θ| + (1 − ρ)·Σθ²) with
ρ = l1_ratio: ρ = 1 is l1, ρ = 0 is l2. The other conventions share λ out in their own way.
Proximal map for a step s: soft threshold by s·κ₁, then division by 1 + s·κ₂.
λ of mean_squares equals ElasticNet(alpha = λ/(2m)·(2 − ρ), l1_ratio = ρ/(2 − ρ)) of scikit-learn.`,
	Citation: "Zou, Hastie 2005 (JRSS B 67), eq. 3",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("l1_ratio", 0.5, "ρ, the share of the absolute values").Within(0, 1),
		strengthsOfElasticNet.setting(), mode,
	},
	Conventions: strengthsOfElasticNet.conventions(),
	Features:    []string{plugins.FeatureProx, plugins.FeatureCoefficients},
}, newElasticNet[float32], newElasticNet[float64])

var strengthsOfElasticNet = strengths{
	{plugins.Convention{Name: meanSquares, Source: sourceMeanSquares,
		Rule: "R = λ/(2m)·(ρ·Σ|θ| + (1 − ρ)·Σθ²)"}, perExample},
	{plugins.Convention{Name: "sklearn", Source: sourceSKLearn,
		Rule: "λ = alpha of ElasticNet, ρ = l1_ratio: R = λ·(ρ·Σ|θ| + (1 − ρ)/2·Σθ²); squared losses only"}, ofSquares},
	{plugins.Convention{Name: "inverse_C", Source: sourceSKLearn,
		Rule: "λ = 1/C of LogisticRegression, ρ = l1_ratio: R = λ/m·(ρ·Σ|θ| + (1 − ρ)/2·Σθ²); not for squared losses"}, inverseC},
	{plugins.Convention{Name: "keras", Source: sourceKeras,
		Rule: "λ·ρ = l1 and λ·(1 − ρ) = l2 of regularizers.L1L2: R = λ·(ρ·Σ|θ| + (1 − ρ)·Σθ²), or half of it beside squares, as the loss mse lacks our ½"}, ofKeras},
	{plugins.Convention{Name: "glmnet", Source: sourceGLMNet,
		Rule: "λ = lambda, ρ = alpha: R = λ·(ρ·Σ|θ| + (1 − ρ)/2·Σθ²). The R package scales a numeric y first, which changes its share of the squares"}, plain},
	{plugins.Convention{Name: "lambda_max_fraction", Source: sourceGLMNet + "; 2.5 for the largest lambda",
		Rule: "R = λ·κ·(Σ|θ| + (1 − ρ)/(2ρ)·Σθ²), κ the smallest at which all weights are 0; linear, logistic and softmax models only"}, ofNull},
}

func newElasticNet[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	return newPenalty[F](in, strengthsOfElasticNet, in.Settings.Real("l1_ratio"))
}
