// Package sheet makes the answer of a comparison as a page: HTML and SVG that read without script, for the file of
// `xrun compare --html` and for the page of `xrun ui`.
//
// [Of] turns a report into [Data], which holds every text and number of the page and can be written as JSON. [Write] writes
// the sections. [Style] is the style sheet of both ways, in a light and a dark theme.
//
// Names come from sweep files, plugins and command lines of others. They reach the page as text only, through html/template
// and one writer of SVG. Nothing has a style attribute or a script, so that a strict content security policy holds. The
// package computes no statistics; they are the report's.
package sheet

import (
	"cmp"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Options choose what a sheet shows besides the report.
type Options struct {
	// Command prints the same in a terminal: "xrun compare digits".
	Command string
	// Maps are those that are drawn.
	Maps MapQuestion
	// Points is the most rows of the table; 0 is [FirstPoints]. Those beyond that are folded. Runs shows single runs instead.
	Points int
	Runs   bool
	// Cells is the most cells of maps that are drawn; 0 is 900.
	Cells int
	// Live is the state of a sweep that trains; nil if none does.
	Live *Live
	// Words are the last words of runs that failed or diverged, by run.
	Words map[int64]string
	// Provenance is where the results come from; its files are not part of the sheet.
	Provenance question.Provenance
}

// Data is a sheet: every text and number of the page.
type Data struct {
	Title    string    `json:"title"`   // of the sweep
	About    string    `json:"about"`   // "525 trials"
	Context  string    `json:"context"` // what is compared, in a line
	Command  string    `json:"command"` // that prints the same
	Answer   [][]Piece `json:"answer"`  // sentences; the first one answers
	Notes    []Note    `json:"notes"`
	Live     *Live     `json:"live,omitempty"`
	Failures Failures  `json:"failures"`
	Across   *Across   `json:"across,omitempty"` // arms over several problems
	Parts    []Part    `json:"parts"`            // one for each problem
	Checks   []Check   `json:"checks,omitempty"`
	Same     string    `json:"same,omitempty"` // settings that all trials share
	From     []string  `json:"from,omitempty"` // who trained it, where and when
	Methods  []string  `json:"methods,omitempty"`
	Points   int       `json:"points"` // in all; 0 of a sweep without trials
}

// A Note is what a reader should know before believing the numbers.
type Note struct {
	Warning bool   `json:"warning"`
	Text    string `json:"text"`
	Then    string `json:"then,omitempty"`    // what a person can do
	Command string `json:"command,omitempty"` // that does it
}

// A Check is a condition of a sweep file with its outcome.
type Check struct {
	Fails bool   `json:"fails"`
	Text  string `json:"text"`
}

// A Part is the answer about one problem.
type Part struct {
	Name    string    `json:"name,omitempty"` // of the problem, if there are several
	ID      string    `json:"id"`             // that its sections' ids begin with; empty for one problem
	Heading string    `json:"heading,omitempty"`
	Answer  [][]Piece `json:"answer,omitempty"`
	Arms    *Arms     `json:"arms,omitempty"`
	Fresh   []Piece   `json:"fresh,omitempty"` // what the winner is expected to show under fresh seeds
	Maps    *Maps     `json:"maps,omitempty"`
	Shares  []Share   `json:"shares,omitempty"`
	Matters string    `json:"matters,omitempty"`
	Table   Table     `json:"table"`
	Tied    *Table    `json:"tied,omitempty"` // what cannot be told from the best
}

// A Share is the part of the values' variance that something explains.
type Share struct {
	Name    string  `json:"name"`
	Share   float64 `json:"share"`
	Percent string  `json:"percent"`
	Doubt   bool    `json:"doubt"` // it decides how sure one is
}

// A Table has rows that may stand for points.
type Table struct {
	Title   string   `json:"title,omitempty"`
	Caption string   `json:"caption,omitempty"`
	Shown   string   `json:"shown,omitempty"` // "20 of 105 points shown", and how to see the others
	Notes   []string `json:"notes,omitempty"`
	Heads   []Head   `json:"heads"`
	Rows    []Row    `json:"rows"`
	More    *Table   `json:"more,omitempty"`   // further rows, which are folded
	Curves  bool     `json:"curves,omitempty"` // rows have a curve
	bars    *scale   // of the rows' intervals; nil draws none
}

// A Head is a column of a table.
type Head struct {
	Text  string `json:"text"`
	Right bool   `json:"right,omitempty"`
}

// A Row is a row of a table.
type Row struct {
	Point    runner.Key `json:"point,omitempty"`
	Cells    []string   `json:"cells"`
	Tied     bool       `json:"tied,omitempty"`
	Best     bool       `json:"best,omitempty"`
	interval stats.Interval
	curve    []float64 // the mean after each epoch
}

// Across compares arms over several problems.
type Across struct {
	Noun  string      `json:"noun"` // "data set"
	Of    int         `json:"of"`   // arms that are ranked
	Arms  []AcrossArm `json:"arms"`
	Table Table       `json:"table"`
}

// An AcrossArm is an arm with its mean rank and its rank on each problem.
type AcrossArm struct {
	Name     string            `json:"name"`
	Hue      int               `json:"hue"`
	Baseline bool              `json:"baseline"`
	Rank     report.JSONNumber `json:"rank"`
	Text     string            `json:"text"` // "1.33"
	Ranks    []float64         `json:"ranks"`
	Versus   string            `json:"versus,omitempty"` // wins, ties and losses
	P        string            `json:"p,omitempty"`
	Says     string            `json:"says,omitempty"` // "p = 0.5"
	Doubt    bool              `json:"doubt"`
	Outcome  string            `json:"outcome,omitempty"`
}

// mostTied is the most rows of what cannot be told from the best.
const mostTied = 40

// FirstPoints is the number of points of the table, unless Options say otherwise.
const FirstPoints = 20

// Of is the sheet of a report.
func Of(r *compare.Report, o Options) Data {
	d := Data{Title: Plain(r.Sweep), Context: nice(strings.TrimPrefix(r.Heading(), r.Sweep+" · ")), Command: Plain(o.Command), Answer: sentences(r), Live: o.Live.nice(),
		Same: nice(strings.TrimPrefix(report.SameLine(r), "same for all: ")), Points: len(r.Points)}
	trials := r.Missing
	for _, n := range r.Counts {
		trials += n
	}
	if r.Across != nil {
		trials = 0
		for _, sub := range r.Problems {
			trials += sub.Missing
			for _, n := range sub.Counts {
				trials += n
			}
		}
	}
	d.Failures = failuresOf(r, o)
	d.About = compare.Counted(trials, "trial")
	if d.Failures.Count == 0 && trials > 0 {
		d.About += ", none failed or diverged"
	}
	for _, n := range r.Notes() {
		note := Note{Warning: n.Warning, Text: nice(sentence(r, n.Text)), Then: nice(capital(n.Then))}
		if n.Command != nil && !(o.Live != nil && n.Command[0] == "confirm") { // nothing is confirmed before it is done
			note.Command = Plain(advice.Command(n.Command...))
		}
		d.Notes = append(d.Notes, note)
	}
	slices.SortStableFunc(d.Notes, func(a, b Note) int {
		if a.Warning == b.Warning {
			return 0
		} else if a.Warning {
			return -1
		}
		return 1
	})
	lines := r.CheckLines()
	for i, c := range r.Checks {
		d.Checks = append(d.Checks, Check{!c.Holds, nice(lines[i])})
	}
	d.From = from(o.Provenance)
	for _, m := range r.Methods() {
		d.Methods = append(d.Methods, nice(m))
	}
	if r.Across != nil {
		d.Across = acrossOf(r)
	}
	for i, sub := range r.Each() {
		d.Parts = append(d.Parts, partOf(r, sub, i, o))
	}
	return d
}

// sentence makes a note a sentence. A name at its beginning keeps its case.
func sentence(r *compare.Report, text string) string {
	first, _, _ := strings.Cut(text, " ")
	first = strings.TrimSuffix(first, "'s")
	named := strings.ContainsAny(first, "0123456789_:#/.")
	for _, sub := range r.Problems {
		named = named || strings.TrimSuffix(first, ",") == sub.Problem
	}
	for _, sub := range r.Each() {
		named = named || first == sub.Metric || slices.ContainsFunc(sub.Points, func(s compare.Point) bool { return strings.HasPrefix(s.Optimizer, first) })
		named = named || slices.ContainsFunc(sub.Arms, func(a compare.Arm) bool { return strings.HasPrefix(a.Name, first) })
	}
	if named {
		return ended(text)
	}
	return capital(text)
}

// capital makes words a sentence.
func capital(text string) string {
	if text != "" && text[0] >= 'a' && text[0] <= 'z' {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return ended(text)
}

func ended(text string) string {
	if text != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// from says who trained the results.
func from(p question.Provenance) (lines []string) {
	add := func(text string) {
		if text != "" {
			lines = append(lines, nice(text))
		}
	}
	switch when := between(p.First, p.Last); {
	case when != "" && p.Runs != "":
		add("Trained " + when + ": " + p.Runs)
	default:
		add(when + p.Runs)
	}
	for _, e := range p.Environments {
		add(e)
	}
	for _, c := range p.Commits {
		add("git commit " + c)
	}
	if p.Version != "" {
		add("written by xrun " + p.Version)
	}
	return lines
}

// between is a time with its end: "10:00 to 11:00".
func between(first, last string) string {
	if first == last || first == "" || last == "" {
		return cmp.Or(first, last)
	}
	return first + " to " + last
}

func partOf(all, r *compare.Report, i int, o Options) Part {
	p := Part{Arms: armsOf(r), Fresh: freshOf(r), Matters: nice(r.Matters())}
	if all.Across != nil {
		p.Name, p.ID, p.Answer = Plain(r.Problem), fmt.Sprintf("p%d-", i+1), sentences(r)
		p.Heading = nice(strings.TrimPrefix(r.Heading(), r.Sweep+", "+r.Problem+" · "))
	}
	if r.Choice == nil {
		p.Maps = mapsOf(r, o.Maps, cmp.Or(o.Cells, mostCells))
	}
	for _, s := range r.Shares {
		p.Shares = append(p.Shares, Share{nice(s.Name), s.Share, fmt.Sprintf("%.0f\u00a0%%", 100*s.Share), s.Name == compare.ShareChance || s.Name == compare.ShareSeeds})
	}
	p.Table = pointsOf(r, cmp.Or(o.Points, FirstPoints), o.Runs)
	if tied, text := report.TiedTable(r); text != "" {
		t := tableOf(tied, mostTied)
		t.Caption = nice(text)
		if n := len(tied[0].Cells); n > mostTied {
			t.Caption += fmt.Sprintf(" The first %d of them are listed.", mostTied)
		}
		p.Tied = &t
	}
	return p
}

// freshOf is the sentence about the value that the winner will have under fresh seeds.
func freshOf(r *compare.Report) []Piece {
	e, ok := r.Expected(compare.FreshSeeds)
	best, known := r.Best()
	if !ok || !known || r.Open() {
		return nil
	}
	return []Piece{{Text: fmt.Sprintf("Under %d fresh seeds ", e.Seeds) + nice(r.Name(best)) + " is expected to show "}, {bracketed(nice(stats.Ends(e.Interval))), claim}, {Text: "."}}
}

// pointsOf is the table of the first points, or of their runs.
func pointsOf(r *compare.Report, most int, runs bool) Table {
	listed := r.Listed(0)
	n := min(most, len(listed))
	if runs {
		t := tableOf(report.RunTable(r, n), 10*most)
		t.Title = "Runs"
		t.Shown = fmt.Sprintf("those of %s", compare.Counted(n, "point"))
		if n < len(listed) {
			t.Shown = fmt.Sprintf("those of the first %d of %s; xrun compare --runs --all has the others", n, compare.Counted(len(listed), "point"))
		}
		return t
	}
	t := tableOf(report.PointTable(bare(r), n), n) // curves are drawn
	t.Title = "Points"
	var values, lows, highs, all []float64
	for i, at := range listed[:n] {
		s := &r.Points[at]
		row := &t.Rows[i]
		row.Point, row.Tied, row.Best, row.interval = s.Point, s.Tied, at == 0 && s.Complete, s.Interval
		if len(r.Curves) > 0 {
			for _, b := range bands(r, *s, sparkValues) {
				row.curve = append(row.curve, b.Value)
			}
			t.Curves = t.Curves || len(row.curve) > 1
		}
		if s.State() == compare.StateDiverged || !stats.Finite(s.Interval.Value) {
			row.interval = stats.None()
		} else {
			values, lows, highs = append(values, s.Interval.Value), append(lows, s.Interval.Low), append(highs, s.Interval.High)
			all = append(all, s.Values()...)
		}
	}
	if len(values) > 1 {
		bars := spanning(values, lows, highs, r)
		if few := 8; len(values) < few { // a quantile says nothing about them
			bars = reach(append(all, values...), lows, highs)
		}
		t.bars = &bars
	}
	if text := report.UnstableLine(r, n); text != "" {
		t.Notes = append(t.Notes, nice(text))
	}
	if c, ok := r.Constant(); ok {
		t.Notes = append(t.Notes, nice(c.String()))
	}
	t.Shown = fmt.Sprintf("%d of %s shown", n, compare.Counted(len(listed), "point"))
	if n < len(listed) {
		t.Shown += "; xrun compare --all has the others"
	}
	if n > FirstPoints {
		rest := t
		rest.Rows, rest.Notes, rest.Caption = t.Rows[FirstPoints:], nil, fmt.Sprintf("points %d to %d", FirstPoints+1, n)
		t.Rows, t.More = t.Rows[:FirstPoints:FirstPoints], &rest
	}
	return t
}

// tableOf is the first rows of a table of the terminal.
func tableOf(columns []report.TableColumn, most int) Table {
	t := Table{}
	for _, c := range columns {
		t.Heads = append(t.Heads, Head{nice(c.Head), c.Right})
		for i, cell := range c.Cells[:min(len(c.Cells), most)] {
			if len(t.Rows) <= i {
				t.Rows = append(t.Rows, Row{interval: stats.None()})
			}
			t.Rows[i].Cells = append(t.Rows[i].Cells, nice(cell))
		}
	}
	return t
}

func acrossOf(r *compare.Report) *Across {
	x := r.Across
	out := &Across{Noun: Plain(r.Several.Noun), Table: tableOf(report.ArmTable(r), 100)}
	hues := huesOf(r)
	for i, a := range x.Arms {
		arm := AcrossArm{Name: Plain(a.Name), Hue: hues[a.Name], Baseline: i == x.Base, Rank: report.JSONNumber(a.Rank), Text: "–", Outcome: string(a.Outcome)}
		if !math.IsNaN(a.Rank) {
			arm.Text = fmt.Sprintf("%.2f", a.Rank)
			out.Of++
		}
		for _, rank := range a.Ranks {
			if !math.IsNaN(rank) {
				arm.Ranks = append(arm.Ranks, rank)
			}
		}
		if x.Base >= 0 && !math.IsNaN(a.P) {
			arm.Says = nice(stats.PEquals(a.P))
			arm.Versus, arm.P, arm.Doubt = fmt.Sprintf("%d/%d/%d", a.Wins, a.Ties, a.Losses), stats.PValue(a.P), a.P > 1-compare.Level
		}
		out.Arms = append(out.Arms, arm)
	}
	return out
}
