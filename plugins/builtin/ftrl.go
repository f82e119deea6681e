package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var ftrl = plugins.NewOptimizer(plugins.Spec{
	Name:    "ftrl",
	Summary: "follow the regularized leader: l1 and l2 inside the optimizer, exact zeros",
	Doc: `n' = n + g² from n = initial, σ = (n'^−p − n^−p)/lr
z ← z + g + 2·l2_shrinkage·θ − σ·θ
θ ← 0 where |z| ≤ l1, elsewhere −(z − l1·sign z) / (n'^−p/lr + 2·l2 + beta/lr), n ← n'
p is lr_power. This is Keras's form: 2·l2 is λ₂ of the paper and beta is its β.
θ is computed from z alone, so that the first step forgets where θ started: a parameter whose first
gradient is 0 becomes 0. l1 and l2 stand against the sum of all gradients, not their mean: the more
steps, the less a given l1 weighs. They apply to the parameters that a regularizer would apply to,
and stand in for one: ftrl takes none. Keras applies them to whatever it is given.`,
	Citation: "McMahan et al. 2013 (KDD), doi:10.1145/2487575.2488200, algorithm 1; Keras 3.15 optimizers/ftrl.py",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("lr_power", -0.5, "p, the power by which the rate falls with the sum of squares; 0 keeps it constant").Within(-1, 0),
		plugins.RealSetting("initial", 0.1, "what the sum of squares starts at").AtLeast(0),
		plugins.RealSetting("l1", 0, "l1·Σ|θ|, against the sum of gradients").AtLeast(0),
		plugins.RealSetting("l2", 0, "l2·Σθ², against the sum of gradients").AtLeast(0),
		plugins.RealSetting("l2_shrinkage", 0, "adds 2·l2_shrinkage·θ to the gradient but not to the sum of squares").AtLeast(0),
		plugins.RealSetting("beta", 0, "β, added to the root of the sum of squares").AtLeast(0),
	},
	Features:    []string{plugins.FeatureOwnPenalty},
	StateFloats: 2,
}, newFTRL[float32], newFTRL[float64])

type ftrlState[F plugins.Float] struct {
	power                   float64 // −p
	l1, l2, shrinkage, beta F
	penalized, free         []plugins.Span
	linear, sum             []F // z and n
}

func newFTRL[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	dim := in.Layout.Dim()
	s := &ftrlState[F]{
		power:     -in.Settings.Real("lr_power"),
		l1:        F(in.Settings.Real("l1")),
		l2:        F(in.Settings.Real("l2")),
		shrinkage: F(in.Settings.Real("l2_shrinkage")),
		beta:      F(in.Settings.Real("beta")),
		penalized: in.Layout.Penalized(),
		linear:    make([]F, dim),
		sum:       make([]F, dim),
	}
	from := 0
	for _, span := range append(in.Layout.Penalized(), plugins.Span{From: dim, To: dim}) {
		if span.From > from {
			s.free = append(s.free, plugins.Span{From: from, To: span.From})
		}
		from = span.To
	}
	for i := range s.sum {
		s.sum[i] = F(in.Settings.Real("initial"))
	}
	return s, nil
}

func (s *ftrlState[F]) Step(params, grad []F, lr F) error {
	for _, span := range s.penalized {
		s.step(params, grad, span, lr, s.l1, s.l2, s.shrinkage)
	}
	for _, span := range s.free {
		s.step(params, grad, span, lr, 0, 0, 0)
	}
	return nil
}

func (s *ftrlState[F]) step(params, grad []F, span plugins.Span, lr, l1, l2, shrinkage F) {
	grad = grad[span.From:span.To]
	params = params[span.From:span.To][:len(grad)]
	linear, sum := s.linear[span.From:span.To][:len(grad)], s.sum[span.From:span.To][:len(grad)]
	flat := F(2*l2) + s.beta/lr
	for i, g := range grad {
		p := params[i]
		n := sum[i] + F(g*g)
		before, after := s.rate(sum[i]), s.rate(n)
		z := linear[i] + (g + F(2*shrinkage*p) - F((after-before)/lr*p))
		linear[i], sum[i] = z, n
		switch {
		case z > l1:
			p = (l1 - z) / (after/lr + flat)
		case z < -l1:
			p = (-l1 - z) / (after/lr + flat)
		case z == z:
			p = 0
		default:
			p = z // NaN
		}
		params[i] = p
	}
}

// rate is n^−p, by the square root in the usual case p = −½.
func (s *ftrlState[F]) rate(n F) F {
	if s.power == 0.5 {
		return F(math.Sqrt(float64(n)))
	}
	return F(elementary.Pow(float64(n), s.power))
}

func (s *ftrlState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.linear, s.sum}}
}
