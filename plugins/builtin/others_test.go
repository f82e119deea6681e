package builtin

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// opened makes one optimizer. The settings are those given; the rest are defaults.
func opened[F plugins.Float](t testing.TB, name string, given plugins.Settings, layout plugins.Layout) plugins.Optimizer[F] {
	t.Helper()
	comp := component(t, name)
	settings, err := comp.Complete(given)
	if err != nil {
		t.Fatal(err)
	}
	opt, err := plugins.OpenOptimizer[F](comp, plugins.Instance{Settings: settings, Layout: layout})
	if err != nil {
		t.Fatal(err)
	}
	return opt
}

// matrixAndVector is the layout of testdata/others.json: 4 × 3, then 5.
func matrixAndVector() plugins.Layout {
	return plugins.Layout{
		{Name: "W", Shape: []int{4, 3}, Role: plugins.RoleWeight, Penalized: true},
		{Name: "b", Shape: []int{5}, Role: plugins.RoleBias, Offset: 12},
	}
}

// The trajectories are those of the frameworks' own code on the gradients given; see
// testdata/others.py for their versions and for the three that were kept from rounding.
func TestTrajectoriesOfOtherImplementations(t *testing.T) {
	content, err := os.ReadFile("testdata/others.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Theta0 []float64
		Grads  [][]float64
		Cases  []struct {
			Name, Component   string
			Settings          map[string]any
			Absolute          bool // the gradients are those above without their signs
			LRs, Losses       []float64
			Thetas, Evaluated [][]float64
		}
	}
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	// Where a rule magnifies the rounding of its sums, the reference itself is no better:
	// Newton and Schulz's iteration multiplies errors by up to 3.4 each time, and the shares of
	// x and z in y are divided by β when x is made of them.
	tolerance := map[string]float64{"muon": 1e-11, "schedule_free_sgd": 1e-11, "schedule_free_adamw": 1e-11}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			near := 1e-12
			if looser, ok := tolerance[c.Component]; ok {
				near = looser
			}
			comp, given := component(t, c.Component), plugins.Settings{}
			for key, v := range c.Settings {
				setting, ok := comp.Setting(key)
				if !ok {
					t.Fatalf("%s has no setting %q", c.Component, key)
				}
				switch v := v.(type) {
				case bool:
					given[key] = plugins.Flag(v)
				case string:
					given[key] = plugins.Choice(v)
				case float64:
					given[key] = plugins.Real(v)
					if setting.Type == plugins.TypeInteger {
						given[key] = plugins.Integer(int64(v))
					}
				}
			}
			opt := opened[float64](t, c.Component, given, matrixAndVector())
			theta := append([]float64(nil), file.Theta0...)
			for step, grad := range file.Grads {
				if c.Absolute {
					grad = append([]float64(nil), grad...)
					for i, g := range grad {
						grad[i] = math.Abs(g)
					}
				}
				if taker, ok := opt.(plugins.LossTaker); ok {
					taker.SetLoss(c.Losses[step])
				}
				err := opt.Step(theta, grad, c.LRs[step])
				if comp.Has(plugins.FeatureBase) {
					// The reference has the point uphill of the same θ for each gradient.
					if !errors.Is(err, plugins.ErrAgain) {
						t.Fatalf("step %d: %v, want Again", step+1, err)
					}
					closeTo(t, step, theta, c.Thetas[step], near)
					err = opt.Step(theta, grad, c.LRs[step])
					closeTo(t, step, theta, file.Theta0, 0)
				} else {
					closeTo(t, step, theta, c.Thetas[step], near)
				}
				if err != nil {
					t.Fatal(err)
				}
				if c.Evaluated != nil {
					x := append([]float64(nil), theta...)
					opt.(plugins.Evaluator[float64]).Evaluate(x)
					closeTo(t, step, x, c.Evaluated[step], near)
				}
			}
		})
	}
}

// closeTo compares relative to the element, or to 0.1 for those that passed near 0.
func closeTo(t *testing.T, step int, got, want []float64, near float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= near*max(math.Abs(want[i]), 0.1)) {
			t.Fatalf("step %d, θ[%d] = %.17g, reference has %.17g (relative %.2g)", step+1, i, got[i], want[i], (got[i]-want[i])/want[i])
		}
	}
}
