package training

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps"
)

// Memory is what trials take at least, in bytes.
type Memory struct {
	Trial  float64 `json:"trial_bytes"`   // of the largest
	AtOnce float64 `json:"at_once_bytes"` // of all that may be trained at the same time, for the largest
	Trials int     `json:"at_once"`       // how many these are: a worker trains up to so many together that are alike
	Fits   bool    `json:"trial_fits"`    // whether the largest trial has a place here now
	limit  string
}

// FindMemory says what memory trials take. It is nil where xrun does not know the size of what is trained, or cannot read
// the data; the sweep says why then.
func FindMemory(trials []runner.Trial, workers int, read *Datasets) *Memory {
	shapes := map[string][2]int{} // features and classes, by data set
	shapeOf := func(task runner.Task) (shape [2]int, ok bool) {
		key := task.Dataset + " " + task.DataOptions().Key()
		shape, known := shapes[key]
		if !known && task.Dataset != "" {
			is, err := read.Describe(sweeps.Source{Name: task.Dataset, Target: task.Target, Kind: task.Kind, Validation: task.ValidationPath, Test: task.TestPath, Schema: task.Schema})
			if err != nil {
				return shape, false
			}
			shape = [2]int{is.Features, is.Classes}
		}
		shapes[key] = shape
		return shape, true
	}
	m := &Memory{}
	for _, t := range trials {
		shape, ok := shapeOf(t.Task)
		if !ok || t.Task.Command != nil || t.Task.Objective != nil {
			return nil
		}
		m.Trial = max(m.Trial, t.Needs(shape[0], shape[1]))
	}
	if m.Trial == 0 {
		return nil
	}
	type cohort struct {
		bytes  float64
		trials int
	}
	var cohorts []cohort
	for _, c := range runner.Cohorts(trials, workers) {
		most := 0.0
		for _, t := range c {
			shape, _ := shapeOf(t.Task)
			most = max(most, t.NeedsOf(len(c), shape[0], shape[1]))
		}
		cohorts = append(cohorts, cohort{most, len(c)})
	}
	slices.SortStableFunc(cohorts, func(a, b cohort) int { return cmp.Compare(b.bytes, a.bytes) })
	for _, c := range cohorts[:min(max(workers, 1), len(cohorts))] {
		m.AtOnce += c.bytes
		m.Trials += c.trials
	}
	free, limit := available()
	m.Fits, m.limit = m.Trial <= free, limit
	return m
}

// String says it for people. Where not all fit at once, cohorts wait for each other: only a trial that does not fit is too
// much.
func (m *Memory) String() string {
	text := fmt.Sprintf("memory: at least %s a trial", runner.Bytes(m.Trial))
	if m.Trials > 1 {
		text += fmt.Sprintf(", %s for the %d that are trained at once", runner.Bytes(m.AtOnce), m.Trials)
	}
	if !m.Fits {
		text += ": too much, as " + m.limit
	}
	return text
}
