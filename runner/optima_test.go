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

// Full-batch descent of whole trials ends where another implementation says that the optimum is,
// penalties and their proximal maps included; testdata/optima.json of the models names it.
func TestTrialsReachTheOptimaOfASecondImplementation(t *testing.T) {
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
	for file, how := range map[string]struct {
		lr, momentum float64 // for l2, by Nesterov
		damped       float64 // learning rate for l1
		epochs       int
	}{
		"diabetes.csv":      {0.24, 0.95, 1, 1500},
		"breast_cancer.csv": {0.25, 0.99, 8, 2500},
		"iris.csv":          {0.4, 0.95, 0, 1000},
	} {
		cases := groups[file]
		delete(groups, file)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			task := taskOf(t, strings.TrimSuffix(file, ".csv"), cases[0].Model)
			task.Validation, task.Batch, task.Sampling, task.Epochs = 0, 0, "", how.epochs
			var trials []runner.Trial
			once := len(cases)
			for _, c := range cases[:once] { // L1 once more, with the other kind of momentum
				if c.Regularizer == "l1" {
					cases = append(cases, c)
				}
			}
			for i, c := range cases {
				trial := runner.Trial{Task: task, Lambda: c.Lam, LR: how.lr}
				settings := plugins.Settings{"momentum": plugins.Real(how.momentum), "nesterov": plugins.Flag(true)}
				var mode plugins.Settings
				if c.Regularizer == "l1" {
					// The map has to follow what the velocity settles at: with dampening one
					// gradient, without it five.
					mode = plugins.Settings{"mode": plugins.Choice("proximal")}
					settings = plugins.Settings{"momentum": plugins.Real(0.8)}
					trial.LR = how.damped / 5
					if i < once {
						settings["dampening"] = plugins.Real(0.8)
						trial.LR = how.damped
					}
				}
				trial.Optimizer = component(t, plugins.KindOptimizer, "sgd", settings)
				if c.Lam > 0 {
					r := component(t, plugins.KindRegularizer, c.Regularizer, mode)
					trial.Regularizer = &r
				}
				trials = append(trials, trial)
			}
			got := execute(t, runner.Options{Workers: 2, BLAS: backend(t, "auto")}, trials)
			for i, c := range cases {
				name := fmt.Sprint(c.Regularizer, " λ ", c.Lam)
				key := trials[i].Key()
				end := got.ends[key]
				if end.Status != runner.StatusFinished || end.Best == nil {
					t.Errorf("%s: %s %s", name, end.Status, end.Reason)
					continue
				}
				lines := strings.Split(strings.TrimSpace(got.points[key]), "\n")
				var bits uint64
				last := lines[len(lines)-1]
				if _, err := fmt.Sscanf(last[strings.LastIndex(last, " J=")+1:], "J=%x", &bits); err != nil {
					t.Fatal(err)
				}
				j := math.Float64frombits(bits)
				if d := math.Abs(j/c.J - 1); d > 1e-6 {
					t.Errorf("%s: J is %.9g, want %.9g: off by %.2g", name, j, c.J, d)
				}
				if all, nonzero := weights(t, end.Best.Content); nonzero != c.Nonzero {
					t.Errorf("%s: %d of %d weights are not zero, want %d", name, nonzero, all, c.Nonzero)
				}
			}
		})
	}
	for file := range groups {
		t.Errorf("no trials for %s", file)
	}
}
