package compare_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// standings are the standings of points whose seeds 0, 1, … have these values; NaN is none yet.
func standings(points ...[]float64) (all []compare.Standing) {
	for _, values := range points {
		var trials []*runner.Result
		for _, r := range comparetest.Results("sgd", 1, 0, values...) {
			trials = append(trials, &r)
		}
		all = append(all, compare.StandingOf(trials))
	}
	return all
}

func TestLeader(t *testing.T) {
	no := math.NaN()
	for _, c := range []struct {
		name     string
		points   []compare.Standing
		min, max int
	}{
		{"nothing", nil, -1, -1},
		{"no values", standings([]float64{no, no}), -1, -1},
		{"more seeds do not lead a better point", standings([]float64{9.25, 9.25, 9.25}, []float64{1.25, no, no}), 1, 0},
		{"an easy seed does not lead", standings([]float64{1, 5, 9}, []float64{2, no, no}), 0, 1},
		{"nor does a hard one hide", standings([]float64{1, no, no}, []float64{0.5, 5, 9}), 1, 0},
		{"no seed in common", standings([]float64{1, no}, []float64{no, 2}), 0, 1},
		{"equal points: more seeds", standings([]float64{1, no}, []float64{1, 1}), 1, 1},
		{"equal points: the earlier", standings([]float64{1, 1}, []float64{1, 1}), 0, 0},
		{"huge values", standings([]float64{-1e308, -1e308}, []float64{1e308, 1e308}), 0, 1},
	} {
		if got := compare.Leader(stop.Min, c.points); got != c.min {
			t.Errorf("%s: %d leads, want %d", c.name, got, c.min)
		}
		if got := compare.Leader(stop.Max, c.points); got != c.max {
			t.Errorf("%s: %d leads by the largest, want %d", c.name, got, c.max)
		}
	}
}

// A point with a seed that has no value that counts does not lead, whatever its other seeds are.
func TestWhatCannotWinDoesNotLead(t *testing.T) {
	for status, want := range map[runner.Status]compare.State{runner.StatusDiverged: compare.StateDiverged, runner.StatusFailed: compare.StateFailed,
		runner.StatusPruned: compare.StatePruned, runner.StatusInterrupted: 0, runner.StatusRunning: 0} {
		out := comparetest.Ended(status, comparetest.Results("sgd", 1, 0, 1, 1))
		s := compare.StandingOf([]*runner.Result{&out[0], &out[1]})
		if s.Out != want || len(s.Values) != 1 {
			t.Errorf("%s: out is %v with %d values, want %v with 1", status, s.Out, len(s.Values), want)
		}
		lead := 0
		if want != 0 {
			lead = 1
		}
		if got := compare.Leader(stop.Min, append([]compare.Standing{s}, standings([]float64{9, 9})...)); got != lead {
			t.Errorf("%s: %d leads, want %d", status, got, lead)
		}
	}
	if s := standings([]float64{math.Inf(-1), 1})[0]; s.Out != compare.StateDiverged {
		t.Errorf("a value of −Inf leaves a point in: %v", s)
	}
}

// The leader does not depend on the order in which trials have ended; a point that is ahead of all others leads; and when
// all have ended, it is the best of the comparison.
func TestTheLeaderIsThatOfTheState(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		points, seeds := 1+random.IntN(6), 1+random.IntN(4)
		var all []runner.Result
		for p := range points {
			var values []float64
			for range seeds {
				values = append(values, float64(random.IntN(40)))
			}
			results := comparetest.Results("sgd", float64(p+1), 0, values...)
			for i := range results {
				results[i].Trial = runner.Key(fmt.Sprint(p, i))
			}
			all = append(all, results...)
		}
		goal := []stop.Goal{stop.Min, stop.Max}[random.IntN(2)]
		state := func(order []int) (list []compare.Standing) {
			ended := map[int][]*runner.Result{} // by point, in the order in which they ended
			for _, i := range order {
				ended[i/seeds] = append(ended[i/seeds], &all[i])
			}
			for p := range points {
				list = append(list, compare.StandingOf(ended[p]))
			}
			return list
		}
		order := random.Perm(len(all))
		some := order[:random.IntN(len(all)+1)]
		list := state(some)
		leader := compare.Leader(goal, list)
		for range 5 {
			random.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
			if got := compare.Leader(goal, state(some)); got != leader {
				t.Fatalf("%d leads in one order of the ends, %d in another", leader, got)
			}
		}
		for i := range list {
			beats := len(list[i].Values) > 0
			for j := range list {
				beats = beats && (i == j || len(list[j].Values) == 0 || goal.Better(list[i].Gap(&list[j]), 0))
			}
			if beats && leader != i {
				t.Fatalf("%d leads, but %d is ahead of all others: %v", leader, i, list)
			}
		}
		r := compare.Build(compare.Question{Metric: "val_loss", Goal: goal, Keep: runner.Keep{Metric: "val_loss", Goal: goal, At: runner.AtBest}}, all, nil)
		if best, ok := r.Best(); !ok || best.LR != float64(compare.Leader(goal, state(order))+1) {
			t.Fatalf("at the end %d leads, and lr %g is best: %v", compare.Leader(goal, state(order)), best.LR, state(order))
		}
	}
}

// A grid has the names and the maps of the report on it, for whichever point leads.
func TestAGridIsThatOfTheReport(t *testing.T) {
	var all []runner.Result
	q := compare.Question{Metric: "val_loss", Goal: stop.Min, Axes: map[runner.Key][]runner.Setting{}, Names: runner.NewAxisNames([]string{"task.batch"}),
		Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}
	for _, optimizer := range []string{"adam", "sgd"} {
		for _, lr := range []float64{0.1, 1} {
			for _, lambda := range []float64{0, 0.5} {
				for _, batch := range []int64{8, 16} {
					results := comparetest.Results(optimizer, lr, lambda, 5)
					results[0].Point += runner.Key(fmt.Sprint(batch))
					q.Axes[results[0].Point] = []runner.Setting{{Path: "batch", Value: plugins.Integer(batch)}}
					all = append(all, results...)
				}
			}
		}
	}
	grid := compare.Grids(q, all)[0]
	for best := range all {
		values := slices.Clone(all)
		values[best].Kept.Value = 1
		r := compare.Build(q, values, nil)
		if got, want := grid.Name(best), r.Name(r.Points[0]); got != want {
			t.Errorf("point %d is %q, in a report %q", best, got, want)
		}
		got, ok := grid.Map(best)
		if !ok || got.Best != best {
			t.Fatalf("point %d has no map: %v", best, got)
		}
		want := r.Maps("", "")[0]
		if got.Title != want.Title || fmt.Sprint(got.Columns, got.Rows) != fmt.Sprint(want.Columns, want.Rows) {
			t.Errorf("point %d: the map is %v, in a report %v", best, got, want)
		}
		for row := range want.Cells {
			for column, i := range want.Cells[row] {
				if at := got.Cells[row][column]; grid.Point(at) != r.Points[i].Point {
					t.Errorf("point %d: cell %d, %d is %s, in a report %s", best, row, column, grid.Name(at), r.Name(r.Points[i]))
				}
			}
		}
	}
}
