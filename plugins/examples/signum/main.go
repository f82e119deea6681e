// Command xrun-plugin-signum is an optimizer that lives outside xrun: the whole of what an
// author writes. Build it and name it in a sweep file:
//
//	go build -o xrun-plugin-signum .
//
//	[optimizers.signum]
//	plugin   = "./xrun-plugin-signum"
//	momentum = 0.9
package main

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/sdk"
)

func main() {
	sdk.Serve(plugins.Manifest{
		Name:    "signum",
		Version: "1.0.0",
		Summary: "sign of the momentum",
		License: "Apache-2.0",
		Components: []plugins.Component{plugins.NewOptimizer(plugins.Spec{
			Name:     "signum",
			Summary:  "steps of equal size along the sign of the momentum",
			Doc:      "m ← μ·m + (1 − μ)·g, θ ← θ − lr·sign m.",
			Citation: "Bernstein et al. 2018 (ICML), arXiv:1802.04434, algorithm 1",
			Settings: []plugins.Setting{
				plugins.RealSetting("momentum", 0.9, "μ, the share of the momentum kept at each step").AtLeast(0).Below(1),
			},
			StateFloats: 1,
		}, newSignum[float32], newSignum[float64])},
	})
}

type signum[F plugins.Float] struct {
	momentum F
	m        []F
}

func newSignum[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &signum[F]{momentum: F(in.Settings.Real("momentum")), m: make([]F, in.Layout.Dim())}, nil
}

func (s *signum[F]) Step(params, grad []F, lr F) error {
	for i, g := range grad {
		s.m[i] = F(s.momentum*s.m[i]) + F((1-s.momentum)*g)
		switch {
		case s.m[i] > 0:
			params[i] -= lr
		case s.m[i] < 0:
			params[i] += lr
		}
	}
	return nil
}

// State lets xrun save and restore a trial that uses this optimizer.
func (s *signum[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.m}}
}
