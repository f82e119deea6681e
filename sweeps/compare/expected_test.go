package compare

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// What the best point is expected to show under fresh seeds is on average what it then shows, and in 95 % of cases within the
// interval. What it shows under the seeds by which it was picked is on average better.
func TestTheWinnerUnderFreshSeeds(t *testing.T) {
	g := digits25(t)
	rng := rand.New(rand.NewPCG(3, 4))
	draws := tests.Either(30, 200)
	truly := make([]int, len(g.values))
	for i := range truly {
		truly[i] = i
	}
	slices.SortFunc(truly, func(a, b int) int { return cmp.Compare(stats.Mean(g.values[a]), stats.Mean(g.values[b])) })
	for _, n := range []int{3, 5, 10} {
		covered, seen, expected := 0, 0.0, 0.0
		for range draws {
			seeds := rng.Perm(25)
			r := Build(Question{Sweep: "digits", Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}, g.under(seeds[:n]), nil)
			e, ok := r.Expected(FreshSeeds)
			if !ok {
				t.Fatalf("%d seeds: nothing is expected", n)
			}
			best := r.Points[0]
			var fresh []float64
			for i := range g.values {
				if g.optimizer[i] == best.Optimizer && g.lr[i] == best.LR && g.lambda[i] == best.Lambda {
					for _, seed := range seeds[n : n+FreshSeeds] {
						fresh = append(fresh, g.values[i][seed])
					}
				}
			}
			found := stats.Mean(fresh)
			// Some seeds are easier for all points. Points that were not picked, the 20 best in truth, show by how much.
			easier := 0.0
			for _, i := range truly[:20] {
				before, after := 0.0, 0.0
				for _, seed := range seeds[:n] {
					before += g.values[i][seed] / float64(n)
				}
				for _, seed := range seeds[n : n+FreshSeeds] {
					after += g.values[i][seed] / FreshSeeds
				}
				easier += math.Log(before/after) / 20
			}
			if e.Includes(found) {
				covered++
			}
			seen += math.Log(best.Interval.Value/found) - easier
			expected += math.Log(e.Value/found) - easier
		}
		share := float64(covered) / float64(draws)
		t.Logf("%d seeds: %.3f of intervals hold what is found; seen %+.2f %%, expected %+.2f %% of it on average", n, share, 100*seen/float64(draws), 100*expected/float64(draws))
		if share < 0.9 {
			t.Errorf("%d seeds: %.3f of the intervals hold what is found, want 0.95", n, share)
		}
		if tests.Long() && math.Abs(expected) > 0.5*math.Abs(seen) {
			t.Errorf("%d seeds: expected values are off by %.2f %%, those seen by %.2f %%", n, 100*expected/float64(draws), 100*seen/float64(draws))
		}
	}
}
