package stats

import "math"

// A Friedman compares K treatments over N blocks, such as optimizers over tasks, by their ranks
// within each block.
type Friedman struct {
	ChiSquared, P     float64   // Friedman's χ² with K−1 degrees of freedom
	ImanDavenport, PF float64   // F with K−1 and (K−1)(N−1) degrees of freedom
	Ranks             []float64 // the mean rank of each treatment, 1 for the lowest value
	N, K              int
}

// FriedmanTest tests that the treatments are alike. The rows of blocks are blocks, its columns
// treatments; equal values share their mean rank and χ² is corrected for them, as in SciPy:
//
//	χ² = [12N/(K(K+1)) · Σ R̄² − 3N(K+1)] / [1 − Σ(t³−t)/(N K(K²−1))]
//	F  = (N−1)χ² / (N(K−1) − χ²)
//
// The χ² approximation is poor below about ten blocks; F is better. Where all blocks agree, F is infinite, and PF is the
// probability that they agree by chance: 1/36 for three treatments in three blocks. Where no block tells any
// treatments apart, χ² is 0 and P is 1. Fewer than two blocks or treatments give NaN.
// Friedman 1937; Iman & Davenport 1980; Demšar 2006, Journal of Machine Learning Research 7.
func FriedmanTest(blocks [][]float64) Friedman {
	nan := math.NaN()
	test := Friedman{ChiSquared: nan, P: nan, ImanDavenport: nan, PF: nan, N: len(blocks)}
	if len(blocks) == 0 {
		return test
	}
	test.K = len(blocks[0])
	sums, ties := make([]int, test.K), 0.0
	test.Ranks = make([]float64, test.K)
	for _, block := range blocks {
		if len(block) != test.K {
			panic("stats: blocks of unequal length")
		}
		ranks, tied, ok := doubledRanks(block)
		if !ok {
			for k := range test.Ranks {
				test.Ranks[k] = nan
			}
			return test
		}
		for k, r := range ranks {
			sums[k] += r
		}
		ties += tied
	}
	n, k := float64(test.N), float64(test.K)
	squares := 0.0 // of the sums of ranks about their mean, so that nothing cancels
	for at, sum := range sums {
		test.Ranks[at] = float64(sum) / (2 * n)
		off := (float64(sum) - n*(k+1)) / 2
		squares += off * off
	}
	if test.N < 2 || test.K < 2 {
		return test
	}
	correction := 1 - ties/(n*k*(k*k-1))
	if squares == 0 {
		test.ChiSquared, test.P, test.ImanDavenport, test.PF = 0, 1, 0, 1
		return test
	}
	test.ChiSquared = 12 / (n * k * (k + 1)) * squares / correction
	test.P = chiSquaredAbove(test.ChiSquared, k-1)
	most := n * (k - 1) // of χ²: every block has the same ranks
	if test.ChiSquared >= most*(1-1e-14) {
		test.ImanDavenport, test.PF = math.Inf(1), alikeByChance(blocks[0], test.N)
		return test
	}
	test.ImanDavenport = (n - 1) * test.ChiSquared / (most - test.ChiSquared)
	test.PF = fAbove(test.ImanDavenport, k-1, (k-1)*(n-1))
	return test
}

// alikeByChance is the probability that n blocks agree in their order if every order of a block is as likely as any other:
// the p-value of the permutation test, whose distribution Friedman 1937 tabulates. Equal values of a block have fewer orders.
func alikeByChance(block []float64, n int) float64 {
	count := map[float64]float64{}
	orders := 1.0
	for i, v := range block {
		count[v]++
		orders *= float64(i+1) / count[v]
	}
	return math.Pow(orders, -float64(n-1))
}
