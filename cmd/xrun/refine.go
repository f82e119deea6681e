package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/refining"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/sweeps/next"
)

func (p *program) refineCommand() *cli.Command {
	return &cli.Command{
		Name:      "refine",
		Usage:     "write the next sweep file, around the best of a sweep",
		ArgsUsage: "[SWEEP]",
		Description: `If the best is at an end of an axis, the axis continues beyond it; otherwise the axis gets finer around it.
Trained values stay, so their trials are not trained again. If --axis names only one of lr and lambda, the
other keeps the best and its neighbours; further axes stay. The file stands beside the sweep file and keeps its
comments.`,
		Flags: slices.Concat([]cli.Flag{
			storeFlag(),
			&cli.StringSliceFlag{Name: "axis", Usage: "the `AXIS` to refine, lr or lambda; may be repeated; both by default"},
			&cli.StringFlag{Name: "where", Usage: "refine around the best point for which `EXPR` holds"},
			&cli.StringFlag{Name: "arm", Usage: "refine around the best of `ARM` instead of the best of all"},
			&cli.IntFlag{Name: "points", Usage: "`N` new values on each side", Value: refining.Points},
		}, outputFlags("write the sweep file to `FILE`, by default NAME-refined.toml"), hostFlags()),
		Action: p.refine,
	}
}

func (p *program) refine(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	axes := c.StringSlice("axis")
	for _, axis := range axes {
		if !slices.Contains(next.Axes(), axis) {
			return advice.Usage(fmt.Errorf("--axis %q cannot be refined", axis), "it is lr or lambda")
		}
	}
	points := c.Int("points")
	if points < 1 || points > 100 {
		return advice.Usage(fmt.Errorf("--points %d is not from 1 to 100", points), "")
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	to := p.target(c, "output")
	o := refining.Options{Sweep: sweepName(args), Where: c.String("where"), Arm: c.String("arm"), Axes: axes, Points: points, Version: version(),
		Host: func() (*host.Host, error) { return p.newHost(pluginOptionsOf(c)) }}
	if !to.IsStdout() {
		o.To = to.Path
	}
	refined, err := refining.Of(c.Context, db, o)
	if err != nil {
		return err
	}
	if to.Path == "" {
		to.Path = refined.To
	}
	if err := advice.Deliver(to, writing(refined.Text)); err != nil || to.IsStdout() {
		return err
	}
	fmt.Fprintf(p.stdout, "%s refines %s around %s\n", refined.To, refined.Of, refined.Best)
	for _, line := range refined.Said {
		fmt.Fprintln(p.stdout, "  "+line)
	}
	fmt.Fprintf(p.stderr, "\nNext: %s   ·   %s   ·   %s\n", advice.Command("plan", refined.To), advice.Command("sweep", refined.To), advice.Command("compare", refined.Of, refined.Of+next.RefinedSuffix))
	return nil
}
