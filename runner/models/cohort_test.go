package models

import (
	"math"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// The property that results rest on: a trial computes the same bits alone and in any cohort, in any slot, beside
// any other trials, also diverged ones.
func TestATrialIsTheSameAloneAndInACohort(t *testing.T) {
	for name, c := range configs() {
		t.Run(name, func(t *testing.T) {
			testCohort[float64](t, c)
			testCohort[float32](t, c)
		})
	}
}

func testCohort[F plugins.Float](t *testing.T, c Config) {
	const slots, trial = 37, 5
	m := open[F](t, c)
	dim := m.Layout().Dim()
	batch, part := rows[F](c, 64, 1), rows[F](c, 301, 2)
	alone := slab[F](dim, slots)
	var want [1]Score
	m.Gradient(batch, alone, []int{trial})
	m.Evaluate(part, alone, []int{trial}, want[:])
	grads := alone.grads(trial, dim)
	all := make([]int, slots)
	for i := range all {
		all[i] = i
	}
	for _, active := range [][]int{all, all[:6], all[5:], all[3:20], {36, 5, 0}, {1, 2, 5, 7, 30}} {
		for _, place := range []int{trial, 0, 17, 36} {
			at := slices.Index(active, place)
			if at < 0 {
				continue
			}
			s := slab[F](dim, slots)
			fill(s.params(place, dim), trial)
			for _, broken := range []int{1, 30} {
				if broken != place {
					s.params(broken, dim)[0] = F(math.NaN())
					s.params(broken, dim)[dim-1] = F(math.Inf(1))
				}
			}
			out := make([]Score, len(active))
			m.Gradient(batch, s, active)
			m.Evaluate(part, s, active, out)
			if !slices.Equal(s.grads(place, dim), grads) {
				t.Fatalf("%s: in slot %d of %v the gradient differs", plugins.DTypeOf[F](), place, active)
			}
			if out[at] != want[0] {
				t.Fatalf("%s: in slot %d of %v the score is %v, want %v", plugins.DTypeOf[F](), place, active, out[at], want[0])
			}
			for slot := range slots {
				if !slices.Contains(active, slot) && slices.ContainsFunc(s.grads(slot, dim), func(g F) bool { return g != 0 }) {
					t.Fatalf("slot %d is not active, but was written to", slot)
				}
			}
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	if race {
		t.Skip("the race detector makes pools forget")
	}
	for name, c := range configs() {
		m := open[float64](t, c)
		s := slab[float64](m.Layout().Dim(), 20)
		part, active, out := rows[float64](c, 300, 1), []int{0, 1, 2, 7, 19}, make([]Score, 5)
		got := testing.AllocsPerRun(5, func() {
			m.Gradient(part, s, active)
			m.Evaluate(part, s, active, out)
		})
		if got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}
