package builtin

import "github.com/xrun-dev/xrun/plugins"

var huber = plugins.NewRegularizer(plugins.Spec{
	Name:    "huber",
	Summary: "squares of small weights, absolute values of large ones",
	Doc: `R(θ) = κ·Σ h(θ) with h(θ) = ½θ² where |θ| ≤ δ, δ·|θ| − ½δ² elsewhere; gradient κ·θ clipped to
±κδ. Large weights are pulled no harder than weights of size δ. Proximal map for a step s, t = s·κ:
θ/(1 + t) where |θ| ≤ δ·(1 + t), θ − t·δ·sign θ elsewhere. Towards large δ this is l2; as δ
goes to 0 it is κδ·Σ|θ|, but without exact zeros.`,
	Citation: "Huber 1964 (Ann. Math. Statist. 35), 3; proximal map: Beck 2017, First-Order Methods in Optimization, 6.7.1",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("delta", 1, "δ, where the squares end").Above(0),
		strengthsOfHuber.setting(), mode,
	},
	Conventions: strengthsOfHuber.conventions(),
	Features:    []string{plugins.FeatureProx, plugins.FeatureCoefficients},
}, newHuber[float32], newHuber[float64])

var strengthsOfHuber = strengths{
	{plugins.Convention{Name: meanSquares, Source: sourceMeanSquares,
		Rule: "κ = λ/m: the penalty of l2 where no weight exceeds δ"}, perExample},
	{plugins.Convention{Name: "plain", Source: "Huber 1964 (Ann. Math. Statist. 35), 3",
		Rule: "κ = λ"}, plain},
}

type huberState[F plugins.Float] struct {
	coefficient, delta F
	exact              float64 // the coefficient before it was rounded to F
	spans              []plugins.Span
}

func newHuber[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	p, err := strengthsOfHuber.of(in, 0)
	if err != nil {
		return nil, err
	}
	return &huberState[F]{F(p.l2), F(in.Settings.Real("delta")), p.l2, in.Layout.Penalized()}, nil
}

func (h *huberState[F]) Coefficients() map[string]float64 {
	return map[string]float64{plugins.PartHuber: h.exact}
}

func (h *huberState[F]) Value(params []F) F {
	var sum F
	for _, span := range h.spans {
		for _, x := range params[span.From:span.To] {
			// Both branches are c·(|θ| − ½c) with c = min(|θ|, δ).
			size := max(x, -x)
			c := min(size, h.delta)
			sum += F(c * (size - c/2))
		}
	}
	return F(h.coefficient * sum)
}

func (h *huberState[F]) AddGradient(params, grad []F) {
	for _, span := range h.spans {
		part := params[span.From:span.To]
		g := grad[span.From:span.To][:len(part)]
		for i, x := range part {
			g[i] += F(h.coefficient * max(-h.delta, min(x, h.delta)))
		}
	}
}

func (h *huberState[F]) Prox(params []F, step F) {
	t := F(step * h.coefficient)
	shrink, pull := 1+t, F(t*h.delta)
	for _, span := range h.spans {
		part := params[span.From:span.To]
		for i, x := range part {
			y := x / shrink
			switch {
			case y > h.delta:
				y = x - pull
			case y < -h.delta:
				y = x + pull
			}
			part[i] = y
		}
	}
}
