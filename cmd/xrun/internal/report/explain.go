package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// explain describes how the numbers are computed. The first paragraph suits a paper. Of each problem it lists the set of points
// that cannot be told from the best, with the reason of each, and draws the noise that the reasons rest on.
func (r printer) explain(w io.Writer, v View) {
	wide := v.Width
	if wide == 0 || wide > pageWidth {
		wide = pageWidth
	}
	out := v.writer(w)
	fmt.Fprint(out, "How these numbers are computed\n\n")
	for i, line := range r.Methods() {
		fmt.Fprintln(out, wrap(line, wide))
		if i == 0 {
			fmt.Fprintln(out)
		}
	}
	for _, sub := range r.Each() {
		of := printer{sub}
		if !of.Moderated() {
			continue
		}
		fmt.Fprintln(w)
		fmt.Fprintf(out, "What cannot be told from the best%s\n\n", of.problem())
		fmt.Fprintln(out, wrap(of.setLine(), wide))
		if table := of.setColumns(); len(table[0].cells) > 0 {
			fmt.Fprintln(w)
			writeColumns(w, table, v)
		}
		if len(sub.Scatter()) > 0 {
			fmt.Fprintf(out, "\nNoise against the mean%s\n\n", of.problem())
			of.writeNoise(w, v)
		}
	}
}

// problem names the problem of several in a title: " of iris".
func (r printer) problem() string {
	if r.Problem == "" {
		return ""
	}
	return " of " + r.Problem
}

// setLine says what the ≈ set is, and where it ends.
func (r printer) setLine() string {
	c, ok := r.Contention()
	if !ok {
		return ""
	}
	text := fmt.Sprintf("Of the %s, %s, with the first, a set that holds the best with at least %s %%. They are those most likely to be it, by what all points show of means and noise: the first with %s.",
		compare.Counted(c.Of-1, "other complete point"), stats.Count(len(c.Members), "makes", "make"), stats.Short(100*c.Level, 3), chance(c.Chance))
	if len(c.Members) == 0 {
		text = fmt.Sprintf("No other complete point is in the set that holds the best with at least %s %%: the first is it with %s, by what all points show of means and noise.",
			stats.Short(100*c.Level, 3), chance(c.Chance))
	}
	if r.Alpha != 0 {
		text += " Each look after a stage has a level of its own; over all looks the chance is at least 95 %."
	}
	if c.Next != nil && stats.Finite(c.Next.Behind) {
		text += fmt.Sprintf(" The likeliest that is told from it, #%d, has %s and is %s behind.", c.Next.Point+1, chance(c.Next.Chance), distance(c.Next.Behind))
	}
	if len(c.Members) == 0 {
		return text
	}
	return text + fmt.Sprintf(" Distances are in standard errors (SE) of the difference, counted for %s degrees of freedom. SD is the standard deviation of a point's differences to the first, seed by seed. The standard error combines the point's own SD with the SD that the other points let expect; df are the degrees of freedom of both.", degrees(c.DF))
}

// setColumns are the members of the ≈ set in order, with the reason of each.
func (r printer) setColumns() []column {
	c, _ := r.Contention()
	cells := func(of func(m compare.Contender) string) []string {
		list := make([]string, len(c.Members))
		for i, m := range c.Members {
			list[i] = of(m)
		}
		return list
	}
	return []column{
		{head: "#", right: true, cells: cells(func(m compare.Contender) string { return fmt.Sprint(m.Point + 1) })},
		{head: "point", cells: cells(func(m compare.Contender) string { return r.Name(r.Points[m.Point]) })},
		{head: "best with", right: true, cells: cells(func(m compare.Contender) string { return chance(m.Chance) })},
		{head: "behind by", right: true, cells: cells(func(m compare.Contender) string {
			if m.Copy {
				return "the same"
			}
			return distance(m.Behind)
		})},
		{head: "own SD", right: true, drop: 1, cells: cells(func(m compare.Contender) string { return r.Deviation(m.Own) })},
		{head: "expected SD", right: true, drop: 2, cells: cells(func(m compare.Contender) string { return r.Deviation(m.Expected) })},
		{head: "df", right: true, drop: 3, cells: cells(func(m compare.Contender) string { return degrees(m.DF) })},
		{head: "", cells: cells(func(m compare.Contender) string {
			if m.Copy {
				return "a copy of the best"
			}
			return r.remark(&r.Points[m.Point])
		})},
	}
}

// chance writes a chance in percent.
func chance(p float64) string {
	switch percent := 100 * p; {
	case p > 0 && percent < 0.1:
		return "< 0.1 %"
	case percent < 10:
		return strconv.FormatFloat(percent, 'f', 1, 64) + " %"
	default:
		return strconv.FormatFloat(percent, 'f', 0, 64) + " %"
	}
}

// distance writes a distance in standard errors.
func distance(t float64) string {
	if math.IsNaN(t) {
		return "–"
	}
	return strconv.FormatFloat(t, 'f', 1, 64) + " SE"
}

// degrees writes degrees of freedom, which need not be whole.
func degrees(df float64) string {
	switch {
	case math.IsInf(df, 1):
		return "∞"
	case math.IsNaN(df):
		return "–"
	}
	return stats.Short(df, 2)
}

// writeNoise draws the deviation of each point's differences against its mean, and what the others let expect.
func (r printer) writeNoise(w io.Writer, v View) {
	log := r.DifferBy() == compare.DifferRatio
	c := v.chart("mean " + r.Metric)
	if c.LogX = log; log {
		c.XName += " (logarithmic)"
	}
	c.Limits = compare.Limits{Log: &[]bool{true}[0]}
	points, unstable, trend := Series{Name: "a point", Mark: 'o'}, Series{Name: "unstable", Mark: []rune(unstableSign)[0]}, Series{Name: "expected by the others", Plain: true}
	for _, s := range r.Scatter() {
		to := &points
		if s.Unstable {
			to = &unstable
		}
		to.X, to.Y = append(to.X, s.Mean), append(to.Y, s.Own)
		trend.X, trend.Y = append(trend.X, s.Mean), append(trend.Y, s.Expected)
	}
	for _, s := range []Series{trend, points, unstable} {
		if len(s.X) > 0 {
			c.Series = append(c.Series, s)
		}
	}
	out := v.writer(w)
	fmt.Fprintln(out, wrap(r.ScatterCaption(), v.Width))
	r.drawn(out, v, c)
}

// pageWidth is the width of text to read.
const pageWidth = 100

// wrap breaks a paragraph into lines of at most so many characters, 0 for any number. It keeps a command to copy, which
// follows an arrow, in one line if it fits.
func wrap(text string, width int) string {
	if width == 0 {
		return text
	}
	arrow := "→ "
	before, command, found := strings.Cut(text, " "+arrow)
	if !found {
		arrow = ascii.Replace(arrow)
		before, command, found = strings.Cut(text, " "+arrow)
	}
	words := strings.Fields(before)
	if found {
		if command = arrow + command; utf8.RuneCountInString(command) <= width {
			words = append(words, command)
		} else {
			words = append(words, strings.Fields(command)...)
		}
	}
	var b strings.Builder
	at := 0
	for i, word := range words {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}
