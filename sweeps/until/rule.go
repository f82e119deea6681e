// Package until decides which points of a sweep get more seeds, and when no point needs any more.
//
// Seeds come in stages. A stage is judged once it is complete, by the results of the seeds that it and the stages before
// it asked for, and by nothing else that a database may hold. So a sweep comes to the same end with any number of workers,
// in any order, interrupted or not. The package reads no files and trains nothing.
package until

import (
	"fmt"
)

// Alpha is the share of false alarms that a sweep may have over all of its looks.
const Alpha = 0.05

// The defaults of a Rule.
const (
	DefaultFirst = 3
	DefaultMax   = 30
)

// LeastFirst is the least number of seeds of the first stage: one seed shows no spread.
const LeastFirst = 2

// A Rule says how seeds are added to the points of a sweep.
type Rule struct {
	First  int // seeds of every point in the first stage, at least LeastFirst
	Max    int // most seeds of a point, at least First
	Budget int // most trials in all; 0 is none. A stage that would exceed it is not begun.
	// Round is the number of seeds that belong together, such as the folds of a partition: stages have multiples of it.
	// 0 is 1.
	Round int
	Until Condition
}

// Stages are the numbers of seeds of a point after each stage. A stage has half as many more as the one before, rounded up:
// 3, 5, 8, 12, 18 and so on. The last has the most, and one that comes within a quarter of it is left out, since each look
// costs something. Half more each time takes 1 + log(Max/First)/log(1.5) looks at most, and overshoots the number that would
// have been enough by half, the last stage by a little more.
func (r Rule) Stages() []int {
	var stages []int
	for n := r.whole(r.First); ; n = r.whole(n + (n+1)/2) {
		if n >= r.Max {
			return append(stages, r.Max)
		}
		if len(stages) == 0 || 4*(r.Max-n) >= n {
			stages = append(stages, n)
		}
	}
}

// whole rounds a number of seeds up to whole rounds.
func (r Rule) whole(n int) int {
	round := max(r.Round, 1)
	return (n + round - 1) / round * round
}

// Level is the level at which the look after a stage judges; stages count from 1.
//
// The levels of all looks add up to Alpha, so that by the union bound there are at most that many false alarms in all,
// whatever the looks have in common. They are the increments of the spending function α·t at t = seeds of the stage / Max
// (Lan and DeMets 1983, Biometrika 70, 659-663; Kim and DeMets 1987, Biometrika 74, 149-154): each look is paid for by the
// seeds that it adds, so that the last one, which sees most, has most left. The level of a look depends on its
// number of seeds and on the look before, not on what is seen.
func (r Rule) Level(stage int) float64 {
	stages := r.Stages()
	before := 0
	if stage > 1 {
		before = stages[stage-2]
	}
	return Alpha * float64(stages[stage-1]-before) / float64(r.Max)
}

// String is the rule in a few words.
func (r Rule) String() string {
	text := fmt.Sprintf("%d to %d seeds until %s", r.Stages()[0], r.Max, r.Until)
	if r.Budget > 0 {
		text += fmt.Sprintf(", at most %d trials", r.Budget)
	}
	return text
}
