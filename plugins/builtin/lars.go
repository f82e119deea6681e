package builtin

import "github.com/xrun-dev/xrun/plugins"

var lars = plugins.NewOptimizer(plugins.Spec{
	Name:    "lars",
	Summary: "momentum with a learning rate for each tensor, in proportion to the size of its parameters",
	Doc: `u = g + weight_decay·θ, b ← μ·b + lr·r·u, θ ← θ − b, or along lr·r·u + μ·b with nesterov. The
ratio r of a tensor is by its convention; it is 1 where a norm is 0. The learning rate stands inside
the velocity: when it changes, what has been gathered keeps its size. With vectors = false tensors of
fewer than two dimensions take r = 1 and no decay.`,
	Citation: "You, Gitman, Ginsburg 2017, arXiv:1708.03888, algorithm 1",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.ChoiceSetting(plugins.SettingConvention, "whose lars", "paper", "optax"),
		plugins.RealSetting("momentum", 0.9, "μ, the share of the velocity kept at each step").AtLeast(0).Below(1),
		plugins.FlagSetting("nesterov", false, "look ahead along the velocity"),
		plugins.RealSetting("trust", 1e-3, "c, the size of a step relative to the parameters").Above(0),
		plugins.RealSetting("eps", 0, "ε, added to the denominator of r").AtLeast(0),
		plugins.FlagSetting("vectors", true, "scale and decay biases and other vectors too"),
		plugins.RealSetting("weight_decay", 0, "adds weight_decay·θ to the gradient").AtLeast(0),
	},
	Conventions: []plugins.Convention{
		{Name: "paper", Rule: "r = c·‖θ‖/(‖g‖ + weight_decay·‖θ‖ + ε)", Source: "algorithm 1; pytorch_optimizer 4.1, LARS, has the lr outside the velocity and vectors = false"},
		{Name: "optax", Rule: "r = c·‖θ‖/(‖u‖ + ε)", Source: "optax 0.2.8, optax.lars"},
	},
	StateFloats: 1,
}, newLARS[float32], newLARS[float64])

type larsState[F plugins.Float] struct {
	decoupledNorms  bool // ‖g‖ and ‖θ‖ apart in the denominator
	momentum, decay F
	nesterov        bool
	trust, eps      float64
	blocks          []larsBlock
	velocity        []F
}

type larsBlock struct {
	span  plugins.Span
	plain bool // neither scaled nor decayed
}

func newLARS[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	s := &larsState[F]{
		decoupledNorms: in.Settings.Choice(plugins.SettingConvention) == "paper",
		momentum:       F(in.Settings.Real("momentum")),
		decay:          F(in.Settings.Real("weight_decay")),
		nesterov:       in.Settings.Flag("nesterov"),
		trust:          in.Settings.Real("trust"),
		eps:            in.Settings.Real("eps"),
		velocity:       make([]F, in.Layout.Dim()),
	}
	for _, t := range in.Layout {
		s.blocks = append(s.blocks, larsBlock{
			span:  plugins.Span{From: t.Offset, To: t.Offset + t.Size()},
			plain: len(t.Shape) < 2 && !in.Settings.Flag("vectors"),
		})
	}
	return s, nil
}

func (s *larsState[F]) Step(params, grad []F, lr F) error {
	for _, b := range s.blocks {
		p, g := params[b.span.From:b.span.To], grad[b.span.From:b.span.To]
		velocity := s.velocity[b.span.From:b.span.To]
		decay, rate := s.decay, lr
		if b.plain {
			decay = 0
		} else {
			rate = F(float64(lr) * s.ratio(p, g))
		}
		for i, x := range g {
			d := F(rate * (x + F(decay*p[i])))
			velocity[i] = F(s.momentum*velocity[i]) + d
			if s.nesterov {
				d += F(s.momentum * velocity[i])
			} else {
				d = velocity[i]
			}
			p[i] -= d
		}
	}
	return nil
}

// ratio is r of a tensor.
func (s *larsState[F]) ratio(p, g []F) float64 {
	size, slope := norm2(p), 0.0
	if s.decoupledNorms {
		slope = norm2(g) + float64(float64(s.decay)*size)
	} else {
		slope = normOfSum(g, s.decay, p)
	}
	if size == 0 || slope == 0 {
		return 1
	}
	return float64(s.trust*size) / (slope + s.eps)
}

func (s *larsState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.velocity}}
}
