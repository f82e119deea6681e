package reference

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
)

// whole is a built-in data set, all of it for training.
func whole(t testing.TB, name string, standardize bool) data.Part[float64] {
	t.Helper()
	set, err := data.Open(name, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var split data.Split
	for i := range set.Len() {
		split.Train = append(split.Train, i)
	}
	return data.Prepare[float64](set, split, standardize).Train
}

func solve(t testing.TB, p Problem) Solution {
	t.Helper()
	s, err := Solve(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func nonzero(s Solution, p Problem) int {
	n := 0
	for _, w := range s.Params[:len(s.Params)/(p.Train.D+1)*p.Train.D] {
		if w != 0 {
			n++
		}
	}
	return n
}

// The optima that scikit-learn found; the file names its version.
func TestOptimaOfScikitLearn(t *testing.T) {
	text, err := os.ReadFile("../models/testdata/optima.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Data, Model, Regularizer string
			Lam, J                   float64
			Nonzero                  int
			Coef                     []float64
			Intercept                float64
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		p := Problem{Model: c.Model, Train: whole(t, strings.TrimSuffix(c.Data, ".csv"), true)}
		m := float64(p.Train.N)
		if c.Regularizer == "l1" {
			p.L1 = c.Lam / (2 * m)
		} else {
			p.L2 = c.Lam / m
		}
		s := solve(t, p)
		name := fmt.Sprint(c.Data, " ", c.Regularizer, " ", c.Lam)
		if d := s.Value/c.J - 1; math.Abs(d) > 1e-8 {
			t.Errorf("%s: J* is %.15g, want %.15g: off by %.2g", name, s.Value, c.J, d)
		}
		if got := nonzero(s, p); got != c.Nonzero {
			t.Errorf("%s: %d weights are not 0, want %d", name, got, c.Nonzero)
		}
		for j, want := range c.Coef {
			if math.Abs(s.Params[j]-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("%s: weight %d is %v, want %v", name, j, s.Params[j], want)
			}
		}
		t.Logf("%s: %d iterations, violation %.2g", name, s.Iterations, s.Violation)
	}
	if len(file.Cases) != 14 {
		t.Errorf("%d cases, want 14", len(file.Cases))
	}
}

// Optima that were computed by coordinate descent, by FISTA and by Newton's method with a dense Hessian.
func TestOptimaOfOtherMethods(t *testing.T) {
	bc, digits := whole(t, "breast_cancer", true), whole(t, "digits", false)
	for i := range digits.X {
		digits.X[i] /= 16
	}
	for _, c := range []struct {
		problem Problem
		seed    float64 // λ/(2m) is the coefficient of Σ|w|, λ/m that of ½·Σw²
		l1      bool
		want    float64
		nonzero int
	}{
		{Problem{Model: Logistic, Train: bc}, 1, false, 0.066360186225, 30},
		{Problem{Model: Logistic, Train: bc}, 10, false, 0.116470321104, 30},
		{Problem{Model: Logistic, Train: bc}, 1, true, 0.065433903591, 16},
		{Problem{Model: Logistic, Train: bc}, 10, true, 0.150703108553, 10},
		{Problem{Model: Logistic, Train: bc}, 100, true, 0.423807062846, 4},
		{Problem{Model: Softmax, Train: digits}, 1, false, 0.199526403859, 610},
	} {
		p, m := c.problem, float64(c.problem.Train.N)
		if p.L2 = c.seed / m; c.l1 {
			p.L1, p.L2 = c.seed/(2*m), 0
		}
		s := solve(t, p)
		if d := s.Value/c.want - 1; math.Abs(d) > 1e-8 {
			t.Errorf("%s λ %v: J* is %.12g, want %.12g: off by %.2g", p.Model, c.seed, s.Value, c.want, d)
		}
		if got := nonzero(s, p); got != c.nonzero {
			t.Errorf("%s λ %v: %d weights are not 0, want %d", p.Model, c.seed, got, c.nonzero)
		}
		t.Logf("%s λ %v: %d iterations, violation %.2g", p.Model, c.seed, s.Iterations, s.Violation)
	}
	if got := 2 * float64(bc.N) * NullGradient(Logistic, bc, nil); math.Abs(got/436.63153222-1) > 1e-8 {
		t.Errorf("the largest λ of breast_cancer is %v, want 436.63153222", got)
	}
}

// The same data with columns of length 1 and not of deviation 1, as testdata/optima.py had it.
func TestOptimaOfDiabetes(t *testing.T) {
	text, err := os.ReadFile("testdata/optima.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Name      string
			L1, L2, J float64
			Nonzero   int
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	train := whole(t, "diabetes", true)
	for i := range train.X {
		train.X[i] /= math.Sqrt(float64(train.N))
	}
	for _, c := range file.Cases {
		p := Problem{Model: Linear, Train: train, L1: c.L1, L2: c.L2}
		s := solve(t, p)
		if d := s.Value/c.J - 1; math.Abs(d) > 1e-11 {
			t.Errorf("%s: J* is %.15g, want %.15g: off by %.2g", c.Name, s.Value, c.J, d)
		}
		if got := nonzero(s, p); got != c.Nonzero {
			t.Errorf("%s: %d weights are not 0, want %d", c.Name, got, c.Nonzero)
		}
		if gap := DualityGap(train, s.Params, c.L1, c.L2); c.L1+c.L2 > 0 && gap > 1e-12*s.Value {
			t.Errorf("%s: duality gap %v", c.Name, gap)
		}
	}
	if len(file.Cases) != 12 {
		t.Errorf("%d cases, want 12", len(file.Cases))
	}
}
