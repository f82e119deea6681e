// Package weights puts the coefficients of trained models side by side: of one run, or of the seeds of a point with their
// mean and its interval. It prints them as text, Markdown, CSV, JSON and as a figure.
package weights

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/keeping"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/runner/trained"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Table has the coefficients of the models of one point, which differ in their seed only.
type Table struct {
	Sweep  string
	Point  string // in words
	Runs   []int64
	Seeds  []int64
	Single bool // one run was named, whose values are shown as they are

	model        *trained.Model // any of them
	outputs      []output
	standardized bool // training had other scales than the columns
	overlap      float64
}

// An output has the coefficients of a class of a softmax, or all of another model.
type output struct {
	class     string
	intercept coefficient
	rows      []coefficient // in the order of the inputs
}

// A coefficient is a weight over the seeds that have its input.
type coefficient struct {
	input string
	value stats.Interval // on the original scale of the column
	own   stats.Interval // as training had it
	zeros int            // seeds in which it is 0
}

// Read reads the weights of the seeds of a sweep's best point, or of a run if one is named. lacking says which parts of the
// sweep are not there yet.
func Read(ctx context.Context, k keeping.Keeper, sweep, run string) (t *Table, lacking string, err error) {
	found, err := question.ChooseRun(ctx, k.Store, sweep, run)
	if err != nil {
		return nil, "", err
	}
	runs, overlap := []store.Run{found.Run}, 0.0
	if found.Report != nil {
		overlap = found.Report.Overlap
		runs = runs[:0]
		for _, seed := range found.Point.Seeds {
			if seed.Run == 0 || !seed.Status.Keeps() {
				continue
			}
			r, err := k.Store.Run(ctx, seed.Run)
			if err != nil {
				return nil, "", err
			}
			runs = append(runs, r)
		}
	}
	models, err := k.Models(ctx, runs)
	if err != nil {
		return nil, "", err
	}
	if t, err = New(models, overlap); err != nil {
		return nil, "", err
	}
	label, err := question.LabelOf(ctx, k.Store, found.Run)
	t.Sweep, t.Point, t.Single = found.Sweep, label.String(), found.Report == nil
	for _, r := range runs {
		t.Runs, t.Seeds = append(t.Runs, r.ID), append(t.Seeds, r.Seed)
	}
	return t, found.Lacking, err
}

// New reads the coefficients of models. overlap is that of the folds that the seeds are; 0 for none.
func New(models []*trained.Model, overlap float64) (*Table, error) {
	t := &Table{model: models[0], overlap: overlap}
	all := make([]trained.Coefficients, len(models))
	for i, m := range models {
		var err error
		if all[i], err = m.Coefficients(); err != nil {
			return nil, advice.Usage(err, "xrun weights reads linear, logistic and softmax models; xrun best -o model.safetensors writes the layers of others, and xrun predict uses them")
		}
		t.standardized = t.standardized || all[i].Standardized
	}
	inputs := union(all)
	for k, class := range all[0].Outputs {
		o := output{class: class}
		var values, own []float64
		for _, c := range all {
			values, own = append(values, c.Intercepts[k]), append(own, c.OwnIntercepts[k])
		}
		o.intercept = t.coefficient("(intercept)", values, own)
		for _, input := range inputs {
			values, own = nil, nil
			for i, c := range all {
				if j, ok := input.at[i]; ok {
					values, own = append(values, c.Weights[k][j]), append(own, c.Own[k][j])
				}
			}
			o.rows = append(o.rows, t.coefficient(input.name, values, own))
		}
		t.outputs = append(t.outputs, o)
	}
	return t, nil
}

// coefficient has the mean of values over seeds, with the interval that comparisons have.
func (t *Table) coefficient(input string, values, own []float64) coefficient {
	q := compare.Question{Overlap: t.overlap}
	c := coefficient{input: input, value: q.Interval(values), own: q.Interval(own)}
	for _, v := range values {
		if v == 0 {
			c.zeros++
		}
	}
	return c
}

// An input of some of the models, and its place in each that has it.
type input struct {
	name string
	at   map[int]int
}

// union lists the inputs that any of the models has. Levels of a category may lack in the training rows of a seed; those
// that only later models have stand behind their neighbour.
func union(all []trained.Coefficients) (inputs []*input) {
	place := map[string]*input{}
	for i, c := range all {
		var before *input
		for j, name := range c.Inputs {
			in := place[name]
			if in == nil {
				in = &input{name: name, at: map[int]int{}}
				place[name] = in
				behind := len(inputs)
				if i > 0 {
					behind = slices.Index(inputs, before) + 1 // 0 if it is the first
				}
				inputs = slices.Insert(inputs, behind, in)
			}
			in.at[i] = j
			before = in
		}
	}
	return inputs
}

// largest lists the first rows by size, the largest first; 0 is all of them. left is the number of others.
func (o output) largest(top int, of func(coefficient) stats.Interval) (rows []coefficient, left int) {
	rows = slices.Clone(o.rows)
	slices.SortStableFunc(rows, func(a, b coefficient) int {
		return cmp.Compare(math.Abs(of(b).Value), math.Abs(of(a).Value))
	})
	if top > 0 && len(rows) > top {
		return rows[:top], len(rows) - top
	}
	return rows, 0
}

// zeros reports whether some weight is 0 in some seed, and counts the inputs without a weight in any seed and output.
func (t *Table) zeros() (some bool, always int) {
	for j := range t.outputs[0].rows {
		none := true
		for _, o := range t.outputs {
			c := o.rows[j]
			some = some || c.zeros > 0
			none = none && c.zeros == c.value.N
		}
		if none {
			always++
		}
	}
	return some, always
}

// lacking reports whether some seed lacks an input.
func (t *Table) lacking() bool {
	return slices.ContainsFunc(t.outputs[0].rows, func(c coefficient) bool { return c.value.N < len(t.Seeds) })
}

// Heading names the model, the sweep and the point of the table.
func (t *Table) Heading() string {
	of := fmt.Sprintf("%s of %s: %s, %s", t.model.Model, t.Sweep, t.Point, stats.Count(len(t.Seeds), "seed", "seeds"))
	if t.Single {
		of = fmt.Sprintf("%s of run %d of %s: %s, seed %d", t.model.Model, t.Runs[0], t.Sweep, t.Point, t.Seeds[0])
	}
	return of
}

// meaning says what a coefficient is.
func (t *Table) meaning() string {
	switch t.model.Model {
	case "logistic":
		return fmt.Sprintf("the change of the log-odds of %s %s for 1 more of the input", t.model.Target, t.model.Classes[1])
	case "softmax":
		return fmt.Sprintf("the change of a class's score for 1 more of the input, whose differences between classes are log-odds of %s", t.model.Target)
	}
	return fmt.Sprintf("the change of %s for 1 more of the input", t.model.Target)
}

// notes explain the numbers of the table.
func (t *Table) notes(own bool) (lines []string) {
	scale := "on the original scale of its column"
	if own {
		scale = "with a deviation of the training rows as 1"
	}
	lines = append(lines, "a coefficient, "+scale+", is "+t.meaning())
	if !own && slices.ContainsFunc(t.outputs, func(o output) bool {
		return slices.ContainsFunc(o.rows, func(c coefficient) bool { return c.own != c.value })
	}) {
		lines = append(lines, "sizes depend on the units of columns; --per-deviation shows and sorts what is comparable")
	}
	switch {
	case t.Single:
	case len(t.Seeds) == 1:
		lines = append(lines, "one seed has no interval; more seeds in the sweep file make one")
	case t.overlap > 0:
		lines = append(lines, "means over seeds ± half a 95 % t-interval, corrected for the rows that folds share (Nadeau & Bengio 2003)")
	default:
		lines = append(lines, "means over seeds ± half a 95 % t-interval: how much the seed moves them, not how much another sample would")
	}
	if t.model.Model == "softmax" {
		lines = append(lines, "the coefficients of the classes are as trained, not centred: adding one number to those of an input in all classes changes no prediction")
	}
	if t.lacking() {
		lines = append(lines, "n counts the seeds whose training rows have the input; means are over those")
	}
	if _, always := t.zeros(); always > 0 {
		lines = append(lines, fmt.Sprintf("%d of %s 0 in every seed", always, stats.Count(len(t.outputs[0].rows), "input is", "inputs are")))
	}
	return lines
}
