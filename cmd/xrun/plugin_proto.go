package main

import (
	"cmp"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
)

func (p *program) pluginProtoCommand() *cli.Command {
	return &cli.Command{
		Name:  "proto",
		Usage: "print the contract for plugins in other languages",
		Description: `It is a file of protocol buffers with two gRPC services. xrun help plugin-protocol says how a process serves
them, with an example in Node.`,
		Flags: outputFlags("write the contract to `FILE`"),
		Action: func(c *cli.Context) error {
			if _, err := commandline.Positional(c, 0, 0, ""); err != nil {
				return err
			}
			to := p.target(c, "output")
			to.Path = cmp.Or(to.Path, "-")
			return p.deliver(to, authoring.Contract())
		},
	}
}
