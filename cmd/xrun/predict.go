package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/keeping"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/scoring"
	"github.com/xrun-dev/xrun/runner/trained"
)

const predictArgs = "RUN|MODEL.safetensors DATA"

func (p *program) predictCommand() *cli.Command {
	return &cli.Command{
		Name:      "predict",
		Usage:     "predict the rows of a file with a trained model",
		ArgsUsage: predictArgs,
		Description: `RUN is the number of a run or the beginning of a trial's key; MODEL is a file of xrun best. DATA is a file of any format
that a sweep reads. Named columns are found by name, in any order; further columns are ignored. Columns of a table are encoded as training did.
stderr counts gaps and unknown categories and, if the target is there, shows the quality of the predictions, computed as in training. Rows
behind one that cannot be read are not predicted, and the exit code says so. A FILE that ends in .parquet is Parquet, any other one CSV.`,
		Flags: slices.Concat([]cli.Flag{&cli.GenericFlag{Name: "id", Usage: "write the column `NAME` before the predictions; may be repeated", Value: &texts{}}, storeFlag()},
			outputFlags("write the predictions to `FILE`"), hostFlags()),
		Action: p.predict,
	}
}

func (p *program) predict(c *cli.Context) error {
	args, err := commandline.Positional(c, 2, 2, predictArgs)
	if err != nil {
		return err
	}
	m, err := p.model(c, args[0])
	if err != nil {
		return err
	}
	carry, _ := c.Generic("id").(*texts)
	s, err := scoring.Open(m, args[1], *carry)
	if err != nil {
		return err
	}
	defer s.Close()
	to := p.target(c, "output")
	to.Path = cmp.Or(to.Path, "-")
	err = advice.Deliver(to, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		return errors.Join(s.All(b, scoring.FormatOf(to.Path)), b.Flush())
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stderr, s.Summary())
	return s.Err()
}

// model reads the model of a file or of a run.
func (p *program) model(c *cli.Context, name string) (*trained.Model, error) {
	if keeping.IsFile(name) {
		return keeping.ReadFile(name)
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	r, err := db.FindRun(c.Context, name)
	if err != nil {
		return nil, err
	}
	k, err := p.keeper(c, db)
	if err != nil {
		return nil, err
	}
	return k.Model(c.Context, r)
}
