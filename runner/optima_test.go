//go:build unix

package runner_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
)

// weights counts the elements of a safetensors file's weights, and those that are not zero.
func weights(t *testing.T, content []byte) (all, nonzero int) {
	t.Helper()
	size := binary.LittleEndian.Uint64(content)
	var header map[string]json.RawMessage
	if err := json.Unmarshal(content[8:8+size], &header); err != nil {
		t.Fatal(err)
	}
	for name, raw := range header {
		if name == "__metadata__" {
			continue
		}
		var tensor struct {
			DType   string
			Shape   []int
			Offsets [2]int `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &tensor); err != nil {
			t.Fatal(err)
		}
		if tensor.DType != "F64" {
			t.Fatalf("tensor %s is of type %s", name, tensor.DType)
		}
		if strings.HasPrefix(name, "b") {
			continue
		}
		data := content[8+int(size):][tensor.Offsets[0]:tensor.Offsets[1]]
		for ; len(data) > 0; data = data[8:] {
			all++
			if math.Float64frombits(binary.LittleEndian.Uint64(data)) != 0 {
				nonzero++
			}
		}
	}
	return all, nonzero
}

// A route is an optimizer, and a learning rate, by which the optima of one penalty are reached.
type route struct {
	optimizer string
	lr        float64
	settings  plugins.Settings
	only      float64 // λ it is meant for; 0 is any
}

// Full-batch training by different optimizers ends where another implementation says that the
// optimum is, penalties and their proximal maps included; testdata/optima.json of the models names it.
func TestTrialsReachTheOptimaOfASecondImplementation(t *testing.T) {
	if race {
		t.Skip("thousands of epochs of the same steps: the race detector sees them in the equalities")
	}
	text, err := os.ReadFile("models/testdata/optima.json")
	if err != nil {
		t.Fatal(err)
	}
	type optimum struct {
		Data, Model, Regularizer string
		Lam, J                   float64
		Nonzero                  int
	}
	var reference struct{ Cases []optimum }
	if err := json.Unmarshal(text, &reference); err != nil {
		t.Fatal(err)
	}
	groups := map[string][]optimum{}
	for _, c := range reference.Cases {
		groups[c.Data] = append(groups[c.Data], c)
	}
	nesterov := func(momentum float64) plugins.Settings {
		return plugins.Settings{"momentum": plugins.Real(momentum), "nesterov": plugins.Flag(true)}
	}
	// Behind a proximal map that has to follow what the velocity settles at: with dampening one
	// gradient, without it five.
	heavy := plugins.Settings{"momentum": plugins.Real(0.8)}
	damped := plugins.Settings{"momentum": plugins.Real(0.8), "dampening": plugins.Real(0.8)}
	for file, how := range map[string]struct {
		smooth, sparse []route // for l2 and l1
		epochs         int
	}{
		"diabetes.csv": {
			smooth: []route{{"sgd", 0.24, nesterov(0.95), 0}, {"lbfgs", 1, nil, 0}, {"rprop", 0.3, nil, 0}, {"armijo", 5, nil, 0}},
			sparse: []route{{"sgd", 0.2, heavy, 0}, {"sgd", 1, damped, 0}, {"armijo", 0.4, nil, 0}},
			epochs: 3000,
		},
		"breast_cancer.csv": {
			smooth: []route{{"sgd", 0.25, nesterov(0.99), 0}, {"lbfgs", 1, nil, 0}, {"rprop", 0.3, nil, 0}},
			sparse: []route{{"sgd", 1.6, heavy, 0}, {"sgd", 8, damped, 0}, {"armijo", 5, nil, 10}, {"armijo", 1, nil, 100}},
			epochs: 3000,
		},
		"iris.csv": {
			smooth: []route{{"sgd", 0.4, nesterov(0.95), 0}, {"lbfgs", 1, nil, 0}, {"rprop", 0.3, nil, 0}},
			epochs: 2000,
		},
	} {
		cases := groups[file]
		delete(groups, file)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			if file == "breast_cancer.csv" && !tests.Long() {
				t.Skip("3,000 epochs of 569 rows for each of its trials; -long runs it")
			}
			task := taskOf(t, strings.TrimSuffix(file, ".csv"), cases[0].Model)
			task.Validation, task.Batch, task.Sampling, task.Epochs = 0, 0, "", how.epochs
			var trials []runner.Trial
			var wants []optimum
			for i, c := range cases {
				if i%2 > 0 && !tests.Long() {
					continue
				}
				routes, mode := how.smooth, plugins.Settings(nil)
				if c.Regularizer == "l1" {
					routes, mode = how.sparse, plugins.Settings{"mode": plugins.Choice("proximal")}
				}
				if len(how.sparse) > 0 { // iris is small enough for all of them
					routes = tests.Either(routes[:1], routes)
				}
				for _, r := range routes {
					if r.only != 0 && r.only != c.Lam {
						continue
					}
					trial := runner.Trial{Task: task, Lambda: c.Lam, LR: r.lr, Optimizer: component(t, plugins.KindOptimizer, r.optimizer, r.settings)}
					if c.Lam > 0 {
						r := component(t, plugins.KindRegularizer, c.Regularizer, mode)
						trial.Regularizer = &r
					}
					trials, wants = append(trials, trial), append(wants, c)
				}
			}
			got := execute(t, runner.Options{Workers: 2}, trials)
			for i, c := range wants {
				name := fmt.Sprint(trials[i].Optimizer.Component, " ", c.Regularizer, " λ ", c.Lam)
				key := trials[i].Key()
				end := got.ends[key]
				if end.Status != runner.StatusFinished || end.Parameters == nil {
					t.Errorf("%s: %s %s", name, end.Status, end.Reason)
					continue
				}
				values := curve(t, got, key, "J")
				j := values[len(values)-1]
				if d := math.Abs(j/c.J - 1); d > 1e-8 {
					t.Errorf("%s: J is %.12g, want %.12g: off by %.2g", name, j, c.J, d)
				}
				if all, nonzero := weights(t, end.Parameters); nonzero != c.Nonzero {
					t.Errorf("%s: %d of %d weights are not zero, want %d", name, nonzero, all, c.Nonzero)
				}
			}
		})
	}
	for file := range groups {
		t.Errorf("no trials for %s", file)
	}
}
