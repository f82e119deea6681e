package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/plugintest"
)

func (p *program) pluginCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "check whether a plugin keeps the contract: settings, bits, state, faults, gradients",
		ArgsUsage: "NAME|PATH",
		Description: `The plugin is started as in a sweep and judged by named checks. A plugin must pass the required ones; the
others are advice. Exit code 1 if a required check fails. Results are printed as they are known. A plugin that does not
answer within --timeout is stopped, and says where it hangs; checks that would hang likewise are left out. What the
plugin prints is shown on stderr, each line once.`,
		Flags: append([]cli.Flag{
			componentFlag(),
			&cli.BoolFlag{Name: "long", Usage: "show passed checks too"},
			&cli.BoolFlag{Name: "short", Usage: "leave out the longest checks: a million parameters, long descents"},
			&cli.DurationFlag{Name: "timeout", Usage: "stop a plugin that does not answer a call within `TIME`, and say where it hangs", Value: plugintest.DefaultTimeout},
			jsonFlag(),
		}, hostFlags()...),
		Action: p.pluginCheck,
	}
}

func componentFlag() cli.Flag {
	return &cli.StringFlag{Name: "component", Usage: "only the component `NAME` of the plugin"}
}

// pluginTarget is the plugin that an argument of a command names, and the components that are asked for.
func (p *program) pluginTarget(ctx context.Context, o pluginOptions, name, wanted string) (ref string, d *host.Description, chosen []plugins.Component, err error) {
	h, own, err := p.builtins(ctx, o)
	if err != nil {
		return "", nil, nil, err
	}
	ref, d = name, own
	if hasComponent(own, name) {
		ref, wanted = host.BuiltinRef, name
	} else if d, err = h.Describe(ctx, name); err != nil {
		return "", nil, nil, err
	}
	var known []string
	for _, comp := range d.Components {
		known = append(known, comp.Name)
		if wanted == "" || comp.Name == wanted {
			chosen = append(chosen, comp)
		}
	}
	if chosen == nil {
		return "", nil, nil, advice.Usage(fmt.Errorf("plugin %s supplies no component %q", d.Name, wanted), "it supplies "+strings.Join(known, ", "))
	}
	return ref, d, chosen, nil
}

func (p *program) pluginCheck(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "NAME|PATH")
	if err != nil {
		return err
	}
	o, err := p.hostOptions(pluginOptionsOf(c))
	if err != nil {
		return err
	}
	if o.CallTimeout = c.Duration("timeout"); o.CallTimeout <= 0 {
		return advice.Usage(fmt.Errorf("--timeout %v: no call ends in that time", o.CallTimeout), "give a time such as 10s or 2m")
	}
	o.StartTimeout = max(time.Minute, o.CallTimeout) // a framework may take long to load
	reporter := &authoring.Reporter{W: p.stdout, Long: c.Bool("long"), Width: p.width()}
	if notice := o.Notice; notice != nil {
		o.Notice = func(text string) {
			reporter.Interrupt()
			notice(text)
		}
	}
	if o.Logger == nil {
		printed := &authoring.Printed{W: p.stderr, Before: reporter.Interrupt}
		o.Printed = printed.Line
		defer printed.Done()
	}
	options := plugintest.Options{Short: c.Bool("short"), Host: o}
	if !c.Bool("json") {
		options.Described, options.Ended = reporter.Described, reporter.Ended
	}
	h, own, err := p.builtins(c.Context, pluginOptionsOf(c))
	if err != nil {
		return err
	}
	ref := args[0]
	switch {
	case hasComponent(own, ref):
		options.Components, ref = []string{ref}, host.BuiltinRef
	case c.String("component") != "":
		if _, err := h.Find(ref); err != nil {
			return err
		}
		_, _, chosen, err := p.pluginTarget(c.Context, pluginOptionsOf(c), ref, c.String("component"))
		if err != nil {
			return err
		}
		options.Components = []string{chosen[0].Name}
	}
	r, err := plugintest.Check(c.Context, ref, options)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = p.printJSON(map[string]any{"xrun_plugin_check": 1, "passed": r.Passed(), "report": r})
	} else {
		reporter.Done(r)
	}
	if err == nil && !r.Passed() {
		err = advice.Exit(advice.ExitFailure)
	}
	return err
}
