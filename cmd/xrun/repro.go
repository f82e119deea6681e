package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) reproCommand() *cli.Command {
	return &cli.Command{
		Name:      "repro",
		Usage:     "run one trial again, alone, and say whether it gives the same bits",
		ArgsUsage: "RUN",
		Description: `RUN is the number of a run or the beginning of a trial's key. The trial is made again from the sweep file as it was, and trained in a
database of its own that is thrown away. Exit code 0 if every metric of every epoch and the parameters are the same, 1 if not.`,
		Flags:  append([]cli.Flag{storeFlag(), jsonFlag()}, hostFlags()...),
		Action: p.repro,
	}
}

func (p *program) repro(c *cli.Context) (err error) {
	args, err := positional(c, 1, 1, "RUN")
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
		// What an earlier version of xrun kept is kept again, so that the parameters can be compared.
		trial.Keep.At = runner.AtEpoch(r.Kept.Epoch)
	}
	fmt.Fprintf(p.stderr, "running trial %s again: seed %d, %s\n", r.Trial.Short(), trial.Seed, stats.Count(r.Epochs, "epoch", "epochs"))
	if err := session.Once(spec, trial, again); err != nil {
		return err
	}
	return p.compareRuns(context.WithoutCancel(ctx), db, again, r, c.Bool("json"))
}

// compareRuns says how a run and its repetition, the only one of its database, differ.
func (p *program) compareRuns(ctx context.Context, db, again *store.Store, r store.Run, machine bool) error {
	runs, err := again.Runs(ctx, store.RunQuery{})
	if err != nil {
		return err
	}
	if len(runs) != 1 {
		return fmt.Errorf("the repetition has %d runs", len(runs))
	}
	now := runs[0]
	difference, err := firstDifference(ctx, db, again, r, now, [2]string{fmt.Sprintf("in run %d", r.ID), "now"})
	if err != nil {
		return err
	}
	environment, err := environmentChanges(ctx, db, again, r.ID, now.ID)
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

// firstDifference is the first epoch and metric that differ, or what else does; empty if nothing does. in are
// the runs in words.
func firstDifference(ctx context.Context, db, again *store.Store, before, now store.Run, in [2]string) (string, error) {
	metrics, err := db.Metrics(ctx, before.ID)
	if err != nil {
		return "", err
	}
	first, text := math.MaxInt, ""
	for _, m := range metrics {
		a, err := db.Curve(ctx, before.ID, m.Metric)
		if err != nil {
			return "", err
		}
		b, err := again.Curve(ctx, now.ID, m.Metric)
		if err != nil {
			return "", err
		}
		for i, p := range a {
			switch {
			case p.Epoch >= first:
			case i >= len(b):
				first, text = p.Epoch, fmt.Sprintf("%s at epoch %d is %v %s and not there %s", m.Metric, p.Epoch, p.Value, in[0], in[1])
			case b[i].Epoch != p.Epoch || math.Float64bits(b[i].Value) != math.Float64bits(p.Value) && !(math.IsNaN(p.Value) && math.IsNaN(b[i].Value)):
				first, text = p.Epoch, fmt.Sprintf("%s at epoch %d is %v %s and %v %s", m.Metric, p.Epoch, p.Value, in[0], b[i].Value, in[1])
			}
		}
		if len(b) > len(a) && text == "" {
			text = fmt.Sprintf("%s has %d epochs more %s", m.Metric, len(b)-len(a), in[1])
		}
	}
	if text != "" {
		return text, nil
	}
	if before.Status != now.Status || before.Reason != now.Reason {
		return fmt.Sprintf("the outcome is %s %q %s and %s %q %s", before.Status, before.Reason, in[0], now.Status, now.Reason, in[1]), nil
	}
	if before.Keeps != now.Keeps || before.Kept.Epoch != now.Kept.Epoch {
		return fmt.Sprintf("the metrics are the same, and epoch %d counts %s, epoch %d %s", before.Kept.Epoch, in[0], now.Kept.Epoch, in[1]), nil
	}
	digest := func(s *store.Store, id int64) (string, error) {
		a, err := s.ArtifactOf(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return "", nil
		}
		return a.Digest, err
	}
	a, err := digest(db, before.ID)
	if err != nil {
		return "", err
	}
	b, err := digest(again, now.ID)
	if err == nil && a != b {
		return "the metrics are the same, and the parameters are not", nil
	}
	return "", err
}

// environmentChanges lists what may explain other bits.
func environmentChanges(ctx context.Context, db, again *store.Store, before, now int64) ([]string, error) {
	a, err := db.EnvironmentOf(ctx, before)
	if err != nil {
		return nil, err
	}
	b, err := again.EnvironmentOf(ctx, now)
	if err != nil {
		return nil, err
	}
	changes := []string{}
	for _, f := range [][3]string{{"CPU", a.CPU, b.CPU}, {"operating system", a.OS, b.OS}, {"architecture", a.Arch, b.Arch}, {"arithmetic", a.BLAS, b.BLAS},
		{"xrun", a.XrunVersion, b.XrunVersion}, {"Go", a.GoVersion, b.GoVersion}} {
		if f[1] != f[2] {
			changes = append(changes, fmt.Sprintf("%s was %s, and is %s", f[0], f[1], f[2]))
		}
	}
	return slices.Clip(changes), nil
}
