package plugintest

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// parts are what a component of these tests is made of; a mutant changes one of them.
type parts struct {
	spec  plugins.Spec
	step  func(o *mutant, params, grad []float64, lr float64)
	state func(o *mutant) plugins.State[float64]
	gain  func(o *mutant) float64

	value func(o *mutant, x []float64) float64
	add   func(o *mutant, x, grad []float64)
	prox  func(o *mutant, x []float64, step float64)

	initial  func(o *mutant, x []float64)
	gradient func(o *mutant, x, grad []float64, epoch, batch int) float64
	evaluate func(o *mutant, x, dst []float64)
}

// mutant is a component of any kind that works in float64, on copies where its parameters are of another type.
type mutant struct {
	*parts
	in           plugins.Instance
	m, v         []float64
	t            int64
	kept         []float64
	coef         float64
	lambda       float64
	warmup, when int64
	narrow       bool // works on float32
}

func newMutant(p *parts, in plugins.Instance) *mutant {
	n := in.Layout.Dim()
	o := &mutant{parts: p, in: in, m: make([]float64, n), v: make([]float64, n), lambda: in.Lambda / max(1, float64(in.Examples))}
	if _, ok := p.spec.Setting("momentum"); ok {
		o.coef = in.Settings.Real("momentum")
	}
	if _, ok := p.spec.Setting("warmup"); ok {
		o.warmup = in.Settings.Integer("warmup")
	}
	return o
}

// over does f on a copy of a vector, and keeps what it wrote.
func over[F plugins.Float](x []F, f func([]float64)) {
	c := make([]float64, len(x))
	for i, v := range x {
		c[i] = float64(v)
	}
	f(c)
	for i, v := range c {
		x[i] = F(v)
	}
}

type mutantOptimizer[F plugins.Float] struct {
	*mutant
	vectors [][]F
}

func (o *mutantOptimizer[F]) Step(params, grad []F, lr F) error {
	state := o.state(o.mutant)
	for k, v := range o.vectors { // what was restored
		for i, x := range v {
			state.Vectors[k][i] = float64(x)
		}
	}
	over(params, func(p []float64) { over(grad, func(g []float64) { o.step(o.mutant, p, g, float64(lr)) }) })
	for k, v := range o.vectors {
		for i := range v {
			v[i] = F(state.Vectors[k][i])
			state.Vectors[k][i] = float64(v[i])
		}
	}
	return nil
}

func (o *mutantOptimizer[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: o.vectors, Counters: o.state(o.mutant).Counters}
}

func (o *mutantOptimizer[F]) Gain() float64 { return o.gain(o.mutant) }

type mutantRegularizer[F plugins.Float] struct{ *mutant }

func (o mutantRegularizer[F]) Value(x []F) (v F) {
	over(x, func(x []float64) { v = F(o.value(o.mutant, x)) })
	return v
}
func (o mutantRegularizer[F]) AddGradient(x, grad []F) {
	over(x, func(x []float64) { over(grad, func(g []float64) { o.add(o.mutant, x, g) }) })
}
func (o mutantRegularizer[F]) Prox(x []F, step F) {
	over(x, func(x []float64) { o.prox(o.mutant, x, float64(step)) })
}

type mutantObjective[F plugins.Float] struct{ *mutant }

func (o mutantObjective[F]) Problem() plugins.Problem {
	return plugins.Problem{Layout: line(inputs), Examples: 64, Batches: 4, Loss: plugins.LossSquares}
}
func (o mutantObjective[F]) Init(x []F) error {
	over(x, func(x []float64) { o.initial(o.mutant, x) })
	return nil
}
func (o mutantObjective[F]) Gradient(x, grad []F, epoch, batch int) (loss F, err error) {
	over(x, func(x []float64) {
		over(grad, func(g []float64) { loss = F(o.gradient(o.mutant, x, g, epoch, batch)) })
	})
	return loss, nil
}
func (o mutantObjective[F]) Evaluate(x []F, dst []float64) error {
	over(x, func(x []float64) { o.evaluate(o.mutant, x, dst) })
	return nil
}

func optimizerOf[F plugins.Float](p *parts) func(plugins.Instance) (plugins.Optimizer[F], error) {
	return func(in plugins.Instance) (plugins.Optimizer[F], error) {
		o := &mutantOptimizer[F]{mutant: newMutant(p, in)}
		for _, v := range p.state(o.mutant).Vectors {
			o.vectors = append(o.vectors, make([]F, len(v)))
		}
		return o, nil
	}
}

func regularizerOf[F plugins.Float](p *parts) func(plugins.Instance) (plugins.Regularizer[F], error) {
	return func(in plugins.Instance) (plugins.Regularizer[F], error) {
		o := mutantRegularizer[F]{newMutant(p, in)}
		o.narrow = plugins.DTypeOf[F]() == plugins.Float32
		return o, nil
	}
}

func objectiveOf[F plugins.Float](p *parts) func(plugins.Instance) (plugins.Objective[F], error) {
	return func(in plugins.Instance) (plugins.Objective[F], error) {
		return mutantObjective[F]{newMutant(p, in)}, nil
	}
}

// soundOptimizer is heavy-ball momentum whose rate rises over some steps.
func soundOptimizer() *parts {
	return &parts{
		spec: plugins.Spec{Name: "sound", StateFloats: 1, Features: []string{plugins.FeatureGain}, Settings: []plugins.Setting{
			plugins.RealSetting("momentum", 0.9, "μ").AtLeast(0).Below(1),
			plugins.IntegerSetting("warmup", 0, "steps over which the rate rises").AtLeast(0),
		}},
		step: heavyBall,
		state: func(o *mutant) plugins.State[float64] {
			return plugins.State[float64]{Vectors: [][]float64{o.m}, Counters: []*int64{&o.t}}
		},
		gain: func(o *mutant) float64 { return 1 / (1 - o.coef) },
	}
}

func heavyBall(o *mutant, params, grad []float64, lr float64) {
	o.t++
	if o.warmup > 0 {
		lr *= math.Min(1, float64(o.t)/float64(o.warmup))
	}
	for i, g := range grad {
		o.m[i] = float64(o.coef*o.m[i]) + g
		params[i] -= float64(lr * o.m[i])
	}
}

// soundRegularizer is λ/(2m)·Σθ² over the penalised part.
func soundRegularizer() *parts {
	return &parts{
		spec: plugins.Spec{Name: "sound", Features: []string{plugins.FeatureProx}, Settings: []plugins.Setting{
			plugins.ChoiceSetting(plugins.SettingMode, "how", plugins.ModeSubgradient, plugins.ModeProximal)}},
		value: func(o *mutant, x []float64) float64 {
			sum := 0.0
			o.each(func(i int) { sum += float64(x[i] * x[i]) })
			return o.lambda / 2 * sum
		},
		add:  func(o *mutant, x, grad []float64) { o.each(func(i int) { grad[i] += float64(o.lambda * x[i]) }) },
		prox: func(o *mutant, x []float64, step float64) { o.each(func(i int) { x[i] /= 1 + float64(step*o.lambda) }) },
	}
}

// each goes through the penalised elements.
func (o *mutant) each(f func(i int)) {
	for _, span := range o.in.Layout.Penalized() {
		for i := span.From; i < span.To; i++ {
			f(i)
		}
	}
}

// soundObjective is linear regression on 64 rows in batches of 16.
func soundObjective() *parts {
	return &parts{
		spec:    plugins.Spec{Name: "sound", Metrics: []string{plugins.MetricTrainLoss, "val_loss"}},
		initial: func(o *mutant, x []float64) { copy(x, draws(inputs, o.in.Seed, 3)) },
		gradient: func(o *mutant, x, grad []float64, epoch, batch int) float64 {
			clear(grad)
			return meanSquare(x, grad, 16*((batch+epoch)%4), 16)
		},
		evaluate: func(o *mutant, x, dst []float64) {
			dst[0], dst[1] = meanSquare(x, make([]float64, inputs), 0, 64), meanSquare(x, make([]float64, inputs), 64, 32)
		},
	}
}

// meanSquare is half the mean square over rows, whose gradient it adds.
func meanSquare(x, grad []float64, from, n int) float64 {
	loss := 0.0
	for r := from; r < from+n; r++ {
		row := draws(inputs, 77, uint64(r))
		off := dot(row, x) - row[0] + 2*row[1]
		loss += off * off / 2 / float64(n)
		for i, v := range row {
			grad[i] += off * v / float64(n)
		}
	}
	return loss
}

// float16 rounds to 11 bits.
func float16(x float64) float64 {
	fraction, exponent := math.Frexp(x)
	return math.Ldexp(math.Round(math.Ldexp(fraction, 11)), exponent-11)
}

// The state that some mutants share between their instances.
var sharedVector []float64

// A mistake is one way to be wrong, and the check that has to find it.
type mistake struct {
	name, check string
	sound       func() *parts
	change      func(p *parts)
	also        string // another check that fails by the same mistake
}

var mistakes = []mistake{
	{"a step does nothing", "optimizer/moves", soundOptimizer, func(p *parts) { p.step = func(*mutant, []float64, []float64, float64) {} }, ""},
	{"a step is taken twice", "optimizer/gain", soundOptimizer, func(p *parts) {
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			heavyBall(o, params, grad, lr)
			heavyBall(o, params, grad, lr)
		}
	}, ""},
	{"a step overwrites", "optimizer/moves", soundOptimizer, func(p *parts) {
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			for i, g := range grad {
				params[i] = -lr * g
			}
		}
		p.spec.Settings = p.spec.Settings[:0]
	}, ""},
	{"a step goes up", "optimizer/descends", soundOptimizer, func(p *parts) {
		p.spec.Features = nil
		p.step = func(o *mutant, params, grad []float64, lr float64) { heavyBall(o, params, grad, -lr) }
	}, ""},
	{"a step forgets lr", "optimizer/learning-rate", soundOptimizer, func(p *parts) {
		p.spec.Features = nil
		p.step = func(o *mutant, params, grad []float64, lr float64) { heavyBall(o, params, grad, 0.01) }
	}, ""},
	{"a step changes the gradient", "gradient/untouched", soundOptimizer, func(p *parts) {
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			heavyBall(o, params, grad, lr)
			grad[0] *= 2
		}
	}, ""},
	{"momentum is forgotten", "settings/used", soundOptimizer, func(p *parts) {
		p.gain = func(*mutant) float64 { return 10 }
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			own := *o
			own.coef = 0.9
			heavyBall(&own, params, grad, lr)
			o.t = own.t
		}
	}, ""},
	{"the counter is not saved", "state/restore", soundOptimizer, func(p *parts) {
		p.state = func(o *mutant) plugins.State[float64] { return plugins.State[float64]{Vectors: [][]float64{o.m}} }
	}, ""},
	{"the counter is not saved, and matters in a mode of its own", "state/restore", soundOptimizer, func(p *parts) {
		p.spec.Settings = append(p.spec.Settings, plugins.ChoiceSetting("rise", "how the rate rises", "never", "once", "always"))
		p.state = func(o *mutant) plugins.State[float64] { return plugins.State[float64]{Vectors: [][]float64{o.m}} }
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			own := *o
			if own.in.Settings.Choice("rise") != "always" {
				own.warmup = 0
			}
			heavyBall(&own, params, grad, lr)
			o.t = own.t
		}
	}, ""},
	{"the counter is not saved, and matters late", "state/restore", soundOptimizer, func(p *parts) {
		p.spec.Features = nil
		p.spec.Settings[1] = plugins.IntegerSetting("warmup", 1, "the rate falls after 20 of these").AtLeast(1)
		p.state = func(o *mutant) plugins.State[float64] { return plugins.State[float64]{Vectors: [][]float64{o.m}} }
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			own := *o
			if own.t > 20*own.warmup {
				lr /= 2
			}
			own.warmup = 0
			heavyBall(&own, params, grad, lr)
			o.t = own.t
		}
	}, ""},
	{"a real setting of a tiny default, far from which a counter matters", "state/restore", soundOptimizer, func(p *parts) {
		p.spec.Features = nil
		p.spec.Settings = append(p.spec.Settings[:1], plugins.RealSetting("decay", 1e-6, "of the rate").Above(0))
		p.state = func(o *mutant) plugins.State[float64] { return plugins.State[float64]{Vectors: [][]float64{o.m}} }
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			own := *o
			own.warmup = 0
			if decay := o.in.Settings.Real("decay"); decay >= 0.5 {
				lr /= 1 + decay*float64(o.t)
			}
			heavyBall(&own, params, grad, lr)
			o.t = own.t
		}
	}, ""},
	{"a real setting without bounds, whose sum is not saved", "state/restore", soundOptimizer, func(p *parts) {
		p.spec.Features = nil
		p.spec.Settings = append(p.spec.Settings[:1], plugins.RealSetting("decay", 0, "of the rate").AtLeast(0))
		p.state = func(o *mutant) plugins.State[float64] { return plugins.State[float64]{Vectors: [][]float64{o.m}} }
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			own := *o
			own.warmup = 0
			heavyBall(&own, params, grad, lr/(1+o.in.Settings.Real("decay")*float64(o.t)))
			o.t = own.t
		}
	}, ""},
	{"the momentum is not saved", "state/restore", soundOptimizer, func(p *parts) {
		p.state = func(o *mutant) plugins.State[float64] { return plugins.State[float64]{Counters: []*int64{&o.t}} }
	}, ""},
	{"the saved counter is one off", "state/restore", soundOptimizer, func(p *parts) {
		p.state = func(o *mutant) plugins.State[float64] {
			o.when = o.t + 1
			return plugins.State[float64]{Vectors: [][]float64{o.m}, Counters: []*int64{&o.when}}
		}
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			if o.when > o.t+1 {
				o.t = o.when
			}
			heavyBall(o, params, grad, lr)
			o.when = 0
		}
	}, ""},
	{"momentum is shared between instances", "determinism", soundOptimizer, func(p *parts) {
		p.spec.Features = nil
		sharedVector = make([]float64, 1<<12)
		p.state = func(o *mutant) plugins.State[float64] { return plugins.State[float64]{Vectors: [][]float64{o.m}} }
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			own := *o
			heavyBall(&own, params, grad, lr)
			for i := range params {
				params[i] -= float64(1e-3 * lr * sharedVector[i%len(sharedVector)])
				sharedVector[i%len(sharedVector)] = grad[i]
			}
		}
	}, ""},
	{"the clock is read", "determinism", soundOptimizer, func(p *parts) {
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			heavyBall(o, params, grad, lr*(1+1e-12*float64(time.Now().UnixNano()%1e6)))
		}
	}, ""},
	{"random numbers without the seed", "determinism", soundOptimizer, func(p *parts) {
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			heavyBall(o, params, grad, lr*(1+1e-6*rand.Float64()))
		}
	}, ""},
	{"a step in float16", "optimizer/precision", soundOptimizer, func(p *parts) {
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			c := slices.Clone(grad)
			for i, g := range c {
				c[i] = float16(g)
			}
			heavyBall(o, params, c, lr)
		}
	}, ""},
	{"a state in float16", "optimizer/precision", soundOptimizer, func(p *parts) {
		p.spec.Features, p.spec.Settings = nil, p.spec.Settings[:1]
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			o.t++
			for i, g := range grad {
				o.m[i] = float16(float64(o.coef*o.m[i]) + g)
				params[i] -= float64(lr * o.m[i])
			}
		}
	}, ""},
	{"parameters in float16", "optimizer/precision", soundOptimizer, func(p *parts) {
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			heavyBall(o, params, grad, lr)
			for i, x := range params {
				params[i] = float16(x)
			}
		}
	}, ""},
	{"a step in float32", "optimizer/precision", soundOptimizer, func(p *parts) {
		p.step = func(o *mutant, params, grad []float64, lr float64) {
			c := slices.Clone(grad)
			for i, g := range c {
				c[i] = float64(float32(g))
			}
			heavyBall(o, params, c, lr)
		}
	}, ""},

	{"the gradient is not added", "gradient/finite-differences", soundRegularizer, func(p *parts) { p.add = func(*mutant, []float64, []float64) {} }, ""},
	{"the gradient is added twice", "gradient/finite-differences", soundRegularizer, func(p *parts) {
		once := p.add
		p.add = func(o *mutant, x, grad []float64) { once(o, x, grad); once(o, x, grad) }
	}, ""},
	{"the gradient is overwritten", "gradient/added", soundRegularizer, func(p *parts) {
		p.add = func(o *mutant, x, grad []float64) { o.each(func(i int) { grad[i] = o.lambda * x[i] }) }
	}, ""},
	{"all of the gradient is overwritten", "gradient/added", soundRegularizer, func(p *parts) {
		once := p.add
		p.add = func(o *mutant, x, grad []float64) { clear(grad); once(o, x, grad) }
	}, ""},
	{"the gradient is scaled", "gradient/added", soundRegularizer, func(p *parts) {
		p.add = func(o *mutant, x, grad []float64) {
			o.each(func(i int) { grad[i] += o.lambda * (x[i] + 1e-6*grad[i]) })
		}
	}, ""},
	{"the gradient goes the other way", "gradient/finite-differences", soundRegularizer, func(p *parts) {
		p.add = func(o *mutant, x, grad []float64) { o.each(func(i int) { grad[i] -= o.lambda * x[i] }) }
	}, ""},
	{"the gradient forgets λ", "gradient/finite-differences", soundRegularizer, func(p *parts) {
		p.add = func(o *mutant, x, grad []float64) { o.each(func(i int) { grad[i] += x[i] }) }
	}, "regularizer/zero-strength"},
	{"the value is 0", "gradient/finite-differences", soundRegularizer, func(p *parts) { p.value = func(*mutant, []float64) float64 { return 0 } }, "prox/definition"},
	{"the value changes θ", "regularizer/untouched", soundRegularizer, func(p *parts) {
		once := p.value
		p.value = func(o *mutant, x []float64) float64 { defer func() { x[0] *= x[0] }(); return once(o, x) }
	}, ""},
	{"the gradient changes θ", "regularizer/untouched", soundRegularizer, func(p *parts) {
		p.add = func(o *mutant, x, grad []float64) {
			o.each(func(i int) {
				x[i] *= o.lambda
				grad[i] += x[i]
			})
		}
	}, ""},
	{"all forget λ", "regularizer/strength", soundRegularizer, func(p *parts) { forgetLambda(p) }, ""},
	{"the map does nothing", "prox/definition", soundRegularizer, func(p *parts) { p.prox = func(*mutant, []float64, float64) {} }, ""},
	{"the map is applied twice", "prox/definition", soundRegularizer, func(p *parts) {
		once := p.prox
		p.prox = func(o *mutant, x []float64, step float64) { once(o, x, step); once(o, x, step) }
	}, ""},
	{"the map forgets its step", "prox/definition", soundRegularizer, func(p *parts) {
		once := p.prox
		p.prox = func(o *mutant, x []float64, step float64) { once(o, x, 1) }
	}, ""},
	{"a penalty in float16", "regularizer/precision", soundRegularizer, func(p *parts) {
		once := p.add
		p.add = func(o *mutant, x, grad []float64) {
			if !o.narrow {
				once(o, x, grad)
				return
			}
			o.each(func(i int) { grad[i] += float16(o.lambda * x[i]) })
		}
	}, ""},

	{"the start is not written", "objective/initial", soundObjective, func(p *parts) { p.initial = func(*mutant, []float64) {} }, ""},
	{"a part of the start is not written", "objective/initial", soundObjective, func(p *parts) {
		p.initial = func(o *mutant, x []float64) { copy(x, draws(2, o.in.Seed, 3)) }
	}, ""},
	{"the start is added", "objective/initial", soundObjective, func(p *parts) {
		p.initial = func(o *mutant, x []float64) {
			for i, v := range draws(inputs, o.in.Seed, 3) {
				x[i] += v
			}
		}
	}, ""},
	{"the gradient is not written", "objective/gradient", soundObjective, func(p *parts) {
		p.gradient = func(o *mutant, x, grad []float64, epoch, batch int) float64 {
			return meanSquare(x, make([]float64, inputs), 16*((batch+epoch)%4), 16)
		}
	}, ""},
	{"a part of the gradient is not written", "objective/gradient", soundObjective, func(p *parts) {
		once := p.gradient
		p.gradient = func(o *mutant, x, grad []float64, epoch, batch int) float64 {
			last := grad[inputs-1]
			defer func() { grad[inputs-1] = last }()
			return once(o, x, grad, epoch, batch)
		}
	}, ""},
	{"the gradient of the loss is added", "objective/gradient", soundObjective, func(p *parts) {
		p.gradient = func(o *mutant, x, grad []float64, epoch, batch int) float64 {
			return meanSquare(x, grad, 16*((batch+epoch)%4), 16)
		}
	}, ""},
	{"the gradient is 0", "gradient/finite-differences", soundObjective, func(p *parts) {
		once := p.gradient
		p.gradient = func(o *mutant, x, grad []float64, epoch, batch int) float64 {
			defer clear(grad)
			return once(o, x, grad, epoch, batch)
		}
	}, ""},
	{"the gradient is of the sum", "gradient/finite-differences", soundObjective, func(p *parts) {
		once := p.gradient
		p.gradient = func(o *mutant, x, grad []float64, epoch, batch int) float64 {
			loss := once(o, x, grad, epoch, batch)
			for i := range grad {
				grad[i] *= 16
			}
			return loss
		}
	}, ""},
	{"loss and gradient are of the sum", "objective/mean", soundObjective, func(p *parts) {
		once := p.gradient
		p.gradient = func(o *mutant, x, grad []float64, epoch, batch int) float64 {
			loss := once(o, x, grad, epoch, batch)
			for i := range grad {
				grad[i] *= 16
			}
			return 16 * loss
		}
	}, ""},
	{"train_loss is a sum", "objective/mean", soundObjective, func(p *parts) {
		once := p.evaluate
		p.evaluate = func(o *mutant, x, dst []float64) { once(o, x, dst); dst[0] *= 64 }
	}, ""},
	{"metrics are not written", "objective/metrics", soundObjective, func(p *parts) { p.evaluate = func(*mutant, []float64, []float64) {} }, ""},
	{"a metric is not written", "objective/metrics", soundObjective, func(p *parts) {
		once := p.evaluate
		p.evaluate = func(o *mutant, x, dst []float64) {
			once(o, x, make([]float64, 2))
			dst[0] = meanSquare(x, make([]float64, inputs), 0, 64)
		}
	}, ""},
	{"metrics are those of the start", "objective/metrics", soundObjective, func(p *parts) {
		once := p.evaluate
		p.evaluate = func(o *mutant, x, dst []float64) {
			if o.kept == nil {
				o.kept = slices.Clone(x)
			}
			once(o, o.kept, dst)
		}
	}, ""},
	{"the evaluation changes θ", "objective/metrics", soundObjective, func(p *parts) {
		once := p.evaluate
		p.evaluate = func(o *mutant, x, dst []float64) { once(o, x, dst); x[0]++ }
	}, ""},
	{"the gradient changes θ", "objective/gradient", soundObjective, func(p *parts) {
		once := p.gradient
		p.gradient = func(o *mutant, x, grad []float64, epoch, batch int) float64 {
			defer func() { x[0]++ }()
			return once(o, x, grad, epoch, batch)
		}
	}, ""},
	{"the evaluation draws", "objective/metrics", soundObjective, func(p *parts) {
		once := p.evaluate
		p.evaluate = func(o *mutant, x, dst []float64) { once(o, x, dst); dst[1] += 1e-9 * rand.Float64() }
	}, ""},
	{"batches go on from call to call", "objective/batches", soundObjective, func(p *parts) {
		once := p.gradient
		p.gradient = func(o *mutant, x, grad []float64, epoch, batch int) float64 {
			o.t++
			return once(o, x, grad, epoch, batch+int(o.t)/4)
		}
	}, ""},
}

// forgetLambda fixes the strength.
func forgetLambda(p *parts) {
	value, add, prox := p.value, p.add, p.prox
	fixed := func(o *mutant) *mutant {
		own := *o
		own.lambda = map[bool]float64{true: 0.1}[o.lambda > 0]
		return &own
	}
	p.value = func(o *mutant, x []float64) float64 { return value(fixed(o), x) }
	p.add = func(o *mutant, x, grad []float64) { add(fixed(o), x, grad) }
	p.prox = func(o *mutant, x []float64, step float64) { prox(fixed(o), x, step) }
}

// component makes one of parts.
func (p *parts) component() plugins.Component {
	switch {
	case p.step != nil:
		return plugins.NewOptimizer(p.spec, optimizerOf[float32](p), optimizerOf[float64](p))
	case p.value != nil:
		return plugins.NewRegularizer(p.spec, regularizerOf[float32](p), regularizerOf[float64](p))
	}
	return plugins.NewObjective(p.spec, objectiveOf[float32](p), objectiveOf[float64](p))
}

// judged tries a component in this process.
func judged(t *testing.T, c plugins.Component) []Result {
	t.Helper()
	var own runner.Plugins = &host.Local{Components: []plugins.Component{c}}
	s := newSubject(&lab{ref: "own", shared: own, other: own, inline: own}, c, Options{Short: true}, goWords)
	var all []Result
	for _, ch := range checksOf(c.Kind) {
		all = append(all, s.try(t.Context(), ch))
	}
	return all
}

// Each mistake is found by the check that is for it, and by none before.
func TestMistakesAreFound(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			p := m.sound()
			m.change(p)
			var failed []string
			for _, r := range judged(t, p.component()) {
				if r.Verdict == Failed {
					failed = append(failed, r.ID)
					if r.ID == m.check {
						t.Log(r.Message)
					} else {
						t.Logf("also %s: %s", r.ID, r.Message)
					}
				}
			}
			if !slices.Contains(failed, m.check) || slices.ContainsFunc(failed, func(id string) bool { return id != m.check && id != m.also }) {
				t.Errorf("found by %q, want %s", failed, m.check)
			}
		})
	}
}

// What has no mistake passes every check.
func TestSoundComponentsPass(t *testing.T) {
	for name, p := range map[string]*parts{"optimizer": soundOptimizer(), "regularizer": soundRegularizer(), "objective": soundObjective(), "scad": scad(), "mcp": mcp()} {
		t.Run(name, func(t *testing.T) {
			for _, r := range judged(t, p.component()) {
				if r.Verdict == Failed {
					t.Errorf("%s: %s", r.ID, r.Message)
				}
			}
		})
	}
}

// penalty makes a separable penalty of its value, slope and proximal map at one parameter; shape is its setting.
func penalty(shape plugins.Setting, value, slope func(x, lambda, shape float64) float64, prox func(x, lambda, shape, step float64) float64) *parts {
	p := soundRegularizer()
	p.spec.Settings = append(p.spec.Settings, shape)
	of := func(o *mutant) float64 { return o.in.Settings.Real(shape.Name) }
	p.value = func(o *mutant, x []float64) float64 {
		sum := 0.0
		o.each(func(i int) { sum += value(math.Abs(x[i]), o.lambda, of(o)) })
		return sum
	}
	p.add = func(o *mutant, x, grad []float64) {
		o.each(func(i int) {
			if x[i] != 0 {
				grad[i] += math.Copysign(slope(math.Abs(x[i]), o.lambda, of(o)), x[i])
			}
		})
	}
	p.prox = func(o *mutant, x []float64, step float64) {
		o.each(func(i int) { x[i] = math.Copysign(prox(math.Abs(x[i]), o.lambda, of(o), step), x[i]) })
	}
	return p
}

// scad is the smoothly clipped absolute deviation, Fan & Li 2001 (J. Am. Stat. Assoc. 96), equation 2.7 of its
// derivative, and 2.8 for the map, here for a step s: λ up to λ, (aλ − θ)/(a − 1) up to aλ, 0 beyond. a > 2.
func scad() *parts {
	return penalty(plugins.RealSetting("a", 3.7, "where it is flat, in units of λ").Above(2),
		func(x, l, a float64) float64 {
			switch {
			case x <= l:
				return l * x
			case x <= a*l:
				return (2*a*l*x - x*x - l*l) / (2 * (a - 1))
			}
			return l * l * (a + 1) / 2
		},
		func(x, l, a float64) float64 {
			if x <= l {
				return l
			}
			return max(0, a*l-x) / (a - 1)
		},
		func(x, l, a, s float64) float64 {
			switch {
			case x <= l+s*l:
				return max(0, x-s*l)
			case x <= a*l:
				return ((a-1)*x - s*a*l) / (a - 1 - s)
			}
			return x
		})
}

// mcp is the minimax concave penalty, Zhang 2010 (Ann. Stat. 38), equation 2.1: λ·∫₀^θ (1 − x/(γλ))₊ dx. The map is
// firm thresholding, for steps below γ.
func mcp() *parts {
	return penalty(plugins.RealSetting("gamma", 3, "where it is flat, in units of λ").Above(1),
		func(x, l, g float64) float64 {
			if x <= g*l {
				return l*x - x*x/(2*g)
			}
			return g * l * l / 2
		},
		func(x, l, g float64) float64 { return max(0, l-x/g) },
		func(x, l, g, s float64) float64 {
			if x <= g*l {
				return max(0, x-s*l) / (1 - s/g)
			}
			return x
		})
}

// Penalties that are flat at large parameters differ by λ; one that never looks at it does not.
func TestTwoStrengthsAreToldApart(t *testing.T) {
	for name, p := range map[string]*parts{"scad": scad(), "mcp": mcp()} {
		if r := verdictAt(t, p, "regularizer/strength"); r.Verdict != OK {
			t.Errorf("%s: %s: %s", name, r.Verdict, r.Message)
		}
		forgetLambda(p)
		if r := verdictAt(t, p, "regularizer/strength"); r.Verdict != Failed || !strings.Contains(r.Message, "λ = 0.5 and λ = 2 do the same") {
			t.Errorf("%s without λ: %s: %s", name, r.Verdict, r.Message)
		}
	}
}

// A mini-batch that is drawn anew at each call is not taken for a gradient that is added.
func TestAMiniBatchOfItsOwnIsSaid(t *testing.T) {
	p := soundObjective()
	p.gradient = func(o *mutant, x, grad []float64, epoch, batch int) float64 {
		clear(grad)
		o.t++
		return meanSquare(x, grad, int(o.t%48), 16)
	}
	const want = "the same epoch and batch give another gradient"
	if r := verdictAt(t, p, "objective/gradient"); r.Verdict != Failed || !strings.Contains(r.Message, want) {
		t.Errorf("%s: %s, want %q", r.Verdict, r.Message, want)
	}
}

func verdictAt(t *testing.T, p *parts, id string) Result {
	t.Helper()
	for _, r := range judged(t, p.component()) {
		if r.ID == id {
			return r
		}
	}
	t.Fatalf("no check %s", id)
	return Result{}
}
