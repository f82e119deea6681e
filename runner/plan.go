package runner

import (
	"slices"
	"strings"
)

// cohort is trials that are trained in lockstep: they share the data, the order of the
// mini-batches, the model and the optimizer plugin, and differ in numbers only.
type cohort []Trial

// maxSlots is how many trials a cohort holds at most: enough for its shared work to vanish in
// the work of each, few enough for its parameters to stay in the cache.
const maxSlots = 64

// plan groups trials into cohorts for a number of workers. The cohorts of a seed come before
// the cohorts of the next seed, in the order of the seeds, so that a first map of the grid is there
// early. The result of a trial does not depend on its cohort.
func plan(trials []Trial, workers int) []cohort {
	var cohorts []cohort
	for _, part := range Cohorts(trials, workers) {
		cohorts = append(cohorts, part)
	}
	return cohorts
}

// Cohorts are the trials as a number of workers would train them together.
func Cohorts(trials []Trial, workers int) [][]Trial {
	return group(trials, workers, func(t Trial) Trial { return t })
}

// group is plan for anything that has a trial.
func group[T any](items []T, workers int, of func(T) Trial) [][]T {
	type set struct {
		seed  int
		items []T
	}
	var sets []*set
	byKey := map[string]*set{}
	seeds := map[int64]int{}
	for _, item := range items {
		t := of(item)
		if _, ok := seeds[t.Seed]; !ok {
			seeds[t.Seed] = len(seeds)
		}
		key := t.cohortKey()
		s := byKey[key]
		if s == nil {
			s = &set{seed: seeds[t.Seed]}
			byKey[key] = s
			sets = append(sets, s)
		}
		s.items = append(s.items, item)
	}
	slices.SortStableFunc(sets, func(a, b *set) int { return a.seed - b.seed })
	var parts [][]T
	for _, s := range sets {
		slots := maxSlots
		if of(s.items[0]).Task.Command != nil {
			slots = 1 // each has a process of its own
		}
		n := (len(s.items) + slots - 1) / slots
		if len(sets) < workers { // leave no worker without work
			n = max(n, min((workers+len(sets)-1)/len(sets), len(s.items)))
		}
		for i := range n {
			from, to := len(s.items)*i/n, len(s.items)*(i+1)/n
			parts = append(parts, s.items[from:to:to])
		}
	}
	return parts
}

// cohortKey is equal for trials that can be trained in lockstep. A trial without a penalty fits
// into any cohort of its optimizer. Trials of different plugins are kept apart, so that a faulty
// plugin disturbs its own trials only. Trials with a schedule report one metric more.
func (t Trial) cohortKey() string {
	var key strings.Builder
	for _, s := range t.Settings() {
		if strings.HasPrefix(s.Path, "task.") || s.Path == "seed" {
			key.WriteString(s.Path + "=" + s.Value.String() + "\n")
		}
	}
	if t.Task.Objective != nil {
		key.WriteString(t.Task.Objective.Plugin + "\n")
	}
	for c := &t.Optimizer; c != nil; c = c.Base {
		key.WriteString(c.Plugin + "\n" + c.Component + "\n")
	}
	if t.scheduled() {
		key.WriteString("scheduled\n")
	}
	if r := t.Regularizer; r != nil && !strings.HasPrefix(r.Identity, "builtin:") {
		key.WriteString(r.Plugin)
	}
	return key.String()
}
