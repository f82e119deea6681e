package weights

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/figure"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A View chooses what is printed of a table.
type View struct {
	report.View      // Top are the largest coefficients of each output
	Own         bool // as training had them instead of the original scale
}

func (v View) of(c coefficient) stats.Interval {
	if v.Own {
		return c.own
	}
	return c.value
}

// columns are the table of an output, the intercept first.
func (t *Table) columns(o output, v View) (table []report.TableColumn, left int) {
	rows, left := o.largest(v.Top, v.of)
	some, _ := t.zeros()
	lacking := t.lacking()
	head := "coefficient"
	if v.Own {
		head = "per deviation"
	}
	names, values := report.TableColumn{Head: "input"}, report.TableColumn{Head: head}
	zeros, n := report.TableColumn{Head: "zero", Right: true, Drop: 1}, report.TableColumn{Head: "n", Right: true, Drop: 2}
	for i, c := range append([]coefficient{o.intercept}, rows...) {
		names.Cells = append(names.Cells, c.input)
		values.Cells = append(values.Cells, stats.Uncertain(v.of(c)))
		share := ""
		if i > 0 {
			share = stats.Percent(c.share()) + " %"
		}
		zeros.Cells, n.Cells = append(zeros.Cells, share), append(n.Cells, fmt.Sprint(c.value.N))
	}
	table = append(table, names, values)
	if some && !t.Single {
		table = append(table, zeros)
	}
	if lacking {
		table = append(table, n)
	}
	return table, left
}

// share is the share of seeds in which a coefficient is 0.
func (c coefficient) share() float64 { return float64(c.zeros) / float64(max(1, c.value.N)) }

// Text writes the table for a terminal.
func (t *Table) Text(w io.Writer, v View) {
	fmt.Fprintln(w, t.Heading())
	for _, o := range t.outputs {
		fmt.Fprintln(w)
		if o.class != "" {
			fmt.Fprintf(w, "%s %s\n", t.model.Target, o.class)
		}
		table, left := t.columns(o, v)
		report.Columns(w, table, v.View)
		if left > 0 {
			fmt.Fprintf(w, "%s left out; --all shows all\n", stats.Count(left, "smaller one is", "smaller ones are"))
		}
	}
	fmt.Fprintln(w)
	for _, line := range t.notes(v.Own) {
		fmt.Fprintln(w, report.Wrap(line, v.View))
	}
}

// Markdown writes the table for a page or a pull request.
func (t *Table) Markdown(w io.Writer, v View) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", report.MarkdownText(t.Heading()))
	for _, o := range t.outputs {
		if o.class != "" {
			fmt.Fprintf(&b, "%s %s\n\n", report.MarkdownText(t.model.Target), report.MarkdownText(o.class))
		}
		table, left := t.columns(o, v)
		if err := report.MarkdownColumns(&b, table); err != nil {
			return err
		}
		if left > 0 {
			fmt.Fprintf(&b, "%s left out\n\n", stats.Count(left, "smaller one is", "smaller ones are"))
		}
	}
	for _, line := range t.notes(v.Own) {
		fmt.Fprintf(&b, "- %s\n", report.MarkdownText(line))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// CSV writes all coefficients, one in a row, in the order of the inputs. What there is not is empty.
func (t *Table) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write([]string{"class", "input", "mean", "low", "high", "ci95_half_width", "seeds", "zero_share", "own_mean", "own_low", "own_high"})
	for _, o := range t.outputs {
		for _, c := range append([]coefficient{o.intercept}, o.rows...) {
			n := report.CSVNumber
			out.Write([]string{report.CellText(o.class), report.CellText(c.input), n(c.value.Value), n(c.value.Low), n(c.value.High), n(c.value.Half()),
				fmt.Sprint(c.value.N), n(c.share()), n(c.own.Value), n(c.own.Low), n(c.own.High)})
		}
	}
	out.Flush()
	return out.Error()
}

// JSON writes all of the table.
func (t *Table) JSON(w io.Writer) error {
	coefficientOf := func(c coefficient) map[string]any {
		return map[string]any{"input": c.input, "value": report.JSONInterval(c.value), "own": report.JSONInterval(c.own), "zero_share": report.JSONNumber(c.share())}
	}
	var outputs []any
	for _, o := range t.outputs {
		rows := make([]any, len(o.rows))
		for i, c := range o.rows {
			rows[i] = coefficientOf(c)
		}
		of := map[string]any{"intercept": coefficientOf(o.intercept), "coefficients": rows}
		if o.class != "" {
			of["class"] = o.class
		}
		outputs = append(outputs, of)
	}
	all := map[string]any{"xrun_weights": 1, "sweep": t.Sweep, "point": t.Point, "runs": t.Runs, "seeds": t.Seeds, "model": t.model.Model, "target": t.model.Target,
		"standardized": t.standardized, "centred": false, "outputs": outputs}
	if t.model.Classes != nil {
		all["classes"] = t.model.Classes
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(all)
}

// mostDrawn is the number of coefficients that a figure has of each output.
const mostDrawn = 30

// Draw writes a figure of the largest coefficients, without the intercept.
func (t *Table) Draw(w io.Writer, format string, v View) error {
	f := figure.Forest{About: "coefficients of " + t.Sweep, Axis: "coefficient, on the original scale", Caption: t.Heading()}
	if v.Own {
		f.Axis = "coefficient, per deviation of the training rows"
	}
	left := 0
	for _, o := range t.outputs {
		rows, more := o.largest(mostDrawn, v.of)
		left = more
		g := figure.ForestGroup{}
		if o.class != "" {
			g.Name = t.model.Target + " " + o.class
		}
		for _, c := range rows {
			g.Rows = append(g.Rows, figure.ForestRow{Name: c.input, Value: v.of(c)})
		}
		f.Groups = append(f.Groups, g)
	}
	if len(t.Seeds) > 1 {
		f.Caption += "; bars: 95 % t-intervals over seeds"
	}
	if left > 0 {
		f.Caption += fmt.Sprintf("; %s left out", stats.Count(left, "smaller one is", "smaller ones are"))
	}
	return figure.DrawForest(w, f, format, figure.Options{})
}
