package compare

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
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

// ZeroApart reports whether 0 is the first of numbers that lie evenly by logarithms, as in 0, 1e-3, 1e-2, 1e-1. It has no
// place among them by logarithms, and pictures set it apart.
func (a Axis) ZeroApart() bool {
	if len(a.Ticks) < 3 || !a.Numeric() || a.Ticks[0].Number != 0 {
		return false
	}
	positive := a.Ticks[1:]
	first, last := positive[0].Number, positive[len(positive)-1].Number
	if !(first > 0) || math.IsInf(last, 0) {
		return false
	}
	if len(positive) == 2 {
		return last/first >= 10
	}
	even, evenByLog := 0.0, 0.0 // distances from even places
	for i, t := range positive {
		place := float64(i) / float64(len(positive)-1)
		even += math.Abs((t.Number-first)/(last-first) - place)
		evenByLog += math.Abs((math.Log(t.Number)-math.Log(first))/(math.Log(last)-math.Log(first)) - place)
	}
	return evenByLog < even
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

// CheckAxes refuses axes that the points do not have; empty names are chosen as in [Report.Maps]. It accepts a command
// without two axes, which has no maps.
func (r *Report) CheckAxes(columns, rows string) error {
	chosenC, chosenL := r.mapAxes(columns, rows)
	c, errC := r.axisName(chosenC)
	l, errL := r.axisName(chosenL)
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

// key tells ticks apart. Numbers that read alike are different places.
func (t Tick) key() string {
	if math.IsNaN(t.Number) {
		return t.Text
	}
	return strconv.FormatFloat(t.Number+0, 'g', -1, 64) // −0 is 0
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

// mapAxes chooses the axes of maps that the user has not named: lr and λ, or in the place of one that has a single value a
// further axis that varies, numbers before words.
func (r *Report) mapAxes(columns, rows string) (string, string) {
	varies := func(name string) bool {
		for i := range r.Points {
			if r.Points[i].tick(name).key() != r.Points[0].tick(name).key() {
				return true
			}
		}
		return false
	}
	var numbers, words []string
	for _, name := range r.FurtherAxes() {
		axis, _ := r.AxisOf(name, r.all())
		problems := []string{runner.AxisDataset, runner.AxisTarget, runner.AxisKind} // a map is of one problem
		switch {
		case !varies(name) || slices.Contains(problems, r.Names.Path(name)):
		case axis.Numeric():
			numbers = append(numbers, name)
		default:
			words = append(words, name)
		}
	}
	further := append(numbers, words...)
	choose := func(usual, other string) string {
		if varies(usual) {
			return usual
		}
		if path, err := r.axisName(other); err == nil {
			other = path
		}
		for _, name := range further {
			if name != other {
				return name
			}
		}
		return usual
	}
	if columns == "" {
		columns = choose("lr", rows)
	}
	if rows == "" {
		rows = choose("lambda", columns)
	}
	return columns, rows
}

// all are the indices of the points.
func (r *Report) all() []int {
	all := make([]int, len(r.Points))
	for i := range all {
		all[i] = i
	}
	return all
}

// Maps makes one map for each optimizer and regularizer whose points differ on one of the two axes, best first. All
// other axes have the values of the best of these points. Points without a penalty belong to every regularizer. Axes
// that do not exist make no map: see [Report.CheckAxes].
func (r *Report) Maps(columns, rows string) []Map {
	columns, rows = r.mapAxes(columns, rows)
	columns, err := r.axisName(columns)
	if err != nil {
		return nil
	}
	if rows, err = r.axisName(rows); err != nil || rows == columns {
		return nil
	}
	var all []Map
	for _, f := range r.families(columns, rows) {
		if m := r.mapOf(f, columns, rows); len(m.Columns.Ticks) > 1 || len(m.Rows.Ticks) > 1 {
			all = append(all, m)
		}
	}
	return all
}

// A family is the points that share the optimizer and the regularizer, except where these are axes of the map.
type family struct {
	optimizer, regularizer string
	points                 []int
}

// families groups the points, in their order.
func (r *Report) families(columns, rows string) []family {
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
	var all []family
	index := map[kind]int{}
	for i := range r.Points {
		s := &r.Points[i]
		versions := []string{s.Regularizer}
		if s.Regularizer == "" && len(penalties[s.Optimizer]) > 0 {
			versions = penalties[s.Optimizer]
		}
		for _, version := range versions {
			k := of(s, version)
			at, known := index[k]
			if !known {
				at = len(all)
				index[k] = at
				all = append(all, family{optimizer: k.optimizer, regularizer: k.regularizer})
			}
			if f := &all[at]; len(f.points) == 0 || f.points[len(f.points)-1] != i {
				f.points = append(f.points, i)
			}
		}
	}
	return all
}

// mapOf is the map of a family, with its name in the title.
func (r *Report) mapOf(f family, columns, rows string) Map {
	m := r.plane(f.points, columns, rows)
	var words []string
	for _, word := range []string{f.optimizer, f.regularizer, m.Title} {
		if word != "" {
			words = append(words, word)
		}
	}
	m.Title = strings.Join(words, " · ")
	return m
}

// plane arranges points, best first, on two axes. Its title lists the values of the other axes.
func (r *Report) plane(points []int, columns, rows string) Map {
	best := &r.Points[points[0]]
	m := Map{Best: points[0], Columns: Axis{Name: axisTitle(columns)}, Rows: Axis{Name: axisTitle(rows)}}
	type fixed struct{ name, key string }
	var held []fixed
	for _, name := range r.AxisNames() {
		if name != columns && name != rows && name != "optimizer" && name != "regularizer" {
			held = append(held, fixed{name, best.tick(name).key()})
		}
	}
	varied := map[string]bool{}
	var kept []int
	for _, i := range points {
		s, same := &r.Points[i], true
		for _, h := range held {
			if s.tick(h.name).key() != h.key {
				varied[h.name], same = true, false
			}
		}
		if same {
			kept = append(kept, i)
		}
	}
	var words []string
	for _, h := range held {
		if varied[h.name] {
			words = append(words, axisTitle(h.name)+" "+best.tick(h.name).Text)
		}
	}
	m.Title = strings.Join(words, " · ")
	m.Columns.Ticks, m.Rows.Ticks = r.ticks(kept, columns), r.ticks(kept, rows)
	m.Cells = make([][]int, len(m.Rows.Ticks))
	for row := range m.Cells {
		m.Cells[row] = slices.Repeat([]int{-1}, len(m.Columns.Ticks))
	}
	column, row := m.Columns.places(), m.Rows.places()
	for _, i := range slices.Backward(kept) { // of two in one cell the best remains
		s := &r.Points[i]
		m.Cells[row[s.tick(rows).key()]][column[s.tick(columns).key()]] = i
	}
	return m
}

// places are the places of ticks on the axis, by key.
func (a Axis) places() map[string]int {
	at := make(map[string]int, len(a.Ticks))
	for i, t := range a.Ticks {
		at[t.key()] = i
	}
	return at
}

func axisTitle(name string) string {
	if name == "lambda" {
		return "λ"
	}
	return name
}

// ticks are the values on an axis: numbers by size, words in the order of the sweep.
func (r *Report) ticks(points []int, axis string) []Tick {
	first := map[string]int{} // the point of a value that comes first in the sweep
	for _, i := range points {
		key := r.Points[i].tick(axis).key()
		if j, seen := first[key]; !seen || r.Points[i].order < r.Points[j].order {
			first[key] = i
		}
	}
	inOrder := slices.Collect(maps.Values(first))
	slices.SortFunc(inOrder, func(a, b int) int { return cmp.Or(cmp.Compare(r.Points[a].order, r.Points[b].order), a-b) })
	var list []Tick
	for _, i := range inOrder {
		list = append(list, r.Points[i].tick(axis))
	}
	if (Axis{Ticks: list}).Numeric() {
		slices.SortFunc(list, func(a, b Tick) int { return cmp.Compare(a.Number, b.Number) })
	}
	if axis == "lr" || axis == "lambda" {
		numbers := make([]float64, len(list))
		for i, t := range list {
			numbers[i] = t.Number
		}
		for i, text := range stats.Apart(numbers) {
			list[i].Text = text
		}
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

// AxisOf is an axis with the values of points, and the place of each of the points on it.
func (r *Report) AxisOf(name string, points []int) (Axis, []int) {
	name, err := r.axisName(name)
	if err != nil {
		return Axis{}, nil
	}
	axis := Axis{Name: axisTitle(name), Ticks: r.ticks(points, name)}
	at := axis.places()
	places := make([]int, len(points))
	for k, i := range points {
		places[k] = at[r.Points[i].tick(name).key()]
	}
	return axis, places
}

// StatName is the name of the statistic over seeds, such as mean.
func (r *Report) StatName() string { return r.Stat.name() }

// ParallelAxes are the axes on which some points differ, with the place of each of the points on each. A regularizer that
// points only have or lack is none of them: λ shows it.
func (r *Report) ParallelAxes(points []int) (axes []Axis, places [][]int) {
	for _, name := range r.AxisNames() {
		axis, at := r.AxisOf(name, points)
		oneKind := name == "regularizer" && len(axis.Ticks) == 2 && slices.ContainsFunc(axis.Ticks, func(t Tick) bool { return t.Text == "–" })
		if len(axis.Ticks) > 1 && !oneKind {
			axes, places = append(axes, axis), append(places, at)
		}
	}
	return axes, places
}
