package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/explain"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/help"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins"
)

// explainable lists what can be explained.
func (p *program) explainable(c *cli.Context) error {
	_, own, err := p.builtins(c)
	if err != nil {
		return err
	}
	type line struct{ Kind, Name, Summary string }
	var list []line
	for _, kind := range []plugins.Kind{plugins.KindOptimizer, plugins.KindRegularizer} {
		for _, comp := range own.Components {
			if comp.Kind == kind {
				list = append(list, line{string(kind), comp.Name, comp.Summary})
			}
		}
	}
	for _, f := range explain.All() {
		list = append(list, line{string(f.Kind), f.Name, f.Summary})
	}
	if c.Bool("json") {
		rows := make([]map[string]string, len(list))
		for i, l := range list {
			rows[i] = map[string]string{"kind": l.Kind, "name": l.Name, "summary": l.Summary}
		}
		return p.printJSON(map[string]any{"xrun_explain": 1, "names": rows})
	}
	t := report.NewTable("name", "kind", "what it is")
	for _, l := range list {
		t.Row(l.Name, l.Kind, l.Summary)
	}
	t.Write(p.stdout)
	return nil
}

// explainFacts prints what is known of a name that is no component.
func (p *program) explainFacts(c *cli.Context, found []explain.Fact) error {
	if name := c.String("convention"); name != "" {
		_, err := conventionOf(plugins.Spec{Name: found[0].Name}, name)
		return err
	}
	if c.Bool("json") {
		var all []map[string]any
		for _, f := range found {
			settings := map[string]string{}
			for _, s := range f.Settings {
				settings[s.Name] = s.Default
			}
			all = append(all, map[string]any{"kind": f.Kind, "name": f.Name, "summary": f.Summary, "rule": f.Formula, "doc": f.Doc, "defaults": settings, "source": f.Source})
		}
		return p.printJSON(map[string]any{"xrun_explain": 1, "facts": all})
	}
	for i, f := range found {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		p.printFact(f)
	}
	return nil
}

func (p *program) printFact(f explain.Fact) {
	fmt.Fprintf(p.stdout, "%s, a %s: %s\n\n%s\n\n", f.Name, f.Kind, f.Summary, indent(f.Formula))
	if f.Doc != "" {
		fmt.Fprintf(p.stdout, "%s\n\n", help.Wrap(f.Doc, 100))
	}
	if len(f.Settings) > 0 {
		rows := [][]string{{"setting", "default", "type", "what it is"}}
		for _, s := range f.Settings {
			rows = append(rows, []string{s.Name, s.Default, s.Type, s.Meaning})
		}
		fmt.Fprintln(p.stdout, help.Style{Width: max(p.width(), 80)}.Table(rows))
	}
	fmt.Fprintf(p.stdout, "source: %s\nmore:   xrun help %s\n", f.Source, f.Page)
}

// factNames lists the names that are explained and are no components.
func factNames() (names []string) {
	for _, f := range explain.All() {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}
