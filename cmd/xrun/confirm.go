package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) confirmCommand() *cli.Command {
	return &cli.Command{
		Name:      "confirm",
		Usage:     "train the best points of a sweep again under fresh seeds",
		ArgsUsage: "[SWEEP]",
		Description: `The best of many points owes a part of its value to luck. Its value under seeds that had no say in picking
it is free of that, and the difference of the two is an estimate of how much it was. The baseline's best
point is trained too, so that what is left of its distance can be tested. The runs are those of a sweep
of its own, NAME-confirm.`,
		Flags: append([]cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.IntFlag{Name: "top", Usage: "confirm the best `N` points", Value: 3},
			&cli.IntFlag{Name: "seeds", Usage: "under `N` fresh seeds", Value: 10},
			&cli.IntFlag{Name: "workers", Usage: "train `N` cohorts, or run N programs, at once", DefaultText: "one a core, and one", EnvVars: []string{"XRUN_WORKERS"}},
			progressFlag(),
		}, hostFlags()...),
		Action: p.confirm,
	}
}

func (p *program) confirm(c *cli.Context) error {
	args, err := positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	if err := checkProgress(c); err != nil {
		return err
	}
	top, seeds := c.Int("top"), c.Int("seeds")
	if top < 1 || top > 100 || seeds < 2 || seeds > 10_000 {
		return advice.Usage(fmt.Errorf("--top %d and --seeds %d: at least one point and two seeds, at most 100 and 10000", top, seeds), "")
	}
	interrupt := p.watchSignals(c.Context)
	defer interrupt.stop()
	ctx := interrupt.ctx
	backend, err := p.backend()
	if err != nil {
		return err
	}
	h, err := p.newHost(c)
	if err != nil {
		return err
	}
	read, err := p.readStore(c)
	if err != nil {
		return err
	}
	path := read.Path()
	var picked *compare.Report
	sweep, text, err := question.GridSweep(ctx, read, sweepName(args))
	if err == nil {
		picked, err = question.Answer(ctx, read, []string{fmt.Sprint(sweep.ID)}, question.Question{})
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
	finalists := finalistsOf(picked, top)
	if len(finalists) == 0 {
		return advice.Nothing(fmt.Errorf("no point of %s is complete", sweep.Name), "xrun sweep trains them")
	}
	load := func(changes sweeps.Changes) (*sweeps.Spec, error) {
		catalog := &catalog{host: h, sweep: sweep.File}
		spec, err := changes.LoadStored(ctx, sweep.File, text.Text, catalog)
		return spec, errors.Join(err, catalog.close())
	}
	changes := changesOf(text)
	spec, err := load(changes)
	if err != nil {
		return fmt.Errorf("read %s again: %w", sweep.File, err)
	}
	more, err := onlyFinalists(spec, picked, finalists, settings, seeds)
	if err != nil {
		return changed(err, sweep.File)
	}
	changes.Set = append(changes.Set, more...)
	if spec, err = load(changes); err != nil {
		return fmt.Errorf("read %s for its best points: %w", sweep.File, err)
	}
	h.SetCallTimeout(spec.Run.PluginTimeout)
	h.SetPluginMemory(spec.Run.PluginMemory)
	db, err := p.openStore(ctx, path)
	if err != nil {
		return err
	}
	id, err := p.train(c, interrupt, spec, h, db, backend)
	if err == nil {
		err = p.showConfirmed(c, db, id, picked, finalists)
	}
	return errors.Join(err, db.Close())
}

// finalistsOf are the best complete points, and the one that others are tested against.
func finalistsOf(r *compare.Report, top int) []compare.Point {
	var finalists []compare.Point
	for i, s := range r.Points {
		if s.Complete && (i < top || r.Base >= 0 && r.Arms[r.Base].Chosen == i) {
			finalists = append(finalists, s)
		}
	}
	return finalists
}

// changesOf are those under which a stored sweep was run.
func changesOf(text store.SweepText) sweeps.Changes {
	changes := sweeps.Changes{}
	for _, o := range text.Overrides {
		if o == quickOverride {
			changes.Quick = true
			continue
		}
		changes.Set = append(changes.Set, o)
	}
	return changes
}

// onlyFinalists are the changes that leave a sweep its finalists, under seeds that it did not have. Finalists are found by
// the settings of points; their keys become those that they have now.
func onlyFinalists(spec *sweeps.Spec, r *compare.Report, finalists []compare.Point, settings map[runner.Key][]runner.Setting, seeds int) ([]string, error) {
	first := slices.Max(r.Seeds) + 1
	if folds := int64(spec.Task.Folds); folds > 0 {
		first = (first + folds - 1) / folds * folds // whole partitions
	}
	fresh := make([]string, seeds)
	for i := range fresh {
		fresh[i] = strconv.FormatInt(first+int64(i), 10)
	}
	trials := spec.Trials()
	var any []string
	for i, s := range finalists {
		at := slices.IndexFunc(trials, func(t runner.Trial) bool { return t.LR == s.LR && t.Lambda == s.Lambda && t.Matches(settings[s.Point]) })
		if at < 0 {
			return nil, fmt.Errorf("%s cannot be made again as it was", r.Name(s))
		}
		finalists[i].Point = trials[at].Point()
		any = append(any, "("+conditionOn(spec, trials[at], s)+")")
	}
	var skip []string
	for _, x := range spec.Skip {
		skip = append(skip, x.String())
	}
	skip = append(skip, "not ("+strings.Join(any, " or ")+")")
	for i, text := range skip {
		skip[i] = "{ where = " + strconv.Quote(text) + " }"
	}
	set := []string{question.ConfirmName(spec.Name + question.ConfirmSuffix), "seeds=[" + strings.Join(fresh, ", ") + "]", "skip=[" + strings.Join(skip, ", ") + "]"}
	if spec.Prune != nil {
		set = append(set, `prune.keep="seed >= 0"`) // all of them are to be compared
	}
	return set, nil
}

// conditionOn holds for the trials of one point.
func conditionOn(spec *sweeps.Spec, t runner.Trial, s compare.Point) string {
	var parts []string
	for _, axis := range []struct {
		name   string
		values []float64 // of the sweep
		value  float64
	}{{"lr", spec.LR, t.LR}, {"lambda", spec.Lambda, t.Lambda}} {
		// A command need not have the axis; then nobody can ask for it.
		if t.Task.Command == nil || len(axis.values) > 1 || len(axis.values) == 1 && axis.values[0] != 0 {
			parts = append(parts, axis.name+" == "+exactly(axis.value))
		}
	}
	if len(spec.Optimizers) > 1 {
		parts = append(parts, "optimizer == "+quoted(t.Optimizer.Label))
	}
	if t.Regularizer != nil {
		parts = append(parts, "regularizer == "+quoted(t.Regularizer.Label))
	}
	settings := t.Settings()
	for _, axis := range s.Axes {
		for _, prefix := range []string{"optimizer.", "regularizer.", "task.", "task.objective.", ""} {
			path := prefix + axis.Path
			known := slices.ContainsFunc(settings, func(s runner.Setting) bool { return s.Path == path }) ||
				prefix == "" && slices.ContainsFunc(t.Axes, func(s runner.Setting) bool { return s.Path == path })
			if !known {
				continue
			}
			value := axis.Value.String()
			switch axis.Value.Type {
			case plugins.TypeReal:
				value = exactly(axis.Value.Real)
			case plugins.TypeText, plugins.TypeChoice:
				value = quoted(axis.Value.Text)
			}
			parts = append(parts, path+" == "+value)
			break
		}
	}
	if len(parts) == 0 {
		return "seed >= 0" // there is one point
	}
	return strings.Join(parts, " and ")
}

// quoted is a text as expressions write it: they have no escapes, but two kinds of quotation marks.
func quoted(text string) string {
	mark := "'"
	if strings.Contains(text, mark) {
		mark = `"`
	}
	return mark + text + mark
}

// exactly writes a number so that it reads back to the same bits.
func exactly(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// A confirmed point is what it was picked by, and what it came to under fresh seeds.
type confirmed struct {
	Point  string            `json:"point"`
	Picked report.JSONNumber `json:"picked"`
	Fresh  report.JSONNumber `json:"fresh"`
	Half   report.JSONNumber `json:"fresh_ci95_half_width"`
	Seeds  int               `json:"fresh_seeds"`
	// Optimism is how much better the picked value is, in the metric's unit, with Welch's interval.
	Optimism report.JSONNumber `json:"optimism"`
	Low      report.JSONNumber `json:"optimism_low"`
	High     report.JSONNumber `json:"optimism_high"`
	cells    [3]string
}

// showConfirmed compares what points were picked by with what they are under fresh seeds.
func (p *program) showConfirmed(c *cli.Context, db *store.Store, id int64, picked *compare.Report, finalists []compare.Point) error {
	ctx := context.WithoutCancel(c.Context)
	r, err := question.Answer(ctx, db, []string{fmt.Sprint(id)}, question.Question{Curves: len(finalists), Arguments: storeArguments(db)})
	if err != nil {
		return err
	}
	var list []confirmed
	for _, f := range finalists {
		at := slices.IndexFunc(r.Points, func(s compare.Point) bool { return s.Point == f.Point })
		if at < 0 {
			continue
		}
		now := r.Points[at]
		// Two means with half the overlap each have the variance of both corrected.
		optimism := stats.Corrected(stats.WelchT(now.Values(), f.Values(), compare.Level), r.Overlap/2)
		if r.Goal == stop.Max {
			optimism.Value, optimism.Low, optimism.High = -optimism.Value, -optimism.High, -optimism.Low
		}
		list = append(list, confirmed{Point: r.Name(f), Picked: report.JSONNumber(f.Interval.Value), Fresh: report.JSONNumber(now.Interval.Value),
			Half: report.JSONNumber(now.Interval.Half()), Seeds: now.Interval.N, Optimism: report.JSONNumber(optimism.Value),
			Low: report.JSONNumber(optimism.Low), High: report.JSONNumber(optimism.High),
			cells: [3]string{stats.Uncertain(f.Interval), stats.Uncertain(now.Interval), stats.Signed(optimism)}})
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"xrun_confirm": 2, "sweep": picked.Sweep, "fresh_sweep": r.Sweep, "metric": r.Metric, "points": list,
			"verdict": r.Verdict(), "picked_verdict": picked.Verdict()})
	}
	t := report.NewTable("picked from "+picked.Sweep, fmt.Sprintf("%s over %d seeds", r.Metric, len(picked.Seeds)), fmt.Sprintf("over %d fresh ones", len(r.Seeds)), "optimism")
	for _, l := range list {
		t.Row(l.Point, l.cells[0], l.cells[1], l.cells[2])
	}
	t.Write(p.stdout)
	if len(list) > 0 {
		fmt.Fprintln(p.stdout)
		fmt.Fprintln(p.stdout, luck(list[0], picked, r))
	}
	fmt.Fprintln(p.stdout)
	report.Text(p.stdout, r, p.plainView())
	return nil
}

// luck says how much of what the winner promised was the luck of being picked. Seeds differ in how hard their
// split is, which moves all points alike: what is left of its lead over the baseline is free of that.
func luck(best confirmed, picked, fresh *compare.Report) string {
	var text, easier string
	if !fresh.Command {
		easier = ", whose splits may be easier"
	}
	switch optimism, low := float64(best.Optimism), float64(best.Low); {
	case math.IsNaN(optimism):
		return "The point that was picked as the best has no complete result under fresh seeds."
	case low > 0:
		text = fmt.Sprintf("The winner's curse: %s looked better by %s than it is. Report the value under fresh seeds.", best.Point, best.cells[2])
	case float64(best.High) < 0:
		text = fmt.Sprintf("No winner's curse shows: %s does better under the fresh seeds, by %s%s. Report that value.", best.Point, strings.TrimLeft(best.cells[2], "-"), easier)
	default:
		text = fmt.Sprintf("No winner's curse shows: the optimism of %s, %s, may be none. Report the value under fresh seeds.", best.Point, best.cells[2])
	}
	if before, after := picked.Lead(), fresh.Lead(); before != "" && after != "" {
		text += fmt.Sprintf("\nWhen it was picked it was %s; under fresh seeds it is %s.", before, after)
	}
	return text
}
