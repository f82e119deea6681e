package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/starter"
)

func (p *program) initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a commented sweep file that runs as it is",
		ArgsUsage: "[FILE]",
		Description: `FILE is sweep.toml by default; one that is there is never overwritten. With a data set of your own,
xrun looks at it and fills in a model that fits: softmax or logistic for classes, linear for numbers.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dataset", Usage: "start from `DATA`: a built-in data set, or a file", Value: "digits"},
			&cli.StringFlag{Name: "target", Usage: "the `COLUMN` to predict; the last one of a CSV or TSV file by default"},
		},
		Action: p.initialize,
	}
}

func (p *program) initialize(c *cli.Context) error {
	args, err := positional(c, 0, 1, "[FILE]")
	if err != nil {
		return err
	}
	path := "sweep.toml"
	if len(args) == 1 {
		path = args[0]
	}
	text, err := starter.Draft(path, c.String("dataset"), c.String("target"))
	if err != nil {
		return err
	}
	if err := advice.WriteNew(path, []byte(text), "give another name: xrun init other.toml"); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "wrote %s\n", path)
	fmt.Fprintf(p.stderr, "Next: xrun sweep --quick %s   ·   then without --quick\n", path)
	return nil
}
