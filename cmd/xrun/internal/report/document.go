package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Markdown writes the verdict and the tables for a page or a pull request.
func (r printer) markdown(w io.Writer, v View) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n", markdownText(r.Verdict()), markdownText(r.Heading()))
	if r.Across != nil && !v.Runs {
		markdownTable(&b, r.acrossColumns())
	}
	for _, sub := range r.Each() {
		of := printer{sub}
		if sub != r.Report {
			fmt.Fprintf(&b, "%s\n\n%s\n\n", markdownText(sub.Verdict()), markdownText(sub.Heading()))
		}
		markdownTable(&b, of.withConstant(of.tableOf(v), v))
		if !v.Runs && of.unstable(of.Listed(v.Top)) {
			fmt.Fprintf(&b, "%s\n\n", markdownText(unstableLine))
		}
		if c, ok := of.Constant(); ok && !v.Runs {
			fmt.Fprintf(&b, "%s\n\n", markdownText(c.String()))
		}
	}
	for _, n := range noteLines(r.Report) {
		fmt.Fprintf(&b, "- %s\n", markdownText(n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// tableOf is the table of the first points of a view, or of their runs.
func (r printer) tableOf(v View) []column {
	if v.Runs {
		return r.runColumns(r.Listed(v.Top), false)
	}
	return r.columns(r.Listed(v.Top), false)
}

// withConstant adds the row of a constant predictor to a table of points: its name stands before the value.
func (r printer) withConstant(all []column, v View) []column {
	c, ok := r.Constant()
	if !ok || v.Runs {
		return all
	}
	value := slices.IndexFunc(all, func(c column) bool { return c.head == r.valueHead() })
	for i := range all {
		cell := ""
		switch i {
		case value - 1:
			cell = compare.ConstantName
		case value:
			cell = c.Text()
		}
		all[i].cells = append(slices.Clip(all[i].cells), cell)
	}
	return all
}

func markdownTable(b *strings.Builder, all []column) {
	row := func(cell func(column) string) {
		for _, c := range all {
			b.WriteString("| " + markdownText(cell(c)) + " ")
		}
		b.WriteString("|\n")
	}
	row(func(c column) string { return c.head })
	row(func(c column) string {
		if c.right {
			return "---:"
		}
		return "---"
	})
	for i := range all[0].cells {
		row(func(c column) string { return c.cells[i] })
	}
	b.WriteByte('\n')
}

// markdownText keeps names from being taken for markup or for HTML.
var markdownEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`, "\n", " ")

func markdownText(s string) string { return markdownEscapes.Replace(s) }

// TeX writes the tables for a paper, with the rules of the package booktabs: the arms over several data sets; of each data
// set the arms with their tests, if there are several, and the points. The best value is bold.
func (r printer) teX(w io.Writer, v View) error {
	var b strings.Builder
	comment := func(text string) {
		fmt.Fprintf(&b, "%% %s\n", ascii.Replace(strings.ReplaceAll(text, "\n", " ")))
	}
	comment(r.Heading())
	comment(`needs \usepackage{booktabs}`)
	if r.Across != nil && !v.Runs {
		comment("arms over all of them; the rank on each is in parentheses")
		r.tabular(&b, r.acrossColumns(), nil)
		b.WriteByte('\n')
	}
	for i, sub := range r.Each() {
		if i > 0 {
			b.WriteByte('\n')
		}
		if sub != r.Report {
			comment(sub.Heading())
		}
		printer{sub}.texTables(&b, v, comment)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// texTables writes the tables of one problem.
func (r printer) texTables(b *strings.Builder, v View, comment func(string)) {
	if v.Runs {
		comment("runs")
		all := slices.DeleteFunc(r.tableOf(v), func(c column) bool { return c.head == "curve" })
		r.tabular(b, all, nil)
		return
	}
	arms := len(r.Arms) > 1 || len(r.OnTest) > 0
	if arms {
		rows := make([]int, len(r.Arms))
		for i, a := range r.Arms {
			rows[i] = a.Chosen
		}
		comment("arms, each at its chosen point")
		r.tabular(b, r.armColumns(), rows)
		b.WriteByte('\n')
	}
	var all []column
	for _, c := range merged(r.tableOf(v)) {
		if c.head != "curve" && !(arms && c.head == "p") {
			all = append(all, c)
		}
	}
	sign := `a sign \approx before its rank: may be as good as the best`
	if !r.Moderated() {
		sign += ", its difference to it includes 0"
	}
	comment("points; " + sign)
	if r.unstable(r.Listed(v.Top)) {
		comment(unstableLine)
	}
	if c, ok := r.Constant(); ok {
		comment(c.String())
	}
	r.tabular(b, all, r.Listed(v.Top), r.texConstant(all)...)
}

// texConstant is the row of a constant predictor under a table of points.
func (r printer) texConstant(all []column) []string {
	c, ok := r.Constant()
	value := slices.IndexFunc(all, func(c column) bool { return c.head == r.valueHead() })
	if !ok || value < 1 {
		return nil
	}
	return []string{fmt.Sprintf("\\multicolumn{%d}{l}{%s} & %s%s \\\\\n", value, compare.ConstantName, texCell(c.Text()), strings.Repeat(" &", len(all)-value-1))}
}

// merged puts the sign of ties into the column of ranks.
func merged(all []column) []column {
	if len(all) < 2 || all[0].head != "" || all[1].head != "#" {
		return all
	}
	ranks := all[1]
	ranks.cells = slices.Clone(ranks.cells)
	for i, sign := range all[0].cells {
		ranks.cells[i] = sign + ranks.cells[i]
	}
	return append([]column{ranks}, all[2:]...)
}

// tabular writes one table. rows are the points of its rows, of which the best is bold: -1 is none, nil none at all.
// below are lines under a rule.
func (r printer) tabular(b *strings.Builder, all []column, rows []int, below ...string) {
	b.WriteString("\\begin{tabular}{")
	for _, c := range all {
		align := "l"
		if c.right || c.numeric() {
			align = "r"
		}
		b.WriteString(align)
	}
	b.WriteString("}\n\\toprule\n")
	row := func(cell func(column) string) {
		for i, c := range all {
			if i > 0 {
				b.WriteString(" & ")
			}
			b.WriteString(cell(c))
		}
		b.WriteString(" \\\\\n")
	}
	row(func(c column) string {
		if c.head == "p" || c.head == "n" {
			return "$" + c.head + "$"
		}
		return texText(c.head)
	})
	b.WriteString("\\midrule\n")
	best := r.BestAmong(rows)
	value := r.valueHead()
	for i := range all[0].cells {
		point := -1
		if rows != nil {
			point = rows[i]
		}
		row(func(c column) string {
			if c.head == value && point >= 0 && r.Points[point].Complete && r.Points[point].Interval.Value == best {
				return texBold(c.cells[i])
			}
			return texCell(c.cells[i])
		})
	}
	if len(below) > 0 {
		b.WriteString("\\midrule\n" + strings.Join(below, ""))
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
}

// A number of a table, and the signs that may stand around numbers in a cell.
var (
	texNumber = regexp.MustCompile(`^([+-]?)(\d+(?:\.\d+)?)(?:e([+-]?\d+))?$`)
	numberIn  = regexp.MustCompile(`[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?`)
	around    = regexp.MustCompile(`^(?:[ #%±×≈*<≥∞–\[\],+-]|of|to|decades|NaN|Inf)*$`)
)

// numeric reports whether a column holds only numbers with their signs, and signs for missing numbers.
func (c column) numeric() bool {
	some := false
	for _, cell := range c.cells {
		rest := numberIn.ReplaceAllString(cell, "")
		switch {
		case cell == "" || cell == "–" || cell == "baseline" || cell == "the same":
		case !around.MatchString(rest):
			return false
		default:
			some = true
		}
	}
	return some
}

// texCell is a cell: one of numbers and signs as a formula, another word for word.
func texCell(cell string) string {
	rest := numberIn.ReplaceAllString(cell, "")
	if rest == cell || strings.ContainsAny(rest, "od#IN") || !around.MatchString(rest) {
		words := strings.Split(cell, " ")
		for i, word := range words {
			words[i] = texWord(word)
		}
		return strings.Join(words, " ")
	}
	if n := texNumber.FindStringSubmatch(cell); n != nil && n[1] == "" && n[3] == "" {
		return cell
	}
	return "$" + texFormula(cell) + "$"
}

// texBold is a cell of numbers in bold.
func texBold(cell string) string {
	if formula, ok := strings.CutPrefix(texCell(cell), "$"); ok {
		return `$\mathbf{` + strings.TrimSuffix(formula, "$") + "}$"
	}
	return `\textbf{` + texCell(cell) + "}"
}

// texWord is a word of a name in LaTeX: a number as printed, or text.
func texWord(word string) string {
	if n := texNumber.FindStringSubmatch(word); n != nil && (n[1] == "-" || n[3] != "") {
		return "$" + texFormula(word) + "$"
	}
	return texText(word)
}

var texSigns = strings.NewReplacer(" %", `\,\%`, "%", `\,\%`, " [", `\ [`, "±", `\pm`, "×", `\times`, "≈", `\approx`, "*", `{}^{*}`, "≥", `\ge`, "∞", `\infty`, "–", `\mbox{--}`)

// texFormula writes numbers with powers of ten, and the signs around them, for the inside of a formula.
func texFormula(text string) string {
	text = texSigns.Replace(text)
	return numberIn.ReplaceAllStringFunc(text, func(number string) string {
		n := texNumber.FindStringSubmatch(number)
		if n[3] == "" {
			return number
		}
		power := "10^{" + strings.TrimPrefix(n[3], "+") + "}"
		if n[2] == "1" {
			return n[1] + power
		}
		return n[1] + n[2] + `\times` + power
	})
}

var texEscapes = strings.NewReplacer(`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "%", `\%`, "$", `\$`, "&", `\&`, "#", `\#`, "_", `\_`, "^", `\textasciicircum{}`, "~", `\textasciitilde{}`,
	"±", `$\pm$`, "≈", `$\approx$`, "λ", `$\lambda$`, "↓", `$\downarrow$`, "↑", `$\uparrow$`, "×", `$\times$`, "∞", `$\infty$`, "–", "--", "−", "$-$", "<", `$<$`, "≥", `$\ge$`, ">", `$>$`, "\n", " ")

func texText(s string) string { return texEscapes.Replace(s) }
