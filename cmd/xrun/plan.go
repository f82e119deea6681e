package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/planning"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
)

func (p *program) planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show what a sweep would run, without running or writing anything",
		ArgsUsage: "SWEEP.toml",
		Flags: append([]cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.IntFlag{Name: "shards", Usage: "show how the sweep is dealt to `N` machines, and how evenly"},
			&cli.IntFlag{Name: "top", Usage: "list the first `N` trials; 0 is all", Value: 20},
		}, slices.Concat(wishFlags(), changeFlags(), hostFlags())...),
		Action: p.plan,
	}
}

func (p *program) plan(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "SWEEP.toml")
	if err != nil {
		return err
	}
	h, err := p.newHost(pluginOptionsOf(c))
	if err != nil {
		return err
	}
	p.data.Remember(args[0], version(), c.Bool("verify"))
	spec, err := p.load(c.Context, args[0], changes(c), h)
	if err != nil {
		return err
	}
	for _, w := range spec.Warnings {
		fmt.Fprintln(p.stderr, w.Warning())
	}
	want, err := wishesOf(c)
	if err != nil {
		return err
	}
	if c.IsSet("shards") {
		all, err := training.FindShards(c.Context, spec, c.Int("shards"), c.String("store"), want)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return p.printJSON(planning.ShardsJSON(spec, all))
		}
		planning.ShardsText(p.stdout, spec, all)
		return nil
	}
	where, err := filepath.Abs(want.Share.Store(c.String("store"), spec))
	if err != nil {
		return err
	}
	plan, err := training.FindPlan(c.Context, spec, where, want, &p.data)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(planning.JSON(spec, plan, where))
	}
	planning.Text(p.stdout, spec, plan, c.Int("top"))
	return nil
}
