package stats

import (
	"fmt"
	"testing"
)

func BenchmarkBootstrap(b *testing.B) {
	for _, c := range []struct {
		name string
		of   Statistic
		n    int
	}{
		{"mean", Mean, 10}, {"median", Median, 10}, {"iqm", IQM, 10}, {"iqm", IQM, 100},
	} {
		b.Run(fmt.Sprintf("%s/n=%d", c.name, c.n), func(b *testing.B) {
			xs := waves(c.n, 1)
			b.ReportAllocs()
			for b.Loop() {
				Bootstrap{}.Interval(xs, c.of)
			}
		})
	}
}

func BenchmarkTests(b *testing.B) {
	for _, n := range []int{10, 20, 25, 50} {
		x, y := waves(n, 1), waves(n, 1.2)
		b.Run(fmt.Sprintf("SignFlip/n=%d", n), func(b *testing.B) {
			for b.Loop() {
				SignFlip(x, y, 1)
			}
		})
		b.Run(fmt.Sprintf("Wilcoxon/n=%d", n), func(b *testing.B) {
			for b.Loop() {
				Wilcoxon(x, y)
			}
		})
		b.Run(fmt.Sprintf("MannWhitney/n=%d", n), func(b *testing.B) {
			for b.Loop() {
				MannWhitney(x, y)
			}
		})
	}
}

func BenchmarkNemenyiCD(b *testing.B) {
	for b.Loop() {
		NemenyiCD(10, 20, 0.05)
	}
}

// gridOf is a full grid of so many levels each, n observations in turn.
func gridOf(n int, levels ...int) []Factor {
	factors := make([]Factor, len(levels))
	each := 1
	for f, count := range levels {
		factors[f] = Factor{Name: string(rune('a' + f)), Level: make([]int, n)}
		for i := range n {
			factors[f].Level[i] = i / each % count
		}
		each *= count
	}
	return factors
}

func BenchmarkANOVA(b *testing.B) {
	for _, c := range []struct {
		n      int
		levels []int
	}{
		{10_000, []int{10, 10, 10, 2}}, {10_000, []int{20, 10, 5, 5, 2}}, {9_999, []int{10, 10, 10, 2}}, {9_999, []int{20, 20, 20, 5}},
	} {
		b.Run(fmt.Sprintf("n=%d/levels=%v", c.n, c.levels), func(b *testing.B) {
			y, factors := waves(c.n, 1), gridOf(c.n, c.levels...)
			for b.Loop() {
				ANOVA(y, factors)
			}
		})
	}
}

func BenchmarkSqueeze(b *testing.B) {
	for _, n := range []int{100, 2000} {
		variances, df, trend := spreadTable(n)
		for name, how := range map[string]Moderation{
			"plain": {}, "trend": {Trend: trend}, "robust": {Robust: true}, "robust trend": {Trend: trend, Robust: true},
		} {
			b.Run(fmt.Sprintf("%s/n=%d", name, n), func(b *testing.B) {
				for b.Loop() {
					Squeeze(variances, df, how)
				}
			})
		}
	}
}

func BenchmarkModeratedT(b *testing.B) {
	for b.Loop() {
		ModeratedT(1, 0.2, 0.5, 11.5, 0.95)
	}
}
