package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/weights"
)

func (p *program) weightsCommand() *cli.Command {
	return &cli.Command{
		Name:      "weights",
		Usage:     "show the coefficients of a model by the names of its inputs",
		ArgsUsage: "[SWEEP]",
		Description: `SWEEP is a name or an id of the database; the newest is the default. The models are the seeds of the point that
xrun compare ranks first: linear, logistic or softmax. A coefficient is on the original scale of its column, the mean over seeds
± half a 95 % t-interval. The largest come first.

xrun weights --plot weights.svg
xrun weights --run 7 --csv > weights.csv       also --json, --md`,
		Flags: []cli.Flag{storeFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "csv", Usage: "print CSV, one row a coefficient"},
			&cli.BoolFlag{Name: "md", Usage: "print Markdown"},
			&cli.StringFlag{Name: "plot", Usage: "draw the 30 largest with their intervals to `FILE`; - is standard output"},
			&cli.StringFlag{Name: "format", Usage: "of the figure: svg, png or pdf; by default the ending of the file"},
			forceFlag(),
			&cli.StringFlag{Name: "run", Usage: "the values of this `RUN`"},
			&cli.BoolFlag{Name: "per-deviation", Usage: "coefficients as training had them: 1 is a deviation of the training rows, so that sizes can be compared"},
			&cli.IntFlag{Name: "top", Usage: "show the `N` largest", Value: 20},
			&cli.BoolFlag{Name: "all", Usage: "show all"}},
		Action: p.weights,
	}
}

func (p *program) weights(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	format, err := plotFormat(c.String("plot"), c.String("format"))
	if err != nil {
		return err
	}
	v := weights.View{View: p.plainView(), Own: c.Bool("per-deviation")}
	if v.Top = c.Int("top"); c.Bool("all") {
		v.Top = 0
	}
	if v.Top < 0 || c.Bool("csv") && (c.Bool("json") || c.Bool("md")) || c.Bool("json") && c.Bool("md") {
		return advice.Usage(errors.New("--top is 0 or more, and --json, --csv and --md exclude each other"), "--all shows all")
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	k, err := p.keeper(c, db)
	if err != nil {
		return err
	}
	t, lacking, err := weights.Read(c.Context, k, sweepName(args), c.String("run"))
	if err != nil {
		return err
	}
	if lacking != "" {
		fmt.Fprintln(p.stderr, lacking)
	}
	if to := p.target(c, "plot"); to.Path != "" {
		err := advice.Deliver(to, func(w io.Writer) error { return t.Draw(w, format, v) })
		if err == nil && !to.IsStdout() {
			p.wrote(to.Path)
		}
		return err
	}
	switch {
	case c.Bool("json"):
		return t.JSON(p.stdout)
	case c.Bool("csv"):
		return t.CSV(p.stdout)
	case c.Bool("md"):
		return t.Markdown(p.stdout, v)
	}
	t.Text(p.stdout, v)
	return nil
}
