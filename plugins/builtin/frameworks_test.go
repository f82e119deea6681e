package builtin

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// optimizer opens a component with settings and a base learning rate.
func optimizer[F plugins.Float](t testing.TB, name string, given plugins.Settings, dim int, lr float64) plugins.Optimizer[F] {
	t.Helper()
	comp := component(t, name)
	settings, err := comp.Complete(given)
	if err != nil {
		t.Fatal(err)
	}
	opt, err := plugins.OpenOptimizer[F](comp, plugins.Instance{Settings: settings, Layout: vector(dim), LR: lr})
	if err != nil {
		t.Fatal(err)
	}
	return opt
}

// settingsOf turns what JSON has into settings of a component.
func settingsOf(t testing.TB, comp plugins.Component, values map[string]any) plugins.Settings {
	t.Helper()
	given := plugins.Settings{}
	for name, v := range values {
		switch v := v.(type) {
		case bool:
			given[name] = plugins.Flag(v)
		case float64:
			given[name] = plugins.Real(v)
		case string:
			given[name] = plugins.Choice(v)
		default:
			t.Fatalf("%s: setting %s is %v", comp.Name, name, v)
		}
	}
	return given
}

// near is |got − want| ≤ within·max(|want|, |start|): a parameter may have come near 0 by subtraction.
func near(got, want, start, within float64) bool {
	return math.Abs(got-want) <= within*math.Abs(want)
}

// testdata/frameworks.py ran PyTorch, Keras and Optax themselves, in float64.
func TestConventionsAreThoseOfTheFrameworks(t *testing.T) {
	content, err := os.ReadFile("testdata/frameworks.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Versions map[string]string
		Theta0   []float64
		Grads    [][]float64
		Cases    []struct {
			Component, Framework string
			Settings             map[string]any
			LRs                  []float64
			Thetas               [][]float64
		}
	}
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	covered := map[string]bool{}
	for i, c := range file.Cases {
		covered[fmt.Sprint(c.Component, " ", c.Settings["convention"])] = true
		t.Run(fmt.Sprint(i, " ", c.Component, " ", c.Framework), func(t *testing.T) {
			given := settingsOf(t, component(t, c.Component), c.Settings)
			opt := optimizer[float64](t, c.Component, given, len(file.Theta0), c.LRs[0])
			theta := append([]float64(nil), file.Theta0...)
			for step, grad := range file.Grads {
				if err := opt.Step(theta, grad, c.LRs[step]); err != nil {
					t.Fatal(err)
				}
				for j, got := range theta {
					if want := c.Thetas[step][j]; !near(got, want, file.Theta0[j], 1e-12) {
						t.Fatalf("%v, step %d: θ[%d] = %.17g, %s %s has %.17g: %.1e off",
							c.Settings, step+1, j, got, c.Framework, file.Versions[c.Framework], want, got-want)
					}
				}
			}
		})
	}
	for _, name := range firstClass {
		for _, convention := range component(t, name).Conventions {
			if !covered[fmt.Sprint(name, " ", convention.Name)] {
				t.Errorf("%s under the convention %s was not compared with anything", name, convention.Name)
			}
		}
	}
}

// firstClass are the optimizers that these tests are about.
var firstClass = []string{"sgd", "adagrad", "rmsprop", "adadelta", "adam", "amsgrad", "adamw", "adamax", "nadam", "radam", "lion", "rprop", "ftrl"}
