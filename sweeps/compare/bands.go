package compare

import (
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Band is the mean over the seeds of a point after one epoch, with its interval.
type Band struct {
	Epoch int
	stats.Interval
}

// Wanted lists the runs whose curves the report shows: the runs of the first top points (0 is all) and of the points
// chosen for arms.
func (r *Report) Wanted(top int) []int64 {
	var runs []int64
	for _, sub := range r.Problems {
		runs = append(runs, sub.Wanted(top)...)
	}
	if r.Across != nil {
		return runs
	}
	wanted := r.Listed(top)
	for _, a := range r.Arms {
		if a.Chosen >= 0 {
			wanted = append(wanted, a.Chosen)
		}
	}
	slices.Sort(wanted)
	for _, i := range slices.Compact(wanted) {
		for _, seed := range r.Points[i].Seeds {
			if seed.Run != 0 {
				runs = append(runs, seed.Run)
			}
		}
	}
	return runs
}

// Bands is the mean curve of a point's seeds. A run that ended early counts with its last value: otherwise the mean
// would jump whenever a run ends.
func (r *Report) Bands(s Point) []Band {
	var curves [][]runner.CurvePoint
	var epochs []int // of any seed; they need not be close to each other
	for _, seed := range s.Seeds {
		if c := r.Curves[seed.Run]; len(c) > 0 {
			curves = append(curves, c)
			for _, p := range c {
				epochs = append(epochs, p.Epoch)
			}
		}
	}
	if len(curves) == 0 {
		return nil
	}
	slices.Sort(epochs)
	epochs = slices.Compact(epochs)
	at := make([]int, len(curves))
	values := make([]float64, len(curves))
	bands := make([]Band, 0, len(epochs))
	for _, epoch := range epochs {
		n := 0
		for i, c := range curves {
			for at[i] < len(c) && c[at[i]].Epoch <= epoch {
				at[i]++
			}
			if at[i] > 0 {
				values[n] = c[at[i]-1].Value
				n++
			}
		}
		bands = append(bands, Band{epoch, stats.MeanT(values[:n], Level)})
	}
	return bands
}
