package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// The sums below are taken in float64 from the first element to the last, whatever the element
// type: without a fixed order, the bits of a trial could not be repeated.

// dot is Σ aᵢ·bᵢ.
func dot[A, B plugins.Float](a []A, b []B) float64 {
	sum := 0.0
	b = b[:len(a)]
	for i, x := range a {
		sum += float64(float64(x) * float64(b[i]))
	}
	return sum
}

// norm2 is the Euclidean norm.
func norm2[F plugins.Float](a []F) float64 { return math.Sqrt(dot(a, a)) }

// normOfSum is the Euclidean norm of a + factor·b.
func normOfSum[F plugins.Float](a []F, factor F, b []F) float64 {
	sum := 0.0
	b = b[:len(a)]
	for i, x := range a {
		x += F(factor * b[i])
		sum += float64(float64(x) * float64(x))
	}
	return math.Sqrt(sum)
}

// norm1 is the sum of absolute values.
func norm1[F plugins.Float](a []F) float64 {
	sum := 0.0
	for _, x := range a {
		sum += math.Abs(float64(x))
	}
	return sum
}

// rms is the root of the mean square.
func rms[F plugins.Float](a []F) float64 { return math.Sqrt(dot(a, a) / float64(len(a))) }

// trust is numerator/denominator, or 1 where either is 0 and the ratio would stop the tensor for
// good: the rule of LARS and LAMB for parameters that start at 0.
func trust(numerator, denominator float64) float64 {
	if numerator == 0 || denominator == 0 {
		return 1
	}
	return numerator / denominator
}

// tensorSpans are the ranges of the layout's tensors, and the size of the largest.
func tensorSpans(l plugins.Layout) (spans []plugins.Span, largest int) {
	for _, t := range l {
		spans = append(spans, plugins.Span{From: t.Offset, To: t.Offset + t.Size()})
		largest = max(largest, t.Size())
	}
	return spans, largest
}
