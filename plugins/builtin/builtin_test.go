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
