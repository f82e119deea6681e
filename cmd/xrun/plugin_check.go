package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/plugintest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) pluginCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "find out whether a plugin keeps the contract: settings, bits, state, faults, gradients",
		ArgsUsage: "NAME|PATH",
		Description: `The plugin is started as in a sweep and judged by named checks. Those that are required have to hold
before it is used; the others are advice. Exit code 1 if a required check does not hold.`,
		Flags: append([]cli.Flag{
			componentFlag(),
			&cli.BoolFlag{Name: "long", Usage: "a line for every check, also for those that hold"},
			&cli.BoolFlag{Name: "short", Usage: "leave out what takes longest: a million parameters, long descents"},
			jsonFlag(),
		}, hostFlags()...),
		Action: p.pluginCheck,
	}
}

func componentFlag() cli.Flag {
	return &cli.StringFlag{Name: "component", Usage: "only the component `NAME` of the plugin"}
}

// pluginTarget is what the argument of a command means: a built-in component, or a plugin and those of
// its components that are asked for.
func (p *program) pluginTarget(c *cli.Context, name string) (ref string, d *host.Description, chosen []plugins.Component, err error) {
	h, own, err := p.builtins(c)
	if err != nil {
		return "", nil, nil, err
	}
	wanted := c.String("component")
	ref, d = name, own
	if hasComponent(own, name) {
		ref, wanted = host.BuiltinRef, name
	} else if d, err = h.Describe(c.Context, name); err != nil {
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
	args, err := positional(c, 1, 1, "NAME|PATH")
	if err != nil {
		return err
	}
	o, err := p.hostOptions(pluginOptionsOf(c))
	if err != nil {
		return err
	}
	options := plugintest.Options{Short: c.Bool("short"), Host: o}
	h, own, err := p.builtins(c)
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
		_, _, chosen, err := p.pluginTarget(c, ref)
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
		writeReport(p.stdout, r, c.Bool("long"), p.width())
	}
	if err == nil && !r.Passed() {
		err = advice.Exit(advice.ExitFailure)
	}
	return err
}

// verdictOf is how a result is marked: what fails without being required is advice.
func verdictOf(r plugintest.Result) string {
	switch {
	case r.Verdict == plugintest.Failed && r.Required:
		return "FAILED"
	case r.Verdict == plugintest.Failed:
		return "advice"
	}
	return string(r.Verdict)
}

// writeReport prints what was checked, by component. Unless long, checks that hold share a line, and
// those that do not apply are left out.
func writeReport(w io.Writer, r *plugintest.Report, long bool, width int) {
	fmt.Fprintln(w, strings.TrimSpace(r.Plugin+" "+r.Version))
	if r.Path != r.Plugin {
		fmt.Fprintln(w, r.Path)
	}
	writeResults(w, "process", r.Checks, long, width)
	for _, comp := range r.Components {
		writeResults(w, string(comp.Kind)+" "+comp.Name, comp.Checks, long, width)
	}
	required := 0
	for _, c := range append([]plugintest.Component{{Checks: r.Checks}}, r.Components...) {
		for _, res := range c.Checks {
			if res.Required && res.Verdict == plugintest.Failed {
				required++
			}
		}
	}
	fmt.Fprintln(w)
	if required == 0 {
		fmt.Fprintf(w, "passed: %s\n", stats.Count(r.Count(plugintest.OK), "check holds", "checks hold"))
		return
	}
	fmt.Fprintf(w, "not passed: %s that is required\n", stats.Count(required, "check does not hold", "checks do not hold"))
}

func writeResults(w io.Writer, title string, results []plugintest.Result, long bool, width int) {
	fmt.Fprintf(w, "\n%s\n", title)
	var quiet []string
	for _, res := range results {
		if !long && (res.Verdict == plugintest.OK || res.Verdict == plugintest.Skipped) {
			if res.Verdict == plugintest.OK {
				quiet = append(quiet, res.ID)
			}
			continue
		}
		text := res.ID
		if res.Message != "" {
			text += ": " + res.Message
		}
		writeWrapped(w, verdictOf(res), text, width)
	}
	if quiet != nil {
		writeWrapped(w, string(plugintest.OK), strings.Join(quiet, ", "), width)
	}
}

// writeWrapped prints a text beside its mark, broken at blanks to the width.
func writeWrapped(w io.Writer, mark, text string, width int) {
	const left = 10
	for _, paragraph := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width-left {
				fmt.Fprintf(w, "  %-8s%s\n", mark, line)
				mark, line = "", ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		fmt.Fprintf(w, "  %-8s%s\n", mark, line)
		mark = ""
	}
}
