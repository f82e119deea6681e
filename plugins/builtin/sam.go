package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

var sam = plugins.NewOptimizer(plugins.Spec{
	Name:    "sam",
	Summary: "sharpness-aware minimisation: another optimizer steps with the gradient of a point uphill",
	Doc: `The gradient g at θ leads to θ + ρ·g/‖g‖, where the gradient of the same mini-batch is asked for;
back at θ, to the bit, the base optimizer steps with it. With adaptive the point is
θ + ρ·T²g/‖T·g‖, T = |θ| + eta by element, which does not depend on the scale of the parameters.
Norms are over all parameters; where they are 0 the point is θ. Two gradients a step. The base is
named in a sweep file by base = "adam" or base = { plugin = "adam", beta1 = 0.8 } and steps at the rate
of the trial; without one it is plain sgd.`,
	Citation: "Foret et al. 2021 (ICLR), arXiv:2010.01412, algorithm 1; adaptive: Kwon et al. 2021 (ICML), arXiv:2102.11600, eq. 9 and algorithm 1",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("rho", 0.05, "ρ, how far uphill; 0.5 to 2 with adaptive").AtLeast(0),
		plugins.FlagSetting("adaptive", false, "measure the distance relative to each parameter"),
		plugins.RealSetting("eta", 0.01, "added to |θ| in T").AtLeast(0),
	},
	Features:    []string{plugins.FeatureReverse, plugins.FeatureBase},
	StateFloats: 1,
}, newSAM[float32], newSAM[float64])

type samState[F plugins.Float] struct {
	rho, eta float64
	adaptive bool
	home     []F   // θ, while uphill
	uphill   int64 // 1 while the second gradient is awaited; restoring a state forgets an unfinished step
}

func newSAM[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &samState[F]{
		rho:      in.Settings.Real("rho"),
		eta:      in.Settings.Real("eta"),
		adaptive: in.Settings.Flag("adaptive"),
		home:     make([]F, in.Layout.Dim()),
	}, nil
}

func (s *samState[F]) Step(params, grad []F, lr F) error {
	if s.uphill == 1 {
		copy(params, s.home)
		s.uphill = 0
		return nil
	}
	copy(s.home, params)
	s.uphill = 1
	params = params[:len(grad)]
	sum := 0.0
	for i, g := range grad {
		scaled := float64(s.scale(params[i]) * float64(g))
		sum += float64(scaled * scaled)
	}
	if sum == 0 {
		return plugins.ErrAgain
	}
	far := s.rho / math.Sqrt(sum)
	for i, g := range grad {
		t := s.scale(params[i])
		params[i] += F(far * float64(t*t) * float64(g))
	}
	return plugins.ErrAgain
}

// scale is the element of T.
func (s *samState[F]) scale(p F) float64 {
	if !s.adaptive {
		return 1
	}
	return math.Abs(float64(p)) + s.eta
}

func (s *samState[F]) State() plugins.State[F] {
	return plugins.State[F]{Counters: []*int64{&s.uphill}}
}
