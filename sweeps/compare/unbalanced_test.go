package compare

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// Results from elsewhere have seeds as they come: some points one, others many, and arms of very different sizes. Whatever they are, there is a
// report, and no p of it is out of its range.
func TestUnbalancedSeeds(t *testing.T) {
	for round := range uint64(400) {
		draw := rand.New(rand.NewPCG(round, 22))
		var all [][]runner.Result
		for _, arm := range []string{"adam", "sgd", "lion"}[:1+draw.IntN(3)] {
			for point := range 1 + draw.IntN(7) {
				values := make([]float64, 1+draw.IntN(5))
				for i := range values {
					values[i] = float64(point) * math.Pow(10, float64(draw.IntN(3)-1))
					switch round % 4 {
					case 0:
						values[i] += float64(i) / 1000 // all points alike in their seeds
					case 1:
						values[i] += draw.NormFloat64()
					case 2: // no noise at all
					case 3:
						values[i] += draw.NormFloat64() * float64(draw.IntN(2)) * 1e-9
					}
				}
				results := comparetest.Results(arm, float64(point+1), 0, values...)
				draw.Shuffle(len(results), func(i, j int) { results[i], results[j] = results[j], results[i] })
				all = append(all, results[:1+draw.IntN(len(results))])
			}
		}
		r := Build(question, comparetest.Join(all...), nil)
		for _, a := range r.Arms {
			if a.Tested && !(a.P >= 0 && a.P <= 1) {
				t.Errorf("round %d: the p of %s is %v", round, a.Name, a.P)
			}
		}
	}
}
