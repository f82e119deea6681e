package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/plugins"
)

func (p *program) pluginInfoCommand() *cli.Command {
	return &cli.Command{
		Name:        "info",
		Usage:       "show the settings and features of a plugin or a built-in component",
		ArgsUsage:   "NAME|PATH",
		Description: `The plugin is started to be asked, then stopped.`,
		Flags:       append([]cli.Flag{jsonFlag()}, hostFlags()...),
		Action:      p.pluginInfo,
	}
}

func (p *program) pluginInfo(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "NAME|PATH")
	if err != nil {
		return err
	}
	h, own, err := p.builtins(c.Context, pluginOptionsOf(c))
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
			"citation": d.Citation, "sdk": d.SDK, "features": d.Features, "path": d.Path, "sha256": d.Digest, "components": authoring.Describe(components)})
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
		authoring.WriteComponent(p.stdout, comp)
	}
	return nil
}
