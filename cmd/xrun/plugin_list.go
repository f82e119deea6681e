package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins/host"
)

func (p *program) pluginListCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the built-in components and the plugins that are found, without running plugins",
		Description: `xrun looks for plugins by name in the directories of --plugin-dir and XRUN_PLUGIN_PATH, in .xrun/plugins, and
in the user's own directory, where plugin install puts them. The first one of a name counts. A built-in
component comes before all of them.`,
		Flags:  append([]cli.Flag{jsonFlag()}, hostFlags()...),
		Action: p.pluginList,
	}
}

func (p *program) pluginList(c *cli.Context) error {
	if _, err := commandline.Positional(c, 0, 0, "nothing"); err != nil {
		return err
	}
	h, own, err := p.builtins(c.Context, pluginOptionsOf(c))
	if err != nil {
		return err
	}
	found, err := h.List()
	if err != nil {
		return err
	}
	for i, one := range found {
		if hasComponent(own, one.Ref) {
			found[i].ShadowedBy = host.BuiltinRef
		}
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"xrun_plugins": 1, "plugins": authoring.ListJSON(own, found)})
	}
	t := report.NewTable("name", "kind", "where", "what")
	for _, comp := range own.Components {
		t.Row(comp.Name, comp.Kind, "built in", comp.Summary)
	}
	for _, one := range found {
		t.Row(authoring.Shown(one.Ref), "plugin", authoring.Shown(one.Path), authoring.Remark(one))
	}
	t.Write(p.stdout)
	return nil
}
