package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

// innerAdam is the adamw of the same framework, by which muon moves the tensors that it does not
// orthogonalise.
type innerAdam[F plugins.Float] struct {
	beta1, beta2, eps float64
	decay, ratio      float64
	hat, nesterov     bool // ε on the uncorrected root; look ahead along m
	decayByLR         bool // the decay heeds lr alone
	spans             []plugins.Span
	m, v              []F // m by place in the parameter vector, v packed
}

func newInnerAdam[F plugins.Float](in plugins.Instance, m []F) innerAdam[F] {
	convention := in.Settings.Choice(plugins.SettingConvention)
	return innerAdam[F]{
		beta1:     in.Settings.Real("adam_beta1"),
		beta2:     in.Settings.Real("adam_beta2"),
		eps:       in.Settings.Real("adam_eps"),
		decay:     in.Settings.Real("adam_weight_decay"),
		ratio:     in.Settings.Real("adam_lr_ratio"),
		hat:       convention == "keras",
		decayByLR: convention == "keras",
		nesterov:  convention == "optax" && in.Settings.Flag("nesterov"),
		m:         m,
	}
}

func (a *innerAdam[F]) add(span plugins.Span) {
	a.spans = append(a.spans, span)
	a.v = append(a.v, make([]F, span.To-span.From)...)
}

func (a *innerAdam[F]) step(params, grad []F, lr F, steps int64) {
	t := float64(steps)
	rate := float64(float64(lr) * a.ratio)
	decay := float64(rate * a.decay)
	if a.decayByLR {
		decay = float64(float64(lr) * a.decay)
	}
	correct1 := 1 - elementary.Pow(a.beta1, t)
	correct2 := math.Sqrt(1 - elementary.Pow(a.beta2, t))
	ofMean, ofGrad, root, eps := F(rate/correct1), F(0), F(correct2), F(a.eps)
	if a.nesterov {
		ofMean = F(rate * a.beta1 / (1 - elementary.Pow(a.beta1, t+1)))
		ofGrad = F(rate * (1 - a.beta1) / correct1)
	}
	if a.hat {
		eps = F(a.eps / correct2)
	}
	beta1, rest1 := F(a.beta1), F(1-a.beta1)
	beta2, rest2 := F(a.beta2), F(1-a.beta2)
	shrink := F(1 - decay)
	at := 0
	for _, span := range a.spans {
		p, g := params[span.From:span.To], grad[span.From:span.To]
		m, v := a.m[span.From:span.To], a.v[at:][:len(g)]
		at += len(g)
		for i, x := range g {
			m[i] = F(beta1*m[i]) + F(rest1*x)
			v[i] = F(beta2*v[i]) + F(rest2*F(x*x))
			d := F(ofMean * m[i])
			if a.nesterov {
				d += F(ofGrad * x)
			}
			p[i] = F(shrink*p[i]) - d/(F(math.Sqrt(float64(v[i])))/root+eps)
		}
	}
}
