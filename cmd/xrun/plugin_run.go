package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
)

func (p *program) pluginRunCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "show what a plugin does: a loss curve, or the shape of a penalty",
		ArgsUsage: "NAME|PATH",
		Description: `An optimizer descends on a test function, adam trains an objective, and of a regularizer the value and the
proximal map of one parameter are drawn. Without --lr several rates are tried. What the plugin prints is shown on
stderr, each line once.`,
		Flags: append([]cli.Flag{
			componentFlag(),
			&cli.StringFlag{Name: "function", Value: "rosenbrock", Usage: "the test `FUNCTION`: quadratic, rosenbrock, beale, saddle, rastrigin"},
			&cli.Float64Flag{Name: "lr", Usage: "the learning `RATE`", DefaultText: "the best of several"},
			&cli.IntFlag{Name: "steps", Value: 200, Usage: "the number of steps of an optimizer"},
			&cli.IntFlag{Name: "epochs", Value: 10, Usage: "the number of epochs of an objective"},
			&cli.Float64Flag{Name: "lambda", Value: 1, Usage: "the strength of a regularizer"},
			&cli.StringSliceFlag{Name: "set", Usage: "a setting of the component, such as `momentum=0.9`"},
		}, hostFlags()...),
		Action: p.pluginRun,
	}
}

func (p *program) pluginRun(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "NAME|PATH")
	if err != nil {
		return err
	}
	if c.Int("steps") < 1 || c.Int("epochs") < 1 {
		return advice.Usage(errors.New("there is nothing to run in less than 1 step or epoch"), "")
	}
	if c.IsSet("lr") && !(c.Float64("lr") > 0) {
		return advice.Usage(fmt.Errorf("--lr is %v", c.Float64("lr")), "it must be above 0")
	}
	ref, d, chosen, err := p.pluginTarget(c.Context, pluginOptionsOf(c), args[0], c.String("component"))
	if err != nil {
		return err
	}
	if len(chosen) > 1 {
		var known []string
		for _, comp := range chosen {
			known = append(known, comp.Name)
		}
		return advice.Usage(fmt.Errorf("plugin %s supplies %d components", d.Name, len(chosen)), "choose one with --component: "+strings.Join(known, ", "))
	}
	comp := chosen[0]
	given, err := authoring.ParseSettings(comp.Spec, c.StringSlice("set"))
	if err != nil {
		return err
	}
	o, err := p.hostOptions(pluginOptionsOf(c))
	if err != nil {
		return err
	}
	if o.Logger == nil {
		printed := &authoring.Printed{W: p.stderr}
		o.Printed = printed.Line
		defer printed.Done()
	}
	run := &authoring.Run{Stdout: p.stdout, Stderr: p.stderr, Width: p.width(), Name: args[0], Ref: ref, Settings: given, Host: o,
		Function: c.String("function"), LR: c.Float64("lr"), Lambda: c.Float64("lambda"), Steps: c.Int("steps"), Epochs: c.Int("epochs")}
	return run.Component(c.Context, comp)
}

// width is the width of the terminal, 80 without one.
func (p *program) width() int { return widthOf(p.stdout) }

func widthOf(w io.Writer) int {
	if file := fileOf(w); file != nil && term.IsTerminal(int(file.Fd())) {
		if w, _, err := term.GetSize(int(file.Fd())); err == nil && w >= 40 {
			return w
		}
	}
	return 80
}
