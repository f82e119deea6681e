package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/showing"
	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/store"
)

func (p *program) showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show everything about one run, or about one point of a grid",
		ArgsUsage: "RUN|POINT",
		Description: `RUN is the number of a run, or the beginning of a trial's key. POINT is the beginning of a point's key, which
is shown with each of its runs.`,
		Flags: []cli.Flag{storeFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "output", Usage: "print only what the program of the run printed, without escape sequences"},
			&cli.BoolFlag{Name: "raw", Usage: "with --output: byte for byte, as it is stored"},
			&cli.BoolFlag{Name: "source", Usage: "print only the text of the script that recorded the run"}},
		Action: p.show,
	}
}

func (p *program) show(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "RUN|POINT")
	if err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := c.Context
	r, err := db.FindRun(ctx, args[0])
	if question.Missing(err) && !c.Bool("output") {
		point, unknown := db.FindPoint(ctx, args[0])
		if unknown != nil {
			return unknown
		}
		shown, err := showing.ReadPoint(ctx, db, point)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return p.printJSON(shown.JSON())
		}
		shown.Write(p.stdout, p.plainView())
		return nil
	}
	if err != nil {
		return err
	}
	if c.Bool("raw") && !c.Bool("output") {
		return advice.Usage(errors.New("--raw is for --output"), "")
	}
	if c.Bool("source") {
		source, err := db.SourceOf(ctx, r.ID)
		return errors.Join(err, writing(source.Content)(p.stdout))
	}
	if c.Bool("output") {
		return p.printOutput(ctx, db, r.ID, c.Bool("raw"))
	}
	run, err := showing.ReadRun(ctx, db, r)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(run.JSON())
	}
	run.Write(p.stdout)
	return nil
}

// printOutput prints the output of a run's program, without what commands a terminal unless it is wanted raw.
func (p *program) printOutput(ctx context.Context, db *store.Store, run int64, raw bool) error {
	output, err := db.OutputOf(ctx, run)
	if question.Missing(err) {
		return advice.Nothing(fmt.Errorf("run %d has no output", run), "only programs of [task] command have one, if they print more than reports")
	}
	if err != nil {
		return err
	}
	if raw {
		_, err = p.stdout.Write(output.Content)
		return err
	}
	_, err = io.WriteString(p.stdout, process.Plain(string(output.Content)))
	return err
}
