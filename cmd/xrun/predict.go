package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/scoring"
	"github.com/xrun-dev/xrun/runner/trained"
)

func (p *program) predictCommand() *cli.Command {
	return &cli.Command{
		Name:      "predict",
		Usage:     "predict the rows of a CSV file with a trained model",
		ArgsUsage: "RUN|MODEL.safetensors DATA.csv",
		Description: `RUN is the number of a run or the beginning of a trial's key; MODEL is a file of xrun best. Columns are
found by name, in any order; further columns are ignored. If the target is among them, stderr shows the quality of the predictions.`,
		Flags:  slices.Concat([]cli.Flag{storeFlag()}, outputFlags("write the predictions to `FILE`"), hostFlags()),
		Action: p.predict,
	}
}

func (p *program) predict(c *cli.Context) error {
	args, err := positional(c, 2, 2, "RUN|MODEL.safetensors DATA.csv")
	if err != nil {
		return err
	}
	m, err := p.model(c.Context, pluginOptionsOf(c), c.String("store"), args[0])
	if err != nil {
		return err
	}
	in, err := os.Open(args[1])
	if err != nil {
		return advice.Usage(err, "the second argument is a CSV file whose first line names the columns")
	}
	defer in.Close()
	to := p.target(c, "output")
	to.Path = cmp.Or(to.Path, "-")
	s := &scoring.Scorer{Model: m, File: args[1]}
	err = advice.Deliver(to, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		return errors.Join(s.All(in, b), b.Flush())
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stderr, s.Summary())
	return nil
}

// model reads the model of a file or of a run.
func (p *program) model(ctx context.Context, o pluginOptions, path, name string) (*trained.Model, error) {
	if strings.HasSuffix(name, ".safetensors") {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, advice.Usage(err, "xrun best -o model.safetensors writes one")
		}
		m, err := trained.Read(content)
		if err != nil {
			return nil, advice.Usage(fmt.Errorf("%s: %w", name, err), "")
		}
		return m, nil
	}
	db, err := p.readStore(ctx, path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	r, err := db.FindRun(ctx, name)
	if err != nil {
		return nil, err
	}
	artifact, err := db.ArtifactOf(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	meta, err := p.describeModel(ctx, o, db, r, nil)
	if err != nil {
		return nil, err
	}
	content, err := trained.Attach(artifact.Content, meta)
	if err != nil {
		return nil, err
	}
	m, err := trained.Read(content)
	if err != nil {
		return nil, advice.Usage(fmt.Errorf("run %d cannot predict: %w", r.ID, err), "linear, logistic, softmax and mlp on dense data can")
	}
	return m, nil
}
