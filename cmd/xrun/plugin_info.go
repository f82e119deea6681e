package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) pluginInfoCommand() *cli.Command {
	return &cli.Command{
		Name:        "info",
		Usage:       "show what a plugin or a built-in component takes and does",
		ArgsUsage:   "NAME|PATH",
		Description: `The plugin is started and asked, then stopped again.`,
		Flags:       append([]cli.Flag{jsonFlag()}, hostFlags()...),
		Action:      p.pluginInfo,
	}
}

func (p *program) pluginInfo(c *cli.Context) error {
	args, err := positional(c, 1, 1, "NAME|PATH")
	if err != nil {
		return err
	}
	h, own, err := p.builtins(c)
	if err != nil {
		return err
	}
	d, components := own, []plugins.Component(nil)
	for _, comp := range own.Components {
		if comp.Name == args[0] {
			components = append(components, comp)
		}
	}
	if components == nil {
		if d, err = h.Describe(c.Context, args[0]); err != nil {
			return misspelled(err, args[0], own)
		}
		components = d.Components
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"xrun_plugin": 1, "name": d.Name, "version": d.Version, "summary": d.Summary, "license": d.License,
			"citation": d.Citation, "sdk": d.SDK, "features": d.Features, "path": d.Path, "sha256": d.Digest, "components": describe(components)})
	}
	fmt.Fprintf(p.stdout, "%s %s", d.Name, d.Version)
	if d.Summary != "" {
		fmt.Fprintf(p.stdout, ": %s", d.Summary)
	}
	fmt.Fprintf(p.stdout, "\n%s\n", d.Path)
	switch {
	case d.Attached():
		fmt.Fprintln(p.stdout, d.Digest)
	case d.Digest != "":
		fmt.Fprintln(p.stdout, "sha256", d.Digest)
	}
	fmt.Fprintf(p.stdout, "licence %s · sdk %s · %s\n", cmp.Or(d.License, "not stated"), d.SDK, strings.Join(d.Features, ", "))
	if d.Citation != "" {
		fmt.Fprintln(p.stdout, "cite:", d.Citation)
	}
	for _, comp := range components {
		p.printComponent(comp)
	}
	return nil
}

func (p *program) printComponent(comp plugins.Component) {
	fmt.Fprintf(p.stdout, "\n%s %s: %s\n", comp.Kind, comp.Name, comp.Summary)
	if comp.Doc != "" {
		fmt.Fprintln(p.stdout, comp.Doc)
	}
	if comp.Citation != "" {
		fmt.Fprintln(p.stdout, "source:", comp.Citation)
	}
	if comp.StateFloats > 0 {
		fmt.Fprintf(p.stdout, "keeps up to %s for each parameter\n", stats.Count(comp.StateFloats, "number", "numbers"))
	}
	if len(comp.Features) > 0 {
		fmt.Fprintln(p.stdout, "features:", strings.Join(comp.Features, ", "))
	}
	if len(comp.Metrics) > 0 {
		fmt.Fprintln(p.stdout, "metrics:", strings.Join(comp.Metrics, ", "))
	}
	if len(comp.Conventions) > 0 {
		fmt.Fprintf(p.stdout, "conventions: %s; xrun explain %s says how they differ\n", conventionNames(comp), comp.Name)
	}
	if len(comp.Settings) == 0 {
		return
	}
	fmt.Fprintln(p.stdout)
	t := report.NewTable("setting", "type", "default", "range", "what it is")
	for _, s := range comp.Settings {
		def := s.Default.String()
		if s.Required {
			def = "required"
		}
		t.Row(s.Name, s.Type, def, s.Range(), s.Doc)
	}
	t.Write(p.stdout)
}

func conventionNames(comp plugins.Component) string {
	var names []string
	for _, v := range comp.Conventions {
		names = append(names, v.Name)
	}
	return strings.Join(names, ", ")
}

// describe is the JSON form of components.
func describe(components []plugins.Component) []map[string]any {
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
