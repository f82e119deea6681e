package main

import (
	"context"
	"fmt"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/explain"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins"
)

// explainable lists all names that xrun explains.
func (p *program) explainable(ctx context.Context, o pluginOptions, machine bool) error {
	_, own, err := p.builtins(ctx, o)
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
	if machine {
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

// explainFacts prints the facts of a name that is no component.
func (p *program) explainFacts(found []explain.Fact, convention string, machine bool) error {
	if convention != "" {
		_, err := conventionOf(plugins.Spec{Name: found[0].Name}, convention)
		return err
	}
	if machine {
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
		f.Write(p.stdout, p.width())
	}
	return nil
}
