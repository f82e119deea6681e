package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/importing"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/starter"
)

func (p *program) initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a commented sweep file that runs as it is",
		ArgsUsage: "[FILE]",
		Description: `FILE is sweep.toml by default; -o FILE names it too. xrun looks at a table of your own and fills in how it is
read, what becomes of each column, model and metric, each with its reason, and warns of what is odd: see xrun help tables.

--from goes on with what another tool has searched: an Optuna storage (SQLite or journal), MLflow's database, mlruns folder or server,
the sweep.yaml of W&B, a multirun folder of Hydra, or whatever else xrun import reads. Ranges and choices become axes, the best so far
a point, and what has no equal a comment.

   xrun init --from study.db
   xrun init --from mlruns --experiment digits continued.toml`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "dataset", Usage: "start from `DATA`: a built-in data set, or a file", Value: "digits"},
			&cli.StringFlag{Name: "from", Usage: "go on with the search of another tool, in `PATH`"},
			&cli.StringFlag{Name: "experiment", Usage: "with --from: the experiment or study `NAME`"},
			&cli.StringFlag{Name: "target", Usage: "the `COLUMN` to predict; of a table, one named like a target, or else the last one by default"},
		}, outputFlags("write the sweep file to `FILE`")...),
		Action: p.initialize,
	}
}

func (p *program) initialize(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[FILE]")
	if err != nil {
		return err
	}
	to := p.target(c, "output")
	switch {
	case len(args) == 1 && to.Path != "":
		return advice.Usage(fmt.Errorf("%s and --output %s both name a file", args[0], to.Path), "leave one of them out")
	case len(args) == 1:
		to.Path = args[0]
	case to.Path == "":
		to.Path = "sweep.toml"
	}
	var text string
	if from := c.String("from"); from != "" {
		text, err = importing.Draft(c.Context, from, c.String("experiment"), p.stderr)
	} else {
		text, err = starter.Draft(to.Path, c.String("dataset"), c.String("target"), p.stderr)
	}
	if err != nil {
		return err
	}
	if err := advice.Deliver(to, writing([]byte(text))); err != nil || to.IsStdout() {
		return err
	}
	fmt.Fprintf(p.stdout, "wrote %s\n", to.Path)
	if c.String("from") != "" {
		fmt.Fprintf(p.stderr, "Next: look it through, then %s\n", advice.Command("plan", to.Path))
		return nil
	}
	fmt.Fprintf(p.stderr, "Next: %s   ·   then without --quick\n", advice.Command("sweep", "--quick", to.Path))
	return nil
}
