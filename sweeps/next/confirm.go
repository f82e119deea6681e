package next

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// ConfirmSuffix ends the names of sweeps of finalists.
const ConfirmSuffix = "-confirm"

// ConfirmName is the override that names a sweep of finalists.
func ConfirmName(sweep string) string { return "name=" + strconv.Quote(sweep) }

// Finalists are the complete points among the top of a report, and the point that others are tested against; of each
// problem if there are several.
func Finalists(r *compare.Report, top int) []compare.Point {
	var finalists []compare.Point
	at := 0 // of r.Points, which are those of all problems
	for _, sub := range r.Each() {
		for i, s := range sub.Points {
			if s.Complete && (i < top || sub.Base >= 0 && sub.Arms[sub.Base].Chosen == i) {
				finalists = append(finalists, r.Points[at])
			}
			at++
		}
	}
	return finalists
}

// Confirm returns the overrides that leave a sweep its finalists, under new seeds. It finds the finalists by their
// settings, and gives them the keys that trials have now.
func Confirm(spec *sweeps.Spec, r *compare.Report, finalists []compare.Point, settings map[runner.Key][]runner.Setting, seeds int) ([]string, error) {
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
		any = append(any, "("+conditionOn(spec, trials[at], s, r.Names)+")")
	}
	var skip []string
	for _, x := range spec.Skip {
		skip = append(skip, x.String())
	}
	skip = append(skip, "not ("+strings.Join(any, " or ")+")")
	for i, text := range skip {
		skip[i] = "{ where = " + strconv.Quote(text) + " }"
	}
	set := []string{ConfirmName(spec.Name + ConfirmSuffix), "seeds=[" + strings.Join(fresh, ", ") + "]", "skip=[" + strings.Join(skip, ", ") + "]"}
	if spec.Prune != nil {
		set = append(set, `prune.keep="seed >= 0"`) // all of them are to be compared
	}
	return set, nil
}

// conditionOn is a condition that holds for the trials of one point only.
func conditionOn(spec *sweeps.Spec, t runner.Trial, s compare.Point, names runner.AxisNames) string {
	var parts []string
	for _, axis := range []struct {
		name   string
		values []float64 // of the sweep
		value  float64
	}{{"lr", spec.LR, t.LR}, {"lambda", spec.Lambda, t.Lambda}} {
		// A command may lack the axis, and a condition cannot name it then.
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
	for _, axis := range s.Axes {
		value := axis.Value.String()
		switch axis.Value.Type {
		case plugins.TypeReal:
			value = exactly(axis.Value.Real)
		case plugins.TypeText, plugins.TypeChoice:
			value = quoted(axis.Value.Text)
		}
		parts = append(parts, names.Path(axis.Path)+" == "+value)
	}
	if len(parts) == 0 {
		return "seed >= 0" // the sweep has one point
	}
	return strings.Join(parts, " and ")
}

// quoted is a text as expressions write it: without escapes, in one of two kinds of quotation marks.
func quoted(text string) string {
	mark := "'"
	if strings.Contains(text, mark) {
		mark = `"`
	}
	return mark + text + mark
}

// exactly writes a number so that it reads back to the same bits.
func exactly(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// A Confirmed is a finalist as it was picked and under fresh seeds.
type Confirmed struct {
	Name          string
	Picked, Fresh stats.Interval
	// Optimism is how much better the picked value is, in the metric's unit, with Welch's interval.
	Optimism stats.Interval
}

// Confirmations compares the values by which finalists were picked with their values under fresh seeds, in the order
// of the finalists.
func Confirmations(picked, fresh *compare.Report, finalists []compare.Point) []Confirmed {
	var list []Confirmed
	for _, f := range finalists {
		at := slices.IndexFunc(fresh.Points, func(p compare.Point) bool { return p.Point == f.Point })
		if at < 0 {
			continue
		}
		now := fresh.Points[at]
		// Two means with half the overlap each have the variance of both corrected.
		optimism := stats.Corrected(stats.WelchT(now.Values(), f.Values(), compare.Level), fresh.Overlap/2)
		if fresh.Goal == stop.Max {
			optimism.Value, optimism.Low, optimism.High = -optimism.Value, -optimism.High, -optimism.Low
		}
		list = append(list, Confirmed{Name: fresh.Name(f), Picked: f.Interval, Fresh: now.Interval, Optimism: optimism})
	}
	return list
}

// Lucks describe how much of each winner's value was luck: of the winner of each problem if there are several.
func Lucks(picked, fresh *compare.Report, finalists []compare.Point) (all []string) {
	for _, now := range fresh.Each() {
		list := Confirmations(picked, now, finalists)
		before := picked
		for _, sub := range picked.Problems {
			if sub.Problem == now.Problem {
				before = sub
			}
		}
		if len(list) > 0 {
			text := Luck(list[0], before, now)
			if now.Problem != "" {
				text = now.Problem + ": " + text
			}
			all = append(all, text)
		}
	}
	return all
}

// Luck describes how much of the winner's value was the luck of being picked. Some seeds have harder splits, which
// moves all points alike: its lead over the baseline is free of this.
func Luck(best Confirmed, picked, fresh *compare.Report) string {
	var text, easier string
	if !fresh.Command {
		easier = ", whose splits may be easier"
	}
	switch optimism, low := best.Optimism.Value, best.Optimism.Low; {
	case math.IsNaN(optimism):
		return "The point that was picked as the best has no complete result under fresh seeds."
	case low > 0:
		text = fmt.Sprintf("The winner's curse: %s looked better by %s than it is. Report the value under fresh seeds.", best.Name, stats.Signed(best.Optimism))
	case best.Optimism.High < 0:
		text = fmt.Sprintf("No winner's curse shows: %s does better under the fresh seeds, by %s%s. Report that value.", best.Name, strings.TrimLeft(stats.Signed(best.Optimism), "-"), easier)
	default:
		text = fmt.Sprintf("No winner's curse shows: the optimism of %s, %s, may be none. Report the value under fresh seeds.", best.Name, stats.Signed(best.Optimism))
	}
	if e, ok := picked.Expected(best.Fresh.N); ok && picked.Name(picked.Points[0]) == best.Name && !math.IsNaN(best.Fresh.Value) {
		found := "as is found"
		if !e.Includes(best.Fresh.Value) {
			found = "and something else is found"
		}
		text += fmt.Sprintf("\nFrom the seeds by which it was picked, %s %s was to be expected under %d fresh ones, %s: %s.", picked.Metric, stats.Ends(e.Interval), e.Seeds, found, stats.Number(best.Fresh.Value))
	}
	if before, after := picked.Lead(), fresh.Lead(); before != "" && after != "" {
		text += fmt.Sprintf("\nWhen it was picked it was %s; under fresh seeds it is %s.", before, after)
	}
	return text
}
