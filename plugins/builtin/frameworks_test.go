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

// near reports whether got is want up to a relative error.
func near(got, want, within float64) bool { return math.Abs(got-want) <= within*math.Abs(want) }

// frameworks is what testdata/frameworks.py wrote when it ran PyTorch, Keras and Optax in float64.
type frameworks struct {
	Versions map[string]string
	LR       map[string]map[string]float64 // default learning rates by component and framework
	Theta0   []float64
	Grads    [][]float64
	Cases    []struct {
		Component, Framework string
		Settings             map[string]any
		LRs                  []float64
		Thetas               [][]float64
	}
}

func readFrameworks(t *testing.T) frameworks {
	t.Helper()
	content, err := os.ReadFile("testdata/frameworks.json")
	if err != nil {
		t.Fatal(err)
	}
	var file frameworks
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestConventionsAreThoseOfTheFrameworks(t *testing.T) {
	file := readFrameworks(t)
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
					if want := c.Thetas[step][j]; !near(got, want, 1e-12) {
						t.Fatalf("%v, step %d: θ[%d] = %.17g, %s %s has %.17g: %.1e off",
							c.Settings, step+1, j, got, c.Framework, file.Versions[c.Framework], want, got-want)
					}
				}
			}
		})
	}
	for _, name := range elementwise() {
		for _, convention := range component(t, name).Conventions {
			if !covered[fmt.Sprint(name, " ", convention.Name)] {
				t.Errorf("%s under the convention %s was not compared with anything", name, convention.Name)
			}
			if want := file.LR[name][convention.Name]; convention.LR != want {
				t.Errorf("%s under the convention %s: learning rate %v, the framework has %v", name, convention.Name, convention.LR, want)
			}
		}
	}
}

// The same in float32, which is what the frameworks use unless told otherwise.
func TestSinglePrecisionStaysNear(t *testing.T) {
	file := readFrameworks(t)
	for i, c := range file.Cases {
		given := settingsOf(t, component(t, c.Component), c.Settings)
		opt := optimizer[float32](t, c.Component, given, len(file.Theta0), c.LRs[0])
		theta, grad := make([]float32, len(file.Theta0)), make([]float32, len(file.Theta0))
		for j, x := range file.Theta0 {
			theta[j] = float32(x)
		}
		for step := range file.Grads {
			for j, g := range file.Grads[step] {
				grad[j] = float32(g)
			}
			if err := opt.Step(theta, grad, float32(c.LRs[step])); err != nil {
				t.Fatal(err)
			}
		}
		for j, got := range theta {
			want := c.Thetas[len(c.Thetas)-1][j]
			if math.Abs(float64(got)-want) > 1e-5*max(math.Abs(want), math.Abs(file.Theta0[j])) {
				t.Errorf("%d %s %v: θ[%d] = %v, float64 has %v", i, c.Component, c.Settings, j, got, want)
			}
		}
	}
}

// elementwise lists the optimizers that look at each parameter by itself: all that are not in wholes.
func elementwise() (names []string) {
	for _, c := range Manifest("test").Components {
		if _, whole := wholes[c.Name]; c.Kind == plugins.KindOptimizer && !whole {
			names = append(names, c.Name)
		}
	}
	return names
}
