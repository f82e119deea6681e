package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

func (p *program) replayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "say what other stopping rules would have saved, and cost, without training",
		ArgsUsage: "[SWEEP]",
		Description: `Applies stopping rules to the curves that a sweep has stored. SWEEP is a name or an id of the
database; the newest is the default. Rules are

   patience:10   no improvement for 10 epochs; also ,min_delta=1e-4 ,delta=relative ,best_update=any
   gl:5          generalization loss above 5 %
   pq:0.5        generalization loss above 0.5 times the progress in training; also ,strip=5
   up:3          worse at the end of 3 strips in a row; also ,strip=5

and take ,start_from=N and ,target=X. gl, pq and up are those of Prechelt 1998.`,
		Flags: []cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.GenericFlag{Name: "rule", Usage: "replay `RULE`, like gl:5; can be given again", Value: &texts{}},
			&cli.StringFlag{Name: "monitor", Usage: "let the rules watch `METRIC` instead of what the sweep's rule does"},
			&cli.StringFlag{Name: "metric", Usage: "value trials by `METRIC` instead of the sweep's"},
		},
		Action: p.replay,
	}
}

// texts is a flag that can be given again, and whose commas stay.
type texts []string

func (t *texts) Set(text string) error {
	*t = append(*t, text)
	return nil
}

func (t *texts) String() string { return strings.Join(*t, " ") }

func (p *program) replay(c *cli.Context) error {
	args, err := positional(c, 0, 1, "[SWEEP]")
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
			return asUsage(err)
		}
		rules = append(rules, rule)
	}
	db, err := p.readStore(c)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := c.Context
	sweep, err := db.FindSweep(ctx, sweepName(args))
	if err != nil {
		return err
	}
	monitor, err := monitorOf(c, db, sweep)
	if err != nil {
		return err
	}
	for i := range rules {
		rules[i].Monitor = monitor
		rules[i].Goal, _ = goalOf(sweep, monitor)
		if problem := rules[i].NoMeaning(); problem != "" {
			return advice.Usage(fmt.Errorf("%s, but %s is to become large", problem, monitor), "monitor a loss with --monitor, or replay up or patience")
		}
	}
	ask := compare.Question{Sweep: sweep.Name, Metric: sweep.Metric, Goal: stop.Goal(sweep.Goal), At: sweep.At}
	if metric := c.String("metric"); metric != "" {
		ask.Metric = metric
		ask.Goal, _ = goalOf(sweep, metric)
	}
	var results []runner.Result
	for _, metric := range []string{monitor, ask.Metric} { // the last is the one to keep
		if results, err = db.Results(ctx, sweep.ID, metric); err != nil {
			return err
		}
		if err := knownMetric(ctx, db, results, metric); err != nil {
			return err
		}
	}
	curves := compare.Curves{}
	read := map[string]map[int64][]runner.CurvePoint{}
	for _, want := range []struct {
		metric string
		into   *map[int64][]runner.CurvePoint
	}{{"train_loss", &curves.Loss}, {monitor, &curves.Monitor}, {ask.Metric, &curves.Metric}} {
		if read[want.metric] == nil {
			if read[want.metric], err = db.Curves(ctx, sweep.ID, want.metric); err != nil {
				return err
			}
		}
		*want.into = read[want.metric]
	}
	about := (&comparison{db: db, sweeps: []store.SweepInfo{sweep}}).describe(ctx)
	if about.err != nil {
		return about.err
	}
	ask.Command, ask.Axes = about.command(), about.axes
	if ask.Command {
		return advice.Usage(fmt.Errorf("%s trains programs, whose curves are not replayed", sweep.Name), "rules look at every epoch and at the training loss, which programs need not report")
	}
	r := compare.BuildReplay(ask, monitor, rules, results, curves)
	if r.Trials == 0 {
		return advice.Nothing(fmt.Errorf("no trial of %s has a result to replay", sweep.Name), "xrun sweep trains them")
	}
	if c.Bool("json") {
		return report.ReplayJSON(p.stdout, r)
	}
	report.ReplayText(p.stdout, r)
	return nil
}

// monitorOf is what the rules watch: what the sweep's own rule watched, or else its metric.
func monitorOf(c *cli.Context, db *store.Store, sweep store.SweepInfo) (string, error) {
	if monitor := c.String("monitor"); monitor != "" {
		return monitor, nil
	}
	_, same, err := db.Varying(c.Context, sweep.ID)
	if err != nil {
		return "", err
	}
	for _, s := range same {
		if s.Path == "early_stop.monitor" && s.Value.Text != "" {
			return s.Value.Text, nil
		}
	}
	return sweep.Metric, nil
}

// asUsage makes an error with a hint one of usage.
func asUsage(err error) error {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return advice.Usage(err, h.Hint())
	}
	return err
}
