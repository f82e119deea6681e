package builtin

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// foreign is what other programs made of their own parameters; testdata/conventions.py wrote it.
type foreign struct {
	X          [][]float64
	Y          []float64
	Labels     []float64
	Weights    []float64
	Intercept  float64
	Minimisers []judgement
	Objectives []judgement
	Gradients  []judgement
}

type judgement struct {
	Loss        plugins.Loss
	Program     string
	Regularizer string
	Convention  string
	Lambda      float64
	L1Ratio     *float64 `json:"l1_ratio"`
	Weights     []float64
	Intercept   float64
	Objective   float64
	Gradient    []float64
}

func readForeign(t *testing.T) foreign {
	t.Helper()
	content, err := os.ReadFile("testdata/conventions.json")
	if err != nil {
		t.Fatal(err)
	}
	var f foreign
	if err := json.Unmarshal(content, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// mean is the mean loss of a linear model, as xrun defines it, and its gradients.
func (f foreign) mean(loss plugins.Loss, weights []float64, intercept float64) (value float64, byWeights []float64, byIntercept float64) {
	byWeights = make([]float64, len(weights))
	m := float64(len(f.X))
	for i, row := range f.X {
		z := intercept
		for j, x := range row {
			z += x * weights[j]
		}
		r := z - f.Y[i]
		if loss == plugins.LossLog {
			value += (math.Log1p(math.Exp(z)) - z*f.Labels[i]) / m
			r = 1/(1+math.Exp(-z)) - f.Labels[i]
		} else {
			value += r * r / 2 / m
		}
		byIntercept += r / m
		for j, x := range row {
			byWeights[j] += r * x / m
		}
	}
	return value, byWeights, byIntercept
}

// open is the regularizer that the judgement is about.
func (f foreign) open(t *testing.T, v judgement) plugins.ProxRegularizer[float64] {
	t.Helper()
	mean := 0.0
	for i := range f.Y {
		if v.Loss == plugins.LossLog {
			mean += f.Labels[i] / float64(len(f.Y))
		} else {
			mean += f.Y[i] / float64(len(f.Y))
		}
	}
	if v.Loss == plugins.LossLog {
		mean = math.Log(mean / (1 - mean))
	}
	_, null, _ := f.mean(v.Loss, make([]float64, len(f.Weights)), mean)
	in := plugins.Instance{Layout: vector(len(f.Weights)), Lambda: v.Lambda, Examples: len(f.X), Loss: v.Loss}
	for _, g := range null {
		in.NullGradient = max(in.NullGradient, math.Abs(g))
	}
	given := plugins.Settings{"convention": plugins.Choice(v.Convention)}
	if v.L1Ratio != nil {
		given["l1_ratio"] = plugins.Real(*v.L1Ratio)
	}
	return regularizer[float64](t, v.Regularizer, given, in)
}

// What scikit-learn minimises is minimal for J under the convention that is named after it: there
// the gradient of the mean loss cancels that of R, or is less than the coefficient of
// Σ|θ| where a weight is 0.
func TestMinimisersOfOtherPrograms(t *testing.T) {
	f := readForeign(t)
	emptied, kept := 0, 0
	for _, v := range f.Minimisers {
		r := f.open(t, v)
		_, g, byIntercept := f.mean(v.Loss, v.Weights, v.Intercept)
		_, null, _ := f.mean(v.Loss, make([]float64, len(g)), v.Intercept)
		scale := 0.0
		for _, x := range null {
			scale = max(scale, math.Abs(x))
		}
		atZero := r.(plugins.Weighted).Coefficients()[plugins.PartL1]
		r.AddGradient(v.Weights, g)
		violation, nonzero := math.Abs(byIntercept), 0
		for j, w := range v.Weights {
			if w == 0 {
				violation = max(violation, math.Abs(g[j])-atZero)
				continue
			}
			violation = max(violation, math.Abs(g[j]))
			nonzero++
		}
		if !(violation <= 1e-8*scale) {
			t.Errorf("%s is not optimal for %s with λ = %v by %s: off by %.2g of %.2g", v.Program, v.Regularizer, v.Lambda, v.Convention, violation, scale)
		}
		if v.Convention == "lambda_max_fraction" && v.Lambda >= 0.999 {
			if full := v.Lambda == 1; full != (nonzero == 0) {
				t.Errorf("%s: %d weights at %v of the largest strength", v.Program, nonzero, v.Lambda)
			} else if full {
				emptied++
			} else {
				kept++
			}
		}
	}
	if len(f.Minimisers) != 23 || emptied != 2 || kept != 2 {
		t.Errorf("%d minimisers, of which %d and %d around the largest strength", len(f.Minimisers), emptied, kept)
	}
}

// Keras' total loss is J, or twice J where its loss lacks the ½. Its losses are good to the digits of
// a float32, also of float64 numbers.
func TestObjectivesOfKeras(t *testing.T) {
	f := readForeign(t)
	for _, v := range f.Objectives {
		loss, _, _ := f.mean(v.Loss, f.Weights, f.Intercept)
		want := loss + f.open(t, v).Value(f.Weights)
		if v.Loss == plugins.LossSquares {
			want = 2 * want
		}
		if math.Abs(v.Objective/want-1) > 1e-7 {
			t.Errorf("%s beside %s: Keras has %.15g, J makes it %.15g", v.Program, v.Loss, v.Objective, want)
		}
	}
	if len(f.Objectives) != 6 {
		t.Errorf("%d objectives, want 6", len(f.Objectives))
	}
}

func TestGradientsOfPyTorch(t *testing.T) {
	f := readForeign(t)
	for _, v := range f.Gradients {
		_, g, _ := f.mean(v.Loss, f.Weights, f.Intercept)
		f.open(t, v).AddGradient(f.Weights, g)
		for j, want := range v.Gradient {
			if v.Loss == plugins.LossSquares {
				want /= 2
			}
			if math.Abs(g[j]-want) > 1e-12*(1+math.Abs(want)) {
				t.Errorf("%s: gradient[%d] = %.15g, PyTorch steps along %.15g", v.Program, j, g[j], want)
			}
		}
	}
	if len(f.Gradients) != 2 {
		t.Errorf("%d gradients, want 2", len(f.Gradients))
	}
}

// The conventions of one regularizer agree where each gets the λ that stands for the same penalty.
func TestConventionsAgree(t *testing.T) {
	const m, k, rho = 40, 0.3, 0.25 // k is the λ of mean_squares, ρ its l1_ratio
	ratio := rho / (2 - rho)        // that of programs with ½ before the squares
	alpha := k / (2 * m) * (2 - rho)
	for _, c := range []struct {
		name, convention string
		loss             plugins.Loss
		lambda, ratio    float64
	}{
		{"l2", "sklearn", plugins.LossSquares, k, 0},
		{"l2", "inverse_C", plugins.LossLog, k, 0},
		{"l2", "keras", plugins.LossSquares, k / m, 0},
		{"l2", "keras", plugins.LossLog, k / (2 * m), 0},
		{"l2", "keras", plugins.LossFunction, k / (2 * m), 0},
		{"l2", "torch", plugins.LossSquares, 2 * k / m, 0},
		{"l2", "torch", plugins.LossLog, k / m, 0},
		{"l2", "glmnet", plugins.LossSquares, k / m, 0},
		{"l1", "sklearn", plugins.LossSquares, k / (2 * m), 1},
		{"l1", "inverse_C", plugins.LossLog, k / 2, 1},
		{"l1", "keras", plugins.LossSquares, k / m, 1},
		{"l1", "keras", plugins.LossLog, k / (2 * m), 1},
		{"l1", "glmnet", plugins.LossLog, k / (2 * m), 1},
		{"l1", "lambda_max_fraction", plugins.LossLog, k / (2 * m) / 0.7, 1},
		{"elastic_net", "sklearn", plugins.LossSquares, alpha, ratio},
		{"elastic_net", "inverse_C", plugins.LossLog, alpha * m, ratio},
		{"elastic_net", "keras", plugins.LossSquares, k / m, rho},
		{"elastic_net", "keras", plugins.LossLog, k / (2 * m), rho},
		{"elastic_net", "glmnet", plugins.LossLog, alpha, ratio},
		{"elastic_net", "lambda_max_fraction", plugins.LossSquares, k * rho / (2 * m) / 0.7, ratio},
		{"group_lasso", "plain", plugins.LossLog, k / (2 * m), 0},
		{"huber", "plain", plugins.LossSquares, k / m, 0},
	} {
		in := plugins.Instance{Layout: vector(3), Lambda: k, Examples: m, Loss: c.loss, NullGradient: 0.7}
		given := plugins.Settings{}
		if c.name == "elastic_net" {
			given["l1_ratio"] = plugins.Real(rho)
		}
		want := regularizer[float64](t, c.name, given, in).(plugins.Weighted).Coefficients()
		if c.name == "elastic_net" {
			given["l1_ratio"] = plugins.Real(c.ratio)
		}
		given["convention"] = plugins.Choice(c.convention)
		in.Lambda = c.lambda
		got := regularizer[float64](t, c.name, given, in).(plugins.Weighted).Coefficients()
		if len(got) != len(want) || len(got) == 0 {
			t.Errorf("%s by %s: coefficients %v, want %v", c.name, c.convention, got, want)
		}
		for part := range want {
			if math.Abs(got[part]/want[part]-1) > 1e-14 {
				t.Errorf("%s by %s, %s: coefficient %s is %v, want %v", c.name, c.convention, c.loss, part, got[part], want[part])
			}
		}
	}
}

func TestConventionsThatDoNotFit(t *testing.T) {
	log, squares := plugins.LossLog, plugins.LossSquares
	for _, c := range []struct {
		name, convention string
		loss             plugins.Loss
		null, ratio      float64
	}{
		{"l2", "sklearn", log, 1, 0}, {"l1", "sklearn", plugins.LossFunction, 1, 0}, {"elastic_net", "sklearn", log, 1, 0.5},
		{"l2", "inverse_C", squares, 1, 0}, {"l1", "inverse_C", squares, 1, 0}, {"elastic_net", "inverse_C", squares, 1, 0.5},
		{"l2", "keras", "", 1, 0}, {"l2", "torch", "", 1, 0},
		{"l1", "lambda_max_fraction", log, math.NaN(), 0}, {"l1", "lambda_max_fraction", log, 0, 0},
		{"elastic_net", "lambda_max_fraction", log, 1, 0},
	} {
		given := plugins.Settings{"convention": plugins.Choice(c.convention)}
		if c.name == "elastic_net" {
			given["l1_ratio"] = plugins.Real(c.ratio)
		}
		_, err := openRegularizer[float64](t, c.name, given, plugins.Instance{Layout: vector(3), Lambda: 1, Examples: 9, Loss: c.loss, NullGradient: c.null})
		var setting *plugins.SettingError
		if !errors.As(err, &setting) || setting.Setting != plugins.SettingConvention {
			t.Errorf("%s by %s beside %q: error %v does not name the convention", c.name, c.convention, c.loss, err)
		}
	}
}
