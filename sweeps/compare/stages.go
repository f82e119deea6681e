package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Stages say how the seeds of a sweep were added in stages, and what became of its points.
type Stages struct {
	Seeds []int  // of the points that went on, after each finished stage
	Until string // the condition
	// GivenUp are the points that got no further seeds, with the reason.
	GivenUp map[runner.Key]GivenUp
	Over    string // why no point gets further seeds; empty if some do
	// Elsewhere: the sweep was judged by another metric than the one in question, by which points that were given up may well
	// be the best.
	Elsewhere bool
	// Settled are the problems on which the question was closed before it was on others. Their points got no further seeds.
	Settled map[string]Settled
	// Doing is the stage that is under way: "stage 2 of at most 7: 8 seeds for 14 points"; empty if there is none. The
	// results have none of its trials, but for the first stage.
	Doing string
	Open  int // trials of that stage without a result
}

// GivenUp says why a point got no further seeds.
type GivenUp struct {
	Stage, Seeds int // the stage after which, and its seeds of a point
	Why          string
}

// String says it as tables do: "given up after 3 seeds".
func (g GivenUp) String() string { return "given up after " + Counted(g.Seeds, "seed") }

// A Settled says after which stage the question was closed on a problem, and at which level.
type Settled struct {
	Stage int
	Level float64
	Why   string
}

// of are the stages and the level of one of several problems.
func (s *Stages) of(problem string, alpha float64) (*Stages, float64) {
	if s == nil {
		return nil, alpha
	}
	settled, ok := s.Settled[problem]
	if !ok {
		return s, alpha
	}
	own := *s
	own.Seeds, own.Over, own.Doing, own.Open = s.Seeds[:settled.Stage], settled.Why, "", 0
	return &own, settled.Level
}

// level is the confidence level of differences: 1 − Alpha, or Level without an Alpha. Where seeds are added in stages, it
// is that of a repeated confidence interval (Jennison and Turnbull 1989, J. R. Stat. Soc. B 51, 305-361).
func (q *Question) level() float64 {
	if q.Alpha == 0 {
		return Level
	}
	return 1 - q.Alpha
}

// perLook is a p-value that the look at these seeds has found, for a level of 1 − Level over all looks.
func (q *Question) perLook(p float64) float64 {
	if q.Alpha == 0 {
		return p
	}
	return min(1, p*((1-Level)/q.Alpha)) // NaN stays NaN
}

// givenUp reports whether a point got no further seeds while others did.
func (q *Question) givenUp(s *Point) bool {
	if q.Stages == nil {
		return false
	}
	_, ok := q.Stages.GivenUp[s.Point]
	return ok
}

// trails reports whether a point was given up, by the metric in question: it cannot be the best.
func (q *Question) trails(s *Point) bool { return q.givenUp(s) && !q.Stages.Elsewhere }

// GivenUp says why the point got no further seeds; ok is false if it was not given up.
func (r *Report) GivenUp(s *Point) (g GivenUp, ok bool) {
	if r.Stages == nil {
		return g, false
	}
	g, ok = r.Stages.GivenUp[s.Point]
	return g, ok
}

// placeGivenUp makes the values by which points that were given up are ranked comparable with those of points with more
// seeds: the best value of these, and the paired difference to it over the seeds that both have. A mean over few seeds says
// more about whether they were easy. None is placed before the best point, by the metric by which it was given up.
func (r *Report) placeGivenUp() {
	if r.Stages == nil || len(r.Stages.GivenUp) == 0 {
		return
	}
	best := -1
	for i := range r.Points {
		if s := &r.Points[i]; !r.givenUp(s) && s.Complete && (best < 0 || r.choiceGoal().Better(s.choice, r.Points[best].choice)) {
			best = i
		}
	}
	if best < 0 {
		return
	}
	leader := &r.Points[best]
	for i := range r.Points {
		s := &r.Points[i]
		if !r.givenUp(s) || math.IsNaN(s.choice) {
			continue
		}
		x, y := pairedBy(s, leader, func(v SeedResult) float64 { return v.choice })
		if len(x) == 0 {
			continue
		}
		worse := r.Stat.Of(differences(x, y))
		switch {
		case !r.trails(s):
		case r.choiceGoal() == stop.Max:
			worse = min(worse, 0)
		default:
			worse = max(worse, 0)
		}
		s.choice = leader.choice + worse
	}
}

// Apart reports whether the interval of the difference to the best point excludes 0.
func (s *Point) Apart() bool { return s.apart }

// staged are notes on seeds that were added in stages.
func (r *Report) staged() (notes []Note) {
	s := r.Stages
	if s == nil {
		return nil
	}
	if s.Doing != "" && len(s.Seeds) > 0 {
		n := notef("%s, of which %s have no result yet: the numbers are those of the finished stages", s.Doing, Counted(s.Open, "trial"))
		notes = append(notes, r.then(n, "run the sweep again to go on"))
	}
	if len(s.Seeds) == 0 {
		return notes
	}
	looks := "at one look, of several that may have been needed"
	if n := len(s.Seeds); n > 1 {
		looks = fmt.Sprintf("at the last look are adjusted for looking %d times", n)
	}
	text := fmt.Sprintf("seeds were added in stages until %s (%s): p and intervals of differences %s, here at the level %s",
		s.Until, seedsOfStages(s.Seeds), looks, stats.Short(r.Alpha, 3))
	if len(s.Seeds) == 1 {
		text = fmt.Sprintf("seeds are added in stages until %s, and the first stage (%s) is all that was asked for: p and intervals of differences leave room for further looks, here at the level %s",
			s.Until, Counted(s.Seeds[0], "seed"), stats.Short(r.Alpha, 3))
	}
	notes = append(notes, note(text))
	if s.Over != "" {
		notes = append(notes, note("no point gets further seeds: "+s.Over))
	}
	if given := r.givenUpStages(); given != "" {
		notes = append(notes, notef("given up, and placed by the paired difference to the best over the seeds that both have: %s", given))
	}
	return notes
}

// seedsOfStages lists the seeds of a point after each stage: "3, 5, 8 seeds".
func seedsOfStages(seeds []int) string {
	var all []string
	for _, n := range seeds {
		all = append(all, fmt.Sprint(n))
	}
	return strings.Join(all, ", ") + " seeds"
}

// givenUpStages counts the points that were given up after each stage: "12 points after 3 seeds, 4 after 5".
func (r *Report) givenUpStages() string {
	after := map[int]int{} // points by seeds
	var seeds []int
	for i := range r.Points {
		if g, ok := r.GivenUp(&r.Points[i]); ok {
			if after[g.Seeds]++; after[g.Seeds] == 1 {
				seeds = append(seeds, g.Seeds)
			}
		}
	}
	slices.Sort(seeds)
	var parts []string
	for i, n := range seeds {
		text := fmt.Sprintf("%d after %d", after[n], n)
		if i == 0 {
			text = fmt.Sprintf("%s after %d seeds", Counted(after[n], "point"), n)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// stagedMethods are sentences for a paper on seeds that were added in stages; empty otherwise.
func (r *Report) stagedMethods() string {
	s := r.Stages
	if s == nil || len(s.Seeds) == 0 {
		return ""
	}
	return fmt.Sprintf(" Seeds were added in stages (%s) until %s, at most to the points that could still be the best, or the best of the baseline, and to the best of each arm."+
		" The level of 5 %% was spent over the looks in proportion to the seeds (Lan and DeMets 1983), each look at its own increment (%s at the last);"+
		" p-values of the last look are multiplied by the ratio of the two levels, and intervals of differences are repeated confidence intervals (Jennison and Turnbull 1989).",
		seedsOfStages(s.Seeds), s.Until, stats.Short(r.Alpha, 3))
}
