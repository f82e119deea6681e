package builtin

import "github.com/xrun-dev/xrun/plugins"

var l2 = plugins.NewRegularizer(plugins.Spec{
	Name:    "l2",
	Summary: "sum of squares: weights become small",
	Doc: `R(θ) = λ/(2m)·Σθ², gradient λ/m·θ, m the number of training examples, also under
mini-batches. Proximal map for a step s: θ / (1 + s·λ/m).
Equals Ridge(alpha = λ) and LogisticRegression(C = 1/λ) of scikit-learn, and weight_decay = λ/m of
plain sgd in PyTorch.`,
	Citation:    "Hoerl, Kennard 1970 (Technometrics 12); proximal map: Parikh, Boyd 2014, Proximal Algorithms, 6.1",
	Revision:    1,
	Settings:    []plugins.Setting{convention, mode},
	Features:    []string{plugins.FeatureProx},
	StateFloats: 0,
}, newL2[float32], newL2[float64])

// The settings that the regularizers share.
var (
	convention = plugins.ChoiceSetting("convention", "how λ is meant: seed divides it by 2m", "seed")
	mode       = plugins.ChoiceSetting(plugins.SettingMode,
		"subgradient adds R's gradient to the loss's; proximal applies R's proximal map after the step",
		plugins.ModeSubgradient, plugins.ModeProximal)
)

func newL2[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	return newPenalty[F](in, 0, in.Lambda/float64(in.Examples)), nil
}

// penalty is l1·Σ|θ| + l2/2·Σθ² over the penalised spans: the common form of l1, l2 and elastic net.
type penalty[F plugins.Float] struct {
	l1, l2 F
	spans  []plugins.Span
}

func newPenalty[F plugins.Float](in plugins.Instance, l1, l2 float64) *penalty[F] {
	return &penalty[F]{l1: F(l1), l2: F(l2), spans: in.Layout.Penalized()}
}

func (p *penalty[F]) Value(params []F) F {
	var absolute, squares F
	for _, span := range p.spans {
		for _, x := range params[span.From:span.To] {
			absolute += max(x, -x)
			squares += F(x * x)
		}
	}
	return F(p.l1*absolute) + F(p.l2*squares)/2
}

func (p *penalty[F]) AddGradient(params, grad []F) {
	for _, span := range p.spans {
		part := params[span.From:span.To]
		g := grad[span.From:span.To][:len(part)]
		if p.l1 == 0 {
			for i, x := range part {
				g[i] += F(p.l2 * x)
			}
			continue
		}
		for i, x := range part {
			g[i] += F(p.l2*x) + F(p.l1*sign(x))
		}
	}
}

// Prox of the sum of both parts: soft threshold, then shrink (Parikh, Boyd 2014, 6.5.2 and 2.2).
func (p *penalty[F]) Prox(params []F, step F) {
	threshold, shrink := F(step*p.l1), 1+F(step*p.l2)
	for _, span := range p.spans {
		part := params[span.From:span.To]
		for i, x := range part {
			part[i] = F(sign(x)*max(max(x, -x)-threshold, 0)) / shrink
		}
	}
}

// sign is 0 at 0, where every number from −1 to 1 is a subgradient of |x|.
func sign[F plugins.Float](x F) F {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
