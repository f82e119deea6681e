package builtin

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/xrun-dev/xrun/plugins"
)

// PyTorch's own comment on the quintic expects singular values in [0.5, 1.5].
func TestMuonOrthogonalises(t *testing.T) {
	for _, shape := range [][2]int{{5, 5}, {3, 8}, {8, 3}, {16, 40}, {40, 16}, {1, 6}, {6, 1}} {
		for _, convention := range []string{"torch", "keras", "optax"} {
			t.Run(fmt.Sprint(shape, " ", convention), func(t *testing.T) {
				rows, cols := shape[0], shape[1]
				layout := plugins.Layout{{Name: "W", Shape: []int{rows, cols}, Role: plugins.RoleWeight}}
				opt := opened[float64](t, "muon", plugins.Settings{"convention": plugins.Choice(convention), "weight_decay": plugins.Real(0)}, layout)
				rng := rand.New(rand.NewPCG(1, uint64(rows*100+cols)))
				// Singular values apart by a factor of 20 and vectors at random.
				grad := spectrum(rng, rows, cols)
				theta := make([]float64, rows*cols)
				if err := opt.Step(theta, grad, 1); err != nil {
					t.Fatal(err)
				}
				scale := map[string]string{"torch": "original", "keras": "match_rms_adamw", "optax": "transposed"}[convention]
				for i := range theta {
					theta[i] /= -shapeScale(scale, rows, cols)
				}
				var svd mat.SVD
				if !svd.Factorize(mat.NewDense(rows, cols, theta), mat.SVDNone) {
					t.Fatal("no singular values")
				}
				for _, s := range svd.Values(nil) {
					if s < 0.5 || s > 1.5 {
						t.Errorf("singular values %v, want all within [0.5, 1.5]", svd.Values(nil))
						break
					}
				}
				along := 0.0
				for i, g := range grad {
					along += g * theta[i]
				}
				if along <= 0 {
					t.Errorf("⟨g, X⟩ = %v, want a step against the gradient", along)
				}
			})
		}
	}
}

func spectrum(rng *rand.Rand, rows, cols int) []float64 {
	noise := mat.NewDense(rows, cols, nil)
	noise.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, noise)
	var svd mat.SVD
	svd.Factorize(noise, mat.SVDThin)
	var u, v, us, out mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	n := min(rows, cols)
	values := make([]float64, n)
	for i := range values {
		values[i] = math.Pow(20, -float64(i)/float64(max(1, n-1)))
	}
	us.Mul(&u, mat.NewDiagDense(n, values))
	out.Mul(&us, v.T())
	return out.RawMatrix().Data
}

func TestMuonScales(t *testing.T) {
	for _, c := range []struct {
		scale      string
		rows, cols int
		want       float64
	}{
		{"original", 8, 2, 2}, {"original", 2, 8, 1}, {"transposed", 2, 8, 2}, {"transposed", 8, 2, 1},
		{"match_rms_adamw", 4, 25, 1}, {"match_rms_adamw", 25, 4, 1},
	} {
		if got := shapeScale(c.scale, c.rows, c.cols); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%s of %d × %d is %v, want %v", c.scale, c.rows, c.cols, got, c.want)
		}
	}
}

// A bias of two dimensions is still a bias: it takes adamw's step, whose first is lr in size.
func TestMuonLeavesBiasesToAdamW(t *testing.T) {
	layout := plugins.Layout{{Name: "b", Shape: []int{1, 3}, Role: plugins.RoleBias}}
	theta := []float64{0, 0, 0}
	if err := opened[float64](t, "muon", nil, layout).Step(theta, []float64{5, -0.1, 2}, 0.01); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{-0.01, 0.01, -0.01} {
		if math.Abs(theta[i]-want) > 1e-8 {
			t.Errorf("θ = %v, want steps of 0.01 against the sign", theta)
			break
		}
	}
}
