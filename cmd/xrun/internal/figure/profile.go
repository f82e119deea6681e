package figure

import (
	"fmt"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// profileEnd is the largest ratio that a profile shows.
const profileEnd = 32

// profile draws the part of the problems that each arm solved within so many times the best arm's time.
func profile(s *sheet, r *compare.Report, _ Options) error {
	p, err := r.Profile()
	if err != nil {
		return err
	}
	if lastEpoch(r) < 2 {
		return &NothingError{fmt.Sprintf("the runs of %s have %s of one epoch only: none is sooner than another", r.Sweep, r.Metric),
			"xrun compare says which is best, and xrun plot ranks draws it"}
	}
	left := len(p.Arms) - mostCurves
	n := min(len(p.Arms), mostCurves)
	ratios, heights := p.Steps(profileEnd)
	end := float64(compare.ProfileEnd)
	for end < ratios[len(ratios)-1] {
		end *= 2
	}
	xs := compare.Spanning([]float64{1, end}, true, 0)
	caption := "each seed with each target is a problem: " + p.Caption() + fmt.Sprintf("; score: mean height from 1 to %d, as in AlgoPerf", compare.ProfileEnd)
	if left > 0 {
		caption += fmt.Sprintf("; the %d arms with the lowest scores are left out", left)
	}
	var entries []entry
	for i := range n {
		entries = append(entries, entry{fmt.Sprintf("%s (%.2f)", clean(r.Arms[p.Arms[i]].Name), p.Scores[i]), series(i)})
	}
	b := s.framed(caption, entries)
	var ticks []tick
	for v := 1.0; v <= end; v *= 2 {
		ticks = append(ticks, tick{xs.Clamped(v), label(v)})
	}
	var shares []tick
	for k := range 6 {
		shares = append(shares, tick{float64(k) / 5, label(float64(k) / 5)})
	}
	in := s.axes(b, ticks, shares, "epochs, as a multiple of the fastest arm's", "share of problems")
	if end > compare.ProfileEnd {
		x := in.left + xs.Clamped(compare.ProfileEnd)*in.width()
		s.segment(stroke{muted, 0.5, []float64{1, 2}, false}, x, in.bottom, x, in.top)
	}
	for i := n - 1; i >= 0; i-- {
		var px, py []float64
		for k, ratio := range ratios {
			x := in.left + xs.Clamped(ratio)*in.width()
			if k > 0 {
				px, py = append(px, x), append(py, py[len(py)-1])
			}
			// Lines that lie on each other show side by side.
			px, py = append(px, x), append(py, in.bottom+heights[i][k]*in.height()+0.7*float64(i)-0.35*float64(n-1))
		}
		s.line(series(i), append(px, in.right), append(py, py[len(py)-1]))
	}
	return nil
}

// lastEpoch is the last epoch of the report's curves.
func lastEpoch(r *compare.Report) (last int) {
	for _, curve := range r.Curves {
		if len(curve) > 0 {
			last = max(last, curve[len(curve)-1].Epoch)
		}
	}
	return last
}
