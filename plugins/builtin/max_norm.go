package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

var maxNorm = plugins.NewRegularizer(plugins.Spec{
	Name:    "max_norm",
	Summary: "keeps the norm of each neuron's weights below 1/λ",
	Doc: `A limit and not a term of J: after every step, groups of weights longer than c = 1/λ are
scaled to the norm c; shorter ones stay as they are, to the last bit. λ is the inverse of
the radius, so that 0 is no limit and a larger λ is a tighter one, as with other regularizers;
it does not depend on the number of examples. R is 0, also for the θ₀ that training starts from,
which the limit leaves alone. groups = "neuron" limits the weights that enter each neuron, as
Keras' MaxNorm(max_value = c, axis = 0) does but for its 1e-7; "input" those that
leave each input, "tensor" whole tensors. There is no gradient, so mode is always proximal.`,
	Citation: "Srebro, Shraibman 2005 (COLT); Srivastava et al. 2014 (JMLR 15), 5.1",
	Revision: 1,
	Settings: []plugins.Setting{
		groupsSetting(byNeuron, byInput, byTensor),
		plugins.ChoiceSetting(plugins.SettingMode, "the limit is applied after the step", plugins.ModeProximal),
	},
	Features: []string{plugins.FeatureProx},
}, newMaxNorm[float32], newMaxNorm[float64])

type ball[F plugins.Float] struct {
	radius float64
	groups []group
}

func newMaxNorm[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	return &ball[F]{1 / in.Lambda, groupsOf(in.Layout, in.Settings.Choice("groups"))}, nil
}

func (*ball[F]) Value([]F) F { return 0 }

func (*ball[F]) AddGradient(_, _ []F) {}

// Prox of the indicator of a ball is the projection onto it, whatever the step (Parikh, Boyd 2014, 1.2).
// What rounding leaves outside by less than its error is not projected again, or a
// projected group could shrink at every step.
func (b *ball[F]) Prox(params []F, _ F) {
	for _, g := range b.groups {
		if n := norm(g, params); n > b.radius*tolerance[F]() && !math.IsInf(n, 1) {
			multiply(g, params, F(b.radius/n))
		}
	}
}

// tolerance is 1 and a few units in the last place of F.
func tolerance[F plugins.Float]() float64 {
	if plugins.DTypeOf[F]() == plugins.Float32 {
		return 1 + 4*0x1p-24
	}
	return 1 + 4*0x1p-53
}
