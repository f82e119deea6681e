package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

var adam = plugins.NewOptimizer(plugins.Spec{
	Name:    "adam",
	Summary: "steps scaled by running moments of the gradient",
	Doc: `m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², θ ← θ − lr·m̂ / (√v̂ + ε) with
m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ). ε is added to the corrected root, as in PyTorch; Keras adds
it to the uncorrected one. weight_decay is coupled: it enters the moments. See adamw.`,
	Citation:    "Kingma, Ba 2015 (ICLR), arXiv:1412.6980, algorithm 1",
	Revision:    1,
	Settings:    append(adamSettings(), weightDecay(0)),
	StateFloats: 2,
}, newAdam[float32], newAdam[float64])

func adamSettings() []plugins.Setting {
	return []plugins.Setting{
		plugins.RealSetting("beta1", 0.9, "β₁, the decay of the first moment").AtLeast(0).Below(1),
		plugins.RealSetting("beta2", 0.999, "β₂, the decay of the second moment").AtLeast(0).Below(1),
		plugins.RealSetting("eps", 1e-8, "ε, added to the root of the second moment").AtLeast(0),
	}
}

type adamState[F plugins.Float] struct {
	beta1, beta2, eps float64
	coupled           F // weight decay that enters the gradient
	decoupled         F // weight decay that shrinks θ before the step
	m, v              []F
	steps             int64
}

func newAdam[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	s := newMoments[F](in)
	s.coupled = F(in.Settings.Real("weight_decay"))
	return s, nil
}

func newMoments[F plugins.Float](in plugins.Instance) *adamState[F] {
	dim := in.Layout.Dim()
	return &adamState[F]{
		beta1: in.Settings.Real("beta1"),
		beta2: in.Settings.Real("beta2"),
		eps:   in.Settings.Real("eps"),
		m:     make([]F, dim),
		v:     make([]F, dim),
	}
}

func (s *adamState[F]) Step(params, grad []F, lr F) error {
	s.steps++
	t := float64(s.steps)
	size := F(float64(lr) / (1 - math.Pow(s.beta1, t)))
	root := F(math.Sqrt(1 - math.Pow(s.beta2, t)))
	beta1, rest1 := F(s.beta1), F(1-s.beta1)
	beta2, rest2 := F(s.beta2), F(1-s.beta2)
	eps := F(s.eps)
	shrink := 1 - F(lr*s.decoupled)
	m, v := s.m[:len(grad)], s.v[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		p := F(params[i] * shrink)
		g += F(s.coupled * p)
		mi := F(beta1*m[i]) + F(rest1*g)
		vi := F(beta2*v[i]) + F(rest2*F(g*g))
		m[i], v[i] = mi, vi
		params[i] = p - F(size*mi)/(F(math.Sqrt(float64(vi)))/root+eps)
	}
	return nil
}

func (s *adamState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.m, s.v}, Counters: []*int64{&s.steps}}
}
