package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A TableColumn is a column of a table for other layouts, as of a page.
type TableColumn struct {
	Head  string
	Right bool // aligned
	Drop  int  // of columns that do not fit, the largest goes first; 0 stays
	Cells []string
}

// PointTable is the table of the first points, 0 for all.
func PointTable(r *compare.Report, top int) []TableColumn {
	return open(printer{r}.columns(r.Listed(top), false))
}

// RunTable is the table of the runs of the first points, 0 for all.
func RunTable(r *compare.Report, top int) []TableColumn {
	return open(printer{r}.runColumns(r.Listed(top), false))
}

// ArmTable is the table of the arms, of all problems if there are several.
func ArmTable(r *compare.Report) []TableColumn {
	if r.Across != nil {
		return open(printer{r}.acrossColumns())
	}
	return open(printer{r}.armColumns())
}

// VersusHead heads the column of differences of points: to the baseline, or without one to the best; empty if there is none.
func VersusHead(r *compare.Report) string { return printer{r}.versusHead() }

// Versus is the difference of a point in words, as tables have it.
func Versus(r *compare.Report, point int) string { return printer{r}.versus(point) }

// Remark describes what is unusual about a point; empty if nothing is.
func Remark(r *compare.Report, point int) string { return printer{r}.remark(&r.Points[point]) }

func open(all []column) (table []TableColumn) {
	for _, c := range all {
		table = append(table, TableColumn{c.head, c.right, c.drop, c.cells})
	}
	return table
}

// line is a note in a line: "warning: …", and what to do about it.
func line(n compare.Note) string {
	text := n.Kind() + ": " + n.Text
	if n.Then != "" {
		text += "; " + n.Then
	}
	if n.Command != nil {
		text += " → " + advice.Command(n.Command...)
	}
	return text
}

// Notes are the notes of a report in lines, and the outcomes of its checks.
func Notes(r *compare.Report) []string { return append(noteLines(r), r.CheckLines()...) }

func noteLines(r *compare.Report) []string {
	lines := []string{}
	for _, n := range r.Notes() {
		lines = append(lines, line(n))
	}
	return lines
}

// Text writes a report for a person: verdict, table of the best points, arms, maps, what matters most,
// notes.
func Text(w io.Writer, r *compare.Report, v View) { printer{r}.text(w, v) }

// Markdown writes the verdict and the table of the view's points, or of their runs, for a page or a pull request.
func Markdown(w io.Writer, r *compare.Report, v View) error { return printer{r}.markdown(w, v) }

// TeX writes the tables for a paper, with the rules of the package booktabs: the arms with their tests,
// if there are several, and the view's points, or their runs. The best value is bold.
func TeX(w io.Writer, r *compare.Report, v View) error { return printer{r}.teX(w, v) }

// Maps draws planes of two axes, shaded by rank.
func Maps(w io.Writer, r *compare.Report, v View) { printer{r}.writeMaps(w, v) }

// Curves draws the mean curves of the first points of the table in one frame.
func Curves(w io.Writer, r *compare.Report, v View) { printer{r}.writeCurves(w, v) }

// Sensitivity draws each arm's best value at each learning rate, all else tuned.
func Sensitivity(w io.Writer, r *compare.Report, v View) { printer{r}.writeSensitivity(w, v) }

// Noise draws how much the seeds of each point scatter against its mean.
func Noise(w io.Writer, r *compare.Report, v View) { printer{r}.writeNoise(w, v) }

// TiedTable lists the points that cannot be told from the best, with the reason for each. text describes the set. Both are
// empty if the test is not moderated.
func TiedTable(r *compare.Report) (table []TableColumn, text string) {
	if !r.Moderated() {
		return nil, ""
	}
	return open(printer{r}.setColumns()), printer{r}.setLine()
}

// UnstableLine explains the sign of unstable points, if some of the first points of the table are; 0 is all.
func UnstableLine(r *compare.Report, top int) string {
	if !(printer{r}).unstable(r.Listed(top)) {
		return ""
	}
	return unstableLine
}

// Ranking lists arms by their mean rank. Arms that are not told apart share a letter.
func Ranking(w io.Writer, r *compare.Report, v View) error { return printer{r}.writeRanking(w, v) }

// SameLine joins the main settings that all trials share into one line.
func SameLine(r *compare.Report) string { return printer{r}.sameLine() }

// Wrap breaks a paragraph into lines that fit a view.
func Wrap(text string, v View) string { return wrap(text, v.Width) }

// Columns lays a table out in the width of a view, and names the columns that did not fit.
func Columns(w io.Writer, table []TableColumn, v View) {
	all := make([]column, len(table))
	for i, c := range table {
		all[i] = column{head: c.Head, right: c.Right, drop: c.Drop, cells: c.Cells}
	}
	if left := writeColumns(w, all, v); len(left) > 0 {
		fmt.Fprintf(w, "left out, for lack of room: %s\n", strings.Join(left, ", "))
	}
}

// MarkdownColumns writes a table for a page or a pull request.
func MarkdownColumns(w io.Writer, table []TableColumn) error {
	all := make([]column, len(table))
	for i, c := range table {
		all[i] = column{head: c.Head, right: c.Right, cells: c.Cells}
	}
	var b strings.Builder
	markdownTable(&b, all)
	_, err := io.WriteString(w, b.String())
	return err
}

// MarkdownText keeps a text from being taken for markup or for HTML.
func MarkdownText(text string) string { return markdownText(text) }

// CellText keeps a spreadsheet from taking a name for a formula.
func CellText(text string) string { return cellText(text) }

// CSVNumber writes a number in full; NaN is empty.
func CSVNumber(x float64) string { return csvNumber(x) }

// JSONInterval is an interval as JSON has it.
func JSONInterval(i stats.Interval) any { return wire(i) }
