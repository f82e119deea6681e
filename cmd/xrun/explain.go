package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/explain"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
)

func (p *program) explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "show the formula, defaults and sources of a name in sweep files; without NAME, list all",
		ArgsUsage: "[NAME]",
		Description: `NAME is an optimizer, a regularizer, a schedule, a stopping or pruning rule, a model, a metric, a test or a scale.
Without NAME all of them are listed.

Frameworks disagree on the meaning of names such as adam. --convention chooses a framework; its rule is shown,
and then how the others differ. A sweep file chooses with convention = "…" in the component's table.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "convention", Usage: "show the rule of `FRAMEWORK`: torch, keras, optax, …"},
			jsonFlag(),
		}, hostFlags()...),
		Action: p.explain,
	}
}

func (p *program) explain(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[NAME]")
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return p.explainable(c.Context, pluginOptionsOf(c), c.Bool("json"))
	}
	found := explain.Find(args[0])
	spec, err := p.findComponent(c.Context, pluginOptionsOf(c), args[0])
	switch {
	case err == nil: // first: a plugin may have the name of a fact
	case len(found) > 0:
		return p.explainFacts(found, c.String("convention"), c.Bool("json"))
	default:
		return err
	}
	chosen, err := conventionOf(spec, c.String("convention"))
	if err != nil {
		return err
	}
	settings, err := spec.Complete(plugins.Settings{})
	if len(spec.Conventions) > 0 {
		settings, err = spec.Complete(plugins.Settings{plugins.SettingConvention: plugins.Choice(chosen.Name)})
	}
	if err != nil {
		settings = plugins.Settings{} // a required setting has no default
	}
	if c.Bool("json") {
		defaults := map[string]string{}
		for name, v := range settings {
			defaults[name] = v.String()
		}
		return p.printJSON(map[string]any{"xrun_explain": 1, "kind": spec.Kind, "name": spec.Name, "convention": chosen.Name, "rule": chosen.Rule,
			"doc": spec.Doc, "lr": chosen.LR, "defaults": defaults, "state_floats": spec.StateFloats, "citation": spec.Citation, "source": chosen.Source,
			"features": append([]string{}, spec.Features...)})
	}
	explain.Component(p.stdout, spec, chosen, settings)
	return nil
}

// findComponent finds a component by its name: a built-in one, or the only one of a plugin.
func (p *program) findComponent(ctx context.Context, o pluginOptions, name string) (plugins.Spec, error) {
	h, own, err := p.builtins(ctx, o)
	if err != nil {
		return plugins.Spec{}, err
	}
	d := own
	if !hasComponent(own, name) {
		if d, err = h.Describe(ctx, name); err != nil {
			return plugins.Spec{}, misspelled(err, name, own)
		}
	}
	var found []plugins.Component
	for _, comp := range d.Components {
		if d != own || comp.Name == name {
			found = append(found, comp)
		}
	}
	if len(found) != 1 {
		return plugins.Spec{}, advice.Usage(fmt.Errorf("plugin %s has %d components", name, len(found)), advice.Command("plugin", "info", name)+" shows them all")
	}
	return found[0].Spec, nil
}

// misspelled adds a hint to the error for an unknown plugin: the built-in name that was probably meant.
func misspelled(err error, name string, own *host.Description) error {
	known := explain.Names()
	for _, comp := range own.Components {
		known = append(known, comp.Name)
	}
	var unfound *host.FindError
	if meant := commandline.DidYouMean("", name, known, ""); meant != "" && errors.As(err, &unfound) && len(unfound.Dirs) > 0 {
		return advice.Nothing(err, meant)
	}
	return err
}

func hasComponent(d *host.Description, name string) bool {
	for _, comp := range d.Components {
		if comp.Name == name {
			return true
		}
	}
	return false
}

// conventionOf is the convention of a name; empty is the component's default.
func conventionOf(spec plugins.Spec, name string) (plugins.Convention, error) {
	var names []string
	for _, v := range spec.Conventions {
		if v.Name == name || name == "" || slices.Contains(plugins.Synonyms(plugins.SettingConvention, name), v.Name) {
			return v, nil
		}
		names = append(names, v.Name)
	}
	switch {
	case name == "":
		return plugins.Convention{}, nil
	case names == nil:
		return plugins.Convention{}, advice.Usage(fmt.Errorf("%s has one definition only, and no convention %q", spec.Name, name), "leave --convention out")
	}
	return plugins.Convention{}, advice.Usage(fmt.Errorf("%s has no convention %q", spec.Name, name), commandline.DidYouMean("", name, names, "it has "+strings.Join(names, ", ")))
}
