package stats

import "math"

const (
	exactFlips  = 20      // the most pairs that SignFlip tests exactly
	randomFlips = 100_000 // tried beyond that
)

// SignFlip is the permutation test that the mean of a[k] − b[k] is 0: if the two points are alike,
// each difference could as well have had the other sign. The statistic is the mean difference. P is
// the part of all choices of signs whose mean is at least as far from 0.
//
// Up to 20 pairs P is exact: all 2^N choices are counted, and Least is 2^(1−m) for the m differences
// that are not 0. Beyond that 100 000 random choices are drawn: P is (count+1)/(100 000+1)
// (Phipson & Smyth 2010), never 0, and Least is 1/(100 000+1).
//
// Two means count as equal if they are closer than rounding the values, their differences and
// the sums can move them: (N+1)·2⁻⁵²·Σ(|a|+|b|)/N. So 0.3 − 0.2 and 0.2 − 0.1 are tied. (SciPy's
// permutation_test allows 100·2⁻⁵² of the mean.) Infinite values give NaN.
// Fisher 1935, The Design of Experiments.
func SignFlip(a, b []float64, seed uint64) Test {
	a, b, e := bothInUnit(a, b)
	d := differences(a, b)
	n := len(d)
	sum, scale, moving := 0.0, 0.0, 0
	for k, x := range d {
		sum += x
		scale += math.Abs(a[k]) + math.Abs(b[k])
		if x != 0 {
			moving++
		}
	}
	if n < 2 || math.IsNaN(sum) || math.IsInf(scale, 0) {
		return undecided(n)
	}
	test := Test{Statistic: math.Ldexp(sum/float64(n), e), N: n}
	far := math.Abs(sum) - float64(n+1)*0x1p-52*scale
	if n <= exactFlips {
		test.Exact, test.Least = true, math.Min(1, math.Ldexp(2, -moving))
		// The first sign is held: with all signs turned a sum is as far from 0.
		left, right := signedSums(d[1:n/2+1]), signedSums(d[n/2+1:])
		count := 0
		for _, l := range left {
			for _, r := range right {
				if math.Abs(d[0]+l+r) >= far {
					count++
				}
			}
		}
		test.P = math.Ldexp(float64(count), 1-n)
		return test
	}
	test.Least = 1 / float64(randomFlips+1)
	random, count := named("sign flips", seed), 0
	for range randomFlips {
		flipped, signs := 0.0, uint64(0)
		for k, x := range d {
			if k%64 == 0 {
				signs = random.source.Uint64()
			}
			flipped += math.Float64frombits(math.Float64bits(x) ^ signs<<63)
			signs >>= 1
		}
		if math.Abs(flipped) >= far {
			count++
		}
	}
	test.P = float64(count+1) / float64(randomFlips+1)
	return test
}

// exactSigns is the most pairs that SignFlipOf tests exactly.
const exactSigns = 16

// SignFlipOf is [SignFlip] with another statistic of the differences than the mean: one that does not fall where a
// difference grows, as the median. Up to 16 pairs P is exact, beyond that by 100 000 random choices of signs. Many
// choices may give the statistic its largest value, so that Least depends on the differences.
func SignFlipOf(a, b []float64, of Statistic, seed uint64) Test {
	a, b, e := bothInUnit(a, b)
	d := differences(a, b)
	n := len(d)
	scale := 0.0
	sizes := make([]float64, n)
	for k, x := range d {
		scale = max(scale, math.Abs(a[k]), math.Abs(b[k]))
		sizes[k] = math.Abs(x)
	}
	value := of(d)
	if n < 2 || math.IsNaN(value) || math.IsInf(scale, 0) || math.IsNaN(scale) {
		return undecided(n)
	}
	test := Test{Statistic: math.Ldexp(value, e), N: n}
	rounding := float64(n+1) * 0x1p-51 * scale // what rounding can move the statistic by, as in SignFlip
	far, most := math.Abs(value)-rounding, of(sizes)-rounding
	count, extreme := 0, 0
	flipped := make([]float64, n)
	try := func(signs uint64) {
		for k, x := range d {
			flipped[k] = math.Float64frombits(math.Float64bits(x) ^ signs<<63)
			signs >>= 1
		}
		at := math.Abs(of(flipped))
		if at >= far {
			count++
		}
		if at >= most {
			extreme++
		}
	}
	if n <= exactSigns {
		all := 1 << n
		for signs := range all {
			try(uint64(signs))
		}
		test.Exact, test.P, test.Least = true, float64(count)/float64(all), float64(extreme)/float64(all)
		return test
	}
	random := named("signs", seed)
	for range randomFlips {
		if n <= 64 {
			try(random.source.Uint64())
			continue
		}
		for k, x := range d {
			flipped[k] = x
			if random.source.Uint64()&1 != 0 {
				flipped[k] = -x
			}
		}
		if math.Abs(of(flipped)) >= far {
			count++
		}
	}
	test.P, test.Least = float64(count+1)/float64(randomFlips+1), 1/float64(randomFlips+1)
	return test
}

// signedSums are the sums ±d[0] ± d[1] … under all choices of the signs.
func signedSums(d []float64) []float64 {
	sums := make([]float64, 1, 1<<len(d))
	for _, x := range d {
		for k, s := range sums {
			sums = append(sums, s-x)
			sums[k] = s + x
		}
	}
	return sums
}
