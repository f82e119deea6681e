package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var rmspropConventions = []plugins.Convention{
	{Name: torch, LR: 0.01, Source: "PyTorch 2.15 torch/optim/rmsprop.py", Rule: `g ← g + weight_decay·θ
v ← α·v + (1 − α)·g², centered: q ← α·q + (1 − α)·g and v − q² instead of v below
d = g / (√v + ε), momentum: b ← μ·b + d and d = b
θ ← θ − lr·d
A new lr rescales the whole velocity.`},
	{Name: keras, LR: 1e-3, Source: "Keras 3.15 optimizers/rmsprop.py", Rule: `θ ← θ·(1 − lr·weight_decay)
v ← α·v + (1 − α)·g², centered: q ← α·q + (1 − α)·g and v − q² instead of v below
d = lr·g / √(v + ε), momentum: b ← μ·b + d and d = b
θ ← θ − d`},
	{Name: optax, Source: "Optax 0.2.8 alias.rmsprop, scale_by_rms, scale_by_stddev", Rule: `v ← α·v + (1 − α)·g² from v = initial, centered: q ← α·q + (1 − α)·g and v − q² instead of v below
bias_correction: v/(1 − αᵗ) and q/(1 − αᵗ) instead of v and q below
d = lr·g / √(v + ε), momentum: b ← μ·b + d and d = b, nesterov: d ← d + μ·b instead
θ ← θ − d
No weight_decay.`},
}

var rmsprop = plugins.NewOptimizer(plugins.Spec{
	Name:    "rmsprop",
	Summary: "steps scaled by a running mean of the squared gradient",
	Doc: `Divides the gradient by the root of a running mean of its square; centered divides by an estimate
of the standard deviation, with v − q² held at 0 where rounding makes it negative. The first step is
lr/√(1 − α) long in each coordinate, as v starts at 0 and is not corrected: ten times lr under
torch's α. The conventions differ in where ε stands, and with momentum in where lr does.`,
	Citation:    "Tieleman, Hinton 2012 (Coursera, lecture 6.5); centered: Graves 2013, arXiv:1308.0850, eq. 38–40",
	Revision:    1,
	Conventions: rmspropConventions,
	Settings: []plugins.Setting{
		following(rmspropConventions),
		plugins.RealSetting("alpha", 0.99, "α, the decay of the running mean").AtLeast(0).Below(1).
			Under(keras, plugins.Real(0.9)).Under(optax, plugins.Real(0.9)),
		plugins.RealSetting("eps", 1e-8, "ε, added to the root by torch, inside it by the others").AtLeast(0).
			Under(keras, plugins.Real(1e-7)),
		plugins.FlagSetting("centered", false, "divide by an estimate of the standard deviation"),
		plugins.RealSetting("momentum", 0, "μ, the share of the velocity kept at each step").AtLeast(0).Below(1),
		plugins.FlagSetting("nesterov", false, "look ahead along the velocity; wants momentum > 0; optax only"),
		plugins.RealSetting("initial", 0, "what v starts at; optax only").AtLeast(0),
		plugins.FlagSetting("bias_correction", false, "divide the running means by 1 − αᵗ; optax only"),
		decaySetting(),
	},
	StateFloats: 3,
}, newRMSprop[float32], newRMSprop[float64])

type rmspropState[F plugins.Float] struct {
	decay[F]
	eps                   epsilon[F]
	alpha, rest, momentum F
	nesterov              bool
	rateInside            bool // the velocity holds lr times the quotient
	correct               bool
	exactAlpha            float64 // α before it was rounded to F, for αᵗ
	v                     []F
	mean                  []F // nil unless centered
	velocity              []F // nil without momentum
	steps                 int64
}

func newRMSprop[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	decay, err := newDecay[F](in, map[string]coupling{torch: coupled, keras: decoupled})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"nesterov", "bias_correction"} {
		if err := onlyUnder(in, name, plugins.Flag(false), optax); err != nil {
			return nil, err
		}
	}
	if err := onlyUnder(in, "initial", plugins.Real(0), optax); err != nil {
		return nil, err
	}
	alpha, dim := in.Settings.Real("alpha"), in.Layout.Dim()
	s := &rmspropState[F]{
		decay:      decay,
		eps:        newEpsilon[F](in),
		alpha:      F(alpha),
		rest:       F(1 - alpha),
		momentum:   F(in.Settings.Real("momentum")),
		nesterov:   in.Settings.Flag("nesterov"),
		rateInside: chosen(in) != torch,
		correct:    in.Settings.Flag("bias_correction"),
		exactAlpha: alpha,
		v:          make([]F, dim),
	}
	if s.nesterov && s.momentum == 0 {
		return nil, &plugins.SettingError{Setting: "nesterov", Problem: "wants momentum > 0"}
	}
	for i := range s.v {
		s.v[i] = F(in.Settings.Real("initial"))
	}
	if in.Settings.Flag("centered") {
		s.mean = make([]F, dim)
	}
	if s.momentum > 0 {
		s.velocity = make([]F, dim)
	}
	return s, nil
}

func (s *rmspropState[F]) Step(params, grad []F, lr F) error {
	s.steps++
	shrink, eps, correction := s.shrink(lr), s.eps, F(1)
	if s.correct {
		correction = F(1 / (1 - elementary.Pow(s.exactAlpha, float64(s.steps))))
	}
	inside, outside := F(1), lr
	if s.rateInside {
		inside, outside = lr, 1
	}
	v, params := s.v[:len(grad)], params[:len(grad)]
	for i, g := range grad {
		p := F(params[i] * shrink)
		g += F(s.coupled * p)
		vi := F(s.alpha*v[i]) + F(s.rest*F(g*g))
		v[i] = vi
		vi = F(correction * vi)
		if s.mean != nil {
			q := F(s.alpha*s.mean[i]) + F(s.rest*g)
			s.mean[i] = q
			q = F(correction * q)
			vi = max(vi-F(q*q), 0)
		}
		d := F(inside*g) / (F(math.Sqrt(float64(vi+eps.inside))) + eps.outside)
		if s.velocity != nil {
			b := d + F(s.momentum*s.velocity[i])
			s.velocity[i] = b
			if s.nesterov {
				b = d + F(s.momentum*b)
			}
			d = b
		}
		params[i] = p - F(outside*d)
	}
	return nil
}

func (s *rmspropState[F]) State() plugins.State[F] {
	state := plugins.State[F]{Vectors: [][]F{s.v}}
	for _, v := range [][]F{s.mean, s.velocity} {
		if v != nil {
			state.Vectors = append(state.Vectors, v)
		}
	}
	if s.correct {
		state.Counters = []*int64{&s.steps}
	}
	return state
}
