package runner

import (
	"slices"
	"strings"
)

// A Cohort is trials that are trained in lockstep: they share the data, the order of the
// mini-batches, the model and the optimizer plugin, and differ in what is a number.
type Cohort []Trial

// maxSlots is how many trials a cohort holds at most: enough for its shared work to vanish in
// the work of each, few enough for its parameters to stay in the cache.
const maxSlots = 64

// Plan groups trials into cohorts for a number of workers. The cohorts of a seed come before
// those of the next, in the order in which the seeds appear, so that a first map of the grid is
// there early. What a trial gives does not depend on the cohort it is in.
func Plan(trials []Trial, workers int) []Cohort {
	type group struct {
		seed   int
		trials []Trial
	}
	var groups []*group
	byKey := map[string]*group{}
	seeds := map[int64]int{}
	for _, t := range trials {
		if _, ok := seeds[t.Seed]; !ok {
			seeds[t.Seed] = len(seeds)
		}
		key := t.cohortKey()
		g := byKey[key]
		if g == nil {
			g = &group{seed: seeds[t.Seed]}
			byKey[key] = g
			groups = append(groups, g)
		}
		g.trials = append(g.trials, t)
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return a.seed - b.seed })
	var cohorts []Cohort
	for _, g := range groups {
		parts := (len(g.trials) + maxSlots - 1) / maxSlots
		if len(groups) < workers { // leave no worker without work
			parts = max(parts, min((workers+len(groups)-1)/len(groups), len(g.trials)))
		}
		for i := range parts {
			from, to := len(g.trials)*i/parts, len(g.trials)*(i+1)/parts
			cohorts = append(cohorts, Cohort(g.trials[from:to:to]))
		}
	}
	return cohorts
}

// cohortKey is equal for trials that can be trained in lockstep. A trial without a penalty fits
// into any cohort of its optimizer; a faulty plugin is kept away from the trials of others. What
// schedules do to the rate is a number, but trials with one report a metric more.
func (t Trial) cohortKey() string {
	var key strings.Builder
	for _, s := range t.Settings() {
		if strings.HasPrefix(s.Path, "task.") || s.Path == "seed" {
			key.WriteString(s.Path + "=" + s.Value.String() + "\n")
		}
	}
	key.WriteString(t.Optimizer.Plugin + "\n" + t.Optimizer.Component)
	if t.scheduled() {
		key.WriteString("\nscheduled")
	}
	if r := t.Regularizer; r != nil && !strings.HasPrefix(r.Identity, "builtin:") {
		key.WriteString("\n" + r.Plugin)
	}
	return key.String()
}
