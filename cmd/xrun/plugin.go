package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
)

func (p *program) pluginCommand() *cli.Command {
	return &cli.Command{
		Name:  "plugin",
		Usage: "list and describe plugins",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return &usage{fmt.Errorf("there is no command %q", "plugin "+c.Args().First()), "xrun plugin --help lists the commands"}
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{
				Name:   "list",
				Usage:  "list the built-in components and the plugins that are found; runs none of those",
				Flags:  append([]cli.Flag{jsonFlag()}, hostFlags()...),
				Action: p.pluginList,
			},
			{
				Name:      "info",
				Usage:     "show what a plugin or a built-in component takes and does",
				ArgsUsage: "NAME|PATH",
				Flags:     append([]cli.Flag{jsonFlag()}, hostFlags()...),
				Action:    p.pluginInfo,
			},
			p.pluginCheckCommand(),
			p.pluginRunCommand(),
		},
	}
}

// builtins starts a host and asks it what is built in.
func (p *program) builtins(c *cli.Context) (*host.Host, *host.Description, error) {
	h, err := p.newHost(c)
	if err != nil {
		return nil, nil, err
	}
	own, err := h.Describe(c.Context, host.BuiltinRef)
	return h, own, err
}

func (p *program) pluginList(c *cli.Context) error {
	if _, err := positional(c, 0, 0, "nothing"); err != nil {
		return err
	}
	h, own, err := p.builtins(c)
	if err != nil {
		return err
	}
	found, err := h.List()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		type entry struct {
			Name    string `json:"name"`
			Kind    string `json:"kind"`
			Summary string `json:"summary"`
			Path    string `json:"path"`
			Digest  string `json:"sha256"`
		}
		list := []entry{}
		for _, comp := range own.Components {
			list = append(list, entry{Name: comp.Name, Kind: string(comp.Kind), Summary: comp.Summary, Path: host.BuiltinRef})
		}
		for _, src := range found {
			list = append(list, entry{Name: src.Ref, Path: src.Path, Digest: src.Digest})
		}
		return p.printJSON(map[string]any{"xrun_plugins": 1, "plugins": list})
	}
	t := report.NewTable("name", "kind", "where", "what")
	for _, comp := range own.Components {
		t.Row(comp.Name, comp.Kind, "built in", comp.Summary)
	}
	for _, src := range found {
		what := "sha256 " + src.Digest[:min(12, len(src.Digest))] + "; xrun plugin info " + src.Ref
		if src.Digest == "" {
			what = "cannot be used: xrun plugin info " + src.Ref + " says why"
		}
		t.Row(src.Ref, "plugin", src.Path, what)
	}
	t.Write(p.stdout)
	return nil
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
			return err
		}
		components = d.Components
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"xrun_plugin": 1, "name": d.Name, "version": d.Version, "sdk": d.SDK, "features": d.Features,
			"path": d.Path, "sha256": d.Digest, "components": describe(components)})
	}
	fmt.Fprintf(p.stdout, "%s %s", d.Name, d.Version)
	if d.Summary != "" {
		fmt.Fprintf(p.stdout, ": %s", d.Summary)
	}
	fmt.Fprintf(p.stdout, "\n%s\n", d.Path)
	if d.Digest != "" {
		fmt.Fprintf(p.stdout, "sha256 %s\n", d.Digest)
	}
	for _, comp := range components {
		fmt.Fprintf(p.stdout, "\n%s %s: %s\n", comp.Kind, comp.Name, comp.Summary)
		if comp.Doc != "" {
			fmt.Fprintln(p.stdout, comp.Doc)
		}
		if comp.Citation != "" {
			fmt.Fprintln(p.stdout, "source:", comp.Citation)
		}
		if comp.StateFloats > 0 {
			fmt.Fprintf(p.stdout, "keeps up to %s for each parameter\n", count(comp.StateFloats, "number", "numbers"))
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
	return nil
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
		list = append(list, map[string]any{"kind": comp.Kind, "name": comp.Name, "summary": comp.Summary, "doc": comp.Doc, "citation": comp.Citation,
			"features": comp.Features, "state_floats": comp.StateFloats, "settings": settings})
	}
	return list
}
