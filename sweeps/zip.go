package sweeps

import (
	"fmt"
	"slices"
	"strings"
)

// gridKeys are the keys of [grid] that every sweep has. All others are keys of [task].
var gridKeys = []string{"lr", "lambda", "optimizer", "regularizer", "zip"}

// A Zip is axes that move together: their first values belong together, then their second ones.
type Zip []string

func (z Zip) String() string { return strings.Join(z, " with ") }

// zips reads `zip`. How long the axes are is looked at once they have been read.
func (d *decoder) zips(root *node) {
	grid := root.find("grid")
	if grid == nil || grid.value.kind != nodeTable || grid.value.find("zip") == nil {
		return
	}
	n := grid.value.find("zip").value
	const help = `a list of lists of axes that move together: zip = [["lr", "batch"]]`
	if n.kind != nodeArray {
		d.wrongType("zip", nodeArray, n)
		return
	}
	var all []string
	for _, item := range n.items {
		if item.kind != nodeArray || len(item.items) < 2 {
			d.report(item.at, Problem{Message: "`zip` wants two axes or more that move together", Help: help})
			continue
		}
		var z Zip
		for _, name := range item.items {
			switch {
			case name.kind != nodeText:
				d.wrongType("zip", nodeText, name)
			case slices.Contains(all, name.text):
				d.report(name.at, Problem{Message: fmt.Sprintf("`zip` has `%s` twice", clip(name.text))})
			case (name.text == "optimizer" || name.text == "regularizer") && root.find(name.text+"s") != nil:
				z, all = append(z, name.text), append(all, name.text) // all tables, without the axis
			case name.text == "zip" || grid.value.find(name.text) == nil:
				var axes []string
				for _, e := range grid.value.entries {
					if e.name != "zip" {
						axes = append(axes, e.name)
					}
				}
				d.report(name.at, Problem{Message: fmt.Sprintf("[grid] has no axis `%s`", clip(name.text)), Label: didYouMean(name.text, axes), Help: "axes: " + list(axes)})
			default:
				z, all = append(z, name.text), append(all, name.text)
			}
		}
		if len(z) > 1 {
			d.spec.Zips = append(d.spec.Zips, z)
		}
	}
}

// sameLengths reports axes that cannot move together.
func (d *decoder) sameLengths(grid *entry) {
	if len(d.problems) > 0 {
		return // an axis may have lost values to them
	}
	for _, z := range d.spec.Zips {
		first := d.spec.length(z[0])
		for _, name := range z[1:] {
			if n := d.spec.length(name); n != first {
				d.report(grid.value.find("zip").value.at, Problem{Message: fmt.Sprintf("`%s` has %d values and `%s` has %d: axes that move together have equally many", z[0], first, name, n)})
			}
		}
		for _, choices := range []struct {
			name   string
			varied []varied
		}{{"optimizer", d.spec.optimizerAxes}, {"regularizer", d.spec.regularizerAxes}} {
			if slices.Contains(z, choices.name) && slices.ContainsFunc(choices.varied, func(v varied) bool { return len(v) > 0 }) {
				d.report(grid.value.find("zip").value.at, Problem{Message: fmt.Sprintf("`%s` cannot move with another axis while a table of them has a grid of its own", choices.name)})
			}
		}
	}
}

// rows are the combinations of the values of axes of [task], as indices, the last axis fastest:
// those that move together are not combined. Beyond maxVariants there are none, only their number so
// far.
func (d *decoder) rows(names []string) (all [][]int, total int) {
	var groups [][]int // of axes
	length := func(axis int) int { return len(d.tasks.values[axis]) }
	done := map[int]bool{}
	for i, name := range names {
		if done[i] {
			continue
		}
		together := []int{i}
		for _, z := range d.spec.Zips {
			if !slices.Contains(z, name) {
				continue
			}
			for j := i + 1; j < len(names); j++ {
				if slices.Contains(z, names[j]) && length(i) == length(j) {
					together, done[j] = append(together, j), true
				}
			}
		}
		groups = append(groups, together)
	}
	total = 1
	for _, g := range groups {
		if total *= length(g[0]); total > maxVariants {
			return nil, total
		}
	}
	for n := range total {
		row := make([]int, len(names))
		for i := len(groups) - 1; i >= 0; i-- {
			for _, axis := range groups[i] {
				row[axis] = n % length(groups[i][0])
			}
			n /= length(groups[i][0])
		}
		all = append(all, row)
	}
	return all, total
}
