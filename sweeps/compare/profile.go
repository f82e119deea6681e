package compare

import (
	"fmt"
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
	over    string // several data sets
}

// Profile makes the profile of the arms' chosen points, from their Curves. A problem is a seed and a target, of each data set
// if there are several; its time is the first epoch after which the point was at the target or beyond. If the sweep has no
// target there are three for each data set: the results of the worst, the middle and the best arm. Its error has a hint.
func (r *Report) Profile() (Profile, error) {
	p := Profile{metric: r.Metric, asked: r.HasTarget}
	of := []*Report{r}
	if r.Across != nil {
		of, p.over = r.Problems, fmt.Sprintf("%s (%s)", r.ProblemsOf(len(r.Problems)), r.problemNames(all(len(r.Problems))))
	}
	var arms []int
	for i, a := range r.Arms {
		if slices.ContainsFunc(of, func(sub *Report) bool { at := sub.armAt(a.key); return at >= 0 && sub.Arms[at].Chosen >= 0 }) {
			arms = append(arms, i)
		}
	}
	if len(arms) < 2 {
		return p, &tooFewError{"a profile compares two arms or more that have a complete point", "--by NAMES makes arms by something else, as --by batch"}
	}
	times := make([][]float64, len(arms))
	found := false
	for _, sub := range of {
		targets := sub.targets()
		if p.over == "" {
			p.Targets = targets
		}
		for k, i := range arms {
			var seeds []SeedResult
			if at := sub.armAt(r.Arms[i].key); at >= 0 && sub.Arms[at].Chosen >= 0 {
				seeds = sub.Points[sub.Arms[at].Chosen].Seeds
			}
			for _, seed := range sub.Seeds {
				at := slices.IndexFunc(seeds, func(v SeedResult) bool { return v.Seed == seed })
				for _, target := range targets {
					t := math.Inf(1)
					if at >= 0 {
						t = r.hit(seeds[at], target).At
					}
					found = found || !math.IsInf(t, 1)
					times[k] = append(times[k], t)
				}
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

// targets are the targets of a profile: the one that was asked for, or the results of the worst, the middle and the best arm.
func (r *Report) targets() []float64 {
	if r.HasTarget {
		return []float64{r.Target}
	}
	var values []float64
	for _, a := range r.Arms {
		if a.Chosen >= 0 {
			values = append(values, r.Points[a.Chosen].Interval.Value)
		}
	}
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	if r.Goal != stop.Max {
		slices.Reverse(values) // the easiest first
	}
	return slices.Compact([]float64{values[0], values[len(values)/2], values[len(values)-1]})
}

// Caption describes the problems.
func (p Profile) Caption() string {
	texts := make([]string, len(p.Targets))
	for i, t := range p.Targets {
		texts[i] = stats.Short(t, 4)
	}
	problems := Counted(len(p.Times[0]), "problem") + ": first epoch with " + p.metric + " at "
	if p.over != "" {
		what := "the results of the worst, the middle and the best arm on each"
		if p.asked {
			what = "the target"
		}
		return problems + what + ", by seed, over " + p.over
	}
	if p.asked {
		return problems + "the target " + texts[0] + ", by seed"
	}
	return problems + strings.Join(texts, ", ") + ", the results of arms from worst to best, by seed"
}

// Steps are the ratios of times to the best of their problem at which the profile rises, up to most, from 1 on, and the height
// of each arm there: the share of problems for which its ratio is not larger.
func (p Profile) Steps(most float64) (ratios []float64, heights [][]float64) {
	ratios = []float64{1}
	for w := range p.Times[0] {
		best := math.Inf(1)
		for _, times := range p.Times {
			best = min(best, times[w])
		}
		for _, times := range p.Times {
			if ratio := times[w] / best; ratio <= most { // neither NaN nor ∞
				ratios = append(ratios, ratio)
			}
		}
	}
	slices.Sort(ratios)
	ratios = slices.Compact(ratios)
	return ratios, stats.Profile(p.Times, ratios)
}
