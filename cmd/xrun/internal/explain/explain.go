// Package explain explains the names in a sweep file that are no components: schedules, stopping and pruning rules,
// models, metrics, tests and scales. Each has its formula, its settings with their defaults, and its source.
package explain

import (
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/score"
	"github.com/xrun-dev/xrun/sweeps"
)

// A Kind is a kind of names.
type Kind string

// The kinds, in the order in which they are listed.
const (
	Model    Kind = "model"
	Metric   Kind = "metric"
	Schedule Kind = "schedule"
	Stopping Kind = "stopping rule"
	Pruning  Kind = "pruning rule"
	Test     Kind = "test"
	Stat     Kind = "statistic"
	Scale    Kind = "scale"
)

// A Fact explains a name.
type Fact struct {
	Kind    Kind
	Name    string
	Summary string
	Formula string // as it is printed, indented
	Doc     string // further facts
	// Settings are its keys in a sweep file.
	Settings []sweeps.Key
	Source   string
	Page     string // of `xrun help`
}

// All lists the facts, by kind.
func All() []Fact {
	return slices.Concat(modelFacts(), metrics(), schedules(), stopping(), pruning(), tests(), statistics(), scales())
}

// Find finds the facts of a name, of which there may be one for each kind. A metric that stands for several has one for all.
func Find(name string) (found []Fact) {
	family := name
	if part, rest := runner.PartOf(name); part != "" {
		if _, ok := score.Quantile(rest); ok {
			family = part + score.QuantileLoss
		}
	}
	for _, f := range All() {
		if f.Name == family {
			f.Name = name
			found = append(found, f)
		}
	}
	return found
}

// lines joins the lines of a formula.
func lines(all ...string) string { return strings.Join(all, "\n") }

// settings are the keys of a table that apply to one value of its choosing key, such as rule; if common, with the keys
// that apply to all values.
func settings(table, name string, common bool) (own []sweeps.Key) {
	var general []sweeps.Key
	for _, t := range sweeps.Keys() {
		if t.Title != table {
			continue
		}
		chooser := ""
		for _, k := range t.Keys {
			if k.Only != "" {
				chooser, _, _ = strings.Cut(k.Only, " ")
			}
		}
		for _, k := range t.Keys {
			_, names, chosen := strings.Cut(k.Only, " ")
			switch {
			case chosen && slices.Contains(strings.Split(names, ", "), name):
				own = append(own, k)
			case !chosen && common && k.Name != chooser:
				general = append(general, k)
			}
		}
	}
	return append(own, general...)
}

// Names lists the explained names.
func Names() (names []string) {
	for _, f := range All() {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}
