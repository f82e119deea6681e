package compare

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Map is a plane of two axes, for points that are alike on all others.
type Map struct {
	Title         string // what the points share: "adam · l2 · batch 64"
	Columns, Rows Axis
	Cells         [][]int // by row and column, of Report.Points; -1 if the grid has none
	Best          int     // of Report.Points
}

// An Axis is one direction of a grid.
type Axis struct {
	Name  string // lr, λ, optimizer, batch
	Ticks []Tick
}

// A Tick is a value on an axis. Number is NaN if it is a word.
type Tick struct {
	Text   string
	Number float64
}

// Numeric reports whether all values are numbers.
func (a Axis) Numeric() bool {
	return !slices.ContainsFunc(a.Ticks, func(l Tick) bool { return math.IsNaN(l.Number) })
}

// AxisNames are the axes that maps can have.
func (r *Report) AxisNames() []string {
	var names []string
	if r.HasLR() {
		names = append(names, "lr")
	}
	if r.HasLambda() {
		names = append(names, "lambda")
	}
	return append(append(names, "optimizer", "regularizer"), r.FurtherAxes()...)
}

// CheckAxes refuses axes that the points do not have; empty names are lr and lambda. It accepts a command without
// these, which has no maps.
func (r *Report) CheckAxes(columns, rows string) error {
	c, errC := r.axisName(cmp.Or(columns, "lr"))
	l, errL := r.axisName(cmp.Or(rows, "lambda"))
	switch {
	case columns != "" && columns != "lr" && errC != nil:
		return errC
	case rows != "" && rows != "lambda" && errL != nil:
		return errL
	case errC == nil && c == l:
		return fmt.Errorf("a map has two axes, and both are %s", c)
	}
	return nil
}

// axisName is the name of the axis that a word of the user means.
func (r *Report) axisName(word string) (string, error) {
	path, err := r.Names.Resolve(word)
	if err != nil {
		path = word
	}
	name := r.Names.Of(path)
	if known := r.AxisNames(); !slices.Contains(known, name) {
		var unknown *runner.AxisError
		if errors.As(err, &unknown) && len(unknown.Candidates) > 1 {
			return "", err
		}
		return "", &runner.AxisError{Name: word, Known: known}
	}
	return name, nil
}

// tick is a point's place on an axis.
func (s *Point) tick(axis string) Tick {
	switch axis {
	case "lr":
		return Tick{stats.Number(s.LR), s.LR}
	case "lambda":
		return Tick{stats.Number(s.Lambda), s.Lambda}
	case "optimizer":
		return Tick{s.Optimizer, math.NaN()}
	case "regularizer":
		return Tick{cmp.Or(s.Regularizer, "–"), math.NaN()}
	}
	for _, a := range s.Axes {
		if a.Path == axis {
			return Tick{a.Value.String(), numberOf(a.Value)}
		}
	}
	return Tick{"–", math.NaN()}
}

func numberOf(v plugins.Value) float64 {
	switch v.Type {
	case plugins.TypeInteger:
		return float64(v.Integer)
	case plugins.TypeReal:
		return v.Real
	}
	return math.NaN()
}

// Maps makes one map for each optimizer and regularizer whose points differ on one of the two axes, best first. All
// other axes have the values of the best of these points. Points without a penalty belong to every regularizer. Axes
// that do not exist make no map: see [Report.CheckAxes].
func (r *Report) Maps(columns, rows string) []Map {
	columns, err := r.axisName(cmp.Or(columns, "lr"))
	if err != nil {
		return nil
	}
	if rows, err = r.axisName(cmp.Or(rows, "lambda")); err != nil || rows == columns {
		return nil
	}
	type kind struct{ optimizer, regularizer string }
	of := func(s *Point, regularizer string) kind {
		k := kind{s.Optimizer, regularizer}
		if columns == "optimizer" || rows == "optimizer" {
			k.optimizer = ""
		}
		if columns == "regularizer" || rows == "regularizer" {
			k.regularizer = ""
		}
		return k
	}
	penalties := map[string][]string{} // by optimizer
	for _, s := range r.Points {
		if s.Regularizer != "" && !slices.Contains(penalties[s.Optimizer], s.Regularizer) {
			penalties[s.Optimizer] = append(penalties[s.Optimizer], s.Regularizer)
		}
	}
	var order []kind
	members := map[kind][]int{}
	for i := range r.Points {
		s := &r.Points[i]
		versions := []string{s.Regularizer}
		if s.Regularizer == "" && len(penalties[s.Optimizer]) > 0 {
			versions = penalties[s.Optimizer]
		}
		for _, version := range versions {
			k := of(s, version)
			if members[k] == nil {
				order = append(order, k)
			}
			if n := len(members[k]); n == 0 || members[k][n-1] != i {
				members[k] = append(members[k], i)
			}
		}
	}
	var all []Map
	for _, k := range order {
		m := r.plane(members[k], columns, rows)
		if len(m.Columns.Ticks) < 2 && len(m.Rows.Ticks) < 2 {
			continue
		}
		var words []string
		for _, word := range []string{k.optimizer, k.regularizer, m.Title} {
			if word != "" {
				words = append(words, word)
			}
		}
		m.Title = strings.Join(words, " · ")
		all = append(all, m)
	}
	return all
}

// plane arranges points, best first, on two axes. Its title lists the values of the other axes.
func (r *Report) plane(points []int, columns, rows string) Map {
	best := &r.Points[points[0]]
	m := Map{Best: points[0], Columns: Axis{Name: axisTitle(columns)}, Rows: Axis{Name: axisTitle(rows)}}
	held := slices.DeleteFunc(r.AxisNames(), func(name string) bool {
		return name == columns || name == rows || name == "optimizer" || name == "regularizer"
	})
	varied := map[string]bool{}
	var kept []int
	for _, i := range points {
		s, same := &r.Points[i], true
		for _, name := range held {
			if s.tick(name).Text != best.tick(name).Text {
				varied[name], same = true, false
			}
		}
		if same {
			kept = append(kept, i)
		}
	}
	var words []string
	for _, name := range held {
		if varied[name] {
			words = append(words, axisTitle(name)+" "+best.tick(name).Text)
		}
	}
	m.Title = strings.Join(words, " · ")
	m.Columns.Ticks, m.Rows.Ticks = r.ticks(kept, columns), r.ticks(kept, rows)
	m.Cells = make([][]int, len(m.Rows.Ticks))
	for row := range m.Cells {
		m.Cells[row] = slices.Repeat([]int{-1}, len(m.Columns.Ticks))
	}
	place := func(axis Axis) map[string]int {
		at := map[string]int{}
		for i, l := range axis.Ticks {
			at[l.Text] = i
		}
		return at
	}
	column, row := place(m.Columns), place(m.Rows)
	for _, i := range slices.Backward(kept) { // of two in one cell the best remains
		s := &r.Points[i]
		m.Cells[row[s.tick(rows).Text]][column[s.tick(columns).Text]] = i
	}
	return m
}

func axisTitle(name string) string {
	if name == "lambda" {
		return "λ"
	}
	return name
}

// ticks are the values on an axis: numbers by size, words in the order of the sweep.
func (r *Report) ticks(points []int, axis string) []Tick {
	inOrder := slices.Clone(points)
	slices.SortStableFunc(inOrder, func(a, b int) int { return cmp.Compare(r.Points[a].order, r.Points[b].order) })
	seen := map[string]bool{}
	var list []Tick
	for _, i := range inOrder {
		if l := r.Points[i].tick(axis); !seen[l.Text] {
			seen[l.Text] = true
			list = append(list, l)
		}
	}
	if (Axis{Ticks: list}).Numeric() {
		slices.SortFunc(list, func(a, b Tick) int { return cmp.Compare(a.Number, b.Number) })
	}
	return list
}

// A State is the reason why a point cannot be compared.
type State int

// The states. Of several that hold for a point, diverged and failed go before the others.
const (
	StateComplete State = iota
	StateDiverged
	StateFailed
	StatePruned
	StateMissing // not run, in training, or not all of its seeds
)

// State is the point's state.
func (s *Point) State() State {
	switch {
	case s.Count(runner.StatusDiverged) > 0:
		return StateDiverged
	case s.Count(runner.StatusFailed) > 0:
		return StateFailed
	case s.Complete:
		return StateComplete
	case s.Count(runner.StatusPruned) > 0:
		return StatePruned
	}
	return StateMissing
}

// AxisOf is an axis with the points' values, and the place of each value on it.
func (r *Report) AxisOf(name string, points []int) (Axis, map[string]int) {
	name, err := r.axisName(name)
	if err != nil {
		return Axis{}, nil
	}
	axis := Axis{Name: axisTitle(name), Ticks: r.ticks(points, name)}
	at := map[string]int{}
	for i, t := range axis.Ticks {
		at[t.Text] = i
	}
	return axis, at
}

// TickOf is the text of a point's value on an axis.
func (r *Report) TickOf(point int, axis Axis) string {
	name, err := r.axisName(axis.Name)
	if err != nil {
		return "–"
	}
	return r.Points[point].tick(name).Text
}

// StatName is the name of the statistic over seeds, such as mean.
func (r *Report) StatName() string { return r.Stat.name() }
