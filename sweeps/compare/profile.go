package compare

import (
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// ProfileEnd is the largest multiple of the best time that counts in a Profile's scores, as in AlgoPerf.
const ProfileEnd = 4

// A Profile compares how soon arms reach targets, over seeds and targets.
type Profile struct {
	Arms    []int       // of Report.Arms, best score first
	Times   [][]float64 // epochs, by arm and problem; +Inf for a miss
	Scores  []float64   // mean height of the profile from 1 to ProfileEnd times the best
	Targets []float64
	asked   bool
	metric  string
}

// Profile makes the profile of the arms' chosen points, from their Curves. A problem is a seed and a target; its time
// is the first epoch after which the point was at the target or beyond. If the sweep has no target there are three: the
// results of the worst, the middle and the best arm. Its error has a hint.
func (r *Report) Profile() (Profile, error) {
	p := Profile{metric: r.Metric, asked: r.HasTarget}
	var arms []int
	var values []float64
	for i, a := range r.Arms {
		if a.Chosen >= 0 {
			arms, values = append(arms, i), append(values, r.Points[a.Chosen].Interval.Value)
		}
	}
	if len(arms) < 2 {
		return p, &tooFewError{"a profile compares two arms or more that have a complete point", "--by NAMES makes arms by something else, as --by batch"}
	}
	if r.HasTarget {
		p.Targets = []float64{r.Target}
	} else {
		slices.Sort(values)
		if r.Goal != stop.Max {
			slices.Reverse(values) // the easiest first
		}
		p.Targets = slices.Compact([]float64{values[0], values[len(values)/2], values[len(values)-1]})
	}
	times := make([][]float64, len(arms))
	found := false
	for k, i := range arms {
		s := &r.Points[r.Arms[i].Chosen]
		for _, seed := range r.Seeds {
			at := slices.IndexFunc(s.Seeds, func(v SeedResult) bool { return v.Seed == seed })
			for _, target := range p.Targets {
				t := math.Inf(1)
				if at >= 0 {
					t = r.hit(s.Seeds[at], target).At
				}
				found = found || !math.IsInf(t, 1)
				times[k] = append(times[k], t)
			}
		}
	}
	if !found {
		return p, &tooFewError{"no arm has reached a target", "--target VALUE sets another one"}
	}
	scores := stats.ProfileScore(times, ProfileEnd)
	order := make([]int, len(arms))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	for _, i := range order {
		p.Arms, p.Times, p.Scores = append(p.Arms, arms[i]), append(p.Times, times[i]), append(p.Scores, scores[i])
	}
	return p, nil
}

// Caption describes the problems.
func (p Profile) Caption() string {
	texts := make([]string, len(p.Targets))
	for i, t := range p.Targets {
		texts[i] = stats.Short(t, 4)
	}
	problems := Counted(len(p.Times[0]), "problem") + ": first epoch with " + p.metric + " at "
	if p.asked {
		return problems + "the target " + texts[0] + ", by seed"
	}
	return problems + strings.Join(texts, ", ") + ", the results of arms from worst to best, by seed"
}
