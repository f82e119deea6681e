package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/sweeps"
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
			&cli.StringFlag{Name: "arm", Usage: "refine around the best of `ARM` instead of the best of all"},
			&cli.IntFlag{Name: "points", Usage: "`N` new values on each side", Value: 2},
		}, outputFlags("write the sweep file to `FILE`, by default NAME-refined.toml"), hostFlags()),
		Action: p.refine,
	}
}

func (p *program) refine(c *cli.Context) error {
	args, err := positional(c, 0, 1, "[SWEEP]")
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
	ctx := c.Context
	sweep, text, err := question.GridSweep(ctx, db, sweepName(args))
	if err != nil {
		return err
	}
	r, err := question.Answer(ctx, db, []string{fmt.Sprint(sweep.ID)}, question.Question{})
	if err != nil {
		return err
	}
	if err := question.Trainable(sweep.Name, text); err != nil {
		return err
	}
	h, err := p.newHost(pluginOptionsOf(c))
	if err != nil {
		return err
	}
	to := p.target(c, "output")
	toFile := to.Path // the paths in the text are relative to it
	if toFile == "" || to.IsStdout() {
		toFile = strings.TrimSuffix(sweep.File, filepath.Ext(sweep.File)) + next.RefinedSuffix + ".toml"
	}
	load := func(text []byte) (*sweeps.Spec, error) {
		catalog := training.NewCatalog(h, toFile, version(), nil)
		spec, err := sweeps.Load(ctx, toFile, text, catalog)
		return spec, errors.Join(err, catalog.Close())
	}
	grid := next.Grid{Name: sweep.Name, File: sweep.File, Text: text.Text, Resolved: text.Resolved, Overrides: text.Overrides, Quick: training.ChangesOf(text).Quick}
	refined, err := next.Refine(grid, r, c.String("arm"), axes, points, load)
	if empty := (*next.EmptyError)(nil); errors.As(err, &empty) {
		return advice.Nothing(err, empty.Hint())
	}
	if err != nil {
		return asUsage(err)
	}
	if to.Path == "" {
		to.Path = toFile
	}
	if err := advice.Deliver(to, writing(refined.Text)); err != nil || to.IsStdout() {
		return err
	}
	fmt.Fprintf(p.stdout, "%s refines %s around %s\n", toFile, sweep.Name, refined.Best)
	for _, line := range refined.Said {
		fmt.Fprintln(p.stdout, "  "+line)
	}
	fmt.Fprintf(p.stderr, "\nNext: %s   ·   %s   ·   %s\n", advice.Command("plan", toFile), advice.Command("sweep", toFile), advice.Command("compare", sweep.Name, sweep.Name+next.RefinedSuffix))
	return nil
}
