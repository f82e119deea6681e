package builtin

import (
	"math"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// Trajectories on f = ½(10x² + y²) from (1, −2), after 1, 2 and 10 steps, from an independent
// program that was written from the formulas of the papers; ten digits.
func TestTrajectoriesOfTheFurtherFormulas(t *testing.T) {
	for _, c := range []struct {
		name  string
		given plugins.Settings
		lr    float64
		want  [3][2]float64
	}{
		{"adafactor", nil, 0.01, [3][2]float64{{0.9841886117, -1.984188612}, {0.9686339974, -1.968580206}, {0.8526001656, -1.850437551}}},
		{"lamb", nil, 0.01, [3][2]float64{{0.9841886085, -1.984188615}, {0.9685289578, -1.96852533}, {0.8486706403, -1.84822468}}},
		{"lars", plugins.Settings{"convention": plugins.Choice("optax")}, 0.1, [3][2]float64{{0.9997807355, -1.999956147}, {0.9993641481, -1.999872821}, {0.9909320665, -1.998183278}}},
		{"prodigy", nil, 1, [3][2]float64{{0.9999968377, -1.999996838}, {0.9999925881, -1.999992588}, {0.9889481771, -1.988950746}}},
		{"prodigy", plugins.Settings{"convention": plugins.Choice("optax")}, 1, [3][2]float64{{0.999999, -1.999999}, {0.999998, -1.999998}, {0.9999678314, -1.999967831}}},
		{"schedule_free_sgd", nil, 0.05, [3][2]float64{{0.5, -1.9}, {0.375, -1.8525}, {-0.03856323307, -1.502773899}}},
		{"schedule_free_adamw", nil, 0.1, [3][2]float64{{0.9, -1.9}, {0.8526958083, -1.851297435}, {0.5082549657, -1.477234854}}},
	} {
		opt := opened[float64](t, c.name, c.given, vector(2))
		theta := []float64{1, -2}
		for step := 1; step <= 10; step++ {
			if err := opt.Step(theta, []float64{10 * theta[0], theta[1]}, c.lr); err != nil {
				t.Fatal(err)
			}
			at, ok := map[int]int{1: 0, 2: 1, 10: 2}[step]
			if !ok {
				continue
			}
			got := append([]float64(nil), theta...)
			if e, ok := opt.(plugins.Evaluator[float64]); ok {
				e.Evaluate(got)
			}
			for i, want := range c.want[at] {
				// Adam-like first steps were printed with ε that rounds in the tenth digit.
				if math.Abs(got[i]-want) > 1e-9 {
					t.Errorf("%s %v: after step %d θ[%d] = %.11g, want %.10g", c.name, c.given, step, i, got[i], want)
				}
			}
		}
	}
}

// The paper's yogi corrects nothing. By hand: m = 0.1·g, v = 1e-6 + 0.001·g² while v < g².
func TestYogiOfThePaper(t *testing.T) {
	opt := opened[float64](t, "yogi", nil, vector(1))
	theta := []float64{1}
	if err := opt.Step(theta, []float64{2}, 0.1); err != nil {
		t.Fatal(err)
	}
	want := 1 - 0.1*0.2/(math.Sqrt(1e-6+0.004)+1e-3)
	if math.Abs(theta[0]-want) > 1e-15 {
		t.Errorf("first step to %v, want %v", theta[0], want)
	}
	before := opt.(*yogiState[float64]).v[0]
	if err := opt.Step(theta, []float64{0.01}, 0.1); err != nil {
		t.Fatal(err)
	}
	if fell, want := before-opt.(*yogiState[float64]).v[0], 0.001*1e-4; math.Abs(fell-want) > 1e-12 {
		t.Errorf("under a small gradient v fell by %v, want (1 − β₂)·g² = %v", fell, want)
	}
}

// The paper's ratio of lars has the norms of gradient and decay apart, that of optax the norm of
// their sum; they differ where the two point against each other.
func TestLARSRatios(t *testing.T) {
	given := func(convention string) plugins.Settings {
		return plugins.Settings{"convention": plugins.Choice(convention), "weight_decay": plugins.Real(0.5), "momentum": plugins.Real(0)}
	}
	for convention, ratio := range map[string]float64{
		"paper": 1e-3 * 5 / (10 + 0.5*5),
		"optax": 1e-3 * 5 / (10 - 0.5*5),
	} {
		theta, grad := []float64{3, 4}, []float64{-6, -8}
		if err := opened[float64](t, "lars", given(convention), vector(2)).Step(theta, grad, 2); err != nil {
			t.Fatal(err)
		}
		if want := 3 - 2*ratio*(-6+0.5*3); math.Abs(theta[0]-want) > 1e-15 {
			t.Errorf("%s: θ[0] = %v, want %v", convention, theta[0], want)
		}
	}
}

// A bias that starts at 0 must be able to leave it: the ratio is 1 then.
func TestTensorsAtZeroMove(t *testing.T) {
	for _, name := range []string{"lamb", "lars"} {
		theta := make([]float64, 17)
		theta[0] = 1
		grad := make([]float64, 17)
		grad[14] = 2
		if err := opened[float64](t, name, nil, matrixAndVector()).Step(theta, grad, 0.1); err != nil {
			t.Fatal(err)
		}
		if theta[14] >= 0 || theta[0] != 1 {
			t.Errorf("%s: bias at %v, weight at %v; want a step of the bias alone", name, theta[14], theta[0])
		}
	}
}

// A tensor of three dimensions is a stack of matrices, each with averages of its own.
func TestAdafactorStacksMatrices(t *testing.T) {
	one := plugins.Layout{{Name: "w", Shape: []int{2, 3}, Role: plugins.RoleWeight}}
	stack := plugins.Layout{{Name: "w", Shape: []int{2, 2, 3}, Role: plugins.RoleWeight}}
	theta, grad := []float64{1, 2, 3, 4, 5, 6}, []float64{1, -2, 0.5, 3, 1, -1}
	twice := append(append([]float64(nil), theta...), theta...)
	both := append(append([]float64(nil), grad...), grad...)
	single, double := opened[float64](t, "adafactor", nil, one), opened[float64](t, "adafactor", nil, stack)
	for range 3 {
		if err := single.Step(theta, grad, 0.1); err != nil {
			t.Fatal(err)
		}
		if err := double.Step(twice, both, 0.1); err != nil {
			t.Fatal(err)
		}
	}
	for i, x := range twice {
		if math.Abs(x-theta[i%6]) > 1e-14 {
			t.Errorf("element %d of the stack is %v, of the matrix alone %v", i, x, theta[i%6])
		}
	}
}

// PyTorch's ε₁ bounds mean(r) and, squared, v from below. By hand: all gradients of a matrix are g,
// so that r = c = g² and u = g/√v before the clipping, which is out of the way here.
func TestAdafactorBoundsSmallMoments(t *testing.T) {
	const eps = 0x1p-52
	square := plugins.Layout{{Name: "w", Shape: []int{2, 2}, Role: plugins.RoleWeight}}
	for _, c := range []struct {
		what   string
		layout plugins.Layout
		g, u   float64
	}{
		{"matrix, mean(r) below ε₁", square, 1e-9, 1e-9 / math.Sqrt(1e-36/eps)},
		{"matrix, v below ε₁²", square, 1e-20, 1e-20 / eps},
		{"vector, v below ε₁²", vector(4), 1e-20, 1e-20 / eps},
		{"vector, neither", vector(4), 1e-9, 1},
	} {
		opt := opened[float64](t, "adafactor", plugins.Settings{"clip": plugins.Real(1e3)}, c.layout)
		theta := []float64{1, 1, 1, 1}
		if err := opt.Step(theta, []float64{c.g, c.g, c.g, c.g}, 0.001); err != nil {
			t.Fatal(err)
		}
		if want := 0.001 * c.u; math.Abs(1-theta[0]-want) > 1e-9*want+1e-15 {
			t.Errorf("%s: a step of %v, want %v", c.what, 1-theta[0], want)
		}
	}
}
