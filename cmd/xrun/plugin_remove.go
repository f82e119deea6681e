package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/plugins/host"
)

func (p *program) pluginRemoveCommand() *cli.Command {
	return &cli.Command{
		Name:      "remove",
		Usage:     "remove an installed plugin",
		ArgsUsage: "NAME",
		Action:    p.pluginRemove,
	}
}

func (p *program) pluginRemove(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "NAME")
	if err != nil {
		return err
	}
	parent, err := authoring.UserDir(p.env)
	if err != nil {
		return err
	}
	path, err := host.InstalledAt(parent, args[0])
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return advice.Nothing(fmt.Errorf("no plugin %s is installed at %s", args[0], path), "xrun plugin list says where plugins are")
	}
	if err := os.RemoveAll(path); err != nil { // of a link, only the link
		return fmt.Errorf("remove plugin %s: %w", args[0], err)
	}
	fmt.Fprintln(p.stdout, "removed", path)
	h, err := p.newHost(pluginOptionsOf(c))
	if err != nil {
		return err
	}
	if src, err := h.Find(args[0]); err == nil {
		fmt.Fprintf(p.stderr, "that name now finds %s\n", src.Path)
	}
	return nil
}
