package main

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) refineCommand() *cli.Command {
	return &cli.Command{
		Name:      "refine",
		Usage:     "write the next sweep file, around the best of a sweep",
		ArgsUsage: "[SWEEP]",
		Description: `Where the best is the first or the last of an axis, the axis is carried on beyond it; elsewhere it is made
finer around it. Values that have been trained stay as they are, so their trials are not trained again.
Of lr and lambda, the one that is not named keeps the best and its neighbours; further axes stay. The file stands beside that of the sweep, with its comments.`,
		Flags: append([]cli.Flag{
			storeFlag(),
			&cli.StringSliceFlag{Name: "axis", Usage: "the `AXIS` to refine, lr or lambda; may be repeated; both by default"},
			&cli.StringFlag{Name: "arm", Usage: "refine around the best of `ARM` instead of the best of all"},
			&cli.IntFlag{Name: "points", Usage: "`N` new values on each side", Value: 2},
			&cli.StringFlag{Name: "o", Usage: "write `FILE`, - for standard output"},
		}, hostFlags()...),
		Action: p.refine,
	}
}

// An axis that can be refined.
type refinable struct {
	name string
	of   func(compare.Point) float64
}

var refinables = []refinable{
	{"lr", func(s compare.Point) float64 { return s.LR }},
	{"lambda", func(s compare.Point) float64 { return s.Lambda }},
}

func (p *program) refine(c *cli.Context) error {
	args, err := positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	axes := c.StringSlice("axis")
	for _, axis := range axes {
		if !slices.ContainsFunc(refinables, func(r refinable) bool { return r.name == axis }) {
			return advice.Usage(fmt.Errorf("--axis %q cannot be refined", axis), "it is lr or lambda")
		}
	}
	points := c.Int("points")
	if points < 1 || points > 100 {
		return advice.Usage(fmt.Errorf("--points %d is not from 1 to 100", points), "")
	}
	db, err := p.readStore(c)
	if err != nil {
		return err
	}
	defer db.Close()
	sweep, text, err := question.GridSweep(c.Context, db, sweepName(args))
	if err != nil {
		return err
	}
	r, err := question.Answer(c.Context, db, []string{fmt.Sprint(sweep.ID)}, question.Question{})
	if err != nil {
		return err
	}
	arm, err := armOf(r, c.String("arm"))
	if err != nil {
		return err
	}
	if err := question.Trainable(sweep.Name, text); err != nil {
		return err
	}
	if slices.Contains(text.Overrides, quickOverride) {
		return advice.Usage(fmt.Errorf("%s was a quick look, whose grid is thinned", sweep.Name), "run the whole sweep first, without --quick")
	}
	for _, group := range zipped(text.Resolved) {
		for _, axis := range refinables {
			if slices.Contains(group, axis.name) {
				return advice.Usage(fmt.Errorf("%s moves together with %s in %s: which of its values belong to new ones is not known", axis.name,
					strings.Join(slices.DeleteFunc(group, func(name string) bool { return name == axis.name }), ", "), sweep.Name), "change zip and both axes by hand")
			}
		}
	}
	set := append(slices.Clone(text.Overrides), "name="+strconv.Quote(sweep.Name+"-refined"))
	var said []string
	for _, axis := range refinables {
		values := valuesOf(r, arm, axis.of)
		if len(values) < 2 {
			continue
		}
		best := axis.of(r.Points[arm.Chosen])
		chosen := len(axes) == 0 || slices.Contains(axes, axis.name)
		next := neighbours(values, best)
		if chosen {
			var how string
			next, how = refined(values, best, points)
			said = append(said, fmt.Sprintf("%s, best at %s, is %s: %s", axis.name, stats.Number(best), how, numbers(next)))
		}
		set = append(set, "grid."+axis.name+"="+list(next))
	}
	if len(said) == 0 {
		return advice.Usage(fmt.Errorf("%s has one value on each axis to refine", sweep.Name), "refine a sweep with several values of lr or lambda")
	}
	asked, err := sweeps.ReadComparison(text.Resolved)
	if err != nil {
		return err
	}
	skip := onlyArm(r, arm, asked.Baseline)
	if inlineSkip.Match(text.Text) && skip != "" { // [[skip]] cannot be added to a list that is a value
		spec, err := p.readable(c, sweep.File, text.Text)
		if err != nil {
			return err
		}
		var list []string
		for _, x := range spec.Skip {
			list = append(list, "{ where = "+strconv.Quote(x.String())+" }")
		}
		set = append(set, "skip=["+strings.Join(append(list, "{ where = "+strconv.Quote(skip)+" }"), ", ")+"]")
		skip = ""
	}
	next, err := sweeps.Rewrite(sweep.File, text.Text, set)
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", sweep.File, err)
	}
	if skip != "" {
		next = append(next, "\n[[skip]]                          # all but what is refined\nwhere = "+strconv.Quote(skip)+"\n"...)
	}
	file := c.String("o")
	if file == "" || file == "-" {
		file = strings.TrimSuffix(sweep.File, filepath.Ext(sweep.File)) + "-refined.toml"
	}
	if _, err := p.readable(c, file, next); err != nil {
		return fmt.Errorf("%s cannot be refined by itself: %w", sweep.File, err)
	}
	if c.String("o") == "-" {
		_, err := p.stdout.Write(next)
		return err
	}
	if err := writeNew(file, next, "-o names another file, -o - prints it"); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s refines %s around %s\n", file, sweep.Name, r.Name(r.Points[arm.Chosen]))
	for _, line := range said {
		fmt.Fprintln(p.stdout, "  "+line)
	}
	fmt.Fprintf(p.stderr, "\nNext: xrun plan %s   ·   xrun sweep %s   ·   xrun compare %s %s\n", file, file, sweep.Name, sweep.Name+"-refined")
	return nil
}

// inlineSkip is a list of conditions that is written as a value.
var inlineSkip = regexp.MustCompile(`(?m)^\s*skip\s*=`)

// onlyArm is the condition under which trials are not of an arm, nor of the baseline that a sweep names; empty
// where there is one arm.
func onlyArm(r *compare.Report, arm compare.Arm, baseline string) string {
	if len(r.Arms) < 2 {
		return ""
	}
	s := r.Points[arm.Chosen]
	keep := "optimizer == " + quoted(s.Optimizer)
	if s.Regularizer != "" {
		keep += " and (lambda == 0 or regularizer == " + quoted(s.Regularizer) + ")"
	}
	if baseline != "" {
		keep += " or " + baseline
	}
	return "not (" + keep + ")"
}

// readable reads the text of a sweep file, which need not be there yet.
func (p *program) readable(c *cli.Context, file string, text []byte) (*sweeps.Spec, error) {
	h, err := p.newHost(c)
	if err != nil {
		return nil, err
	}
	catalog := &catalog{host: h, sweep: file}
	spec, err := sweeps.Load(c.Context, file, text, catalog)
	return spec, errors.Join(err, catalog.close())
}

// zipped are the groups of axes that move together, by the resolved text of a sweep.
func zipped(resolved string) (groups [][]string) {
	for line := range strings.Lines(resolved) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "zip = "); ok {
			if names, err := strconv.Unquote(value); err == nil {
				groups = append(groups, strings.Fields(names))
			}
		}
	}
	return groups
}

// armOf is the arm of that name, or the best one for none.
func armOf(r *compare.Report, name string) (compare.Arm, error) {
	var known []string
	for _, a := range r.Arms {
		if a.Chosen >= 0 && (name == "" || a.Name == name) {
			return a, nil
		}
		known = append(known, a.Name)
	}
	if name == "" {
		return compare.Arm{}, advice.Nothing(fmt.Errorf("no point of %s is complete", r.Sweep), "xrun sweep trains them")
	}
	return compare.Arm{}, advice.Usage(fmt.Errorf("--arm %q has no complete point", name), "arms are "+strings.Join(known, ", "))
}

// valuesOf are those of an arm's points on an axis, in order.
func valuesOf(r *compare.Report, arm compare.Arm, of func(compare.Point) float64) []float64 {
	var values []float64
	for _, i := range arm.Points {
		values = append(values, of(r.Points[i]))
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// neighbours are the best value of an axis and those beside it.
func neighbours(values []float64, best float64) []float64 {
	at := slices.Index(values, best)
	return values[max(0, at-1):min(len(values), at+2)]
}

// refined are the next values of an axis, and how they were come by: beyond the end that is the best, or between
// the best and its neighbours. Steps are ratios where all values are positive, 0 aside.
func refined(values []float64, best float64, points int) (next []float64, how string) {
	at := slices.Index(values, best)
	near := neighbours(values, best)
	last := len(values) - 1
	switch {
	case at == last:
		next, how = append(slices.Clone(near), beyond(values[last], values[last-1], points)...), "carried on above the grid"
	case at == 0 && best != 0:
		next, how = append(slices.Clone(near), beyond(best, values[1], points)...), "carried on below the grid"
	case best == 0:
		// No penalty at all is best so far: ever weaker ones lie between.
		ratio := 10.0
		if last > 1 {
			ratio = values[2] / values[1]
		}
		next, how = []float64{0, values[1]}, "carried on towards 0"
		for i := range points {
			next = append(next, tidy(values[1]/math.Pow(ratio, float64(i+1))))
		}
	default:
		next, how = slices.Clone(near), "made finer"
		for i := 1; i < len(near); i++ {
			next = append(next, between(near[i-1], near[i], best, points)...)
		}
	}
	slices.Sort(next)
	return slices.Compact(next), how
}

// beyond are values that go on from an end of an axis as it came there.
func beyond(end, before float64, points int) (values []float64) {
	for i := range points {
		if end > 0 && before > 0 {
			values = append(values, tidy(end*math.Pow(end/before, float64(i+1))))
		} else if before == 0 {
			values = append(values, tidy(end*math.Pow(10, float64(i+1)/2)))
		} else {
			values = append(values, tidy(end+float64(i+1)*(end-before)))
		}
	}
	return values
}

// between are values that divide a stretch of an axis evenly, by ratios where both ends are positive. Above 0
// they come down from the other end by tens.
func between(low, high, best float64, points int) (values []float64) {
	for i := 1; i <= points; i++ {
		share := float64(i) / float64(points+1)
		switch {
		case low > 0:
			values = append(values, tidy(low*math.Pow(high/low, share)))
		case low == 0:
			values = append(values, tidy(high*math.Pow(10, -float64(i)/2)))
		default:
			values = append(values, tidy(low+share*(high-low)))
		}
	}
	return values
}

// tidy rounds a new value to three digits, which is more than a grid needs.
func tidy(x float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	if err != nil {
		return x
	}
	return rounded
}

// list writes numbers as a list in TOML that reads back to the same bits.
func list(values []float64) string {
	var parts []string
	for _, v := range values {
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		parts = append(parts, text)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func numbers(values []float64) string {
	var parts []string
	for _, v := range values {
		parts = append(parts, stats.Number(v))
	}
	return strings.Join(parts, ", ")
}
