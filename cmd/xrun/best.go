package main

import (
	"cmp"
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
)

func (p *program) bestCommand() *cli.Command {
	return &cli.Command{
		Name:      "best",
		Usage:     "which run of a sweep is the best; write its parameters to a file",
		ArgsUsage: "[SWEEP]",
		Description: `SWEEP is a name or an id of the database; the newest is the default. The best run is the best seed of the point that
xrun compare ranks first. FILE is in the safetensors format. Its metadata has all that a prediction needs: see xrun help models.

xrun best --refit -o model.safetensors    train the point on its training and validation rows together`,
		Flags: slices.Concat([]cli.Flag{storeFlag(), jsonFlag(),
			&cli.StringFlag{Name: "run", Usage: "take this `RUN`, whether it is the best or not"},
			&cli.BoolFlag{Name: "refit", Usage: "train the point again, on training and validation rows, and write that to FILE, by default model.safetensors"}}, outputFlags("write the parameters to `FILE`"), hostFlags()),
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
	found, err := question.ChooseRun(c.Context, db, sweepName(args), c.String("run"))
	if err != nil {
		return err
	}
	if found.Lacking != "" {
		fmt.Fprintln(p.stderr, found.Lacking)
	}
	k, err := p.keeper(c, db)
	if err != nil {
		return err
	}
	if c.Bool("refit") {
		return p.refit(c, k, found, to)
	}
	if to.Path != "" {
		if err := k.Write(c.Context, found, to); err != nil || to.IsStdout() {
			return err
		}
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"xrun_best": 1, "run": showing.JSONOf(found.Run), "metric": found.Metric, "value": report.JSONNumber(found.Kept.Value),
			"kept_epoch": found.Kept.Epoch, "file": to.Path})
	}
	return k.Tell(c.Context, p.stdout, p.stderr, found, to.Path, storeArguments(db))
}

// refit trains the point of a run on more rows.
func (p *program) refit(c *cli.Context, k keeping.Keeper, found question.KeptRun, to advice.Target) error {
	session, err := p.newSession(c.Context, trainOptions{plugins: pluginOptionsOf(c), progress: "auto"})
	if err != nil {
		return err
	}
	defer session.Interrupt.Stop()
	to.Path = cmp.Or(to.Path, "model.safetensors")
	r, err := k.Refit(session, found, to)
	switch {
	case err != nil:
		return err
	case c.Bool("json"):
		return p.printJSON(r.JSON(to.Path))
	case to.IsStdout():
		fmt.Fprintln(p.stderr, r.Unjudged())
		return nil
	}
	r.Tell(p.stdout, p.stderr, to.Path)
	return nil
}

// keeper reads what the runs of a database have kept.
func (p *program) keeper(c *cli.Context, db *store.Store) (keeping.Keeper, error) {
	h, err := p.newHost(pluginOptionsOf(c))
	return keeping.Keeper{Store: db, Host: h, Version: version(), Data: &p.data}, err
}
