// Command xrun-plugin-ngd is an optimizer that lives outside xrun: the whole of what an
// author writes. Build it and name it in a sweep file:
//
//	go build -o xrun-plugin-ngd .
//
//	[optimizers.ngd]
//	plugin   = "./xrun-plugin-ngd"
//	momentum = 0.9
package main

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/sdk"
)

func main() {
	sdk.Serve(plugins.Manifest{
		Name:    "ngd",
		Version: "1.0.0",
		Summary: "normalised gradient descent",
		License: "Apache-2.0",
		Components: []plugins.Component{plugins.NewOptimizer(plugins.Spec{
			Name:     "ngd",
			Summary:  "steps of equal length along the momentum",
			Doc:      "m ← μ·m + (1 − μ)·g, θ ← θ − lr·m/‖m‖₂; no step where m is 0.",
			Citation: "Nesterov 1984 (Matekon 29); with momentum: Cutkosky, Mehta 2020 (ICML), arXiv:2002.03305, algorithm 1",
			Settings: []plugins.Setting{
				plugins.RealSetting("momentum", 0.9, "μ, the share of the momentum kept at each step").AtLeast(0).Below(1),
			},
			StateFloats: 1,
		}, newNGD[float32], newNGD[float64])},
	})
}

type ngd[F plugins.Float] struct {
	momentum F
	m        []F
}

func newNGD[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &ngd[F]{momentum: F(in.Settings.Real("momentum")), m: make([]F, in.Layout.Dim())}, nil
}

func (s *ngd[F]) Step(params, grad []F, lr F) error {
	squares := 0.0
	for i, g := range grad {
		s.m[i] = F(s.momentum*s.m[i]) + F((1-s.momentum)*g)
		squares += float64(float64(s.m[i]) * float64(s.m[i]))
	}
	if squares == 0 {
		return nil
	}
	length := lr / F(math.Sqrt(squares))
	for i, m := range s.m {
		params[i] -= F(length * m)
	}
	return nil
}

// State lets xrun save and restore a trial that uses this optimizer.
func (s *ngd[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.m}}
}
