package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/plugins/host"
)

func (p *program) pluginInstallCommand() *cli.Command {
	return &cli.Command{
		Name:      "install",
		Usage:     "copy a plugin into your plugin directory, where sweeps find it by name",
		ArgsUsage: "PATH",
		Description: `PATH is an executable, a directory with an executable called plugin, or a file or directory of a
plugin in Python. The copy is started once, to list its components. A plugin is copied as far as its
digest covers it: a directory, or a file in Python with the modules that it imports. Other files that
it reads must be in such a directory.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "call it `NAME`", DefaultText: "its own name"},
			&cli.BoolFlag{Name: "force", Usage: "replace another plugin of that name"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say on stderr what happens with plugins"},
		},
		Action: p.pluginInstall,
	}
}

func (p *program) pluginInstall(c *cli.Context) (err error) {
	args, err := commandline.Positional(c, 1, 1, "PATH")
	if err != nil {
		return err
	}
	name := c.String("name")
	if c.IsSet("name") {
		if err := host.CheckName(name); err != nil {
			return err
		}
	}
	parent, err := authoring.UserDir(p.env)
	if err != nil {
		return err
	}
	h, err := p.newHost(pluginOptionsOf(c))
	if err != nil {
		return err
	}
	path := args[0]
	if !strings.ContainsRune(filepath.ToSlash(path), '/') { // a file here, never a name
		path = "./" + path
	}
	src, err := h.Find(path)
	if err != nil {
		return err
	}
	if src.Attached() {
		return advice.Usage(fmt.Errorf("plugin %s is attached by XRUN_REATTACH, so there is nothing to copy", path), "unset XRUN_REATTACH")
	}
	staged, err := h.Stage(src, parent)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, staged.Discard()) }()
	fmt.Fprintf(p.stderr, "starting a copy of %s to list its components\n", path)
	d, err := h.Describe(c.Context, staged.Ref)
	if err != nil {
		return fmt.Errorf("%w\nthe copy does not run, so nothing was installed", err)
	}
	if name == "" {
		name = d.Name
	}
	at, err := p.place(h, parent, name, staged.Digest, c.Bool("force"))
	if err != nil {
		return err
	}
	if at == "" {
		fmt.Fprintf(p.stdout, "%s %s is installed already, sha256:%s\n", name, d.Version, staged.Digest)
		return nil
	}
	if at, err = staged.Install(name); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "installed %s %s, sha256:%s\nat %s\n", name, d.Version, staged.Digest, at)
	for _, comp := range d.Components {
		fmt.Fprintf(p.stdout, "%s %s: %s\n", comp.Kind, comp.Name, comp.Summary)
	}
	return p.tellHidden(c.Context, pluginOptionsOf(c), name, at)
}

// place is the path for a plugin of that name, empty if the same plugin is there. Only force replaces another one.
func (p *program) place(h *host.Host, parent, name, digest string, force bool) (string, error) {
	at, err := host.InstalledAt(parent, name)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(at); errors.Is(err, fs.ErrNotExist) {
		return at, nil
	} else if err != nil {
		return "", fmt.Errorf("install plugin %s: %w", name, err)
	}
	before := "cannot be read"
	if old, err := h.Find(at); err == nil {
		if old.Digest == digest {
			return "", nil
		}
		before = "is sha256:" + old.Digest
	}
	if !force {
		return "", advice.Usage(fmt.Errorf("another plugin %s is installed: it %s, the new one is sha256:%s", name, before, digest),
			"--force replaces it, --name installs it beside it")
	}
	fmt.Fprintf(p.stdout, "replaced: it %s\n", strings.Replace(before, "is", "was", 1))
	return at, nil
}

// tellHidden warns if the name of an installed plugin finds something else.
func (p *program) tellHidden(ctx context.Context, o pluginOptions, name, at string) error {
	h, own, err := p.builtins(ctx, o)
	if err != nil {
		return err
	}
	if hasComponent(own, name) {
		fmt.Fprintf(p.stderr, "warning: %s is built in, and comes before the plugin; install it with another --name\n", name)
		return nil
	}
	if src, err := h.Find(name); err == nil && src.Path != at {
		fmt.Fprintf(p.stderr, "warning: here %s is found first, and shadows it\n", src.Path)
	}
	return nil
}
