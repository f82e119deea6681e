package compare

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// The interval of an arm excludes 0 exactly where its test, before it is adjusted for several arms, is below the interval's level:
// for losses and rates, equal and unequal noise, one point against many and as many, and at the level of a look.
func TestIntervalsOfArmsExclude0WherePSaysSo(t *testing.T) {
	differ, picked := 0, 0
	for _, c := range []cell{
		{oneAgainst(12), 3, unequal, means{"exponential", 2}}, {[]int{8, 1}, 3, normal, means{"bowl", 2}}, {evenly(12, 3), 3, rate400, means{"exponential", 3}},
		{oneAgainst(12), 5, digits, means{"exponential", 2}},
	} {
		var recorded [][]float64
		if name, ok := recordedSweeps[c.noise]; ok {
			recorded = residuals(t, name)
		}
		for draw := range 30 {
			w := newWorld(c, recorded, uint64(draw))
			w.question.Alpha = []float64{0, 0.02}[draw%2]
			r := w.draw()
			for _, a := range r.Arms {
				if !a.Tested || math.IsNaN(a.Versus.Low) {
					continue
				}
				if excludes := !a.Versus.Includes(0); excludes != (a.Test.P < 1-r.level()) {
					t.Errorf("%s: the interval is %+v and p %g at the level %g", c, a.Versus, a.Test.P, r.level())
				} else if excludes {
					differ++
				}
				alone := r.unpicked(a.Chosen)
				if a.Versus.Low > alone.Low || a.Versus.High < alone.High || a.Versus.Value != alone.Value {
					t.Errorf("%s: the interval of the arm is %+v, that of the same point unpicked %+v", c, a.Versus, alone)
				}
				if of := r.Points[a.Chosen].VersusBase; of != a.Versus {
					t.Errorf("%s: the table of points has %+v, that of arms %+v", c, of, a.Versus)
				}
				if a.Versus != alone {
					picked++
				}
				if d, _ := r.DecisionOf(a); a.Test.P < 1 && (d.Difference != a.Versus || d.Equal.Low < d.Difference.Low || d.Equal.High > d.Difference.High) {
					t.Errorf("%s: the decision has %+v and %+v, the arm %+v", c, d.Difference, d.Equal, a.Versus)
				}
			}
		}
	}
	if differ < 10 || picked < 50 {
		t.Errorf("%d intervals exclude 0 and %d allow for picking: too few to show anything", differ, picked)
	}
}

// The best of many points is the better by luck the noisier it is: where a noisy one leads, p rises more over
// that of two points alone than where a quiet one does.
func TestANoisyPointThatLeadsWasLucky(t *testing.T) {
	arm := func(of string, points int, noise func(i int) float64, lead float64) (all []runner.Result) {
		rng := rand.New(rand.NewPCG(5, uint64(points)))
		for i := range points {
			values := make([]float64, 5)
			for k := range values {
				values[k] = rng.NormFloat64()
			}
			mean, sd := stats.Mean(values), stats.StdDev(values)
			for k := range values {
				values[k] = 1 + noise(i)*(values[k]-mean)/sd
			}
			if i == 0 {
				for k := range values {
					values[k] -= lead * noise(0)
				}
			}
			all = append(all, comparetest.Results(of, float64(i+1), 0, values...)...)
		}
		return all
	}
	pOf := func(noise func(i int) float64) (picked, alone float64) {
		q := question
		q.Baseline = func(s *Point) bool { return s.Optimizer == "sgd" }
		r := Build(q, append(arm("sgd", 1, func(int) float64 { return 0.01 }, 0), arm("adam", 24, noise, 1.4)...), nil)
		for _, a := range r.Arms {
			if a.Tested {
				p := r.baseNoise.Points[a.Chosen]
				picked, alone = a.Test.P, p.test(r.Overlap).P
			}
		}
		return picked, alone
	}
	mixed := func(first, second float64) func(i int) float64 {
		return func(i int) float64 {
			if i%2 == 0 {
				return first
			}
			return second
		}
	}
	noisy, noisyAlone := pOf(mixed(0.04, 0.01))
	quiet, quietAlone := pOf(mixed(0.01, 0.04))
	if !(noisyAlone < 0.01) || !(noisy > 0.05) || !(noisy/noisyAlone > 2*quiet/quietAlone) {
		t.Errorf("where a noisy point leads p is %.4f, without picking %.4f; where a quiet one does %.4f and %.4f", noisy, noisyAlone, quiet, quietAlone)
	}
}

// What chance does to points alike is told from what few seeds look like by themselves.
func TestAlikeness(t *testing.T) {
	for _, c := range []struct {
		noise       kind
		least, most float64
	}{{normal, 0, 0.08}, {split, 0, 0.08}, {digits, 0.15, 0.6}} {
		var recorded [][]float64
		if name, ok := recordedSweeps[c.noise]; ok {
			recorded = residuals(t, name)
		}
		w, sum := newWorld(cell{oneAgainst(30), 5, c.noise, equal}, recorded, 1), 0.0
		const draws = 20
		for range draws {
			sum += w.draw().alikeness / draws
		}
		if sum < c.least || sum > c.most {
			t.Errorf("%s: alikeness is %.3f, want %g to %g", c.noise, sum, c.least, c.most)
		}
	}
}
