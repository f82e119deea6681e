package until

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// The digits grid under 25 seeds in some order: stages until it is decided train less than half of the trials of 24 seeds
// each, and name a best point that is as good, from a set that holds the true one as often.
func TestStagesOnTheDigitsGrid(t *testing.T) {
	digits := comparetest.Record(t, "digits25")
	const most = 24
	rng := rand.New(rand.NewPCG(5, 6))
	condition, err := Parse("decided")
	if err != nil {
		t.Fatal(err)
	}
	rule := Rule{First: 3, Max: most, Until: condition}
	draws := tests.Either(4, 60)
	trials, regret, fixedRegret, holds, fixedHolds := 0, 0.0, 0.0, 0, 0
	for range draws {
		results := digits.Under(rng.Perm(25)[:most])
		truth, best, lowest := map[runner.Key]float64{}, runner.Key(""), math.Inf(1)
		var points []runner.Key
		for i, values := range digits.Values {
			point := results[i*most].Point
			points = append(points, point)
			if truth[point] = stats.Mean(values); truth[point] < lowest {
				best, lowest = point, truth[point]
			}
		}
		q := asked(stop.Min)
		o := rule.Replay(q, points, results, nil, nil)
		trials += o.Trials()
		q.Stages, q.Alpha = rule.StagesOf(o), o.Looks[len(o.Looks)-1].Level
		judge := func(r *compare.Report) (worse float64, held bool) {
			for i, s := range r.Points {
				held = held || s.Point == best && (i == 0 || s.Tied)
			}
			return truth[r.Points[0].Point]/lowest - 1, held
		}
		worse, held := judge(compare.Build(q, o.Of(results), nil))
		regret += worse
		if held {
			holds++
		}
		worse, held = judge(compare.Build(asked(stop.Min), results, nil))
		fixedRegret += worse
		if held {
			fixedHolds++
		}
	}
	n := float64(draws)
	share := float64(trials) / n / float64(105*most)
	t.Logf("%.0f trials on average, %.2f of those of %d seeds each; the best is %.2f %% worse than the true one (%.2f %%), and the true one cannot be told from it in %d of %d (%d)",
		float64(trials)/n, share, most, 100*regret/n, 100*fixedRegret/n, holds, draws, fixedHolds)
	if share > 0.5 || regret/n > fixedRegret/n+0.01 || float64(holds) < float64(fixedHolds)-0.05*n-1 {
		t.Error("stages are to take half of the trials at most and err as seldom")
	}
}
