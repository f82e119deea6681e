package builtin

import "github.com/xrun-dev/xrun/plugins"

const rpropRule = `s = g·g_prev, by the sign of which
s > 0: Δ ← min(η⁺·Δ, max_step)
s < 0: Δ ← max(η⁻·Δ, min_step), g ← 0
`

var rpropConventions = []plugins.Convention{
	{Name: torch, LR: 0.01, Source: "PyTorch 2.15 torch/optim/rprop.py", Rule: rpropRule + `θ ← θ − Δ·sign g, g_prev ← g
Δ starts at lr, held within min_step and max_step.`},
	{Name: optax, Source: "Optax 0.2.8 alias.rprop, scale_by_rprop", Rule: rpropRule + `θ ← θ − g_prev, or θ stays where s < 0; g_prev ← Δ·sign g
Every step is made one call late: the first call moves nothing, and a turn cancels the step before it.
Δ starts at lr as it is.`},
}

var rprop = plugins.NewOptimizer(plugins.Spec{
	Name:    "rprop",
	Summary: "steps that grow while the gradient keeps its sign and shrink when it turns",
	Doc: `Each coordinate has a step size of its own: it grows by η⁺ as long as the gradient's sign stays,
and shrinks by η⁻ when it turns, and then the coordinate waits for one step. Only signs count, so
mini-batches, whose signs are noisy, ruin it: batch = "full". lr is the first step's size only; a
schedule has no effect. Optax, as of 0.2.8, returns the step of the call before.`,
	Citation:    "Riedmiller, Braun 1993 (ICNN), doi:10.1109/ICNN.1993.298623; without backtracking: Igel, Hüsken 2003, iRprop−",
	Revision:    1,
	Conventions: rpropConventions,
	Settings: []plugins.Setting{
		following(rpropConventions),
		plugins.RealSetting("eta_minus", 0.5, "η⁻, what a step size shrinks by").Above(0).Below(1),
		plugins.RealSetting("eta_plus", 1.2, "η⁺, what a step size grows by").Above(1),
		plugins.RealSetting("min_step", 1e-6, "the smallest step size").AtLeast(0),
		plugins.RealSetting("max_step", 50, "the largest step size; at least min_step").Above(0),
	},
	Features:    []string{plugins.FeatureFullBatch},
	StateFloats: 2,
}, newRprop[float32], newRprop[float64])

type rpropState[F plugins.Float] struct {
	minus, plus, low, high F
	holdFirst              bool // the first step is held within the limits too
	late                   bool // previous holds the step Δ·sign g, which the next call makes
	previous, size         []F
	steps                  int64
}

func newRprop[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	dim := in.Layout.Dim()
	s := &rpropState[F]{
		minus:     F(in.Settings.Real("eta_minus")),
		plus:      F(in.Settings.Real("eta_plus")),
		low:       F(in.Settings.Real("min_step")),
		high:      F(in.Settings.Real("max_step")),
		holdFirst: chosen(in) == torch,
		late:      chosen(in) == optax,
		previous:  make([]F, dim),
		size:      make([]F, dim),
	}
	if s.low > s.high {
		return nil, &plugins.SettingError{Setting: "max_step", Problem: "is below min_step"}
	}
	return s, nil
}

func (s *rpropState[F]) Step(params, grad []F, lr F) error {
	if s.steps == 0 {
		if s.holdFirst {
			lr = min(max(lr, s.low), s.high)
		}
		for i := range s.size {
			s.size[i] = lr
		}
	}
	s.steps++
	previous, size, params := s.previous[:len(grad)], s.size[:len(grad)], params[:len(grad)]
	for i, g := range grad {
		d, before := size[i], previous[i]
		switch turn := F(g * before); {
		case turn > 0:
			d = min(max(F(d*s.plus), s.low), s.high)
		case turn < 0:
			d, g, before = min(max(F(d*s.minus), s.low), s.high), 0, 0
		}
		size[i] = d
		move := F(d * heading(g))
		if s.late {
			previous[i], move = move, before
		} else {
			previous[i] = g
		}
		params[i] -= move
	}
	return nil
}

func (s *rpropState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.previous, s.size}, Counters: []*int64{&s.steps}}
}
