package authoring

import (
	"fmt"
	"io"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// WriteComponent prints what a component declares.
func WriteComponent(out io.Writer, comp plugins.Component) {
	fmt.Fprintf(out, "\n%s %s: %s\n", comp.Kind, comp.Name, comp.Summary)
	if comp.Doc != "" {
		fmt.Fprintln(out, comp.Doc)
	}
	if comp.Citation != "" {
		fmt.Fprintln(out, "source:", comp.Citation)
	}
	if comp.StateFloats > 0 {
		fmt.Fprintf(out, "keeps up to %s for each parameter\n", stats.Count(comp.StateFloats, "number", "numbers"))
	}
	if len(comp.Features) > 0 {
		fmt.Fprintln(out, "features:", strings.Join(comp.Features, ", "))
	}
	if len(comp.Metrics) > 0 {
		fmt.Fprintln(out, "metrics:", strings.Join(comp.Metrics, ", "))
	}
	if len(comp.Conventions) > 0 {
		fmt.Fprintf(out, "conventions: %s; %s says how they differ\n", conventionNames(comp), advice.Command("explain", comp.Name))
	}
	if len(comp.Settings) == 0 {
		return
	}
	fmt.Fprintln(out)
	t := report.NewTable("setting", "type", "default", "range", "what it is")
	for _, s := range comp.Settings {
		def := s.Default.String()
		if s.Required {
			def = "required"
		}
		t.Row(s.Name, s.Type, def, s.Range(), s.Doc)
	}
	t.Write(out)
}

func conventionNames(comp plugins.Component) string {
	var names []string
	for _, v := range comp.Conventions {
		names = append(names, v.Name)
	}
	return strings.Join(names, ", ")
}

// Describe is the JSON form of components.
func Describe(components []plugins.Component) []map[string]any {
	var list []map[string]any
	for _, comp := range components {
		settings := []map[string]any{}
		for _, s := range comp.Settings {
			settings = append(settings, map[string]any{"name": s.Name, "type": s.Type, "default": s.Default.String(), "required": s.Required,
				"range": s.Range(), "doc": s.Doc})
		}
		conventions := []map[string]any{}
		for _, v := range comp.Conventions {
			conventions = append(conventions, map[string]any{"name": v.Name, "rule": v.Rule, "lr": v.LR, "source": v.Source})
		}
		list = append(list, map[string]any{"kind": comp.Kind, "name": comp.Name, "summary": comp.Summary, "doc": comp.Doc, "citation": comp.Citation,
			"features": comp.Features, "state_floats": comp.StateFloats, "settings": settings, "conventions": conventions, "metrics": comp.Metrics})
	}
	return list
}
