package stats

import "math"

// exactPairs is the most pairs that Wilcoxon tests exactly.
const exactPairs = 25

// Wilcoxon is the signed-rank test that a[k] − b[k] lies evenly about 0. Pairs without a
// difference are dropped, and N counts the rest; the statistic is the smaller of the sums of
// the positive and of the negative ranks. Differences are tied if they are equal bit for bit.
//
// Up to 25 differences P is exact, also with ties: it comes from the sums of the given ranks
// under all 2^N choices of the signs. Beyond that, z = (W⁺ − N(N+1)/4)/σ with
// σ² = N(N+1)(2N+1)/24 − Σ(t³−t)/48 is held against the normal distribution, without correction
// for continuity. Least is 2^(1−N): five pairs cannot reach 0.05.
// Wilcoxon 1945, Biometrics Bulletin 1; "wilcox" and method "exact" or "asymptotic" in SciPy.
func Wilcoxon(a, b []float64) Test {
	d := rankedDifferences(a, b)
	pairs := len(d)
	kept, sizes := d[:0], make([]float64, 0, pairs)
	for _, x := range d {
		if x != 0 {
			kept, sizes = append(kept, x), append(sizes, math.Abs(x))
		}
	}
	n := len(kept)
	ranks, ties, ok := doubledRanks(sizes)
	if pairs < 2 || !ok {
		return undecided(n)
	}
	plus, all := 0, n*(n+1)
	for k, x := range kept {
		if x > 0 {
			plus += ranks[k]
		}
	}
	smaller := min(plus, all-plus)
	test := Test{Statistic: float64(smaller) / 2, N: n}
	if n <= exactPairs {
		test.Exact, test.Least = true, math.Min(1, math.Ldexp(2, -n))
		test.P = math.Min(1, math.Ldexp(2*signedSumsUpTo(ranks, smaller), -n))
		return test
	}
	m := float64(n)
	variance := m*(m+1)*(2*m+1)/24 - ties/48
	test.P = normalTwoSided((float64(smaller)/2 - m*(m+1)/4) / math.Sqrt(variance))
	return test
}

// signedSumsUpTo counts the subsets of ranks whose sum is at most most.
func signedSumsUpTo(ranks []int, most int) float64 {
	ways := make([]float64, most+1) // ways[s] subsets sum to s; below 2^25, so exact
	ways[0] = 1
	for _, r := range ranks {
		for s := most; s >= r; s-- {
			ways[s] += ways[s-r]
		}
	}
	count := 0.0
	for _, w := range ways {
		count += w
	}
	return count
}
