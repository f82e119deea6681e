package stats

import (
	"cmp"
	"math"
	"slices"
)

// Holm adjusts p-values for their number, in the given order: the chance of any false claim
// stays below the level that an adjusted value is held against. p̃₍ᵢ₎ = max_{j≤i} min(1, (m−j+1) p₍ⱼ₎).
// A NaN stays NaN and is not counted in m, as a test that was not made.
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
