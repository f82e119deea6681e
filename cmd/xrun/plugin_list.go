package main

import (
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins/host"
)

func (p *program) pluginListCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the built-in components and the plugins that are found; runs none of those",
		Description: `Plugins are looked for by name in the directories of --plugin-dir, those of XRUN_PLUGIN_PATH,
.xrun/plugins, and the user's own, where plugin install puts them. The first one of a name counts, and
a built-in component before all of them.`,
		Flags:  append([]cli.Flag{jsonFlag()}, hostFlags()...),
		Action: p.pluginList,
	}
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
	for i, one := range found {
		if hasComponent(own, one.Ref) {
			found[i].ShadowedBy = host.BuiltinRef
		}
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"xrun_plugins": 1, "plugins": listJSON(own, found)})
	}
	t := report.NewTable("name", "kind", "where", "what")
	for _, comp := range own.Components {
		t.Row(comp.Name, comp.Kind, "built in", comp.Summary)
	}
	for _, one := range found {
		t.Row(shown(one.Ref), "plugin", shown(one.Path), remark(one))
	}
	t.Write(p.stdout)
	return nil
}

// shown is the name of a file, which may hold anything, as it can be printed.
func shown(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// remark says what there is to know of a plugin without running it.
func remark(one host.Listed) string {
	const digits = 12 // of a digest, to tell plugins apart
	switch {
	case host.CheckName(one.Ref) != nil:
		return "cannot be used: no plugin can have that name"
	case one.Err != nil:
		return "cannot be used: xrun plugin info " + one.Ref + " says why"
	case one.ShadowedBy == host.BuiltinRef:
		return "sha256 " + one.Digest[:digits] + "; the built-in of that name goes before it, except by its path"
	case one.ShadowedBy != "":
		return "sha256 " + one.Digest[:digits] + "; shadowed by " + shown(one.ShadowedBy)
	}
	return "sha256 " + one.Digest[:digits] + "; xrun plugin info " + one.Ref
}

// listJSON is the JSON form of a list.
func listJSON(own *host.Description, found []host.Listed) any {
	type entry struct {
		Name       string `json:"name"`
		Kind       string `json:"kind"`
		Summary    string `json:"summary"`
		Path       string `json:"path"`
		Digest     string `json:"sha256"`
		ShadowedBy string `json:"shadowed_by,omitempty"`
		Problem    string `json:"problem,omitempty"`
	}
	list := []entry{}
	for _, comp := range own.Components {
		list = append(list, entry{Name: comp.Name, Kind: string(comp.Kind), Summary: comp.Summary, Path: host.BuiltinRef})
	}
	for _, one := range found {
		e := entry{Name: one.Ref, Path: one.Path, Digest: one.Digest, ShadowedBy: one.ShadowedBy}
		if one.Err != nil {
			e.Problem = fmt.Sprint(one.Err)
		}
		list = append(list, e)
	}
	return list
}
