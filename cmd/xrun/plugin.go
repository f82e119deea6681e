package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/plugins/host"
)

func (p *program) pluginCommand() *cli.Command {
	return &cli.Command{
		Name:  "plugin",
		Usage: "write, check, install, pin and describe plugins",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return commandline.NoCommand("plugin", c.Args().First(), c.Command.Subcommands)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			p.pluginNewCommand(),
			p.pluginCheckCommand(),
			p.pluginRunCommand(),
			p.pluginListCommand(),
			p.pluginInfoCommand(),
			p.pluginInstallCommand(),
			p.pluginRemoveCommand(),
			p.pluginLockCommand(),
			p.pluginProtoCommand(),
		},
	}
}

// builtins starts a host and describes the built-in components.
func (p *program) builtins(ctx context.Context, o pluginOptions) (*host.Host, *host.Description, error) {
	h, err := p.newHost(o)
	if err != nil {
		return nil, nil, err
	}
	own, err := h.Describe(ctx, host.BuiltinRef)
	return h, own, err
}
