package stats

import "math"

// A12 is the chance that a value of a is higher than one of b, ties counted ½:
// P(a > b) + ½ P(a = b). ½ is no difference. For a metric to be lowered, A12(b, a) is the chance
// that a is better. NaN for no values in either.
// Vargha & Delaney 2000, Journal of Educational and Behavioral Statistics 25.
func A12(a, b []float64) float64 {
	n, m := len(a), len(b)
	ranks, _, ok := doubledRanks(append(append(make([]float64, 0, n+m), a...), b...))
	if !ok {
		return math.NaN()
	}
	sum := 0
	for _, r := range ranks[:n] {
		sum += r
	}
	return float64(sum-n*(n+1)) / float64(2*n*m)
}

// ProbabilityOfImprovement is the mean over tasks of A12(x[task], y[task]): the chance that x is
// higher than y on a task drawn at random. For a metric to be lowered, swap x and y.
// NaN for no tasks, and for a task without values.
// Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
func ProbabilityOfImprovement(x, y [][]float64) float64 {
	if len(x) != len(y) {
		panic("stats: the two do not have the same tasks")
	}
	sum := 0.0
	for task := range x {
		sum += A12(x[task], y[task])
	}
	return sum / float64(len(x))
}
