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

// sourceOf is the data of a task.
func sourceOf(t runner.Task) sweeps.Source {
	return sweeps.Source{Name: t.Dataset, Target: t.Target, Kind: t.Kind, Validation: t.ValidationPath, Test: t.TestPath, Schema: t.Schema}
}

// A Table is data whose columns are encoded.
type Table struct {
	Dataset string  `json:"dataset"`
	Rows    int     `json:"rows"`
	Columns int     `json:"columns"`
	Inputs  int     `json:"inputs"`      // at most: how many there are depends on the training rows
	Bytes   float64 `json:"bytes"`       // of all rows
	Split   float64 `json:"split_bytes"` // of the inputs of all rows, for each split that is trained on
}

// FindTables lists the data of trials that has to be encoded, as far as it can be read.
func FindTables(trials []runner.Trial, read *Datasets) (all []Table) {
	seen := map[string]bool{}
	for _, t := range trials {
		key := t.Task.Dataset + " " + t.Task.DataOptions().Key() + string(t.Task.DType)
		if t.Task.Dataset == "" || seen[key] {
			continue
		}
		seen[key] = true
		is, err := read.Describe(sourceOf(t.Task))
		if err != nil || is.Columns == 0 {
			continue
		}
		table := Table{Dataset: Short(t.Task.Dataset), Rows: is.Rows, Columns: is.Columns, Inputs: is.Features, Bytes: float64(is.Bytes),
			Split: float64(float64(t.Task.DType.Size()) * float64(is.Rows) * float64(is.Features))}
		if !slices.Contains(all, table) {
			all = append(all, table)
		}
	}
	return all
}

// String says it for people.
func (t Table) String() string {
	return fmt.Sprintf("data: %s has %d rows, and %d columns that become up to %d inputs: %s, and %s for each split", t.Dataset, t.Rows, t.Columns, t.Inputs,
		runner.Bytes(t.Bytes), runner.Bytes(t.Split))
}

// FindMemory says what memory trials take. It is nil where xrun does not know the size of what is trained, or cannot read
// the data; the sweep says why then.
func FindMemory(trials []runner.Trial, workers int, read *Datasets) *Memory {
	shapes := map[string][2]int{} // features and classes, by data set
	shapeOf := func(task runner.Task) (shape [2]int, ok bool) {
		key := task.Dataset + " " + task.DataOptions().Key()
		shape, known := shapes[key]
		if !known && task.Dataset != "" {
			is, err := read.Describe(sourceOf(task))
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
