package sweeps

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// maxExtra limits the points outside the grid, each of which is looked up in it.
const maxExtra = 10_000

// An extraRow is a point outside the grid as it is written: the axes it gives a value.
type extraRow struct {
	at     span
	values *node
}

// penalized reports whether the point has a penalty.
func (r extraRow) penalized() bool {
	e := r.values.find("lambda")
	return e != nil && (e.value.kind == nodeReal && e.value.real > 0 || e.value.kind == nodeInteger && e.value.integer > 0)
}

// extraRows reads [[extra]]: points inline, and from tables in CSV.
func (d *decoder) extraRows(ctx context.Context, e *entry) (rows []extraRow) {
	if e == nil {
		return nil
	}
	if e.value.kind != nodeArray {
		d.report(e.at, Problem{Message: fmt.Sprintf("`extra` is a list of tables, got %s", e.value.kind), Help: "[[extra]]\nlr = 0.2"})
		return nil
	}
	for _, item := range e.value.items {
		s := d.section(&entry{name: e.name, at: item.at, value: item}, "[[extra]]")
		from := s.node.find("csv")
		switch {
		case s.absent:
		case from == nil:
			rows = append(rows, extraRow{item.at, item})
		case len(s.node.entries) > 1:
			s.only([]string{"csv"}, nil)
		default:
			rows = append(rows, s.table(ctx)...)
		}
	}
	if len(rows) > maxExtra {
		d.report(e.at, Problem{Message: fmt.Sprintf("%d points outside the grid are more than %d", len(rows), maxExtra)})
		return nil
	}
	return rows
}

// table reads points from a table in CSV, whose first line has the names of the axes.
func (s section) table(ctx context.Context) (rows []extraRow) {
	name := s.text("csv", "")
	if name == "" {
		return nil
	}
	text, err := s.catalog.Text(ctx, s.resolve(name))
	if err != nil {
		s.reportError(s.place("csv"), err)
		return nil
	}
	doc := newDocument(s.resolve(name), text)
	base := s.attach(doc)
	r := csv.NewReader(strings.NewReader(doc.source))
	r.TrimLeadingSpace = true
	var header []string
	for {
		record, err := r.Read()
		var wrong *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			if header == nil {
				s.report(s.place("csv"), Problem{Message: fmt.Sprintf("%s is empty", name), Help: "its first line has the names of the axes"})
			}
			return rows
		case errors.As(err, &wrong):
			at := base + doc.lines[min(wrong.Line, len(doc.lines))-1] + wrong.Column - 1
			s.report(span{at, at + 1}, Problem{Message: wrong.Err.Error()})
			return rows
		case err != nil:
			s.reportError(s.place("csv"), err)
			return rows
		case header == nil:
			header = slices.Clone(record)
			continue
		}
		values := &node{kind: nodeTable}
		for i, field := range record {
			line, column := r.FieldPos(i)
			from := base + doc.lines[line-1] + column - 1
			n := cell(field)
			n.at = span{from, from + max(1, len(field))}
			if i == 0 {
				values.at = n.at
			}
			if values.find(header[i]) == nil && field != "" {
				values.add(header[i], n.at, n)
			}
		}
		rows = append(rows, extraRow{values.at, values})
	}
}

// cell is what a field of a table means: a number, true or false, or else a text.
func cell(field string) *node {
	if i, err := strconv.ParseInt(field, 10, 64); err == nil {
		return &node{kind: nodeInteger, integer: i}
	}
	if x, err := strconv.ParseFloat(field, 64); err == nil {
		return &node{kind: nodeReal, real: x}
	}
	if field == "true" || field == "false" {
		return &node{kind: nodeFlag, flag: field == "true"}
	}
	return &node{kind: nodeText, text: field}
}

// extra turns the rows into points. It is called when the grid is known.
func (d *decoder) extra(ctx context.Context, rows []extraRow) {
	if len(d.problems) > 0 || len(rows) == 0 {
		return
	}
	seen := map[runner.Key]bool{}
	groups := d.spec.groups()
	for _, r := range rows {
		for _, p := range d.extraPoints(ctx, r) {
			key := d.spec.trial(p, 0).Point()
			if seen[key] || d.spec.has(groups, key, p) {
				d.spec.extraFolded++
				continue
			}
			seen[key] = true
			d.spec.Extra = append(d.spec.Extra, p)
		}
	}
}

// extraPoints is the point of one row: several where the row names a table of optimizers or
// regularizers that has a grid of its own.
func (d *decoder) extraPoints(ctx context.Context, r extraRow) (points []Point) {
	before := len(d.problems)
	s := section{decoder: d, title: "[[extra]]", node: r.values, at: r.at}
	known := []string{"lr", "lambda", "optimizer", "regularizer"}
	for _, axis := range d.spec.Axes {
		known = append(known, axis.Name)
	}
	s.only(known, nil)
	p := Point{regularizer: -1}
	p.lr = s.number(plugins.RealSetting("lr", 0, "").Above(0), d.spec.LR)
	p.lambda = s.number(plugins.RealSetting("lambda", 0, "").AtLeast(0), d.spec.Lambda)
	values := map[string]*node{}
	for i, axis := range d.spec.Axes {
		var v plugins.Value
		e := r.values.find(axis.Name)
		switch {
		case e == nil && len(axis.Values) > 1:
			s.missing(axis.Name, fmt.Sprintf("the axis has %d values in [grid], so a point has to say which", len(axis.Values)))
			continue
		case e == nil:
			v = axis.Values[0]
			if axis.ofTask {
				values[axis.Name] = d.tasks.values[slices.Index(d.tasks.names, axis.Name)][0]
			}
		case axis.ofTask:
			v, values[axis.Name] = nameOfNode(e.value), e.value
		default:
			var ok bool
			if v, ok = s.scalar(axis.Name, e.value); !ok {
				continue
			}
			if i := slices.IndexFunc(d.spec.Axes[i].Values, func(w plugins.Value) bool { return w.Type == plugins.TypeReal }); i >= 0 && v.Type == plugins.TypeInteger {
				v = plugins.Real(float64(v.Integer))
			}
		}
		p.axes = append(p.axes, runner.Setting{Path: axis.Name, Value: v})
	}
	optimizers := s.labelled("optimizer", d.spec.Optimizers)
	regularizers := []int{-1}
	if len(d.spec.Regularizers) > 0 && (p.lambda != 0 || d.spec.Task.Command != nil) {
		regularizers = s.labelled("regularizer", d.spec.Regularizers)
	}
	if len(d.problems) > before {
		return nil
	}
	if d.tasks != nil {
		t := d.variant(ctx, values)
		d.spec.Task = d.spec.Tasks[0]
		if len(d.problems) > before {
			return nil
		}
		key := runner.Trial{Task: t}.Key()
		if p.task = slices.IndexFunc(d.spec.Tasks, func(u runner.Task) bool { return runner.Trial{Task: u}.Key() == key }); p.task < 0 {
			p.task = len(d.spec.Tasks)
			d.spec.Tasks = append(d.spec.Tasks, t)
		}
	}
	axes := p.axes
	for _, p.optimizer = range optimizers {
		for _, p.regularizer = range regularizers {
			p.axes = d.spec.varied(p, axes)
			points = append(points, p)
		}
	}
	return points
}

// number reads a value of an axis of numbers, which may be left out where the grid has only one.
func (s section) number(setting plugins.Setting, grid []float64) float64 {
	v, given := s.get(setting)
	if given || s.node.find(setting.Name) != nil {
		return v.Real
	}
	if len(grid) != 1 {
		s.missing(setting.Name, fmt.Sprintf("the axis has %d values in [grid], so a point has to say which", len(grid)))
		return 0
	}
	return grid[0]
}

// labelled reads which of the tables is meant: the indices of its choices.
func (s section) labelled(key string, choices []runner.Choice) (indices []int) {
	var labels []string
	for _, c := range choices {
		if !slices.Contains(labels, c.Label) {
			labels = append(labels, c.Label)
		}
	}
	e := s.node.find(key)
	label := ""
	switch {
	case e == nil && len(labels) > 1:
		s.missing(key, fmt.Sprintf("the sweep has %s, so a point has to say which", list(labels)))
		return nil
	case e == nil && len(labels) == 1:
		label = labels[0]
	case e == nil:
		return nil
	case e.value.kind != nodeText:
		s.wrongType(key, nodeText, e.value)
		return nil
	default:
		label = e.value.text
	}
	for i, c := range choices {
		if c.Label == label {
			indices = append(indices, i)
		}
	}
	if len(indices) == 0 {
		s.report(s.place(key), Problem{Message: fmt.Sprintf("the sweep has no %s `%s`", key, clip(label)), Label: didYouMean(label, labels),
			Help: fmt.Sprintf("%ss: %s", key, list(labels))})
	}
	return indices
}

// has reports whether the grid has a point: it looks along each group for a position that differs in
// nothing, and compares keys only there.
func (s *Spec) has(groups []group, key runner.Key, p Point) bool {
	indices := make([]int, byAxis+len(s.Axes))
	var each func(at int) bool
	each = func(at int) bool {
		if at == len(groups) {
			penalized := s.Task.Command != nil || s.Lambda[indices[byLambda]] != 0
			return s.trial(s.point(indices, map[string]shared{}, penalized), 0).Point() == key
		}
		g := &groups[at]
		for position := range g.n {
			fits := true
			for i, dim := range g.dims {
				indices[dim] = g.index(position, i)
				switch dim {
				case byOptimizer:
					fits = fits && same(s.Optimizers[indices[dim]], s.Optimizers[p.optimizer])
				case byRegularizer:
					fits = fits && (p.regularizer < 0 || same(s.Regularizers[indices[dim]], s.Regularizers[p.regularizer]))
				case byLR:
					fits = fits && s.LR[indices[dim]] == p.lr
				case byLambda:
					fits = fits && s.Lambda[indices[dim]] == p.lambda
				}
			}
			if fits && each(at+1) {
				return true
			}
		}
		return false
	}
	return each(0)
}
