package builtin

import "github.com/xrun-dev/xrun/plugins"

var scheduleFreeSGD = plugins.NewOptimizer(plugins.Spec{
	Name:    "schedule_free_sgd",
	Summary: "gradient descent whose iterates are averaged in place of a schedule; evaluated at the average",
	Doc: `g is taken at y = (1 − β)·z + β·x with β = momentum, plus weight_decay·y. z ← z − lr·g,
x ← (1 − c)·x + c·z with c = w/Σw, w = tʳ·(max lr)^weight_lr_power. Training goes on at y, metrics and
what is kept are of x. Wants a warm-up and a learning rate 10 to 50 times that of sgd, and no decay of
the learning rate. A proximal map after the step acts on y.`,
	Citation: "Defazio et al. 2024 (NeurIPS), arXiv:2405.15682; the authors' package schedulefree 1.4.1; optax 0.2.8 has the same",
	Revision: 1,
	Settings: append([]plugins.Setting{
		plugins.RealSetting("momentum", 0.9, "β, the share of x in y").Above(0).Below(1),
		weightDecay(0),
	}, averagingSettings()...),
	Features:    []string{plugins.FeatureEval},
	StateFloats: 1,
}, newScheduleFreeSGD[float32], newScheduleFreeSGD[float64])

type scheduleFreeSGDState[F plugins.Float] struct {
	averaging[F]
	decay F
}

func newScheduleFreeSGD[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &scheduleFreeSGDState[F]{newAveraging[F](in, "momentum"), F(in.Settings.Real("weight_decay"))}, nil
}

func (s *scheduleFreeSGDState[F]) Step(params, grad []F, lr F) error {
	share := s.begin(params, lr)
	c, along := F(share), F(float64(lr)*(float64(s.beta*(1-share))-1))
	z := s.z[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		y := params[i]
		g += F(s.decay * y)
		params[i] = y + F(c*(z[i]-y)) + F(along*g)
		z[i] -= F(lr * g)
	}
	return nil
}

func (s *scheduleFreeSGDState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.z}, Counters: s.counters()}
}
