package explain

import (
	"fmt"
	"io"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/help"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Component prints an optimizer, a regularizer or an objective under a convention, and how other conventions differ.
func Component(out io.Writer, spec plugins.Spec, chosen plugins.Convention, settings plugins.Settings) {
	fmt.Fprintf(out, "%s", spec.Name)
	if chosen.Name != "" {
		fmt.Fprintf(out, ", convention %s", chosen.Name)
	}
	fmt.Fprintf(out, ": %s\n\n", spec.Summary)
	if chosen.Rule != "" {
		fmt.Fprintf(out, "%s\n\n", indent(chosen.Rule))
	}
	if spec.Doc != "" {
		fmt.Fprintf(out, "%s\n\n", spec.Doc)
	}
	t := report.NewTable("setting", "default", "range", "what it is")
	if chosen.LR > 0 {
		t.Row("lr", stats.Number(chosen.LR), "(0, ∞)", "learning rate: the framework's default; in a sweep it is an axis")
	}
	for _, s := range spec.Settings {
		def := "required"
		if v, ok := settings[s.Name]; ok {
			def = v.String()
		}
		t.Row(s.Name, def, s.Range(), s.Doc)
	}
	t.Write(out)
	if spec.Kind == plugins.KindOptimizer {
		fmt.Fprintf(out, "\nkeeps %s for each parameter\n", stats.Count(spec.StateFloats, "number", "numbers"))
	}
	for _, other := range spec.Conventions {
		if other.Name == chosen.Name {
			continue
		}
		fmt.Fprintf(out, "\n%s differs:\n%s\n", other.Name, indent(other.Rule))
		if list := differing(spec, chosen, other); list != "" {
			fmt.Fprintf(out, "    defaults: %s\n", list)
		}
	}
	fmt.Fprintln(out)
	if spec.Citation != "" {
		fmt.Fprintln(out, "paper: ", spec.Citation)
	}
	for _, v := range spec.Conventions {
		if v.Source != "" {
			fmt.Fprintf(out, "%s: %s\n", v.Name, v.Source)
		}
	}
}

// differing lists the defaults that differ between a convention and the chosen one.
func differing(spec plugins.Spec, chosen, other plugins.Convention) string {
	var list []string
	if other.LR != chosen.LR && other.LR > 0 {
		list = append(list, "lr "+stats.Number(other.LR))
	}
	for _, s := range spec.Settings {
		if v := s.DefaultUnder(other.Name); v != s.DefaultUnder(chosen.Name) && !s.Required {
			list = append(list, s.Name+" "+v.String())
		}
	}
	return strings.Join(list, ", ")
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(text, "\n", "\n    ")
}

// Write prints a fact; a table is as wide as the terminal.
func (f Fact) Write(out io.Writer, width int) {
	fmt.Fprintf(out, "%s, a %s: %s\n\n%s\n\n", f.Name, f.Kind, f.Summary, indent(f.Formula))
	if f.Doc != "" {
		fmt.Fprintf(out, "%s\n\n", help.Wrap(f.Doc, 100))
	}
	if len(f.Settings) > 0 {
		rows := [][]string{{"setting", "default", "type", "what it is"}}
		for _, s := range f.Settings {
			rows = append(rows, []string{s.Name, s.Default, s.Type, s.Meaning})
		}
		fmt.Fprintln(out, help.Style{Width: max(width, 80)}.Table(rows))
	}
	fmt.Fprintf(out, "source: %s\nmore:   xrun help %s\n", f.Source, f.Page)
}
