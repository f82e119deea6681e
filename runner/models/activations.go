package models

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// An activation is applied to each output of a hidden layer.
type activation[F plugins.Float] interface {
	apply(h []F)
	// backward turns by, derivatives by the activation's results h, into derivatives by its arguments.
	backward(by, h []F)
}

func newActivation[F plugins.Float](name string) activation[F] {
	if name == "tanh" {
		return tanh[F]{}
	}
	return relu[F]{}
}

// relu is max(0, x), with the derivative 0 at 0. NaN stays NaN.
type relu[F plugins.Float] struct{}

func (relu[F]) apply(h []F) {
	for i, x := range h {
		if x < 0 {
			h[i] = 0
		}
	}
}

func (relu[F]) backward(by, h []F) {
	for i, x := range h {
		if x <= 0 {
			by[i] = 0
		}
	}
}

type tanh[F plugins.Float] struct{}

func (tanh[F]) apply(h []F) {
	for i, x := range h {
		h[i] = F(math.Tanh(float64(x)))
	}
}

func (tanh[F]) backward(by, h []F) {
	for i, x := range h {
		by[i] *= 1 - F(x*x)
	}
}
