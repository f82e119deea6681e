package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

// configs are models of every kind, with panels of one slot and of many, and with rows of every width.
func configs() map[string]Config {
	const r, c = data.Regression, data.Classification
	return map[string]Config{
		"linear":            {Name: "linear", Kind: r, Inputs: 7},
		"logistic":          {Name: "logistic", Kind: c, Inputs: 30, Classes: 2},
		"softmax 3":         {Name: "softmax", Kind: c, Inputs: 4, Classes: 3},
		"softmax 10":        {Name: "softmax", Kind: c, Inputs: 65, Classes: 10},
		"softmax 70":        {Name: "softmax", Kind: c, Inputs: 5, Classes: 70},
		"wide":              {Name: "linear", Kind: r, Inputs: mostInputs + 3},
		"mlp relu":          {Name: "mlp", Kind: c, Inputs: 9, Classes: 3, Hidden: []int{5}, Activation: "relu"},
		"mlp tanh":          {Name: "mlp", Kind: r, Inputs: 9, Hidden: []int{12, 7}, Activation: "tanh"},
		"mlp deep":          {Name: "mlp", Kind: c, Inputs: 6, Classes: 4, Hidden: []int{8, 6, 5}, Activation: "relu", PenalizeBias: true},
		"mlp without":       {Name: "mlp", Kind: c, Inputs: 6, Classes: 3, Activation: "tanh"},
		"mlp wide":          {Name: "mlp", Kind: r, Inputs: 6, Hidden: []int{40}, Activation: "relu"},
		"sparse linear":     {Name: "linear", Kind: r, Inputs: 40, Sparse: true},
		"sparse logistic":   {Name: "logistic", Kind: c, Inputs: 300, Classes: 2, Sparse: true},
		"sparse softmax":    {Name: "softmax", Kind: c, Inputs: 65, Classes: 10, Sparse: true},
		"sparse wide":       {Name: "softmax", Kind: c, Inputs: 5, Classes: 70, Sparse: true},
		"sparse mlp":        {Name: "mlp", Kind: c, Inputs: 50, Classes: 4, Hidden: []int{8, 6}, Activation: "tanh", Sparse: true},
		"weighted logistic": {Name: "logistic", Kind: c, Inputs: 30, Classes: 2, ClassWeights: []float64{0.7, 2.5}},
		"weighted softmax":  {Name: "softmax", Kind: c, Inputs: 4, Classes: 3, ClassWeights: []float64{0.7, 2.5, 1}},
		"weighted mlp":      {Name: "mlp", Kind: c, Inputs: 50, Classes: 4, Hidden: []int{8, 6}, Activation: "tanh", Sparse: true, ClassWeights: []float64{0.7, 2.5, 1, 0.1}},
		"quadratic":         {Name: "quadratic", Dimension: 9, Condition: 100},
		"quadratic 1d":      {Name: "quadratic", Dimension: 1, Condition: 1},
		"rosenbrock":        {Name: "rosenbrock", Dimension: 5},
		"beale":             {Name: "beale", Dimension: 2},
		"saddle":            {Name: "saddle", Dimension: 6},
		"rastrigin":         {Name: "rastrigin", Dimension: 4},
		"noisy":             {Name: "noisy_quadratic", Dimension: 3, Condition: 7, Noise: 0.5},
	}
}

func rows[F plugins.Float](c Config, n int, seed uint64) data.Part[F] {
	rng := rand.New(rand.NewPCG(seed, 3))
	p := data.Part[F]{N: n, D: c.Inputs, Classes: c.Classes}
	if c.Sparse {
		p.Sparse = sparseRows[F](rng, n, c.Inputs)
	} else {
		for range n * c.Inputs {
			p.X = append(p.X, F(rng.NormFloat64()))
		}
	}
	for range n {
		if c.classifies() {
			p.Labels = append(p.Labels, int32(rng.IntN(c.Classes)))
		} else {
			p.Y = append(p.Y, F(rng.NormFloat64()+2))
		}
	}
	return p
}

// sparseRows has a fifth of its values not 0, and empty rows.
func sparseRows[F plugins.Float](rng *rand.Rand, n, d int) data.CSR[F] {
	m := data.CSR[F]{}
	for i := range n {
		m.RowStart = append(m.RowStart, len(m.Value))
		for j := range d {
			if i%7 != 3 && rng.Float64() < 0.2 {
				m.Column, m.Value = append(m.Column, int32(j)), append(m.Value, F(rng.NormFloat64()))
			}
		}
		m.RowEnd = append(m.RowEnd, len(m.Value))
	}
	return m
}

func open[F plugins.Float](t testing.TB, c Config) Model[F] {
	t.Helper()
	m, err := New[F](c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// slab makes slots with unlike parameters, each with the same ones on every call.
func slab[F plugins.Float](dim, slots int) Slab[F] {
	s := Slab[F]{Stride: dim + 3, Params: make([]F, slots*(dim+3)), Grads: make([]F, slots*(dim+3))}
	for slot := range slots {
		fill(s.params(slot, dim), slot)
	}
	return s
}

func fill[F plugins.Float](params []F, trial int) {
	rng := rand.New(rand.NewPCG(uint64(trial), 9))
	for i := range params {
		params[i] = F(rng.NormFloat64() / 2)
	}
}

func TestGradientsAreFiniteDifferences(t *testing.T) {
	for name, c := range configs() {
		t.Run(name, func(t *testing.T) {
			m := open[float64](t, c)
			dim := m.Layout().Dim()
			s := slab[float64](dim, 2)
			part := rows[float64](c, 300, 1) // more than a chunk
			m.Gradient(part, s, []int{0, 1})
			var out [1]Score
			loss := func() float64 {
				m.Evaluate(part, s, []int{1}, out[:])
				return out[0].Loss
			}
			params, grads := s.params(1, dim), slices.Clone(s.grads(1, dim))
			for k := 0; k < dim; k += 1 + dim/50 {
				x, h := params[k], 1e-5
				params[k] = x + h
				above := loss()
				params[k] = x - h
				below := loss()
				params[k] = x
				if want := (above - below) / (2 * h); math.Abs(grads[k]-want) > 1e-6*(1+math.Abs(want)) {
					t.Errorf("element %d of the gradient is %v, want %v", k, grads[k], want)
				}
			}
		})
	}
}

func TestFloat32IsNearFloat64(t *testing.T) {
	for name, c := range configs() {
		m64, m32 := open[float64](t, c), open[float32](t, c)
		dim := m64.Layout().Dim()
		s64, s32 := slab[float64](dim, 3), slab[float32](dim, 3)
		p64, p32 := rows[float64](c, 300, 1), rows[float32](c, 300, 1)
		m64.Gradient(p64, s64, []int{2})
		m32.Gradient(p32, s32, []int{2})
		for k, want := range s64.grads(2, dim) {
			if got := float64(s32.grads(2, dim)[k]); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
				t.Errorf("%s: element %d is %v, want %v", name, k, got, want)
			}
		}
		var a, z [1]Score
		m64.Evaluate(p64, s64, []int{2}, a[:])
		m32.Evaluate(p32, s32, []int{2}, z[:])
		if math.Abs(a[0].Loss-z[0].Loss) > 1e-4*(1+a[0].Loss) {
			t.Errorf("%s: loss is %v, want %v", name, z[0].Loss, a[0].Loss)
		}
	}
}

func TestLayouts(t *testing.T) {
	for name, want := range map[string]string{
		"linear":    "W[1 7]@0 b[1]@7 -",
		"softmax 3": "W[3 4]@0 b[3]@12 -",
		"mlp relu":  "W1[5 9]@0 b1[5]@45 - W2[3 5]@50 b2[3]@65 -",
		"mlp deep":  "W1[8 6]@0 b1[8]@48 W2[6 8]@56 b2[6]@104 W3[5 6]@110 b3[5]@140 W4[4 5]@145 b4[4]@165",
		"quadratic": "theta[9]@0",
	} {
		var got []string
		for _, tensor := range open[float64](t, configs()[name]).Layout() {
			got = append(got, fmt.Sprint(tensor.Name, tensor.Shape, "@", tensor.Offset))
			if !tensor.Penalized {
				got = append(got, "-")
			}
			if (tensor.Role == plugins.RoleBias) != strings.HasPrefix(tensor.Name, "b") {
				t.Errorf("%s: %s has the role %s", name, tensor.Name, tensor.Role)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: layout is %s, want %s", name, s, want)
		}
	}
}

func TestInit(t *testing.T) {
	for name, c := range configs() {
		m := open[float64](t, c)
		draw := func() []float64 {
			params := make([]float64, m.Layout().Dim())
			fill(params, 1)
			m.Init(params, rand.New(rand.NewPCG(1, 1)))
			return params
		}
		params := draw()
		if !slices.Equal(params, draw()) {
			t.Errorf("%s: equal streams gave unequal parameters", name)
		}
		_, isFunction := FunctionNamed(c.Name)
		zero := len(c.Hidden) == 0 && !isFunction
		for _, tensor := range m.Layout() {
			values := params[tensor.Offset:][:tensor.Size()]
			isZero := slices.Max(values) == 0 && slices.Min(values) == 0
			if want := zero || tensor.Role == plugins.RoleBias; isZero != want {
				t.Errorf("%s: %s is zero: %v, want %v", name, tensor.Name, isZero, want)
			}
		}
	}
	for activation, want := range map[string]float64{"relu": 2. / 100, "tanh": 2. / 150} {
		c := Config{Name: "mlp", Kind: data.Regression, Inputs: 100, Hidden: []int{50}, Activation: activation}
		params := make([]float64, 50*100+50+51)
		open[float64](t, c).Init(params, rand.New(rand.NewPCG(1, 1)))
		squares := 0.0
		for _, w := range params[:5000] {
			squares += w * w / 5000
		}
		if math.Abs(squares/want-1) > 0.06 {
			t.Errorf("%s: weights have the variance %v, want %v", activation, squares, want)
		}
	}
}

func TestConfigsThatMakeNoSense(t *testing.T) {
	const r, c = data.Regression, data.Classification
	for _, bad := range []Config{
		{},
		{Name: "forest", Kind: r, Inputs: 3},
		{Name: "linear", Kind: c, Inputs: 3, Classes: 2},
		{Name: "linear", Kind: r},
		{Name: "linear", Kind: r, Inputs: 3, Hidden: []int{4}},
		{Name: "logistic", Kind: c, Inputs: 3, Classes: 3},
		{Name: "softmax", Kind: c, Inputs: 3, Classes: 1},
		{Name: "softmax", Kind: r, Inputs: 3},
		{Name: "mlp", Inputs: 3, Hidden: []int{4}, Activation: "relu"},
		{Name: "mlp", Kind: r, Inputs: 3, Hidden: []int{4, 0}, Activation: "relu"},
		{Name: "mlp", Kind: r, Inputs: 3, Hidden: []int{4}, Activation: "gelu"},
		{Name: "quadratic", Condition: 10},
		{Name: "quadratic", Dimension: 3, Condition: 0.5},
		{Name: "quadratic", Dimension: 3, Condition: math.NaN()},
		{Name: "quadratic", Dimension: 3, Condition: 2, Noise: 1},
		{Name: "noisy_quadratic", Dimension: 3, Condition: 2, Noise: -1},
		{Name: "rosenbrock", Dimension: 1},
		{Name: "beale", Dimension: 3},
		{Name: "saddle", Dimension: 3},
	} {
		if _, err := New[float64](bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}
