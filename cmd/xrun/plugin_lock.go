package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins/lock"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) pluginLockCommand() *cli.Command {
	return &cli.Command{
		Name:      "lock",
		Usage:     "pin the plugins of a sweep to the content they have now",
		ArgsUsage: "SWEEP.toml",
		Description: `Writes xrun.lock beside the sweep file: the SHA-256 of every plugin of the sweep that is not built in.
From then on sweep and plan refuse a plugin that has changed, or that is not in the lock. The plugins
are started once, to list their components.`,
		Flags:  hostFlags(),
		Action: p.pluginLock,
	}
}

func (p *program) pluginLock(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "SWEEP.toml")
	if err != nil {
		return err
	}
	sweep := args[0]
	h, err := p.newHost(pluginOptionsOf(c))
	if err != nil {
		return err
	}
	found := training.NewCatalog(h, sweep, version(), nil, nil)
	if _, err := training.Load(c.Context, sweep, sweeps.Changes{}, found); err != nil {
		return err
	}
	path := lock.Beside(sweep)
	pins, err := lock.Read(path)
	switch {
	case lock.Missing(err):
		pins = &lock.Lock{}
	case err != nil:
		return advice.AsUsage(err)
	}
	uses, err := authoring.Pinned(c.Context, h, sweep, found)
	if err != nil {
		return err
	}
	changes := pins.Update(sweep, uses)
	if err := pins.Write(path); err != nil {
		return err
	}
	for _, change := range changes {
		fmt.Fprintln(p.stdout, change)
	}
	if len(changes) == 0 {
		fmt.Fprintln(p.stdout, "nothing has changed")
	}
	fmt.Fprintf(p.stderr, "%s pins %s\n", path, stats.Count(len(pins.Plugins), "plugin", "plugins"))
	return nil
}
