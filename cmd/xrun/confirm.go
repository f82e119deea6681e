package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/next"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) confirmCommand() *cli.Command {
	return &cli.Command{
		Name:      "confirm",
		Usage:     "train the best points of a sweep again under fresh seeds",
		ArgsUsage: "[SWEEP]",
		Description: `The best of many points owes a part of its value to luck. Fresh seeds had no part in the choice, so its value under
them is free of luck, and the difference estimates the luck. The baseline's best point is trained too, so that the
remaining distance can be tested. The runs belong to a new sweep, NAME-confirm.`,
		Flags: append([]cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.IntFlag{Name: "top", Usage: "confirm the best `N` points", Value: 3},
			&cli.IntFlag{Name: "seeds", Usage: "under `N` fresh seeds", Value: 10},
		}, trainFlags()...),
		Action: p.confirm,
	}
}

func (p *program) confirm(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	o, err := trainOptionsOf(c)
	if err != nil {
		return err
	}
	top, seeds := c.Int("top"), c.Int("seeds")
	if top < 1 || top > 100 || seeds < 2 || seeds > 10_000 {
		return advice.Usage(fmt.Errorf("--top %d and --seeds %d: from 1 to 100 points, from 2 to 10000 seeds", top, seeds), "")
	}
	session, err := p.newSession(c.Context, o)
	if err != nil {
		return err
	}
	defer session.Interrupt.Stop()
	ctx := session.Interrupt.Context
	read, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	path := read.Path()
	var picked *compare.Report
	sweep, text, err := question.GridSweep(ctx, read, sweepName(args))
	if err == nil {
		picked, err = question.AnswerOf(ctx, read, sweep.ID, question.Question{})
	}
	if err == nil {
		err = question.Trainable(sweep.Name, text)
	}
	var settings map[runner.Key][]runner.Setting
	if err == nil {
		settings, err = read.PointSettings(ctx, sweep.ID)
	}
	if err := errors.Join(err, read.Close()); err != nil {
		return err
	}
	finalists := next.Finalists(picked, top)
	if len(finalists) == 0 {
		return advice.Nothing(fmt.Errorf("no point of %s is complete", sweep.Name), "xrun sweep trains them")
	}
	changes := training.ChangesOf(text)
	var more []string
	spec, err := training.Found(ctx, path, session.Host, version(), sweep, text, changes, func(spec *sweeps.Spec) (err error) {
		more, err = next.Confirm(spec, picked, finalists, settings, seeds)
		return err
	})
	if err != nil {
		return err
	}
	changes.Set = append(changes.Set, more...)
	if spec, err = training.Reload(ctx, session.Host, version(), spec.File, text, changes); err != nil {
		return fmt.Errorf("read %s for its best points: %w", sweep.File, err)
	}
	db, err := p.openStore(ctx, path)
	if err != nil {
		return err
	}
	id, err := session.Train(spec, db, training.Wishes{}, training.Origin{Relation: store.Confirms, Of: sweep.ID})
	if err == nil {
		err = p.showConfirmed(context.WithoutCancel(ctx), db, id, picked, finalists, c.Bool("json"))
	}
	if err == nil && !c.Bool("json") {
		where := storeArguments(db)
		p.suggest(append([]string{"compare", picked.Sweep}, where...), advice.Command(append([]string{"compare"}, where...)...)+" shows these finalists, as the newest sweep")
	}
	return errors.Join(err, db.Close())
}

// showConfirmed prints the values of points when they were picked beside their values under fresh seeds.
func (p *program) showConfirmed(ctx context.Context, db *store.Store, id int64, picked *compare.Report, finalists []compare.Point, machine bool) error {
	r, err := question.AnswerOf(ctx, db, id, question.Question{Curves: len(finalists), Arguments: storeArguments(db)})
	if err != nil {
		return err
	}
	list := next.Confirmations(picked, r, finalists)
	if machine {
		return p.printJSON(map[string]any{"xrun_confirm": 2, "sweep": picked.Sweep, "fresh_sweep": r.Sweep, "metric": r.Metric, "points": confirmedJSON(list),
			"verdict": r.Verdict(), "picked_verdict": picked.Verdict(),
			"decision": report.Decision(r), "picked_decision": report.Decision(picked)})
	}
	t := report.NewTable("picked from "+picked.Sweep, fmt.Sprintf("%s over %d seeds", r.Metric, len(picked.Seeds)), fmt.Sprintf("over %d fresh ones", len(r.Seeds)), "optimism")
	for _, l := range list {
		t.Row(l.Name, stats.Uncertain(l.Picked), stats.Uncertain(l.Fresh), stats.Signed(l.Optimism))
	}
	t.Write(p.stdout)
	for _, line := range next.Lucks(picked, r, finalists) {
		fmt.Fprintln(p.stdout)
		fmt.Fprintln(p.stdout, line)
	}
	fmt.Fprintln(p.stdout)
	report.Text(p.stdout, r, p.plainView())
	return nil
}

func confirmedJSON(list []next.Confirmed) []map[string]any {
	points := []map[string]any{}
	for _, l := range list {
		points = append(points, map[string]any{"point": l.Name, "picked": report.JSONNumber(l.Picked.Value), "fresh": report.JSONNumber(l.Fresh.Value),
			"fresh_ci95_half_width": report.JSONNumber(l.Fresh.Half()), "fresh_seeds": l.Fresh.N, "optimism": report.JSONNumber(l.Optimism.Value),
			"optimism_low": report.JSONNumber(l.Optimism.Low), "optimism_high": report.JSONNumber(l.Optimism.High)})
	}
	return points
}
