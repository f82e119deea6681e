package compare

import (
	"cmp"
	"slices"

	"github.com/xrun-dev/xrun/runner"
)

// A Tuned is the best point of an arm at one learning rate.
type Tuned struct {
	LR       float64
	Point    int  // the best complete one, of Report.Points; -1 if there is none
	Diverged bool // a trial with this learning rate did
}

// Sensitivity is the best point of an arm at each of its learning rates, in their order.
func (r *Report) Sensitivity(a Arm) []Tuned {
	var all []Tuned
	at := map[float64]int{}
	for _, i := range a.Points { // best first
		s := &r.Points[i]
		if s.LR <= 0 {
			continue
		}
		k, ok := at[s.LR]
		if !ok {
			k = len(all)
			at[s.LR] = k
			all = append(all, Tuned{LR: s.LR, Point: -1})
		}
		if s.Complete && all[k].Point < 0 {
			all[k].Point = i
		}
		all[k].Diverged = all[k].Diverged || s.Count(runner.StatusDiverged) > 0
	}
	slices.SortFunc(all, func(a, b Tuned) int { return cmp.Compare(a.LR, b.LR) })
	return all
}
