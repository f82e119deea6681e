package builtin

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

func component(t testing.TB, name string) plugins.Component {
	t.Helper()
	for _, c := range Manifest("test").Components {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no component %q", name)
	return plugins.Component{}
}

func vector(n int) plugins.Layout {
	return plugins.Layout{{Name: "w", Shape: []int{n}, Role: plugins.RoleWeight, Penalized: true}}
}

// The trajectories were computed by PyTorch 1.13 in float64 with the gradients given; that of nadam
// by PyTorch 2.15, since 1.13 multiplied by μₜ once too often: it divided the mean by 1 − P·μₜ·μₜ₊₁,
// where P has μₜ already.
func TestTrajectoriesOfPyTorch(t *testing.T) {
	content, err := os.ReadFile("testdata/trajectories.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Name   string
			Class  string `json:"torch_class"`
			Hyper  map[string]any
			Theta0 []float64
			Grads  [][]float64
			Thetas [][]float64
			LRs    []float64
		}
	}
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{
		"SGD": "sgd", "Adam": "adam", "AdamW": "adamw", "RMSprop": "rmsprop", "Adagrad": "adagrad", "Adadelta": "adadelta",
		"Adamax": "adamax", "NAdam": "nadam", "RAdam": "radam", "Rprop": "rprop",
	}
	renamed := map[string]string{"initial_accumulator_value": "initial"}
	pairs := map[string][2]string{"betas": {"beta1", "beta2"}, "etas": {"eta_minus", "eta_plus"}}
	if len(file.Cases) != 20 {
		t.Errorf("%d cases, want 20", len(file.Cases))
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			name := names[c.Class]
			if c.Hyper["amsgrad"] == true {
				name = "amsgrad"
				delete(c.Hyper, "amsgrad")
			}
			comp := component(t, name)
			given := plugins.Settings{}
			var lr float64
			for key, v := range c.Hyper {
				switch v := v.(type) {
				case bool:
					given[key] = plugins.Flag(v)
				case []any:
					for i, name := range pairs[key] {
						given[name] = plugins.Real(v[i].(float64))
					}
				case float64:
					if key == "lr" {
						lr = v
						continue
					}
					if to, ok := renamed[key]; ok {
						key = to
					}
					given[key] = plugins.Real(v)
				}
			}
			settings, err := comp.Complete(given)
			if err != nil {
				t.Fatal(err)
			}
			opt, err := plugins.OpenOptimizer[float64](comp, plugins.Instance{Settings: settings, Layout: vector(len(c.Theta0))})
			if err != nil {
				t.Fatal(err)
			}
			theta := append([]float64(nil), c.Theta0...)
			for step, grad := range c.Grads {
				if c.LRs != nil {
					lr = c.LRs[step]
				}
				if err := opt.Step(theta, grad, lr); err != nil {
					t.Fatal(err)
				}
				for i, got := range theta {
					want := c.Thetas[step][i]
					if math.Abs(got-want) > 1e-12*math.Abs(want) {
						t.Fatalf("step %d, θ[%d] = %.17g, PyTorch has %.17g", step+1, i, got, want)
					}
				}
			}
		})
	}
}

func TestPenaltyGradientsMatchFiniteDifferences(t *testing.T) {
	for _, name := range []string{"l1", "l2", "elastic_net"} {
		comp := component(t, name)
		settings, _ := comp.Complete(nil)
		layout := plugins.Layout{
			{Name: "w", Shape: []int{4}, Role: plugins.RoleWeight, Penalized: true},
			{Name: "b", Shape: []int{2}, Role: plugins.RoleBias, Offset: 4},
		}
		r, err := plugins.OpenRegularizer[float64](comp, plugins.Instance{Settings: settings, Layout: layout, Lambda: 3, Examples: 7})
		if err != nil {
			t.Fatal(err)
		}
		theta := []float64{0.5, -1.25, 2, -0.01, 9, -9}
		grad := []float64{1, 1, 1, 1, 1, 1}
		r.AddGradient(theta, grad)
		const h = 1e-6
		for i := range theta {
			up, down := append([]float64(nil), theta...), append([]float64(nil), theta...)
			up[i] += h
			down[i] -= h
			want := 1 + (r.Value(up)-r.Value(down))/(2*h)
			if math.Abs(grad[i]-want) > 1e-8 {
				t.Errorf("%s: gradient[%d] = %v, finite differences say %v", name, i, grad[i], want)
			}
		}
	}
}

// The proximal map is the minimiser of ½(y − x)² + step·R(y): nothing nearby is lower.
func TestProxMinimises(t *testing.T) {
	for _, name := range []string{"l1", "l2", "elastic_net"} {
		comp := component(t, name)
		settings, _ := comp.Complete(nil)
		r, err := plugins.OpenRegularizer[float64](comp, plugins.Instance{Settings: settings, Layout: vector(1), Lambda: 3, Examples: 7})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []float64{-2, -0.3, 0, 0.01, 0.4, 5} {
			const step = 0.7
			objective := func(y float64) float64 { return 0.5*(y-x)*(y-x) + step*r.Value([]float64{y}) }
			y := []float64{x}
			r.(plugins.ProxRegularizer[float64]).Prox(y, step)
			for _, d := range []float64{-1e-3, 1e-3} {
				if objective(y[0]+d) < objective(y[0]) {
					t.Errorf("%s: prox(%v) = %v, but %v is lower", name, x, y[0], y[0]+d)
				}
			}
		}
	}
}

func TestSettingsAreCheckedByName(t *testing.T) {
	comp := component(t, "adam")
	for name, v := range map[string]plugins.Value{
		"beta1": plugins.Real(1), "beta2": plugins.Real(-0.1), "eps": plugins.Flag(true), "bta1": plugins.Real(0.5),
	} {
		_, err := comp.Complete(plugins.Settings{name: v})
		var setting *plugins.SettingError
		if !asSetting(err, &setting) || setting.Setting != name {
			t.Errorf("%s = %v: error %v does not name the setting", name, v, err)
		}
	}
}

func asSetting(err error, target **plugins.SettingError) bool {
	e, ok := err.(*plugins.SettingError)
	*target = e
	return ok
}
