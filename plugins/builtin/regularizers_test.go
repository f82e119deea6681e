package builtin

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// A variant is a regularizer with some of its settings.
type variant struct {
	name  string
	given plugins.Settings
}

// penalties are the regularizers with a gradient, with their defaults and in the variants that
// differ in code.
var penalties = append(differentiable(),
	variant{"elastic_net", plugins.Settings{"l1_ratio": plugins.Real(0.2), "convention": plugins.Choice("glmnet")}},
	variant{"group_lasso", plugins.Settings{"groups": plugins.Choice("neuron"), "convention": plugins.Choice("plain")}},
	variant{"group_lasso", plugins.Settings{"groups": plugins.Choice("tensor")}},
	variant{"huber", plugins.Settings{"delta": plugins.Real(0.2), "convention": plugins.Choice("plain")}})

// differentiable lists the regularizers that can add to the gradient.
func differentiable() (all []variant) {
	for _, c := range Manifest("test").Components {
		mode, _ := c.Setting(plugins.SettingMode)
		if c.Kind == plugins.KindRegularizer && slices.Contains(mode.Choices, plugins.ModeSubgradient) {
			all = append(all, variant{c.Name, nil})
		}
	}
	return all
}

// twoLayers have penalised weights with neurons and inputs, among biases that are left alone.
var twoLayers = plugins.Layout{
	{Name: "W1", Shape: []int{3, 2}, Role: plugins.RoleWeight, Penalized: true},
	{Name: "b1", Shape: []int{3}, Role: plugins.RoleBias, Offset: 6},
	{Name: "W2", Shape: []int{1, 3}, Role: plugins.RoleWeight, Offset: 9, Penalized: true},
	{Name: "b2", Shape: []int{1}, Role: plugins.RoleBias, Offset: 12},
}

func regularizer[F plugins.Float](t testing.TB, name string, given plugins.Settings, in plugins.Instance) plugins.ProxRegularizer[F] {
	t.Helper()
	r, err := openRegularizer[F](t, name, given, in)
	if err != nil {
		t.Fatal(err)
	}
	return r.(plugins.ProxRegularizer[F])
}

func openRegularizer[F plugins.Float](t testing.TB, name string, given plugins.Settings, in plugins.Instance) (plugins.Regularizer[F], error) {
	t.Helper()
	comp := component(t, name)
	settings, err := comp.Complete(given)
	if err != nil {
		t.Fatal(err)
	}
	in.Settings = settings
	return plugins.OpenRegularizer[F](comp, in)
}

func draw(rng *rand.Rand, n int, scale float64) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = scale * rng.NormFloat64()
	}
	return all
}

func TestPenaltyGradientsMatchFiniteDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, p := range penalties {
		r := regularizer[float64](t, p.name, p.given, plugins.Instance{Layout: twoLayers, Lambda: 3, Examples: 7})
		for range 20 {
			theta, grad := draw(rng, 13, 1), draw(rng, 13, 1)
			before := slices.Clone(grad)
			r.AddGradient(theta, grad)
			const h = 1e-6
			for i, x := range theta {
				theta[i] = x + h
				up := r.Value(theta)
				theta[i] = x - h
				down := r.Value(theta)
				theta[i] = x
				want := before[i] + (up-down)/(2*h)
				if math.Abs(x) > 2*h && math.Abs(grad[i]-want) > 1e-6 {
					t.Errorf("%s %v: gradient[%d] = %v, finite differences say %v", p.name, p.given, i, grad[i], want)
				}
			}
		}
	}
}

// The proximal map is the minimiser of ½‖y − x‖² + step·R(y), a convex function: nothing nearby is lower.
func TestProxMinimises(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	const step = 0.7
	for _, p := range penalties {
		r := regularizer[float64](t, p.name, p.given, plugins.Instance{Layout: twoLayers, Lambda: 3, Examples: 7})
		zeros := 0
		for try := range 60 {
			x := draw(rng, 13, []float64{0.1, 0.5, 3}[try%3])
			y := slices.Clone(x)
			r.Prox(y, step)
			objective := func(z []float64) float64 {
				sum := step * r.Value(z)
				for i := range z {
					sum += 0.5 * (z[i] - x[i]) * (z[i] - x[i])
				}
				return sum
			}
			lowest := objective(y)
			for range 40 {
				z := slices.Clone(y)
				for i, d := range draw(rng, 13, 1e-3) {
					z[i] += d
				}
				if got := objective(z); got < lowest-1e-15 {
					t.Fatalf("%s %v: prox(%v) = %v gives %v, %v gives %v", p.name, p.given, x, y, lowest, z, got)
				}
			}
			for i, v := range y {
				if v == 0 {
					zeros++
				}
				if bias := i >= 6 && i < 9 || i == 12; bias && v != x[i] {
					t.Errorf("%s: bias %d moved from %v to %v", p.name, i, x[i], v)
				}
			}
		}
		if sparse := p.name != "l2" && p.name != "huber"; sparse != (zeros > 0) {
			t.Errorf("%s %v: %d exact zeros", p.name, p.given, zeros)
		}
	}
}

// Zero vectors have no direction, and a step of 0 leaves everything as it is.
func TestGroupsOfZerosStayFinite(t *testing.T) {
	for _, by := range []string{"input", "neuron", "tensor"} {
		r := regularizer[float32](t, "group_lasso", plugins.Settings{"groups": plugins.Choice(by)}, plugins.Instance{Layout: twoLayers, Lambda: 3, Examples: 7})
		theta, grad := make([]float32, 13), make([]float32, 13)
		r.Prox(theta, 0)
		r.Prox(theta, 1)
		r.AddGradient(theta, grad)
		if zero := make([]float32, 13); !slices.Equal(theta, zero) || !slices.Equal(grad, zero) || r.Value(theta) != 0 {
			t.Errorf("%s: θ %v, gradient %v, R %v", by, theta, grad, r.Value(theta))
		}
		theta[0] = 3e30 // whose square is beyond float32
		if v := r.Value(theta); math.IsInf(float64(v), 0) {
			t.Errorf("%s: R is %v", by, v)
		}
	}
}

func TestGroupsByHand(t *testing.T) {
	theta := []float64{3, 1, 4, -1, 0, 2, 9, 9, 9, 2, -2, 1, 9}
	in := plugins.Instance{Layout: twoLayers, Lambda: 0.5, Examples: 7}
	for by, want := range map[string]float64{
		"input":  0.5 * (math.Sqrt(3)*(5+math.Sqrt(6)) + 2 + 2 + 1),
		"neuron": 0.5 * (math.Sqrt(2)*(math.Sqrt(10)+math.Sqrt(17)+2) + math.Sqrt(3)*3),
		"tensor": 0.5 * (math.Sqrt(6)*math.Sqrt(31) + math.Sqrt(3)*3),
	} {
		given := plugins.Settings{"groups": plugins.Choice(by), "convention": plugins.Choice("plain")}
		if got := regularizer[float64](t, "group_lasso", given, in).Value(theta); math.Abs(got/want-1) > 1e-14 {
			t.Errorf("%s: R is %v, want %v", by, got, want)
		}
	}
}

// Groups outside the ball get its radius and keep their direction; those inside keep their bits.
func TestMaxNormIsAProjection(t *testing.T) {
	testMaxNorm[float32](t, 1e-6)
	testMaxNorm[float64](t, 1e-14)
}

func testMaxNorm[F plugins.Float](t *testing.T, accuracy float64) {
	rng := rand.New(rand.NewPCG(3, 1))
	const radius = 1.25
	outside := 0
	for _, by := range []string{"neuron", "input", "tensor"} {
		r := regularizer[F](t, "max_norm", plugins.Settings{"groups": plugins.Choice(by)}, plugins.Instance{Layout: twoLayers, Lambda: 1 / radius, Examples: 7})
		for range 100 {
			var x, y []F
			for _, v := range draw(rng, 13, 1) {
				x, y = append(x, F(v)), append(y, F(v))
			}
			r.Prox(y, 0.1)
			projected := slices.Clone(y)
			r.Prox(projected, 0.3)
			if !slices.Equal(y, projected) {
				t.Fatalf("%s: projecting %v again gives %v", by, y, projected)
			}
			for _, g := range groupsOf(twoLayers, by) {
				n, scale := norm(g, x), 1.0
				if n > radius {
					scale = radius / n
					outside++
				}
				for i := g.from; i < g.from+g.count*g.stride; i += g.stride {
					if n <= radius && y[i] != x[i] || math.Abs(float64(y[i])-scale*float64(x[i])) > accuracy {
						t.Fatalf("%s: parameter %d of a group of norm %v went from %v to %v", by, i, n, x[i], y[i])
					}
				}
			}
			for _, i := range []int{6, 7, 8, 12} {
				if y[i] != x[i] {
					t.Fatalf("%s: bias %d moved", by, i)
				}
			}
		}
	}
	if outside == 0 {
		t.Error("no group was outside the ball")
	}
}

func TestMaxNormIsProximalOnly(t *testing.T) {
	var setting *plugins.SettingError
	_, err := component(t, "max_norm").Complete(plugins.Settings{"mode": plugins.Choice(plugins.ModeSubgradient)})
	if !errors.As(err, &setting) || setting.Setting != "mode" {
		t.Errorf("error %v does not name mode", err)
	}
}
