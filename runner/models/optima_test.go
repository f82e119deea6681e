package models

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/tests"
)

// Gradient descent with an L2 penalty ends where another implementation, named in
// testdata/optima.json, says the optimum is.
func TestOptimaOfASecondImplementation(t *testing.T) {
	text, err := os.ReadFile("testdata/optima.json")
	if err != nil {
		t.Fatal(err)
	}
	var reference struct {
		Cases []struct {
			Data, Model, Regularizer string
			Lam, J, Accuracy         float64
		}
	}
	if err := json.Unmarshal(text, &reference); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, c := range reference.Cases {
		if c.Regularizer != "l2" {
			continue
		}
		if checked++; checked%3 != 1 && !tests.Long() { // one of each data set
			continue
		}
		t.Run(fmt.Sprint(c.Model, " ", c.Lam), func(t *testing.T) {
			j, score := descend(t, strings.TrimSuffix(c.Data, ".csv"), c.Model, c.Lam, c.J)
			if math.Abs(j/c.J-1) > 1e-6 {
				t.Errorf("J is %.9g, want %.9g", j, c.J)
			}
			if c.Model != "linear" && math.Abs(score.Accuracy-c.Accuracy) > 1e-9 {
				t.Errorf("accuracy is %v, want %v", score.Accuracy, c.Accuracy)
			}
		})
	}
	if checked != 9 {
		t.Errorf("%d cases, want 9", checked)
	}
}

// descend minimises mean loss + λ/(2m)·Σw² by gradient descent with Nesterov momentum, restarted whenever
// it points uphill, until J is stationary.
func descend(t *testing.T, name, model string, lambda float64, want float64) (float64, Score) {
	set, err := data.Open(name, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := data.Split{}
	for i := range set.Len() {
		all.Train = append(all.Train, i)
	}
	part := data.Prepare[float64](set, all, true).Train
	m := open[float64](t, Config{Name: model, Kind: set.Kind, Inputs: part.D, Classes: part.Classes})
	layout := m.Layout()
	dim, weights := layout.Dim(), layout.Penalized()[0]
	examples := float64(part.N)
	// The curvature of every loss here is at most that of the squares, whose
	// largest eigenvalue is at most the trace of the standardised data, D, plus 1 for the bias.
	rate := 1 / (float64(part.D+1)*curvature[model] + lambda/examples)
	x, last := make([]float64, dim), make([]float64, dim)
	s := Slab[float64]{Params: make([]float64, dim), Grads: make([]float64, dim), Stride: dim}
	slot, out, momentum := []int{0}, make([]Score, 1), 0.0
	for step := 0; step < 40000; step++ {
		m.Gradient(part, s, slot)
		uphill := 0.0
		copy(last, x)
		for i, y := range s.Params {
			g := s.Grads[i]
			if i >= weights.From && i < weights.To {
				g += lambda / examples * y
			}
			x[i] = y - rate*g
			uphill += g * (x[i] - last[i])
		}
		momentum++
		if uphill > 0 {
			momentum = 0
		}
		for i := range x {
			s.Params[i] = x[i] + momentum/(momentum+3)*(x[i]-last[i])
		}
		if step%250 == 249 {
			copy(s.Params, x)
			m.Evaluate(part, s, slot, out)
			j := out[0].Loss
			for i := weights.From; i < weights.To; i++ {
				j += lambda / (2 * examples) * x[i] * x[i]
			}
			if math.Abs(j/want-1) < 1e-8 {
				return j, out[0]
			}
			momentum = 0
		}
	}
	return math.NaN(), out[0]
}

// curvature bounds the second derivative of a loss by its outputs.
var curvature = map[string]float64{"linear": 1, "logistic": 0.25, "softmax": 0.5}
