// Package models has the models that xrun trains itself: linear, logistic and softmax regression, multilayer
// perceptrons, and test functions.
//
// A model computes the gradients of a cohort: many trials, the slots of one slab, from the same mini-batch. The numbers of
// a slot are the same to the last bit for any other slots and any place of the slot. The package does not know penalties,
// optimizers or epochs.
package models

import (
	"math/rand/v2"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

// A Slab holds the parameters and gradients of a cohort. Slot s begins at the element s·Stride. Stride is at least the
// layout's dimension.
type Slab[F plugins.Float] struct {
	Params, Grads []F
	Stride        int
}

// params is the parameter vector of a slot, grads its gradient.
func (s Slab[F]) params(slot, dim int) []F { return s.Params[slot*s.Stride:][:dim] }
func (s Slab[F]) grads(slot, dim int) []F  { return s.Grads[slot*s.Stride:][:dim] }

// A Model computes losses and gradients. It owns its working memory and allocates nothing after New. One goroutine at a
// time may use it. Slices belong to the caller and are used during the call only.
type Model[F plugins.Float] interface {
	// Layout describes the parameter vector of one slot.
	Layout() plugins.Layout

	// Init writes the parameters that training starts from.
	Init(params []F, rng *rand.Rand)

	// Gradient writes, for every active slot, the gradient of the mean loss over the rows of batch.
	Gradient(batch data.Part[F], s Slab[F], active []int)

	// Evaluate sets out[i] to the metrics of slot active[i] over all rows of part.
	Evaluate(part data.Part[F], s Slab[F], active []int, out []Score)

	// Metrics names the fields of a Score that apply: "loss" and, depending on the model,
	// "accuracy", or "rmse" and "r2". Callers must not modify the slice.
	Metrics() []string
}

// A Score has the metrics of one slot on some rows. Metrics that do not apply are 0. A slot with parameters that are not
// finite has scores that are not finite, and a low accuracy.
type Score struct {
	Loss     float64 // the mean loss, without penalty
	Accuracy float64 // the share of rows whose most likely class is right; ties go to the first class
	RMSE     float64
	// R2 is 1 − Σ(h−y)² / Σ(ȳ−y)², with ȳ the mean over the rows scored. Where the target is
	// constant, it is 1 for perfect predictions and 0 for others.
	R2 float64
}

// Value is a metric by its name in Model.Metrics; ok is false for other names.
func (s Score) Value(metric string) (v float64, ok bool) {
	switch metric {
	case "loss":
		return s.Loss, true
	case "accuracy":
		return s.Accuracy, true
	case "rmse":
		return s.RMSE, true
	case "r2":
		return s.R2, true
	}
	return 0, false
}

// Names lists the models.
func Names() []string {
	names := []string{"linear", "logistic", "softmax", "mlp"}
	for _, f := range Functions {
		names = append(names, f.Name)
	}
	return names
}

// New makes a model. It refuses an invalid configuration.
func New[F plugins.Float](c Config) (Model[F], error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if f, ok := FunctionNamed(c.Name); ok {
		return newObjective[F](f, c), nil
	}
	return newNetwork[F](c), nil
}
