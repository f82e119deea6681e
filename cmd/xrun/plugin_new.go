package main

import (
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/plugins"
)

func (p *program) pluginNewCommand() *cli.Command {
	return &cli.Command{
		Name:      "new",
		Usage:     "write a working plugin to start from",
		ArgsUsage: "NAME",
		Description: `Makes the directory xrun-plugin-NAME with a component that keeps the contract, a sweep file that
uses it, and a README.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "lang", Usage: "its `LANGUAGE`: go or python", Value: "go"},
			&cli.StringFlag{Name: "kind", Usage: "`KIND` of component: optimizer, regularizer or objective", Value: string(plugins.KindOptimizer)},
			&cli.StringFlag{Name: "source", Usage: "build against xrun's source in `DIR` instead of a release"},
		},
		Action: p.pluginNew,
	}
}

func (p *program) pluginNew(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "NAME")
	if err != nil {
		return err
	}
	project, err := authoring.New(args[0], c.String("lang"), c.String("kind"), c.String("source"), version())
	if err != nil {
		return err
	}
	for _, file := range project.Files {
		fmt.Fprintln(p.stderr, "wrote", filepath.Join(project.Dir, file))
	}
	fmt.Fprintf(p.stderr, "\nNext:\n")
	for _, command := range project.Commands {
		fmt.Fprintln(p.stdout, command)
	}
	return nil
}
