// Package explain knows what the names in a sweep file mean that are no components: schedules, stopping and pruning rules,
// models, metrics and tests. Each has its formula, its settings with their defaults, and where it comes from.
package explain

import (
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/sweeps"
)

// A Kind is what a name is of.
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
)

// Kinds lists the kinds.
var Kinds = []Kind{Model, Metric, Schedule, Stopping, Pruning, Test, Stat}

// A Fact explains a name.
type Fact struct {
	Kind    Kind
	Name    string
	Summary string
	Formula string // as it is printed, indented
	Doc     string // what else there is to know
	// Settings are its keys in a sweep file.
	Settings []sweeps.Key
	Source   string
	Page     string // of `xrun help`
}

// All lists the facts, by kind.
func All() []Fact {
	return slices.Concat(modelFacts(), metrics(), schedules(), stopping(), pruning(), tests(), statistics())
}

// Find finds the facts of a name, of which there may be one for each kind.
func Find(name string) (found []Fact) {
	for _, f := range All() {
		if f.Name == name {
			found = append(found, f)
		}
	}
	return found
}

// lines joins the lines of a formula.
func lines(all ...string) string { return strings.Join(all, "\n") }

// settings are the keys of a table that belong to a name by the table's chooser, such as rule, and then those that every
// name has, if common.
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

// Names lists the names that are explained and are no components.
func Names() (names []string) {
	for _, f := range All() {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}
