package stats

import (
	"math"
	"slices"
)

// A Field is a number of points by their distances to the one that looks best, in standard errors of a single point's mean.
// It holds what they show together about how far true means lie from one another: a distribution of means that best
// explains the distances (Kiefer and Wolfowitz 1956, by the EM algorithm; Efron 2019, Statistical Science 34, on
// such empirical Bayes).
type Field struct {
	distances []float64 // of the near ones, 0 first; those that are nearly the same are one
	count     []int     // of points with each
	at        []float64 // places of means
	posterior [][]float64
}

// The limits of a Field. Points further than reach cannot be the best by any chance that counts. Distances that differ by
// less than alike are one, which bounds the time.
const (
	fieldReach  = 12
	fieldPlaces = 80
	fieldAlike  = 0.02
	fieldSteps  = 200
)

// NewField is a field of points. The spread of single distances is taken to be noise times the standard error: above 1 it
// leaves more to chance, and means lie closer together than they seem to.
func NewField(distances []float64, noise float64) *Field {
	f := &Field{}
	var near []float64
	for _, d := range distances {
		if d <= fieldReach {
			near = append(near, max(0, d))
		}
	}
	slices.Sort(near)
	for _, d := range near {
		if n := len(f.distances); n > 1 && d < f.distances[n-1]+fieldAlike {
			f.count[n-1]++
			continue
		}
		f.distances, f.count = append(f.distances, d), append(f.count, 1)
	}
	n := len(f.distances)
	if n == 0 {
		return f
	}
	high := f.distances[n-1] + 1e-9
	f.at = make([]float64, fieldPlaces)
	weight := make([]float64, fieldPlaces)
	for k := range f.at {
		f.at[k] = high * float64(k) / (fieldPlaces - 1)
		weight[k] = 1. / fieldPlaces
	}
	f.posterior = make([][]float64, n)
	likelihood := make([][]float64, n)
	for i, d := range f.distances {
		f.posterior[i], likelihood[i] = make([]float64, fieldPlaces), make([]float64, fieldPlaces)
		for k, at := range f.at {
			z := (d - at) / noise
			likelihood[i][k] = math.Exp(-z * z / 2)
		}
	}
	for range fieldSteps {
		next := make([]float64, fieldPlaces)
		for i, row := range likelihood {
			sum := 0.0
			for k, l := range row {
				sum += l * weight[k]
			}
			share := float64(f.count[i]) / float64(len(near)) / sum
			for k, l := range row {
				next[k] += l * weight[k] * share
			}
		}
		weight = next
	}
	for i, row := range likelihood {
		sum := 0.0
		for k, l := range row {
			f.posterior[i][k] = l * weight[k]
			sum += f.posterior[i][k]
		}
		for k := range row {
			f.posterior[i][k] /= sum
		}
	}
	return f
}

// points is the number of near points.
func (f *Field) points() (n int) {
	for _, c := range f.count {
		n += c
	}
	return n
}

// Luck is by how much the point that looks best is expected to be worse than it looks, in standard errors of its mean: what
// was gained by picking it.
func (f *Field) Luck() (expected float64) {
	if f.points() < 2 {
		return 0
	}
	for k, p := range f.posterior[0] {
		expected += p * f.at[k]
	}
	return expected
}

// upperT is the number above which Student's t lies with the chance e^logP, at most one half.
//
// The logarithm of the tail is nearly a straight line in log t about the root, to which the expansion of Cornish and
// Fisher in 1/df leads near: Abramowitz & Stegun 26.7.5. The steps after it are Newton's.
func upperT(logP, df float64) float64 {
	if !(df > 0) || math.IsNaN(logP) {
		return math.NaN()
	}
	z := -normalQuantile(math.Exp(logP))
	if !Finite(z) || z < 0.1 || df < 3 {
		return math.Exp(logF{1, df}.quantile(logP+math.Ln2, true) / 2)
	}
	t := z + z*(z*z+1)/(4*df) + z*(5*z*z*z*z+16*z*z+3)/(96*df*df)
	f := newLogF(1, df)
	log := 2 * math.Log(t)
	for range 20 {
		_, tail := f.tails(log)
		step := (logP + math.Ln2 - tail) / -math.Exp(f.density(log)-tail)
		log += max(-1, min(1, step))
		if math.Abs(step) < 1e-9 {
			break
		}
	}
	return math.Exp(log / 2)
}

// TOf is the number above which as much of Student's t with to degrees of freedom lies as lies above t with from degrees.
func TOf(t, from, to float64) float64 {
	switch {
	case from == to || math.IsNaN(t) || t == 0 || math.Abs(t) > 50: // so far away nothing depends on it
		return t
	case !(from > 0) || !(to > 0):
		return math.NaN()
	}
	_, upper := logF{1, from}.tails(2 * math.Log(math.Abs(t)))
	return math.Copysign(upperT(upper-math.Ln2, to), t)
}
