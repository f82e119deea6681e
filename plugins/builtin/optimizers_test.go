package builtin

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

// each runs f for every optimizer of these tests under every convention.
func each(t *testing.T, f func(t *testing.T, name string, given plugins.Settings)) {
	t.Helper()
	for _, name := range elementwise() {
		conventions := component(t, name).Conventions
		if len(conventions) == 0 {
			t.Run(name, func(t *testing.T) { f(t, name, plugins.Settings{}) })
		}
		for _, c := range conventions {
			t.Run(name+" "+c.Name, func(t *testing.T) { f(t, name, plugins.Settings{"convention": plugins.Choice(c.Name)}) })
		}
	}
}

func TestSpecsNameTheirConventions(t *testing.T) {
	for _, spec := range Manifest("test").Components {
		if spec.Summary == "" || spec.Doc == "" || spec.Citation == "" || spec.Revision < 1 {
			t.Errorf("%s does not describe itself: %+v", spec.Name, spec)
		}
		setting, ok := spec.Setting(plugins.SettingConvention)
		if ok != (len(spec.Conventions) > 0) {
			t.Errorf("%s: has the setting: %v, conventions: %d", spec.Name, ok, len(spec.Conventions))
		}
		for i, c := range spec.Conventions {
			if setting.Choices[i] != c.Name || c.Rule == "" || c.Source == "" {
				t.Errorf("%s: choice %q stands for %+v", spec.Name, setting.Choices[i], c)
			}
		}
	}
}

func TestZeroGradientMovesNothing(t *testing.T) {
	each(t, func(t *testing.T, name string, given plugins.Settings) {
		if setting, ok := component(t, name).Setting("weight_decay"); ok && setting.Default.Real+setting.DefaultUnder(optax).Real > 0 {
			given["weight_decay"] = plugins.Real(0)
		}
		opt := optimizer[float64](t, name, given, 2, 0.1)
		theta := []float64{1, -2}
		for range 8 {
			if err := opt.Step(theta, []float64{0, 0}, 0.1); err != nil {
				t.Fatal(err)
			}
		}
		want := [2]float64{1, -2}
		if name == "ftrl" {
			want = [2]float64{} // θ is that of z = 0: where it started is forgotten, as in Keras
		}
		if [2]float64(theta) != want {
			t.Errorf("θ = %v, want %v", theta, want)
		}
	})
}

// A gradient that is NaN spoils its own coordinate, visibly, and no other; extreme ones are no error.
func TestBrokenGradientShows(t *testing.T) {
	each(t, func(t *testing.T, name string, given plugins.Settings) {
		opt, healthy := optimizer[float64](t, name, given, 2, 0.1), optimizer[float64](t, name, given, 2, 0.1)
		theta, want := []float64{1, -2}, []float64{1, -2}
		for step := range 10 {
			grad := []float64{math.Sin(float64(step)), 1}
			healthy.Step(want, grad, 0.1)
			if step == 3 {
				grad[0] = math.NaN()
			}
			if err := opt.Step(theta, grad, 0.1); err != nil {
				t.Fatal(err)
			}
		}
		if !math.IsNaN(theta[0]) {
			t.Errorf("θ[0] = %v hides that its gradient was NaN", theta[0])
		}
		if theta[1] != want[1] {
			t.Errorf("θ[1] = %v, without the NaN beside it %v", theta[1], want[1])
		}
		for _, g := range []float64{math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64} {
			opt := optimizer[float64](t, name, given, 1, 0.1)
			for range 3 {
				if err := opt.Step([]float64{1}, []float64{g}, 0.1); err != nil {
					t.Errorf("gradient %v: %v", g, err)
				}
			}
		}
	})
}

// One coordinate alone moves as it does among others: none of these methods mixes coordinates.
func TestCoordinatesAreIndependent(t *testing.T) {
	each(t, func(t *testing.T, name string, given plugins.Settings) {
		all := optimizer[float32](t, name, given, 3, 0.1)
		theta := []float32{1, -2, 3}
		alone := [3]float32{1, -2, 3}
		var one [3]plugins.Optimizer[float32]
		for i := range one {
			one[i] = optimizer[float32](t, name, given, 1, 0.1)
		}
		for step := range 12 {
			grad := make([]float32, 3)
			for i := range grad {
				grad[i] = float32(math.Sin(float64(1 + i + 5*step)))
				if err := one[i].Step(alone[i:i+1], grad[i:i+1], 0.1); err != nil {
					t.Fatal(err)
				}
			}
			if err := all.Step(theta, grad, 0.1); err != nil {
				t.Fatal(err)
			}
		}
		if [3]float32(theta) != alone {
			t.Errorf("together %v, alone %v", theta, alone)
		}
	})
}

func TestStepAllocatesNothingAndLeavesTheGradient(t *testing.T) {
	each(t, func(t *testing.T, name string, given plugins.Settings) {
		opt := optimizer[float64](t, name, given, 2, 0.1)
		theta, grad := []float64{1, -2}, []float64{0.5, -0.25}
		if n := testing.AllocsPerRun(20, func() { opt.Step(theta, grad, 0.1) }); n != 0 {
			t.Errorf("%v allocations in a step", n)
		}
		if grad[0] != 0.5 || grad[1] != -0.25 {
			t.Errorf("the gradient became %v", grad)
		}
		if kept, said := len(opt.(plugins.Stateful[float64]).State().Vectors), component(t, name).StateFloats; kept > said {
			t.Errorf("keeps %d vectors, says %d", kept, said)
		}
	})
}

// What a convention does not have is refused by the name of the setting, not left out.
func TestSettingsOfOtherConventionsAreRefused(t *testing.T) {
	for _, c := range []struct {
		component string
		settings  set
		refused   string // "" if it is allowed
	}{
		{"sgd", set{"convention": keras, "momentum": 0.9, "dampening": 0.1}, "dampening"},
		{"sgd", set{"convention": optax, "momentum": 0.9, "dampening": 0.1}, "dampening"},
		{"sgd", set{"convention": torch, "momentum": 0.9, "dampening": 0.1}, ""},
		{"sgd", set{"convention": keras, "nesterov": true}, "nesterov"},
		{"sgd", set{"convention": optax, "weight_decay": 0.1}, "weight_decay"},
		{"adagrad", set{"convention": keras, "lr_decay": 0.1}, "lr_decay"},
		{"adagrad", set{"convention": optax, "weight_decay": 0.1}, "weight_decay"},
		{"rmsprop", set{"initial": 1.0}, "initial"},
		{"rmsprop", set{"convention": keras, "bias_correction": true}, "bias_correction"},
		{"rmsprop", set{"momentum": 0.9, "nesterov": true}, "nesterov"},
		{"rmsprop", set{"convention": optax, "nesterov": true}, "nesterov"},
		{"rmsprop", set{"convention": optax, "weight_decay": 0.1}, "weight_decay"},
		{"adadelta", set{"convention": optax, "weight_decay": 0.1}, ""},
		{"adam", set{"eps_root": 0.1}, "eps_root"},
		{"adam", set{"convention": optax, "weight_decay": 0.1}, "weight_decay"},
		{"adam", set{"convention": optax, "eps_root": 0.1}, ""},
		{"amsgrad", set{"convention": paper, "weight_decay": 0.1}, "weight_decay"},
		{"amsgrad", set{"convention": paper, "eps_root": 0.1}, "eps_root"},
		{"nadam", set{"convention": keras, "momentum_decay": 0.1}, "momentum_decay"},
		{"nadam", set{"convention": keras, "momentum_decay": 1.0}, ""},
		{"nadam", set{"convention": optax, "momentum_decay": 0.1}, "momentum_decay"},
		{"nadam", set{"convention": keras, "decoupled_weight_decay": true}, "decoupled_weight_decay"},
		{"radam", set{"convention": optax, "decoupled_weight_decay": true}, "decoupled_weight_decay"},
		{"radam", set{"convention": optax, "weight_decay": 0.1}, "weight_decay"},
		{"radam", set{"convention": keras}, "convention"},
		{"lion", set{"convention": torch}, "convention"},
		{"rprop", set{"min_step": 2.0, "max_step": 1.0}, "max_step"},
		{"adamw", set{"decay_coupling": "schedule"}, "decay_coupling"}, // without a base learning rate
	} {
		comp := component(t, c.component)
		settings, err := comp.Complete(settingsOf(t, comp, c.settings))
		if err == nil {
			_, err = plugins.OpenOptimizer[float64](comp, plugins.Instance{Settings: settings, Layout: vector(2)})
		}
		var setting *plugins.SettingError
		switch {
		case c.refused == "" && err != nil:
			t.Errorf("%s %v: %v", c.component, c.settings, err)
		case c.refused != "" && (!errors.As(err, &setting) || setting.Setting != c.refused):
			t.Errorf("%s %v: error %v, want one of %q", c.component, c.settings, err, c.refused)
		}
	}
}

// With no gradient only the decay of adamw is left: what it is multiplied by can be read off.
func TestDecayCoupling(t *testing.T) {
	const base, wd = 0.5, 0.1
	for coupling, share := range map[string]func(lr float64) float64{
		"lr":       func(lr float64) float64 { return lr * wd },
		"schedule": func(lr float64) float64 { return lr / base * wd },
		"none":     func(float64) float64 { return wd },
	} {
		for _, convention := range []string{torch, keras, optax} {
			opt := optimizer[float64](t, "adamw", plugins.Settings{"convention": plugins.Choice(convention),
				"decay_coupling": plugins.Choice(coupling), "weight_decay": plugins.Real(wd)}, 1, base)
			theta, want := []float64{2}, 2.0
			for step := range 6 {
				lr := base * math.Pow(0.7, float64(step))
				if err := opt.Step(theta, []float64{0}, lr); err != nil {
					t.Fatal(err)
				}
				want *= 1 - share(lr)
			}
			if !near(theta[0], want, 1e-14) {
				t.Errorf("%s, %s: θ = %v, want %v", coupling, convention, theta[0], want)
			}
		}
	}
}

// radam begins to scale above ρ = 5 in PyTorch and at 5 in Optax. Few β₂ have a ρ of exactly 5.
func TestRectificationAtItsThreshold(t *testing.T) {
	rho := func(beta2, steps float64) float64 {
		power := elementary.Pow(beta2, steps)
		return 2/(1-beta2) - 1 - 2*steps*power/(1-power)
	}
	found := false
	for steps, beta2 := range map[float64]float64{6: 0.83976857486597, 7: 0.76780677969242, 8: 0.72963722925924} {
		for end := beta2 + 2e-14; beta2 < end; beta2 = math.Nextafter(beta2, 1) {
			if rho(beta2, steps) != 5 {
				continue
			}
			found = true
			if _, scaled := rectification(beta2, steps, false); scaled {
				t.Error("PyTorch's form scales at ρ = 5")
			}
			if r, scaled := rectification(beta2, steps, true); !scaled || !(r > 0 && r < 1) {
				t.Errorf("Optax's form at ρ = 5: factor %v, scaled: %v", r, scaled)
			}
		}
	}
	if !found {
		t.Error("no β₂ has ρ = 5")
	}
}

// ftrl's own penalty spares what a regularizer would spare, and gives exact zeros elsewhere.
func TestFTRLPenalizesWhatARegularizerWould(t *testing.T) {
	comp := component(t, "ftrl")
	layout := plugins.Layout{
		{Name: "b", Shape: []int{1}, Role: plugins.RoleBias},
		{Name: "w", Shape: []int{2}, Role: plugins.RoleWeight, Offset: 1, Penalized: true},
		{Name: "c", Shape: []int{1}, Role: plugins.RoleBias, Offset: 3},
	}
	run := func(l1 float64) []float64 {
		settings, err := comp.Complete(plugins.Settings{"l1": plugins.Real(l1), "l2": plugins.Real(l1), "l2_shrinkage": plugins.Real(l1)})
		if err != nil {
			t.Fatal(err)
		}
		opt, err := plugins.OpenOptimizer[float64](comp, plugins.Instance{Settings: settings, Layout: layout})
		if err != nil {
			t.Fatal(err)
		}
		theta := []float64{1, 0.01, -2, 0.5}
		for range 5 {
			opt.Step(theta, []float64{0.1, 0.1, -3, 0.2}, 0.1)
		}
		return theta
	}
	free, held := run(0), run(1)
	if held[0] != free[0] || held[3] != free[3] {
		t.Errorf("biases %v and %v, without a penalty %v and %v", held[0], held[3], free[0], free[3])
	}
	if held[1] != 0 || math.Signbit(held[1]) {
		t.Errorf("the weak weight is %v, want exactly 0", held[1])
	}
	if held[2] == 0 || math.Abs(held[2]) >= math.Abs(free[2]) {
		t.Errorf("the strong weight is %v, without a penalty %v", held[2], free[2])
	}
	if !comp.Has(plugins.FeatureOwnPenalty) || !component(t, "rprop").Has(plugins.FeatureFullBatch) {
		t.Error("ftrl or rprop does not declare what it is")
	}
}

func BenchmarkStep(b *testing.B) {
	const dim = 10_000
	for _, name := range elementwise() {
		b.Run(fmt.Sprint(name, " float64 ", dim), func(b *testing.B) {
			opt := optimizer[float64](b, name, nil, dim, 1e-3)
			theta, grad := make([]float64, dim), make([]float64, dim)
			for i := range grad {
				grad[i] = math.Sin(float64(i))
			}
			for b.Loop() {
				opt.Step(theta, grad, 1e-3)
			}
		})
	}
}
