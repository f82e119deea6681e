package builtin

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

// averaging is the common part of the schedule-free optimizers: steps are taken at z, x is their weighted
// average, and the gradient is taken at y = (1 − β)·z + β·x. The parameters that the host
// holds are y; z is kept; x follows from both. Defazio et al. 2024, arXiv:2405.15682, eq. 7 to 9.
type averaging[F plugins.Float] struct {
	beta, r, power float64
	z              []F
	sum, largest   scalar // Σ of the weights, and the largest learning rate so far
	steps          int64
}

// averagingSettings are the settings of averaging besides β. The weight of a step is t^r·(max lr)^power.
func averagingSettings() []plugins.Setting {
	return []plugins.Setting{
		plugins.RealSetting("r", 0, "the weight of step t in the average is tʳ, times the next").AtLeast(0),
		plugins.RealSetting("weight_lr_power", 2, "power of the largest learning rate so far in the weight").AtLeast(0),
	}
}

func newAveraging[F plugins.Float](in plugins.Instance, beta string) averaging[F] {
	return averaging[F]{
		beta:  in.Settings.Real(beta),
		r:     in.Settings.Real("r"),
		power: in.Settings.Real("weight_lr_power"),
		z:     make([]F, in.Layout.Dim()),
	}
}

// begin counts a step and returns the share c of the new z in x.
func (a *averaging[F]) begin(params []F, lr F) (c float64) {
	if a.steps == 0 {
		copy(a.z, params)
	}
	a.steps++
	a.largest.set(max(a.largest.get(), float64(lr)))
	weight := float64(elementary.Pow(float64(a.steps), a.r) * elementary.Pow(a.largest.get(), a.power))
	a.sum.set(a.sum.get() + weight)
	if weight == 0 {
		return 0
	}
	return weight / a.sum.get()
}

// Evaluate replaces y by x = (y − (1 − β)·z)/β.
func (a *averaging[F]) Evaluate(params []F) {
	if a.steps == 0 {
		return
	}
	away := F(1 - 1/a.beta)
	z := a.z[:len(params)]
	for i, y := range params {
		params[i] = y + F(away*(z[i]-y))
	}
}

func (a *averaging[F]) counters() []*int64 {
	return []*int64{&a.steps, a.sum.counter(), a.largest.counter()}
}
