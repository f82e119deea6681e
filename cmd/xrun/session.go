package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/watching"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/lock"
	"github.com/xrun-dev/xrun/sweeps"
)

// trainOptions are the options of commands that train.
type trainOptions struct {
	plugins  pluginOptions
	workers  int
	progress string
}

func trainFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.IntFlag{Name: "workers", Usage: "train `N` cohorts, or run N programs, at once", DefaultText: "one more than cores", EnvVars: []string{"XRUN_WORKERS"}},
		progressFlag(),
	}, hostFlags()...)
}

func trainOptionsOf(c *cli.Context) (trainOptions, error) {
	return trainOptions{plugins: pluginOptionsOf(c), workers: c.Int("workers"), progress: c.String("progress")}, checkProgress(c)
}

// newSession prepares training. Signals end it in order until its Interrupt is stopped.
func (p *program) newSession(ctx context.Context, o trainOptions) (*training.Session, error) {
	h, err := p.newHost(o.plugins)
	if err != nil {
		return nil, err
	}
	self, err := executable()
	if err != nil {
		return nil, err
	}
	view := func(ctx context.Context, work training.Work) (training.View, error) {
		w, err := watching.New(ctx, work.Store, work.Sweep)
		if err != nil {
			return nil, err
		}
		w.Only = work.Only
		state, err := w.State(ctx)
		state.Again = work.Again
		return live.New(live.Seen(p.stderr, o.progress, p.env, live.Options{State: state, Workers: work.Workers, Others: w.Others})), err
	}
	return &training.Session{Host: h, Data: &p.data, Version: version(), Keeper: []string{self, keepPrograms}, Guard: []string{self, guardProgram}, Workers: o.workers, Command: p.args[1:],
		Interrupt: training.WatchSignals(ctx, p.stderr), Stderr: p.stderr, View: view}, nil
}

// load reads a sweep file and everything that it names. A lock beside it may refuse a plugin.
func (p *program) load(ctx context.Context, file string, changes sweeps.Changes, h *host.Host) (*sweeps.Spec, error) {
	pins, err := lock.Read(lock.Beside(file))
	if err != nil && !lock.Missing(err) {
		return nil, advice.AsUsage(err)
	}
	p.data.SetNotice(func(text string) { fmt.Fprintln(p.stderr, text) })
	catalog := training.NewCatalog(h, file, version(), pins, &p.data)
	spec, err := training.Load(ctx, file, changes, catalog)
	if err != nil {
		return nil, err
	}
	for ref, source := range catalog.Attached() {
		fmt.Fprintf(p.stderr, "warning: plugin %s is %s; its runs are kept apart as %s\n", ref, source.Path, source.Digest)
	}
	return spec, nil
}
