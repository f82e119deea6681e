package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/lock"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/sandbox"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/blas"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// The flags that several commands share.
func storeFlag() cli.Flag {
	return &cli.StringFlag{Name: "store", Usage: "the result database `FILE`", EnvVars: []string{"XRUN_STORE"}}
}

// changeFlags are those that change what a sweep file asks for.
func changeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.GenericFlag{Name: "set", Usage: "give a key of the file another value, `KEY=VALUE` in TOML: --set task.epochs=5; may be repeated", Value: &overrides{}},
		&cli.BoolFlag{Name: "quick", Usage: "a fast first look: at most 5 epochs, the first seed, of each axis its ends and its middle, no pruning, no extra points; kept as the sweep NAME-quick"},
	}
}

// overrides are the values of a flag that may be repeated. Unlike cli's own list, a comma is part of one.
type overrides []string

// Set implements flag.Value.
func (o *overrides) Set(text string) error {
	*o = append(*o, text)
	return nil
}

func (o *overrides) String() string { return strings.Join(*o, " ") }

// changes are what the flags say.
func changes(c *cli.Context) sweeps.Changes {
	all := sweeps.Changes{Quick: c.Bool("quick")}
	if given, ok := c.Generic("set").(*overrides); ok {
		all.Set = *given
	}
	return all
}

func hostFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "plugin-dir", Usage: "look for plugins in `DIR` first"},
		&cli.BoolFlag{Name: "sandbox", Usage: "keep plugins from the user's files and from TCP (Linux, by landlock)", EnvVars: []string{"XRUN_SANDBOX"}},
		&cli.BoolFlag{Name: "inline", Usage: "send data to plugins in messages, not through shared memory", Hidden: true},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say on stderr what happens with plugins"},
	}
}

// newHost makes the place where plugins run.
func (p *program) newHost(c *cli.Context) (*host.Host, error) {
	o, err := p.hostOptions(c)
	if err != nil {
		return nil, err
	}
	return host.New(o), nil
}

// backend is what computes dense products.
func (p *program) backend() (blas.Backend, error) {
	backend, err := blas.Open(p.env("XRUN_BLAS"))
	if err != nil {
		return nil, advice.Usage(err, "XRUN_BLAS is auto, gonum, openblas or accelerate")
	}
	return backend, nil
}

// hostOptions say how plugins are started.
func (p *program) hostOptions(c *cli.Context) (host.Options, error) {
	self, err := executable()
	if err != nil {
		return host.Options{}, err
	}
	var logger *slog.Logger
	if c.Bool("verbose") {
		logger = slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	running, err := host.ParseReattach(p.env("XRUN_REATTACH"))
	if err != nil {
		return host.Options{}, advice.Usage(err, "unset XRUN_REATTACH to have xrun start its plugins")
	}
	var box []string
	if c.Bool("sandbox") {
		if err := sandbox.Available(); err != nil {
			return host.Options{}, advice.Usage(fmt.Errorf("--sandbox: %w", err), "")
		}
		box = []string{self, enterSandbox}
	}
	return host.Options{
		Keeper:   []string{self, keepPrograms},
		Sandbox:  box,
		Reattach: running,
		Builtin:  []string{self, serveBuiltin},
		Python:   []string{self, servePython},
		Version:  version(),
		Dirs:     p.pluginDirs(c.StringSlice("plugin-dir")),
		Inline:   c.Bool("inline"),
		Notice:   func(text string) { fmt.Fprintln(p.stderr, text) },
		Logger:   logger,
	}, nil
}

// executable is this very program, to be started again.
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

// newPrograms makes the place where the programs of a command run.
func newPrograms() (*host.Programs, error) {
	self, err := executable()
	if err != nil {
		return nil, err
	}
	return &host.Programs{Keeper: []string{self, keepPrograms}}, nil
}

// load reads a sweep file and everything it names, unless a lock beside it forbids one of its plugins.
func (p *program) load(ctx context.Context, file string, changes sweeps.Changes, h *host.Host) (*sweeps.Spec, error) {
	pins, err := lock.Read(lock.Beside(file))
	if err != nil && !lock.Missing(err) {
		return nil, asUsage(err)
	}
	c := &catalog{host: h, sweep: file, lock: pins}
	spec, err := loadFile(ctx, file, changes, c)
	if err == nil {
		p.warnAttached(c)
	}
	return spec, err
}

// warnAttached says of which plugins nobody can know afterwards what they were.
func (p *program) warnAttached(c *catalog) {
	for _, ref := range c.used {
		if src, err := c.host.Find(ref); err == nil && src.Attached() {
			fmt.Fprintf(p.stderr, "warning: plugin %s is %s; its runs are kept apart as %s\n", ref, src.Path, src.Digest)
		}
	}
}

// loadFile reads a sweep file and everything it names in a catalog, which is closed.
func loadFile(ctx context.Context, file string, changes sweeps.Changes, c *catalog) (*sweeps.Spec, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		hint := ""
		if errors.Is(err, fs.ErrNotExist) {
			hint = "the argument is the path of a sweep file; sweeps/examples in xrun's source has some to start from"
		}
		return nil, advice.Usage(fmt.Errorf("sweep file: %w", err), hint)
	}
	spec, err := changes.Load(ctx, file, text, c)
	return spec, errors.Join(err, c.close())
}

// storePath is where a sweep's results go: the flag, or what the sweep file says.
func storePath(c *cli.Context, spec *sweeps.Spec) string {
	if path := c.String("store"); path != "" {
		return path
	}
	return spec.Run.Store
}

// openStore opens the database for writing.
func (p *program) openStore(ctx context.Context, path string) (*store.Store, error) {
	return store.Open(ctx, path, store.Options{Version: version(), Command: strings.Join(p.args, " "), Full: func(err error, patience time.Duration) {
		fmt.Fprintf(p.stderr, "the disk is full: everything waits, up to %v, until there is space again (%v)\n", patience, err)
	}})
}

// readStore opens the database that a reading command is pointed at, xrun.db by default.
func (p *program) readStore(c *cli.Context) (*store.Store, error) {
	path := c.String("store")
	if path == "" {
		path = "xrun.db"
	}
	return store.OpenReadOnly(c.Context, path)
}

// pluginUses is what a sweep's runs use, for the record.
func (p *program) pluginUses(ctx context.Context, h *host.Host, spec *sweeps.Spec) ([]store.PluginUse, error) {
	if spec.Task.Command != nil {
		return nil, nil // its optimizers are names
	}
	var uses []store.PluginUse
	add := func(role string, choices []runner.Choice) error {
		for _, c := range choices {
			d, err := h.Describe(ctx, c.Plugin)
			if err != nil {
				return err
			}
			uses = append(uses, store.PluginUse{Role: role, Component: c.Component, Name: d.Name + "/" + c.Component, Version: d.Version, Digest: c.Identity,
				Protocol: fmt.Sprint(protocol.Version), Features: append([]string{"sdk " + d.SDK}, d.Features...)})
		}
		return nil
	}
	if o := spec.Task.Objective; o != nil {
		if err := add("objective", []runner.Choice{*o}); err != nil {
			return nil, err
		}
	}
	if err := add("optimizer", spec.Optimizers); err != nil {
		return nil, err
	}
	for _, o := range spec.Optimizers {
		if o.Base != nil {
			if err := add("base", []runner.Choice{*o.Base}); err != nil {
				return nil, err
			}
		}
	}
	return uses, add("regularizer", spec.Regularizers)
}

// count writes a number of things in English.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
