package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/keeping"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/showing"
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
		k, err := p.keeper(c, db)
		if err != nil {
			return err
		}
		if err := k.Write(ctx, found, to); err != nil || to.IsStdout() {
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
		if folder, ok := keeping.Folder(db, r.Trial); ok {
			fmt.Fprintf(p.stderr, "the files of its trial are in %s\n", folder)
		}
	default:
		return err
	}
	return nil
}

// keeper reads what the runs of a database have kept.
func (p *program) keeper(c *cli.Context, db *store.Store) (keeping.Keeper, error) {
	h, err := p.newHost(pluginOptionsOf(c))
	return keeping.Keeper{Store: db, Host: h, Version: version(), Data: &p.data}, err
}
