package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/combin"
)

// exactSample is the most values per sample that MannWhitney tests exactly. C(50, 25) is below
// 2^53, so the counts are exact.
const exactSample = 25

// MannWhitney is the rank-sum test that a value of a is as likely above one of b as below. The
// statistic is U of a: the number of pairs in which a is the higher, ties counted ½. N counts both.
//
// Up to 25 values in each, P is exact, also with ties: it is twice the smaller of two parts of all
// C(N, n) choices of the given ranks, those with a sum of at most the one found and those with at
// least it. Beyond that z = (|U − nm/2| − ½)/σ with σ² = nm/12 · (N+1 − Σ(t³−t)/(N(N−1))) is held
// against the normal distribution. Least is 2/C(N, n).
// Mann & Whitney 1947, Annals of Mathematical Statistics 18; SciPy's mannwhitneyu.
func MannWhitney(a, b []float64) Test {
	n, m := len(a), len(b)
	ranks, ties, ok := doubledRanks(append(append(make([]float64, 0, n+m), a...), b...))
	if n < 2 || m < 2 || !ok {
		return undecided(n + m)
	}
	sum := 0
	for _, r := range ranks[:n] {
		sum += r
	}
	test := Test{Statistic: float64(sum-n*(n+1)) / 2, N: n + m}
	if n <= exactSample && m <= exactSample {
		below, above, all := rankSums(ranks, n, sum)
		test.Exact, test.Least = true, 2/float64(combin.Binomial(n+m, n))
		test.P = math.Min(1, 2*math.Min(below, above)/all)
		return test
	}
	x, y := float64(n), float64(m)
	variance := x * y / 12 * (x + y + 1 - ties/((x+y)*(x+y-1)))
	if variance <= 0 {
		test.P = 1
		return test
	}
	z := (math.Abs(test.Statistic-x*y/2) - 0.5) / math.Sqrt(variance)
	test.P = math.Min(1, 2*normalBelow(-z))
	return test
}

// rankSums counts the choices of n of the ranks: all, those whose sum is at most the given one
// and those whose sum is at least it.
func rankSums(ranks []int, n, sum int) (below, above, all float64) {
	most := 0
	for _, r := range ranks {
		most = max(most, r)
	}
	width := n*most + 1
	ways := make([]float64, (n+1)*width) // ways[c·width+s]: choices of c ranks whose sum is s
	ways[0] = 1
	for k, r := range ranks {
		for c := min(n, k+1); c > 0; c-- {
			to, from := ways[c*width+r:(c+1)*width], ways[(c-1)*width:c*width-r]
			for s, w := range from {
				to[s] += w
			}
		}
	}
	for s, w := range ways[n*width:] {
		all += w
		if s <= sum {
			below += w
		}
		if s >= sum {
			above += w
		}
	}
	return below, above, all
}
