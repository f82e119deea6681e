package stats

import (
	"cmp"
	"math"
	"slices"
)

// Holm adjusts p-values for their number and returns them in the given order. Claiming what has an
// adjusted p-value up to a level makes any false claim with at most that chance. p̃₍ᵢ₎ = max_{j≤i} min(1, (m−j+1) p₍ⱼ₎).
// A NaN is a test that was not made: it stays NaN and is not counted in m.
// Holm 1979, Scandinavian Journal of Statistics 6.
func Holm(ps []float64) []float64 {
	adjusted := make([]float64, len(ps))
	var order []int
	for k, p := range ps {
		adjusted[k] = math.NaN()
		if !math.IsNaN(p) {
			order = append(order, k)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	most := 0.0
	for rank, k := range order {
		most = max(most, min(1, float64(len(order)-rank)*ps[k]))
		adjusted[k] = most
	}
	return adjusted
}
