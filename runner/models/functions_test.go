package models

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
)

// functionConfig is a test function in some dimension that it can have.
func functionConfig(f Function) Config {
	c := Config{Name: f.Name, Dimension: f.Least + 2*f.Step}
	if f.Conditioned {
		c.Condition = 50
	}
	return c
}

func lossAt(t *testing.T, m Model[float64], x []float64) float64 {
	t.Helper()
	var out [1]Score
	m.Evaluate(data.Part[float64]{}, Slab[float64]{Params: x, Stride: len(x)}, []int{0}, out[:])
	return out[0].Loss
}

func gradientAt(m Model[float64], batch data.Part[float64], x []float64) []float64 {
	s := Slab[float64]{Params: x, Grads: make([]float64, len(x)), Stride: len(x)}
	m.Gradient(batch, s, []int{0})
	return s.Grads
}

// The minima and minimisers of the literature, by hand.
func TestMinimaOfFunctions(t *testing.T) {
	known := map[string]struct {
		value float64
		at    []float64
	}{
		"quadratic":       {0, []float64{0, 0, 0}},
		"noisy_quadratic": {0, []float64{0, 0, 0}},
		"rosenbrock":      {0, []float64{1, 1, 1, 1}},
		"beale":           {0, []float64{3, 0.5}},
		"saddle":          {-0.75, []float64{0, 1, 0, 1, 0, 1}},
		"rastrigin":       {0, []float64{0, 0, 0}},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, f := range Functions {
		c, want := functionConfig(f), known[f.Name]
		m := open[float64](t, c)
		if value, ok := c.Optimum(); !ok || value != want.value {
			t.Errorf("%s: optimum %v, %v, want %v", f.Name, value, ok, want.value)
		}
		if got := lossAt(t, m, want.at); got != want.value {
			t.Errorf("%s is %v at its minimiser, want %v", f.Name, got, want.value)
		}
		for i, g := range gradientAt(m, data.Part[float64]{}, want.at) {
			if math.Abs(g) > 1e-13 {
				t.Errorf("%s: element %d of the gradient is %v at its minimiser", f.Name, i, g)
			}
		}
		for range 2000 {
			x := make([]float64, c.Dimension)
			for i := range x {
				x[i] = 3 * rng.NormFloat64()
			}
			if got := lossAt(t, m, x); got < want.value {
				t.Fatalf("%s is %v at %v, less than its minimum", f.Name, got, x)
			}
		}
	}
	if _, ok := (Config{Name: "linear", Inputs: 2}).Optimum(); ok {
		t.Error("linear has a known optimum")
	}
}

// Values and starts that the literature gives.
func TestValuesOfFunctions(t *testing.T) {
	for _, c := range []struct {
		name string
		x    []float64
		want float64
	}{
		{"rosenbrock", []float64{-1.2, 1}, 24.2}, // Moré, Garbow, Hillstrom 1981, problem 1
		{"beale", []float64{1, 1}, 14.203125},    // problem 5
		{"rastrigin", []float64{1, 0}, 1},
		{"rastrigin", []float64{0.5, 0.5}, 40.5},
		{"saddle", []float64{2, 0}, 2},
		{"saddle", []float64{0, 2}, 2},
	} {
		got := lossAt(t, open[float64](t, Config{Name: c.name, Dimension: len(c.x)}), c.x)
		if math.Abs(got-c.want) > 1e-12*c.want {
			t.Errorf("%s at %v is %v, want %v", c.name, c.x, got, c.want)
		}
	}
}

// Starts differ from seed to seed, and classic ones stay near their points.
func TestStartsOfFunctions(t *testing.T) {
	classic := map[string][]float64{"rosenbrock": {-1.2, 1, -1.2, 1}, "beale": {1, 1}, "saddle": {1, 0, 1, 0, 1, 0}}
	for _, f := range Functions {
		c := functionConfig(f)
		m := open[float64](t, c)
		sum, last := make([]float64, c.Dimension), make([]float64, c.Dimension)
		const seeds = 400
		for seed := range uint64(seeds) {
			x := make([]float64, c.Dimension)
			m.Init(x, rand.New(rand.NewPCG(seed, 1)))
			if slices.Equal(x, last) {
				t.Fatalf("%s: two seeds start at %v", f.Name, x)
			}
			copy(last, x)
			for i, v := range x {
				sum[i] += v / seeds
				if want, ok := classic[f.Name]; ok && math.Abs(v-want[i]) > 6*jitter {
					t.Errorf("%s starts at %v, far from %v", f.Name, x, want)
				}
			}
		}
		for i, v := range sum {
			want, ok := classic[f.Name]
			if ok && math.Abs(v-want[i]) > 4*jitter/math.Sqrt(seeds) {
				t.Errorf("%s: coordinate %d starts at %v on average", f.Name, i, v)
			}
		}
	}
}

// The gradient under noise is the mean of those at θ − c, which for a quadratic is that at θ less the mean of c.
func TestNoiseOfQuadratics(t *testing.T) {
	m := open[float64](t, Config{Name: "noisy_quadratic", Dimension: 2, Condition: 4, Noise: 1})
	batch := data.Part[float64]{N: 3, D: 2, X: []float64{0.3, -1, 1.2, 0.5, 0, 2}}
	got := gradientAt(m, batch, []float64{2, 3})
	for i, want := range []float64{2 - 0.5, (3 - 0.5) / 4} {
		if math.Abs(got[i]-want) > 1e-14 {
			t.Errorf("element %d of the gradient is %v, want %v", i, got[i], want)
		}
	}
}
