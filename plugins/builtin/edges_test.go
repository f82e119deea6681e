package builtin

import (
	"errors"
	"math"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// The optimizers that look at whole tensors, at the loss or at several points, with a learning rate
// under which each makes headway on ½(θ − 3)².
var wholes = map[string]float64{
	"adafactor": 0.1, "lamb": 0.05, "lars": 50, "prodigy": 1, "dadapt_adam": 1,
	"schedule_free_sgd": 0.5, "schedule_free_adamw": 0.1, "muon": 0.1, "adabelief": 0.1, "yogi": 0.1,
	"signum": 0.05, "polyak": 1, "sam": 0.2, "lbfgs": 1, "armijo": 1,
}

func TestOneDimension(t *testing.T) {
	t.Run("float32", func(t *testing.T) { oneDimension[float32](t) })
	t.Run("float64", func(t *testing.T) { oneDimension[float64](t) })
}

func oneDimension[F plugins.Float](t *testing.T) {
	valley := func(theta, grad []F) float64 {
		grad[0] = theta[0] - 3
		return 0.5 * float64(grad[0]*grad[0])
	}
	matrix := plugins.Layout{{Name: "w", Shape: []int{1, 1}, Role: plugins.RoleWeight}}
	for name, lr := range wholes {
		for _, layout := range []plugins.Layout{vector(1), matrix} {
			given := plugins.Settings{}
			if name == "prodigy" || name == "dadapt_adam" {
				given["d0"] = plugins.Real(1e-3)
			}
			if name == "muon" {
				given["weight_decay"], given["adam_weight_decay"] = plugins.Real(0), plugins.Real(0)
			}
			opt := opened[F](t, name, given, layout)
			theta, grad := []F{1}, []F{0}
			for range 300 {
				oneStep(t, opt, valley, theta, grad, F(lr))
				if name == "sam" {
					theta[0] -= F(lr) * grad[0]
				}
			}
			if e, ok := opt.(plugins.Evaluator[F]); ok {
				e.Evaluate(theta)
			}
			if d := math.Abs(float64(theta[0]) - 3); !(d < 0.25) {
				t.Errorf("%s, shape %v: θ = %v after 300 steps, want near 3", name, layout[0].Shape, theta[0])
			}
		}
	}
}

// Without a gradient, and without decay, nothing moves: 0/0 appears in no rule.
func TestZeroGradient(t *testing.T) {
	for name, lr := range wholes {
		comp := component(t, name)
		conventions := []string{""}
		for _, c := range comp.Conventions {
			conventions = append(conventions, c.Name)
		}
		for _, convention := range conventions {
			if name == "yogi" && convention == "optax" {
				continue // its first moment starts above 0
			}
			given := plugins.Settings{}
			if convention != "" {
				given[plugins.SettingConvention] = plugins.Choice(convention)
			}
			for _, decay := range []string{"weight_decay", "adam_weight_decay"} {
				if _, ok := comp.Setting(decay); ok {
					given[decay] = plugins.Real(0)
				}
			}
			opt := opened[float32](t, name, given, matrixAndVector())
			theta, grad := make([]float32, 17), make([]float32, 17)
			for i := range theta {
				theta[i] = float32(i) - 5
			}
			still := func([]float32, []float32) float64 { return 1 }
			for range 3 {
				oneStep(t, opt, still, theta, grad, float32(lr))
			}
			for i, x := range theta {
				if x != float32(i)-5 {
					t.Errorf("%s %s: θ[%d] went from %v to %v", name, convention, i, i-5, x)
				}
			}
		}
	}
}

// NaN and Inf gradients and losses must neither panic nor hide: the host looks for them in θ. sam
// has put θ back by then, and its base sees the gradient.
func TestGradientsThatAreNotNumbers(t *testing.T) {
	for name, lr := range wholes {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, loss := range []float64{1, math.NaN(), math.Inf(1)} {
				opt := opened[float64](t, name, nil, matrixAndVector())
				theta, grad := make([]float64, 17), make([]float64, 17)
				for i := range theta {
					theta[i], grad[i] = float64(i)-5, 1
				}
				f := func(_, grad []float64) float64 { grad[2], grad[15] = bad, bad; return loss }
				for range 3 {
					oneStep(t, opt, f, theta, grad, lr)
				}
				wrong := false
				for _, x := range theta {
					wrong = wrong || !finite(x)
				}
				shows := math.IsNaN(bad) || name == "lbfgs" || name == "armijo"
				if shows && !wrong && name != "sam" {
					t.Errorf("%s, loss %v: a gradient of %v left no trace in %v", name, loss, bad, theta)
				}
			}
		}
	}
}

// A float32 run follows the float64 run until rounding parts them.
func TestElementTypesAgree(t *testing.T) {
	for name, lr := range wholes {
		comp := component(t, name)
		if comp.Has(plugins.FeatureReverse) {
			continue // a search branches on the last bits of the loss
		}
		narrow, wide := opened[float32](t, name, nil, matrixAndVector()), opened[float64](t, name, nil, matrixAndVector())
		a, b := make([]float32, 17), make([]float64, 17)
		for i := range b {
			b[i] = math.Sin(float64(i + 1))
			a[i] = float32(b[i])
		}
		start := append([]float64(nil), b...)
		bowl := func(theta []float64, grad []float64) float64 {
			loss := 0.0
			for i, x := range theta {
				grad[i] = (1 + 0.1*float64(i)) * (x - 2)
				loss += 0.5 * grad[i] * (x - 2)
			}
			return loss
		}
		g32, g64 := make([]float32, 17), make([]float64, 17)
		for range 10 {
			oneStep(t, narrow, func(theta, grad []float32) float64 {
				loss := 0.0
				for i, x := range theta {
					grad[i] = (1 + 0.1*float32(i)) * (x - 2)
					loss += 0.5 * float64(grad[i]*(x-2))
				}
				return loss
			}, a, g32, float32(lr)/10)
			oneStep(t, wide, bowl, b, g64, lr/10)
		}
		apart, travelled := 0.0, 0.0
		for i := range b {
			apart = max(apart, math.Abs(float64(a[i])-b[i]))
			travelled = max(travelled, math.Abs(b[i]-start[i]))
		}
		if apart > 1e-4*max(travelled, 1e-2) {
			t.Errorf("%s: float32 is %v from float64 after travelling %v", name, apart, travelled)
		}
	}
}

func TestStepsAllocateNothing(t *testing.T) {
	for name, lr := range wholes {
		opt := opened[float64](t, name, nil, matrixAndVector())
		theta, grad := make([]float64, 17), make([]float64, 17)
		for i := range theta {
			theta[i], grad[i] = 1, 0.1*float64(i)
		}
		loss := 100.0
		n := testing.AllocsPerRun(50, func() {
			loss -= 0.5
			if taker, ok := opt.(plugins.LossTaker); ok {
				taker.SetLoss(loss)
			}
			if err := opt.Step(theta, grad, lr); err != nil && !errors.Is(err, plugins.ErrAgain) {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations a step", name, n)
		}
	}
}

// What a component says of itself must hold: conventions have a setting that chooses among them,
// the default first, and the interfaces are there that its features promise.
func TestDeclarationsHold(t *testing.T) {
	for name := range wholes {
		comp := component(t, name)
		setting, chooses := comp.Setting(plugins.SettingConvention)
		if chooses != (len(comp.Conventions) > 0) {
			t.Errorf("%s has %d conventions; a setting for them: %v", name, len(comp.Conventions), chooses)
		}
		for i, c := range comp.Conventions {
			if setting.Choices[i] != c.Name || c.Rule == "" || c.Source == "" {
				t.Errorf("%s: convention %d is %+v, the setting offers %v", name, i, c, setting.Choices)
			}
		}
		for _, s := range comp.Settings {
			for convention := range s.Conventional {
				if _, err := setting.Check(plugins.Choice(convention)); err != nil {
					t.Errorf("%s: %s has a default under %q, which is no convention", name, s.Name, convention)
				}
			}
		}
		opt := opened[float64](t, name, nil, matrixAndVector())
		if _, ok := opt.(plugins.LossTaker); ok != comp.Has(plugins.FeatureLoss) {
			t.Errorf("%s: takes the loss %v, declares it %v", name, ok, comp.Has(plugins.FeatureLoss))
		}
		if _, ok := opt.(plugins.Evaluator[float64]); ok != comp.Has(plugins.FeatureEval) {
			t.Errorf("%s: has points to evaluate %v, declares them %v", name, ok, comp.Has(plugins.FeatureEval))
		}
	}
}
