package passes

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

// Below these, relative to the greatest, a probability counts as 0 in a derivative: with its share of a batch, and times an input,
// it would come near the smallest numbers, with which processors take a hundred times as long.
const (
	faintest64 = -600
	faintest32 = -64
)

// faint is eˣ for a derivative.
func faint[F plugins.Float](x F) F {
	limit := F(faintest64)
	if _, single := any(x).(float32); single {
		limit = faintest32
	}
	if x < limit {
		return 0
	}
	return elementary.Exp(x)
}

// The constants of package elementary, each as often as it fits a vector of 64 bytes, in the order that kernels know.
var (
	table64, faint64 = constants64(elementary.Lowest64), constants64(faintest64)
	table32, faint32 = constants32(elementary.Lowest32), constants32(faintest32)
)

// The constants with another x below which eˣ is 0.

func constants64(lowest float64) []float64 {
	return repeated(8, append(append([]float64{
		elementary.Log2E, elementary.ToInteger64, elementary.Ln2High64, elementary.Ln2Low64, lowest,
		math.Float64frombits(1023), 1, 2, math.Copysign(0, -1)},
		append(elementary.Taylor64[:], elementary.Artanh[:]...)...),
		elementary.Ln2Coarse, elementary.Ln2Rest,
		math.Float64frombits(elementary.HalfRoot), math.Float64frombits(1<<52-1), 0x1p52))
}

func constants32(lowest float32) []float32 {
	return repeated(16, append([]float32{
		elementary.Log2E, elementary.ToInteger32, elementary.Ln2High32, elementary.Ln2Low32, lowest,
		math.Float32frombits(127), 1, 2, float32(math.Copysign(0, -1))},
		elementary.Taylor32[:]...))
}

func repeated[F plugins.Float](times int, constants []F) []F {
	all := make([]F, 0, times*len(constants))
	for _, c := range constants {
		for range times {
			all = append(all, c)
		}
	}
	return all
}
