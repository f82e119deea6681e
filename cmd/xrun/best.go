package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/showing"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/trained"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) bestCommand() *cli.Command {
	return &cli.Command{
		Name:      "best",
		Usage:     "which run of a sweep is the best; write its parameters to a file",
		ArgsUsage: "[SWEEP]",
		Description: `SWEEP is a name or an id of the database; the newest is the default. The best run is the best seed of the point that
xrun compare ranks first. FILE is in the safetensors format. Its metadata has the names of features and classes and the
scales of the inputs. xrun predict reads it, and safetensors.numpy.load_file in Python.`,
		Flags: slices.Concat([]cli.Flag{storeFlag(), jsonFlag(),
			&cli.StringFlag{Name: "run", Usage: "take this `RUN`, whether it is the best or not"}}, outputFlags("write the parameters to `FILE`"), hostFlags()),
		Action: p.best,
	}
}

func (p *program) best(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	to := p.target(c, "output")
	if to.IsStdout() && c.Bool("json") {
		return advice.Usage(errors.New("--json and --output - both write to standard output"), "name a file")
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := c.Context
	found, err := question.ChooseRun(ctx, db, sweepName(args), c.String("run"))
	if err != nil {
		return err
	}
	if found.Lacking != "" {
		fmt.Fprintln(p.stderr, found.Lacking)
	}
	r := found.Run
	if to.Path != "" {
		if err := p.writeModel(c.Context, pluginOptionsOf(c), db, found, to); err != nil || to.IsStdout() {
			return err
		}
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"xrun_best": 1, "run": showing.JSONOf(r), "metric": found.Metric, "value": report.JSONNumber(found.Kept.Value),
			"kept_epoch": found.Kept.Epoch, "file": to.Path})
	}
	label, err := question.LabelOf(ctx, db, r)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "run %d of %s: %s seed %d, %s %s at epoch %d\n", r.ID, found.Sweep, label, r.Seed, found.Metric, stats.Number(found.Kept.Value), found.Kept.Epoch)
	if to.Path != "" {
		fmt.Fprintf(p.stdout, "%s has its parameters\n", to.Path)
		fmt.Fprintf(p.stderr, "\nNext: %s\n", advice.Command("predict", to.Path, "data.csv"))
		return nil
	}
	again := fmt.Sprintf("xrun repro %d runs it again", r.ID)
	_, err = db.ArtifactOf(ctx, r.ID)
	switch {
	case err == nil:
		fmt.Fprintf(p.stderr, "\nNext: xrun best -o model.safetensors writes its parameters   ·   %s\n", again)
	case errors.Is(err, store.ErrNotFound): // of a program, or imported
		fmt.Fprintf(p.stderr, "\nNext: %s shows all of it   ·   %s\n", advice.Command(append([]string{"show", fmt.Sprint(r.ID)}, storeArguments(db)...)...), again)
		if folder, ok := trialFolder(db, r.Trial); ok {
			fmt.Fprintf(p.stderr, "the files of its trial are in %s\n", folder)
		}
	default:
		return err
	}
	return nil
}

// trialFolder is the folder of the files of a program's trial, if it is there.
func trialFolder(db *store.Store, trial runner.Key) (folder string, ok bool) {
	folder = filepath.Join(training.Folders(db), string(trial))
	info, err := os.Stat(folder)
	return training.Short(folder), err == nil && info.IsDir()
}

// writeModel writes the parameters of a run, with metadata that suffices to use them.
func (p *program) writeModel(ctx context.Context, o pluginOptions, db *store.Store, found question.KeptRun, to advice.Target) error {
	r := found.Run
	artifact, err := db.ArtifactOf(ctx, r.ID)
	if errors.Is(err, store.ErrNotFound) {
		hint := "runs that finish or stop early keep them; programs keep their own"
		if folder, ok := trialFolder(db, r.Trial); ok {
			hint = "a program keeps its own; the files of the trial are in " + folder
		}
		return advice.Nothing(fmt.Errorf("run %d has kept no parameters", r.ID), hint)
	}
	if err != nil {
		return err
	}
	facts := map[string]string{"trial": string(r.Trial), "run": fmt.Sprint(r.ID), "sweep": found.Sweep, "seed": fmt.Sprint(r.Seed), "epoch": fmt.Sprint(artifact.Epoch),
		"metric": found.Metric, "value": fmt.Sprint(found.Kept.Value), "optimizer": r.Optimizer, "lr": fmt.Sprint(r.LR), "lambda": fmt.Sprint(r.Lambda), "xrun_version": version()}
	meta, err := p.describeModel(ctx, o, db, r, facts)
	if err != nil {
		return err
	}
	content, err := trained.Attach(artifact.Content, meta)
	if err != nil {
		return err
	}
	return advice.Deliver(to, writing(content))
}

// describeModel makes the metadata of a run's parameters. Test functions and plugins' models only have names.
func (p *program) describeModel(ctx context.Context, o pluginOptions, db *store.Store, r store.Run, facts map[string]string) (trained.Meta, error) {
	h, err := p.newHost(o)
	if err != nil {
		return trained.Meta{}, err
	}
	_, t, err := training.Rebuild(ctx, db, h, version(), r)
	if err != nil {
		return trained.Meta{}, err
	}
	m := trained.Meta{Model: t.Task.Model, Kind: t.Task.Kind, Activation: t.Task.Activation, Target: t.Task.Target, Facts: facts}
	if t.Task.Dataset == "" {
		return m, nil
	}
	set, err := training.OpenDataset(t.Task)
	if err != nil {
		return m, err
	}
	m.Classes, m.Sparse, m.Base = set.Classes, set.IsSparse(), set.Base()
	m.Features, m.Mean, m.Factor, _, err = t.Inputs(set)
	return m, err
}
