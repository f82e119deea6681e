package compare

import (
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Ranking orders arms by their mean rank over problems, or over the seeds of one, 1 being the best.
type Ranking struct {
	Arms     []int     // of Report.Arms, by rank
	Ranks    []float64 // of Arms
	Friedman stats.Friedman
	CD       float64  // mean ranks further apart than this differ, by Nemenyi's test at 1 − Level
	Groups   [][2]int // first and last of Arms that are not told apart, without groups inside others
	over     string   // "8 seeds", "3 data sets (iris, wine and digits)"
}

// A tooFewError refuses a question for which there are too few arms, seeds or hits.
type tooFewError struct{ what, hint string }

func (e *tooFewError) Error() string { return e.what }

// Hint is what a person can do.
func (e *tooFewError) Hint() string { return e.hint }

// Ranking ranks arms over the problems that have a result of all of them. If there is one problem, it ranks the chosen
// points under each seed that all of them have. Its error has a hint.
func (r *Report) Ranking() (Ranking, error) {
	arms, blocks, over := r.seedBlocks()
	if r.Across != nil {
		arms, blocks, over = r.problemBlocks()
	}
	if len(arms) < 3 {
		return Ranking{}, &tooFewError{fmt.Sprintf("ranks tell three arms or more apart, and %s has %s with a complete point", r.Sweep, Counted(len(arms), "arm")),
			"xrun compare tests two arms against each other; --by NAMES makes arms by something else"}
	}
	if len(blocks) < rankedProblems {
		what, hint := "seeds", "raise seeds and run the sweep again: only the new ones run"
		if r.Across != nil {
			what, hint = r.Several.Noun+"s", "compare sweeps over more of them together"
		}
		return Ranking{}, &tooFewError{fmt.Sprintf("ranks need three %s or more that all arms have, and %s has %d", what, r.Sweep, len(blocks)), hint}
	}
	for i := range blocks {
		blocks[i] = stats.Leveled(blocks[i])
	}
	test := stats.FriedmanTest(blocks)
	k := Ranking{Friedman: test, over: over, CD: stats.NemenyiCD(len(arms), len(blocks), 1-Level)}
	order := make([]int, len(arms))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case test.Ranks[a] < test.Ranks[b]:
			return -1
		case test.Ranks[a] > test.Ranks[b]:
			return 1
		}
		return 0
	})
	for _, i := range order {
		k.Arms, k.Ranks = append(k.Arms, arms[i]), append(k.Ranks, test.Ranks[i])
	}
	reach := -1
	for i := range k.Ranks {
		last := i
		for last+1 < len(k.Ranks) && k.Ranks[last+1]-k.Ranks[i] <= k.CD {
			last++
		}
		if last > i && last > reach {
			k.Groups = append(k.Groups, [2]int{i, last})
			reach = last
		}
	}
	return k, nil
}

// seedBlocks are the values of the arms' chosen points under each seed that all of them have, so that less is better.
func (r *Report) seedBlocks() (arms []int, blocks [][]float64, over string) {
	var points []*Point
	for i, a := range r.Arms {
		if a.Chosen >= 0 && !slices.Contains(points, &r.Points[a.Chosen]) {
			arms, points = append(arms, i), append(points, &r.Points[a.Chosen])
		}
	}
	for _, seed := range r.Seeds {
		var block []float64
		for _, s := range points {
			i := slices.IndexFunc(s.Seeds, func(v SeedResult) bool { return v.Seed == seed })
			if i < 0 || math.IsNaN(s.Seeds[i].Value) {
				break
			}
			v := s.Seeds[i].Value
			if r.Goal == stop.Max {
				v = -v
			}
			block = append(block, v)
		}
		if len(block) == len(points) {
			blocks = append(blocks, block)
		}
	}
	over = Counted(len(blocks), "seed")
	if r.Problem != "" {
		over += " of " + r.Problem
	}
	return arms, blocks, over
}

// problemBlocks are the ranks of the arms on each problem that has a result of all of them.
func (r *Report) problemBlocks() (arms []int, blocks [][]float64, over string) {
	for _, p := range r.Across.Ranked {
		var block []float64
		for _, a := range r.Across.Arms {
			block = append(block, a.Ranks[p])
		}
		blocks = append(blocks, block)
	}
	return all(len(r.Arms)), blocks, fmt.Sprintf("%s (%s)", r.ProblemsOf(len(blocks)), r.problemNames(r.Across.Ranked))
}

// Caption describes the test and its outcome.
func (k Ranking) Caption() string {
	return fmt.Sprintf("mean rank over %s, 1 is best; Friedman χ² = %s, %s; Iman–Davenport %s; Nemenyi CD = %s at 0.05; a bar joins what is not told apart",
		k.over, stats.Short(k.Friedman.ChiSquared, 3), stats.PEquals(k.Friedman.P), stats.PEquals(k.Friedman.PF), stats.Short(k.CD, 3))
}
