// Command xrun trains models with every combination of optimizer, regularizer, learning rate and λ in a sweep file,
// records every metric in a SQLite file, and shows which point won and how sure that is.
//
// This package is the command line: it reads files, wires the packages together, and prints.
// One file holds one command.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/plugins/python"
	"github.com/xrun-dev/xrun/plugins/sandbox"
	"github.com/xrun-dev/xrun/plugins/sdk"
	"github.com/xrun-dev/xrun/plugins/shim"
)

// The arguments with which xrun starts itself as something else.
const (
	serveBuiltin = "__serve-builtin" // the plugin of the built-in components
	servePython  = "__serve-python"  // the shim of a plugin in Python, whose path follows
	keepPrograms = "__keep-programs" // the process that ends what programs leave behind
	guardProgram = "__guard"         // the process between xrun and a program or plugin: the number of xrun, what it inherits and its command follow
	enterSandbox = "__sandbox"       // a plugin in a sandbox: its path and its command follow
)

func main() {
	python.Version = version()
	if serve(os.Args[1:], version()) {
		return
	}
	p := &program{stdout: os.Stdout, stderr: os.Stderr, env: os.Getenv, args: os.Args}
	os.Exit(p.run(context.Background()))
}

// serve does the work of a process that xrun has started itself. It returns false in other processes.
func serve(args []string, version string) bool {
	switch {
	case len(args) == 1 && args[0] == serveBuiltin:
		sdk.Serve(builtin.Manifest(version))
	case len(args) == 2 && args[0] == servePython:
		shim.Serve(args[1])
	case len(args) == 1 && args[0] == keepPrograms:
		process.Keep(os.Stdin)
	case len(args) > 4 && args[0] == guardProgram:
		process.Guard(args[1:])
	case len(args) > 2 && args[0] == enterSandbox:
		path := args[1]
		if path == host.BuiltinRef {
			path = ""
		}
		fmt.Fprintln(os.Stderr, sandbox.Become(path, args[2:]))
		os.Exit(1)
	default:
		return false
	}
	return true
}

// program is the process that commands run in.
type program struct {
	args           []string
	stdout, stderr io.Writer
	env            func(string) string
	unknown        error             // the error for a help topic that does not exist
	data           training.Datasets // that the command has read
	collects       string            // the directory whose jobs xrun collect takes up
}

// run is the whole program; it returns the exit code.
func (p *program) run(ctx context.Context) int {
	out := &advice.Output{To: p.stdout}
	p.stdout = out
	app := p.app()
	args, err := commandline.Reorder(app, p.args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	if err == nil {
		err = p.unknown
	}
	if errors.Is(err, syscall.EPIPE) && out.Failure() != nil {
		err = nil // the reader of standard output has seen enough, as head has
	}
	if lost := out.Failure(); lost != nil && !errors.Is(lost, syscall.EPIPE) && (err == nil || !errors.Is(err, lost)) {
		lost = fmt.Errorf("standard output could not be written: %w", lost)
		if err != nil {
			p.report(lost)
		} else {
			err = lost
		}
	}
	if err == nil {
		return advice.ExitOK
	}
	p.report(err)
	return commandline.ExitCode(err)
}

func (p *program) app() *cli.App {
	app := &cli.App{
		Name:                 "xrun",
		Usage:                "which optimizer, which learning rate, which λ, and how sure are we?",
		HideVersion:          true,
		EnableBashCompletion: true,
		Writer:               p.stdout,
		ErrWriter:            p.stderr,
		Suggest:              true,
		ExitErrHandler:       func(*cli.Context, error) {}, // only main exits
		OnUsageError:         commandline.UsageError,
		Commands: []*cli.Command{
			p.initCommand(), p.sweepCommand(), p.planCommand(), p.collectCommand(), p.taskCommand(), p.watchCommand(), p.uiCommand(), p.serveCommand(), p.stopCommand(), p.compareCommand(), p.plotCommand(), p.confirmCommand(), p.refineCommand(), p.diffCommand(), p.bestCommand(), p.weightsCommand(), p.predictCommand(), p.reproCommand(), p.replayCommand(), p.runsCommand(), p.showCommand(), p.sqlCommand(), p.exportCommand(), p.importCommand(),
			p.explainCommand(), p.pluginCommand(), p.dbCommand(), p.schemaCommand(), p.completionCommand(), p.versionCommand(), p.helpCommand(),
		},
		Flags:                 []cli.Flag{cli.HelpFlag}, // the library adds it with its own help command only
		CustomAppHelpTemplate: cli.AppHelpTemplate + topicList(),
		CommandNotFound:       func(c *cli.Context, name string) { p.unknown = commandline.NoCommand("", name, c.App.Commands) },
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return commandline.NoCommand("", c.Args().First(), c.App.Commands)
			}
			return cli.ShowAppHelp(c)
		},
		Description: strings.TrimSpace(`
xrun sweep sweep.toml      train the grid; run it again to go on, extend or retry
xrun compare               which point won, and how sure that is
xrun plan sweep.toml       what a sweep would run, without running it

Exit codes: 0 ok · 1 failure · 2 usage or bad file · 3 trials failed, or were left by a budget ·
4 a [check] is false · 5 nothing matched · 6 result database unavailable · 129/130/143 interrupted, run again to go on`),
	}
	for _, c := range app.Commands {
		prepare(c)
	}
	return app
}

// prepare gives a command and its subcommands what all commands share.
func prepare(c *cli.Command) {
	c.OnUsageError = commandline.UsageError
	c.HideHelpCommand = len(c.Subcommands) == 0 // its first argument may be a sweep named help or h
	for _, f := range c.Flags {
		if b, ok := f.(*cli.BoolFlag); ok {
			b.DisableDefaultText = true // false is obvious
		}
	}
	for _, sub := range c.Subcommands {
		prepare(sub)
	}
}

// report prints an error and its hint.
func (p *program) report(err error) {
	if advice.IsSilent(err) {
		return
	}
	text := err.Error()
	if !strings.HasPrefix(text, "error: ") {
		text = "xrun: " + text
	}
	fmt.Fprintln(p.stderr, strings.TrimRight(text, "\n"))
	if hint, _ := advice.HintOf(err); hint != "" {
		fmt.Fprintln(p.stderr, "hint:", hint)
	}
}
