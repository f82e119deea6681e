package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/sandbox"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// The flags that several commands share.
func storeFlag() cli.Flag {
	return &cli.StringFlag{Name: "store", Usage: "the result database `FILE`", EnvVars: []string{"XRUN_STORE"}}
}

// changeFlags are the flags that change a sweep file.
func changeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.GenericFlag{Name: "set", Usage: "give a key of the file another value, `KEY=VALUE` in TOML: --set task.epochs=5; may be repeated", Value: &overrides{}},
		&cli.StringFlag{Name: "until", Usage: "add seeds in stages until a `CONDITION` holds, only where the question is open: decided, \"ci < 2 %\", \"p < 0.05 or tied within 1 %\"; see xrun help sweep-file"},
		&cli.BoolFlag{Name: "quick", Usage: "a fast first look, kept as the sweep NAME-quick: at most 5 epochs, the first seed, the ends and the middle of each axis, no pruning, no extra points"},
		&cli.BoolFlag{Name: "verify", Usage: "read data files although they have not changed since their digests were remembered"},
	}
}

// overrides are the values of a flag that may be repeated. Unlike in cli's own list, a comma is part of a value.
type overrides []string

// Set implements flag.Value.
func (o *overrides) Set(text string) error {
	*o = append(*o, text)
	return nil
}

func (o *overrides) String() string { return strings.Join(*o, " ") }

// changes are the changes that the flags make.
func changes(c *cli.Context) sweeps.Changes {
	all := sweeps.Changes{Quick: c.Bool("quick"), Until: c.String("until")}
	if c.IsSet("until") && all.Until == "" {
		all.Until = " " // which is no condition
	}
	if given, ok := c.Generic("set").(*overrides); ok {
		all.Set = *given
	}
	return all
}

func hostFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "plugin-dir", Usage: "look for plugins in `DIR` first"},
		&cli.BoolFlag{Name: "sandbox", Usage: "keep plugins from the user's files, processes and sockets, and from the network (Linux)", EnvVars: []string{"XRUN_SANDBOX"}},
		&cli.BoolFlag{Name: "inline", Usage: "send data to plugins in messages, not through shared memory", Hidden: true},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "log what plugins do, and what they print, to stderr"},
	}
}

// pluginOptions say where to look for plugins, and how to run them.
type pluginOptions struct {
	dirs                     []string
	sandbox, inline, verbose bool
	until                    context.Context // of the command
}

func pluginOptionsOf(c *cli.Context) pluginOptions {
	return pluginOptions{dirs: c.StringSlice("plugin-dir"), sandbox: c.Bool("sandbox"), inline: c.Bool("inline"), verbose: c.Bool("verbose"), until: c.Context}
}

// newHost makes a host for plugins.
func (p *program) newHost(o pluginOptions) (*host.Host, error) {
	options, err := p.hostOptions(o)
	if err != nil {
		return nil, err
	}
	return host.New(options), nil
}

// hostOptions say how to start plugins.
func (p *program) hostOptions(o pluginOptions) (host.Options, error) {
	self, err := executable()
	if err != nil {
		return host.Options{}, err
	}
	var logger *slog.Logger
	if o.verbose {
		logger = slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	running, err := host.ParseReattach(p.env("XRUN_REATTACH"))
	if err != nil {
		return host.Options{}, advice.Usage(err, "unset XRUN_REATTACH to have xrun start its plugins")
	}
	var box []string
	if o.sandbox {
		if err := sandbox.Available(); err != nil {
			return host.Options{}, advice.Usage(fmt.Errorf("--sandbox: %w", err), "")
		}
		box = []string{self, enterSandbox}
	}
	return host.Options{
		Keeper:   []string{self, keepPrograms},
		Guard:    []string{self, guardProgram},
		Sandbox:  box,
		Reattach: running,
		Builtin:  []string{self, serveBuiltin},
		Python:   []string{self, servePython},
		Version:  version(),
		Until:    o.until,
		Dirs:     authoring.Dirs(o.dirs, p.env),
		Inline:   o.inline,
		Notice:   func(text string) { fmt.Fprintln(p.stderr, text) },
		Logger:   logger,
	}, nil
}

// executable is the path of this program, to start it again.
func executable() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil // even if its file is replaced meanwhile
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the xrun executable: %w", err)
	}
	return self, nil
}

// openStore opens the database for writing.
func (p *program) openStore(ctx context.Context, path string) (*store.Store, error) {
	return store.Open(ctx, path, store.Options{Version: version(), Command: strings.Join(p.args, " "), Full: func(err error, patience time.Duration) {
		fmt.Fprintf(p.stderr, "the disk is full: everything waits for space, up to %v (%v)\n", patience, err)
	}, Notice: func(text string) { fmt.Fprintln(p.stderr, text) }})
}

// readStore opens the database of a reading command, xrun.db by default.
func (p *program) readStore(ctx context.Context, path string) (*store.Store, error) {
	return store.OpenReadOnly(ctx, storeNamed(path))
}
