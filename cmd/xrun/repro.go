package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) reproCommand() *cli.Command {
	return &cli.Command{
		Name:      "repro",
		Usage:     "run one trial again, alone, and compare it bit for bit",
		ArgsUsage: "RUN",
		Description: `RUN is the number of a run or the beginning of a trial's key. The trial is made again from the
stored sweep file, and trained into a temporary database. Exit code 0 if every metric of every epoch and the parameters
are the same, 1 if not.`,
		Flags:  append([]cli.Flag{storeFlag(), jsonFlag()}, hostFlags()...),
		Action: p.repro,
	}
}

func (p *program) repro(c *cli.Context) (err error) {
	args, err := commandline.Positional(c, 1, 1, "RUN")
	if err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	session, err := p.newSession(c.Context, trainOptions{plugins: pluginOptionsOf(c), progress: "auto"})
	if err != nil {
		return err
	}
	defer session.Interrupt.Stop()
	ctx := session.Interrupt.Context
	r, err := db.FindRun(ctx, args[0])
	if err != nil {
		return err
	}
	if !r.Status.Done() {
		return advice.Nothing(fmt.Errorf("run %d is %s: only a result can be compared with another", r.ID, r.Status), "xrun sweep brings its trial to a result")
	}
	spec, trial, err := training.Rebuild(ctx, db, session.Host, version(), r)
	if err != nil {
		return err
	}
	was, err := training.Revision(ctx, db, r)
	if err != nil {
		return err
	}
	if trial.Task.Command == nil && was != trial.Arithmetic {
		return advice.Nothing(fmt.Errorf("run %d has the bits of revision %d of xrun's arithmetic, and this xrun computes those of revision %d", r.ID, was, trial.Arithmetic),
			fmt.Sprintf("%s trains its trial anew; the xrun that made the run is in %s", advice.Command("sweep", training.Short(spec.File)), advice.Command("show", fmt.Sprint(r.ID))))
	}
	dir, err := os.MkdirTemp("", "xrun-repro-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	again, err := p.openStore(ctx, filepath.Join(dir, "xrun.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, again.Close()) }()
	if r.Keeps && trial.Key() != r.Trial {
		// Keep the epoch that an earlier version of xrun kept, so that the parameters can be compared.
		trial.Keep.At = runner.AtEpoch(r.Kept.Epoch)
	}
	fmt.Fprintf(p.stderr, "running trial %s again: seed %d, %s\n", r.Trial.Short(), trial.Seed, stats.Count(r.Epochs, "epoch", "epochs"))
	if err := session.Once(spec, trial, again); err != nil {
		return err
	}
	return p.compareRuns(context.WithoutCancel(ctx), db, again, r, c.Bool("json"))
}

// compareRuns prints the differences of a run and its repetition, the only run of its database.
func (p *program) compareRuns(ctx context.Context, db, again *store.Store, r store.Run, machine bool) error {
	runs, err := again.Runs(ctx, store.RunQuery{})
	if err != nil {
		return err
	}
	if len(runs) != 1 {
		return fmt.Errorf("the repetition has %d runs", len(runs))
	}
	now := runs[0]
	difference, err := question.FirstDifference(ctx, db, again, r, now, [2]string{fmt.Sprintf("in run %d", r.ID), "now"})
	if err != nil {
		return err
	}
	environment, err := question.EnvironmentChanges(ctx, db, again, r.ID, now.ID)
	if err != nil {
		return err
	}
	if machine {
		err = p.printJSON(map[string]any{"xrun_repro": 1, "run": r.ID, "trial": r.Trial, "same": difference == "", "difference": difference, "environment": environment})
	} else if difference == "" {
		fmt.Fprintf(p.stdout, "the same bits: run %d, %s after %s, every metric of every epoch and the parameters\n", r.ID, now.Status, stats.Count(now.Epochs, "epoch", "epochs"))
	} else {
		fmt.Fprintf(p.stdout, "run %d gives other bits: %s\n", r.ID, difference)
	}
	for _, change := range environment {
		fmt.Fprintf(p.stderr, "the machine is not as it was: %s\n", change)
	}
	if err == nil && difference != "" {
		err = advice.Exit(advice.ExitFailure)
	}
	return err
}
