package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

var adagrad = plugins.NewOptimizer(plugins.Spec{
	Name:    "adagrad",
	Summary: "steps scaled by the sum of all squared gradients",
	Doc: `s ← s + g², θ ← θ − lr/(1 + (t − 1)·lr_decay) · g / (√s + ε), s starting at initial, t at 1.
ε is added to the root, as in PyTorch.`,
	Citation: "Duchi, Hazan, Singer 2011 (JMLR 12), fig. 1 with diagonal matrices",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("lr_decay", 0, "slows the learning rate down as 1/(1 + (t − 1)·lr_decay)").AtLeast(0),
		plugins.RealSetting("initial", 0, "what the sum of squares starts at").AtLeast(0),
		plugins.RealSetting("eps", 1e-10, "ε, added to the root").AtLeast(0),
		weightDecay(0),
	},
	StateFloats: 1,
}, newAdagrad[float32], newAdagrad[float64])

type adagradState[F plugins.Float] struct {
	lrDecay    float64
	eps, decay F
	sum        []F
	steps      int64
}

func newAdagrad[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	s := &adagradState[F]{
		lrDecay: in.Settings.Real("lr_decay"),
		eps:     F(in.Settings.Real("eps")),
		decay:   F(in.Settings.Real("weight_decay")),
		sum:     make([]F, in.Layout.Dim()),
	}
	for i := range s.sum {
		s.sum[i] = F(in.Settings.Real("initial"))
	}
	return s, nil
}

func (s *adagradState[F]) Step(params, grad []F, lr F) error {
	rate := F(float64(lr) / (1 + float64(float64(s.steps)*s.lrDecay)))
	s.steps++
	sum, params := s.sum[:len(grad)], params[:len(grad)]
	for i, g := range grad {
		g += F(s.decay * params[i])
		si := sum[i] + F(g*g)
		sum[i] = si
		params[i] -= F(rate*g) / (F(math.Sqrt(float64(si))) + s.eps)
	}
	return nil
}

func (s *adagradState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.sum}, Counters: []*int64{&s.steps}}
}
