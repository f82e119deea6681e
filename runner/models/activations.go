package models

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/passes"
)

// An activation is applied to each output of a hidden layer. Relu is max(0, x), with the derivative 0 at 0.
type activation[F plugins.Float] struct {
	name  string
	apply func(h passes.Tile[F], examples int)
	// backward turns derivatives by the activation's results h into derivatives by its arguments.
	backward func(by, h passes.Tile[F], examples int)
}

func newActivation[F plugins.Float](name string) *activation[F] {
	if name == "tanh" {
		return &activation[F]{name, passes.Tanh[F], passes.TanhDerivative[F]}
	}
	return &activation[F]{name, passes.Relu[F], passes.ReluDerivative[F]}
}
