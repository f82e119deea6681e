package builtin

import "github.com/xrun-dev/xrun/plugins"

var l1 = plugins.NewRegularizer(plugins.Spec{
	Name:    "l1",
	Summary: "sum of absolute values: weights become zero",
	Doc: `R(θ) = λ/(2m)·Σ|θ|, subgradient λ/(2m)·sign θ with sign 0 = 0, m the number of training
examples, also under mini-batches. Subgradient steps hardly ever give exact zeros; mode =
"proximal" does: after the step, θ ← sign θ · max(|θ| − s·λ/(2m), 0). s is the learning rate times
what the optimizer's steps settle at, 1/(1 − μ) under momentum, so that the optimum is that of J.
Behind an optimizer that scales each coordinate apart, as adam does, no s gives the optimum of J:
the same λ is then another penalty.
Equals Lasso(alpha = λ/(2m)) of scikit-learn.`,
	Citation: "Tibshirani 1996 (JRSS B 58); proximal map: Parikh, Boyd 2014, Proximal Algorithms, 6.5.2",
	Revision: 1,
	Settings: []plugins.Setting{convention, mode},
	Features: []string{plugins.FeatureProx},
}, newL1[float32], newL1[float64])

func newL1[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	return newPenalty[F](in, in.Lambda/float64(2*in.Examples), 0), nil
}
