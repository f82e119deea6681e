package sweeps

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// extras reads [[extra]]: points outside the grid, each a table or the rows of a CSV file.
func (d *decoder) extras(ctx context.Context, root *document.Node) {
	e := root.Find("extra")
	if e == nil || len(d.problems) > 0 { // what the grid has must be known
		return
	}
	if e.Value.Kind != document.Array {
		d.report(e.At, document.Problem{Message: fmt.Sprintf("`extra` is a list of tables, got %s", e.Value.Kind), Help: "[[extra]]\nlr = 0.2"})
		return
	}
	for _, item := range e.Value.Items {
		s := d.section(&document.Entry{Name: e.Name, At: item.At, Value: item}, extraTable.title).of(extraTable)
		if s.absent {
			continue
		}
		if file := s.node.Find("csv"); file != nil {
			s.only()
			d.extraFile(ctx, s)
			continue
		}
		d.extraPoint(ctx, s)
	}
	d.countTrials(root.Find("grid"))
}

// extraFile reads extra points from a CSV file, whose header names axes.
func (d *decoder) extraFile(ctx context.Context, s section) {
	name := s.text("csv")
	if name == "" {
		return
	}
	name = s.resolve(name)
	text, err := d.catalog.Text(ctx, name)
	if err != nil {
		d.reportError(s.place("csv"), err)
		return
	}
	file := document.New(name, bytes.TrimPrefix(text, []byte("\uFEFF")))
	other := &decoder{Document: file, catalog: d.catalog, spec: d.spec, places: d.places, taskTable: d.taskTable, taskAxes: d.taskAxes}
	other.extraRows(ctx)
	d.problems = append(d.problems, other.problems...)
}

// extraRows reads the points of the decoder's file.
func (d *decoder) extraRows(ctx context.Context) {
	r := csv.NewReader(bytes.NewReader(d.Text))
	r.FieldsPerRecord = 0 // as many as the header
	r.TrimLeadingSpace = true
	var header []string
	for rows := 0; len(d.problems) < document.MaxProblems; rows++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			if rows < 2 {
				d.report(document.Span{}, document.Problem{Message: "the file has no points", Help: "a header with the names of axes, and a row for each point"})
			}
			return
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			at := d.Offset(wrong.Line, max(1, wrong.Column))
			d.report(document.Span{From: at, To: at + 1}, document.Problem{Message: wrong.Err.Error()})
			return
		}
		if header == nil {
			header = record
			continue
		}
		line, _ := r.FieldPos(0)
		from := d.Offset(line, 1)
		s := section{decoder: d, title: "the row", node: &document.Node{Kind: document.Table}, at: document.Span{From: from, To: from + len(strings.Join(record, ","))}}
		for i, field := range record {
			line, column := r.FieldPos(i)
			at := d.Offset(line, column)
			if axis := strings.TrimSpace(header[i]); strings.TrimSpace(field) != "" && s.node.Find(axis) == nil {
				s.node.Add(axis, document.Span{From: at, To: at + len(field)}, fieldNode(strings.TrimSpace(field), document.Span{From: at, To: at + len(field)}))
			}
		}
		d.extraPoint(ctx, s)
	}
}

// fieldNode is a field of a CSV file as a value of a sweep file.
func fieldNode(text string, at document.Span) *document.Node {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return &document.Node{Kind: document.Integer, Integer: n, At: at}
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return &document.Node{Kind: document.Real, Real: x, At: at}
	}
	if text == "true" || text == "false" {
		return &document.Node{Kind: document.Flag, Flag: text == "true", At: at}
	}
	return &document.Node{Kind: document.Text, Text: text, At: at}
}

// extraPoint adds a point. An axis that it does not name has the one value that the grid has of it.
func (d *decoder) extraPoint(ctx context.Context, s section) {
	before := len(d.problems)
	known := slices.Clone(ownAxes)
	for _, axis := range d.spec.Axes {
		known = append(known, axis.Name)
	}
	for _, e := range s.node.Entries {
		if !slices.Contains(known, e.Name) {
			p := document.Problem{Message: fmt.Sprintf("%s has `%s`, which is no axis of [grid]", s.title, document.Clip(e.Name)), Label: document.DidYouMean(e.Name, known), Help: "axes: " + document.List(known)}
			if taskTable.find(e.Name, "") != nil {
				p.Help = fmt.Sprintf("make it one: %s = [%s] in [grid]", e.Name, "…")
			}
			d.report(e.At, p)
		}
	}
	lr, ok1 := d.extraNumber(s, axisSetting("lr"), d.spec.LR)
	lambda, ok2 := d.extraNumber(s, axisSetting("lambda"), d.spec.Lambda)
	optimizers, ok3 := d.extraChoice(s, plugins.KindOptimizer)
	regularizers, ok4 := []int{-1}, true // which is what λ = 0 is the same under
	if !ok2 || lambda != 0 || d.spec.Task.Command != nil || s.node.Find("regularizer") != nil {
		regularizers, ok4 = d.extraChoice(s, plugins.KindRegularizer)
	}
	v, ok5 := d.extraVariant(ctx, s)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || len(d.problems) > before {
		return
	}
	firstOptimizer, firstRegularizer := firsts(d.spec.Optimizers, same), firsts(d.spec.Regularizers, same)
	for _, o := range optimizers {
		for _, r := range regularizers {
			p := point{optimizer: firstOptimizer[o], regularizer: r, variant: v, lr: lr, lambda: lambda}
			if r >= 0 {
				p.regularizer = firstRegularizer[r]
			}
			if p.regularizer < 0 && lambda > 0 {
				d.report(s.at, document.Problem{Message: "an extra point has a lambda, but the sweep has no regularizer", Help: "add [regularizers.l2]"})
				return
			}
			d.spec.extra = append(d.spec.extra, d.spec.canonical(p))
		}
	}
}

// extraNumber reads the learning rate or λ of an extra point.
func (d *decoder) extraNumber(s section, setting plugins.Setting, values []float64) (float64, bool) {
	e := s.node.Find(setting.Name)
	if e == nil {
		if len(values) == 1 {
			return values[0], true
		}
		d.mustSay(s, setting.Name, len(values))
		return 0, false
	}
	v, ok := d.check(setting, setting.Name, e.Value)
	return v.Real, ok
}

// extraChoice reads the optimizer or the regularizer of an extra point: every choice of that label.
func (d *decoder) extraChoice(s section, kind plugins.Kind) (all []int, ok bool) {
	choices := d.spec.Optimizers
	if kind == plugins.KindRegularizer {
		choices = d.spec.Regularizers
		if len(choices) == 0 {
			return []int{-1}, true
		}
	}
	var labels []string
	for _, c := range choices {
		if !slices.Contains(labels, c.Label) {
			labels = append(labels, c.Label)
		}
	}
	label := labels[0]
	switch e := s.node.Find(string(kind)); {
	case e == nil && len(labels) > 1:
		d.mustSay(s, string(kind), len(labels))
		return nil, false
	case e != nil && e.Value.Kind != document.Text:
		d.wrongType(string(kind), document.Text, e.Value)
		return nil, false
	case e != nil && !slices.Contains(labels, e.Value.Text):
		d.report(e.Value.At, document.Problem{Message: fmt.Sprintf("the sweep has no %s `%s`", kind, document.Clip(e.Value.Text)), Label: document.DidYouMean(e.Value.Text, labels), Help: fmt.Sprintf("%ss: %s", kind, document.List(labels))})
		return nil, false
	case e != nil:
		label = e.Value.Text
	}
	for i, c := range choices {
		if c.Label == label {
			all = append(all, i)
		}
	}
	return all, true
}

func (d *decoder) mustSay(s section, axis string, values int) {
	d.report(s.at, document.Problem{Message: fmt.Sprintf("%s does not say `%s`, of which the grid has %d values", s.title, axis, values)})
}

// extraVariant finds the task of an extra point, and reads it if the grid has no such values.
func (d *decoder) extraVariant(ctx context.Context, s section) (int, bool) {
	var axes []alternative
	var values []*document.Node
	want := variant{task: d.spec.Task}
	for i, axis := range d.spec.Axes {
		e := s.node.Find(axis.Name)
		if e == nil {
			if len(axis.Values) > 1 {
				d.mustSay(s, axis.Name, len(axis.Values))
				return 0, false
			}
			want.axes = append(want.axes, d.spec.variants[0].axes[i])
			if d.spec.Task.Command == nil {
				axes, values = append(axes, d.taskAxes[i]), append(values, d.taskAxes[i].values[0])
			}
			continue
		}
		want.axes = append(want.axes, settingsOf([]alternative{{key: e}}, []*document.Node{e.Value})...)
		axes, values = append(axes, alternative{key: e}), append(values, e.Value)
	}
	for i, v := range d.spec.variants {
		if slices.Equal(v.axes, want.axes) {
			return i, true
		}
	}
	if d.spec.Task.Command == nil {
		before := len(d.problems)
		want.task = d.taskWith(ctx, false, axes, values)
		if len(d.problems) > before {
			return 0, false
		}
		if !slices.Equal(want.task.Reported(), d.spec.Task.Reported()) {
			d.report(s.at, document.Problem{Message: fmt.Sprintf("with %s the task reports other metrics", describeAxes(want.axes)), Help: "give it a sweep of its own"})
			return 0, false
		}
	}
	d.spec.variants = append(d.spec.variants, want)
	return len(d.spec.variants) - 1, true
}
