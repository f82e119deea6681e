package builtin

import "github.com/xrun-dev/xrun/plugins"

var elasticNet = plugins.NewRegularizer(plugins.Spec{
	Name:    "elastic_net",
	Summary: "a mixture of l1 and l2",
	Doc: `R(θ) = λ/(2m)·(ρ·Σ|θ| + (1 − ρ)·Σθ²) with ρ = l1_ratio: ρ = 1 is l1, ρ = 0 is l2.
Proximal map for a step s: soft threshold by s·ρλ/(2m), then division by 1 + s·(1 − ρ)λ/m.
Equals ElasticNet(alpha = λ/(2m)·(2 − ρ), l1_ratio = ρ/(2 − ρ)) of scikit-learn.`,
	Citation: "Zou, Hastie 2005 (JRSS B 67), eq. 3",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("l1_ratio", 0.5, "ρ, the share of the absolute values").Within(0, 1),
		convention, mode,
	},
	Features: []string{plugins.FeatureProx},
}, newElasticNet[float32], newElasticNet[float64])

func newElasticNet[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	ratio, m := in.Settings.Real("l1_ratio"), float64(in.Examples)
	return newPenalty[F](in, in.Lambda*ratio/(2*m), in.Lambda*(1-ratio)/m), nil
}
