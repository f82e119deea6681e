package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

var adagradConventions = []plugins.Convention{
	{Name: torch, LR: 0.01, Source: "PyTorch 2.15 torch/optim/adagrad.py", Rule: `g ← g + weight_decay·θ
s ← s + g² from s = initial = 0
θ ← θ − lr/(1 + (t − 1)·lr_decay) · g / (√s + ε), t = 1, 2, …`},
	{Name: keras, LR: 1e-3, Source: "Keras 3.15 optimizers/adagrad.py", Rule: `θ ← θ·(1 − lr·weight_decay)
s ← s + g² from s = initial = 0.1
θ ← θ − lr·g / √(s + ε)`},
	{Name: optax, Source: "Optax 0.2.8 alias.adagrad, scale_by_rss", Rule: `s ← s + g² from s = initial = 0.1
θ ← θ − lr·g / √(s + ε), and θ stays where s = 0
No weight_decay.`},
}

var adagrad = plugins.NewOptimizer(plugins.Spec{
	Name:    "adagrad",
	Summary: "steps scaled by the sum of all squared gradients",
	Doc: `Divides each coordinate's gradient by the root of the sum s of its squares so far: the more a
coordinate has moved the slower it moves. The conventions differ in where ε stands and in what s
starts at, which decides the size of the first steps where gradients are small.`,
	Citation:    "Duchi, Hazan, Singer 2011 (JMLR 12), fig. 1 with diagonal matrices",
	Revision:    1,
	Conventions: adagradConventions,
	Settings: []plugins.Setting{
		following(adagradConventions),
		plugins.RealSetting("lr_decay", 0, "slows the learning rate down as 1/(1 + (t − 1)·lr_decay); torch only").AtLeast(0),
		plugins.RealSetting("initial", 0, "what the sum of squares starts at").AtLeast(0).
			Under(keras, plugins.Real(0.1)).Under(optax, plugins.Real(0.1)),
		plugins.RealSetting("eps", 1e-10, "ε, added to the root by torch, inside it by the others").AtLeast(0).
			Under(keras, plugins.Real(1e-7)).Under(optax, plugins.Real(1e-7)),
		decaySetting(),
	},
	StateFloats: 1,
}, newAdagrad[float32], newAdagrad[float64])

type adagradState[F plugins.Float] struct {
	decay[F]
	eps      epsilon[F]
	lrDecay  float64
	skipZero bool // a parameter stays where its sum is 0, even if ε is 0
	sum      []F
	steps    int64
}

func newAdagrad[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	decay, err := newDecay[F](in, map[string]coupling{torch: coupled, keras: decoupled})
	if err != nil {
		return nil, err
	}
	if err := onlyUnder(in, "lr_decay", plugins.Real(0), torch); err != nil {
		return nil, err
	}
	s := &adagradState[F]{
		decay:    decay,
		eps:      newEpsilon[F](in),
		lrDecay:  in.Settings.Real("lr_decay"),
		skipZero: chosen(in) == optax,
		sum:      make([]F, in.Layout.Dim()),
	}
	for i := range s.sum {
		s.sum[i] = F(in.Settings.Real("initial"))
	}
	return s, nil
}

func (s *adagradState[F]) Step(params, grad []F, lr F) error {
	rate := F(float64(lr) / (1 + float64(float64(s.steps)*s.lrDecay)))
	s.steps++
	shrink, eps := s.shrink(lr), s.eps
	sum, params := s.sum[:len(grad)], params[:len(grad)]
	for i, g := range grad {
		p := F(params[i] * shrink)
		g += F(s.coupled * p)
		si := sum[i] + F(g*g)
		sum[i] = si
		if s.skipZero && si == 0 {
			continue
		}
		params[i] = p - F(rate*g)/(F(math.Sqrt(float64(si+eps.inside)))+eps.outside)
	}
	return nil
}

func (s *adagradState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.sum}, Counters: []*int64{&s.steps}}
}
