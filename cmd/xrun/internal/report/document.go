package report

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes verdict and table for a page or a pull request.
func (r *Report) Markdown(w io.Writer, top int) error {
	all := r.columns(r.shown(top), false)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n", markdownText(r.Verdict()), markdownText(r.heading()))
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
	for _, n := range r.notes() {
		fmt.Fprintf(&b, "- %s\n", markdownText(n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownText keeps names from being taken for markup or for HTML.
var markdownEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`, "\n", " ")

func markdownText(s string) string { return markdownEscapes.Replace(s) }

// TeX writes the table for a paper, with the rules of the package booktabs.
func (r *Report) TeX(w io.Writer, top int) error {
	var all []column
	for _, c := range r.columns(r.shown(top), false) {
		if c.head != "curve" {
			all = append(all, c)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%% %s\n%% needs \\usepackage{booktabs}\n\\begin{tabular}{", ascii.Replace(strings.ReplaceAll(r.heading(), "\n", " ")))
	for _, c := range all {
		align := "l"
		if c.right {
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
			b.WriteString(texText(cell(c)))
		}
		b.WriteString(" \\\\\n")
	}
	row(func(c column) string { return c.head })
	b.WriteString("\\midrule\n")
	for i := range all[0].cells {
		row(func(c column) string { return c.cells[i] })
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var texEscapes = strings.NewReplacer(`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "%", `\%`, "$", `\$`, "&", `\&`, "#", `\#`, "_", `\_`, "^", `\textasciicircum{}`, "~", `\textasciitilde{}`,
	"±", `$\pm$`, "≈", `$\approx$`, "λ", `$\lambda$`, "↓", `$\downarrow$`, "↑", `$\uparrow$`, "×", `$\times$`, "∞", `$\infty$`, "–", "--", "−", "$-$", "<", `$<$`, ">", `$>$`, "\n", " ")

func texText(s string) string { return texEscapes.Replace(s) }
