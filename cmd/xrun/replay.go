package main

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner/stop"
)

func (p *program) replayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "show what other stopping rules would have saved and cost, without training",
		ArgsUsage: "[SWEEP]",
		Description: `Applies stopping rules to the curves that a sweep has stored. SWEEP is a name or an id of the
database; the newest is the default. Rules are

   patience:10   no improvement for 10 epochs; also ,min_delta=1e-4 ,delta=relative ,best_update=any
   gl:5          generalization loss above 5 %
   pq:0.5        generalization loss above 0.5 times the progress in training; also ,strip=5
   up:3          worse at the end of 3 strips in a row; also ,strip=5

and take ,start_from=N and ,target=X. gl, pq and up are from Prechelt 1998.`,
		Flags: []cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.GenericFlag{Name: "rule", Usage: "replay `RULE`, such as gl:5; may be repeated", Value: &texts{}},
			&cli.StringFlag{Name: "monitor", Usage: "let the rules watch `METRIC` instead of the monitor of the sweep"},
			&cli.StringFlag{Name: "metric", Usage: "value trials by `METRIC` instead of the sweep's"},
		},
		Action: p.replay,
	}
}

// texts are the values of a flag that may be repeated. A comma is part of a value.
type texts []string

func (t *texts) Set(text string) error {
	*t = append(*t, text)
	return nil
}

func (t *texts) String() string { return strings.Join(*t, " ") }

func (p *program) replay(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	given, _ := c.Generic("rule").(*texts)
	if given == nil || len(*given) == 0 {
		return advice.Usage(errors.New("there is no rule to replay"), "for instance xrun replay --rule gl:5 --rule patience:10")
	}
	var rules []stop.Rule
	for _, text := range *given {
		rule, err := stop.Parse(text)
		if err != nil {
			return advice.AsUsage(err)
		}
		rules = append(rules, rule)
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	r, err := question.Replay(c.Context, db, sweepName(args), rules, c.String("monitor"), c.String("metric"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return report.ReplayJSON(p.stdout, r)
	}
	report.ReplayText(p.stdout, r)
	return nil
}
