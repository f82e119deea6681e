package next

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Refinement is a sweep around the best point of another.
type Refinement struct {
	Text      []byte   // of its file
	Said      []string // what happens to each axis
	Best      string   // the name of the point in its middle
	Unchecked bool     // load could not read the text
}

// ErrUnchecked is the error of a load that would have to start something to read a text.
var ErrUnchecked = errors.New("the sweep file cannot be checked")

// A Grid is a sweep as it was run.
type Grid struct {
	Name, File string
	Text       []byte
	Resolved   string
	Overrides  []string
	Quick      bool
}

// Axes are the axes that can be refined.
func Axes() []string {
	var names []string
	for _, axis := range refinables {
		names = append(names, axis.name)
	}
	return names
}

// Refine writes a sweep file with the axes of a grid around the best point of an arm, with so many more points on each
// side. An empty arm is the best one; no axes are all of them. load reads the text of a sweep file. Where
// it fails with [ErrUnchecked] the new file is made all the same, unless its text depends on what load reads.
func Refine(grid Grid, r *compare.Report, arm string, axes []string, points int, load func([]byte) (*sweeps.Spec, error)) (*Refinement, error) {
	if r.Across != nil {
		return nil, refuse(fmt.Errorf("%s has %s, and the best of each may lie elsewhere", grid.Name, r.ProblemsOf(len(r.Problems))), "run a sweep over one of them, and refine that")
	}
	chosen, err := armOf(r, arm)
	if err != nil {
		return nil, err
	}
	if grid.Quick {
		return nil, refuse(fmt.Errorf("%s was a quick look, whose grid is thinned", grid.Name), "run the whole sweep first, without --quick")
	}
	for _, group := range zipped(grid.Resolved) {
		for _, axis := range refinables {
			if slices.Contains(group, axis.name) {
				return nil, refuse(fmt.Errorf("%s moves together with %s in %s: new values have no partners", axis.name,
					strings.Join(slices.DeleteFunc(group, func(name string) bool { return name == axis.name }), ", "), grid.Name), "change zip and both axes by hand")
			}
		}
	}
	out := &Refinement{Best: r.Name(r.Points[chosen.Chosen])}
	set := append(slices.Clone(grid.Overrides), "name="+strconv.Quote(grid.Name+RefinedSuffix), "refines="+strconv.Quote(grid.Name))
	for _, axis := range refinables {
		values := valuesOf(r, chosen, axis.of)
		if len(values) < 2 {
			continue
		}
		best := axis.of(r.Points[chosen.Chosen])
		next := neighbours(values, best)
		if len(axes) == 0 || slices.Contains(axes, axis.name) {
			var how string
			next, how = refined(values, best, points)
			out.Said = append(out.Said, fmt.Sprintf("%s, best at %s, is %s: %s", axis.name, stats.Number(best), how, numbers(next)))
		}
		set = append(set, "grid."+axis.name+"="+list(next))
	}
	if len(out.Said) == 0 {
		return nil, refuse(fmt.Errorf("%s has one value on each axis to refine", grid.Name), "refine a sweep with several values of lr or lambda")
	}
	asked, err := sweeps.ReadComparison(grid.Resolved)
	if err != nil {
		return nil, err
	}
	renewed, err := sweeps.Renew(grid.File, grid.Text, grid.Overrides, grid.Resolved)
	if err != nil {
		return nil, fmt.Errorf("rewrite %s: %w", grid.File, err)
	}
	set = append(set, renewed...)
	skip := onlyArm(r, chosen, asked.Baseline)
	if inlineSkip.Match(grid.Text) && skip != "" { // [[skip]] cannot be added to a list that is a value
		text, err := document.Rewrite(grid.File, grid.Text, renewed)
		if err != nil {
			return nil, err
		}
		spec, err := load(text)
		if err != nil {
			return nil, err
		}
		var conditions []string
		for _, x := range spec.Skip {
			conditions = append(conditions, "{ where = "+strconv.Quote(x.String())+" }")
		}
		set = append(set, "skip=["+strings.Join(append(conditions, "{ where = "+strconv.Quote(skip)+" }"), ", ")+"]")
		skip = ""
	}
	if out.Text, err = document.Rewrite(grid.File, grid.Text, set); err != nil {
		return nil, fmt.Errorf("rewrite %s: %w", grid.File, err)
	}
	if skip != "" {
		out.Text = append(out.Text, "\n[[skip]]                          # all but what is refined\nwhere = "+strconv.Quote(skip)+"\n"...)
	}
	if _, err := load(out.Text); errors.Is(err, ErrUnchecked) {
		out.Unchecked = true
	} else if err != nil {
		return nil, fmt.Errorf("%s cannot be refined by itself: %w", grid.File, err)
	}
	return out, nil
}

// RefinedSuffix ends the names of refined sweeps.
const RefinedSuffix = "-refined"

// A refinable is an axis that can be refined.
type refinable struct {
	name string
	of   func(compare.Point) float64
}

var refinables = []refinable{
	{"lr", func(s compare.Point) float64 { return s.LR }},
	{"lambda", func(s compare.Point) float64 { return s.Lambda }},
}

// inlineSkip matches a list of conditions written as a value.
var inlineSkip = regexp.MustCompile(`(?m)^\s*skip\s*=`)

// onlyArm is a condition that holds for the trials outside an arm and the baseline that a sweep names; empty if there
// is one arm.
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

// zipped are the groups of axes that move together, from the resolved text of a sweep.
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

// armOf is the arm with a name, or the best one for an empty name.
func armOf(r *compare.Report, name string) (compare.Arm, error) {
	var known []string
	for _, a := range r.Arms {
		if a.Chosen >= 0 && (name == "" || a.Name == name) {
			return a, nil
		}
		known = append(known, a.Name)
	}
	if name == "" {
		return compare.Arm{}, &EmptyError{r.Sweep}
	}
	return compare.Arm{}, refuse(fmt.Errorf("--arm %q has no complete point", name), "arms are "+strings.Join(known, ", "))
}

// valuesOf are the values of an arm's points on an axis, in order.
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

// refined are the next values of an axis, with a word on how: beyond an end that is best, or between the best and its
// neighbours. Steps are ratios where values are positive.
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
		// No penalty is best so far: weaker ones than those of the grid may be better.
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
			next = append(next, between(near[i-1], near[i], points)...)
		}
	}
	slices.Sort(next)
	return slices.Compact(next), how
}

// beyond are values that carry an axis on beyond its end, by its last step.
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

// between are values that divide a part of an axis evenly: by ratios if both ends are positive, by ratios of √10 down
// from the high end if the low end is 0.
func between(low, high float64, points int) (values []float64) {
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

// list writes numbers as a TOML list that reads back to the same bits.
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
