package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
)

// Draws are what the seed decides in trials, and so what their results are a sample of.
type Draws struct {
	// Known: a model of xrun's own is trained. Nothing is known of programs, and of models in plugins.
	Known bool
	// Foreign: a component is a plugin's, which may draw whatever it does.
	Foreign bool
	Split   bool // which rows validate and test
	// Window: the seed chooses a fold of an order. There are Folds of them, and nothing is drawn.
	Window bool
	Folds  int
	// Start is where training begins, Batches which rows each step takes, Noise that of the gradients of a test function.
	Start, Batches, Noise bool
	// Group and Order are the columns by which rows are divided.
	Group, Order string
	Data         bool // there are rows, as there are none of a test function
	Files        bool // of their own hold the rows that validate or test
}

// drawn are the paths of the settings that [DrawsOf] looks at, and identities those of components.
var (
	drawn = []string{
		AxisDataset, "task.digest", "task.model", "task.hidden", "task.validation", "task.test", AxisFolds, "task.validation_path", "task.test_path", pathGroup, pathOrder,
		"task.batch", "task.sampling", "task.noise", AxisCommand, "task.objective.identity",
	}
	identities = []string{"optimizer.identity", "optimizer.base.identity", "regularizer.identity"}
)

const (
	pathGroup = "task.group"
	pathOrder = "task.order"
)

// DecideDraws are those of the paths that decide what a trial draws, and those of components, which may draw as well
// where they are not xrun's own; see [Foreign].
func DecideDraws(paths []string) (some, components []string) {
	for _, path := range paths {
		switch {
		case slices.Contains(drawn, path):
			some = append(some, path)
		case slices.Contains(identities, path):
			components = append(components, path)
		}
	}
	return some, components
}

// Foreign reports whether an identity is of a component of a plugin.
func Foreign(identity string) bool { return !strings.HasPrefix(identity, "builtin:") }

// DrawsOf finds out what a trial with the settings draws.
func DrawsOf(settings ...[]Setting) (d Draws) {
	of := map[string]string{}
	for _, list := range settings {
		for _, s := range list {
			of[s.Path] = s.Value.String()
		}
	}
	model := of["task.model"]
	if model == "" || of[AxisCommand] != "" || of["task.objective.identity"] != "" {
		return d
	}
	for _, path := range identities {
		identity, some := of[path]
		d.Foreign = d.Foreign || some && Foreign(identity)
	}
	d.Known = true
	positive := func(path string) bool { return of[path] != "" && of[path] != "0" }
	if d.Data = of["task.digest"] != "" || of[AxisDataset] != ""; !d.Data {
		d.Start, d.Noise = true, positive("task.noise")
		return d
	}
	d.Group, d.Order, d.Files = of[pathGroup], of[pathOrder], of["task.validation_path"] != "" || of["task.test_path"] != ""
	divided := positive("task.validation") || positive("task.test") || positive(AxisFolds)
	d.Split = divided && d.Order == ""
	if d.Window = d.Order != "" && positive(AxisFolds); d.Window {
		fmt.Sscan(of[AxisFolds], &d.Folds)
	}
	if !divided {
		d.Group, d.Order = "", ""
	}
	d.Start = model == "mlp" && of["task.hidden"] != "" // others begin at 0
	d.Batches = of["task.batch"] != "full" && of["task.sampling"] != "sequential"
	return d
}

// Draws finds out what trials of the task draw whose optimizer and regularizer are xrun's own.
func (task Task) Draws() Draws {
	if task.Command != nil || task.Objective != nil {
		return Draws{}
	}
	var settings []Setting
	task.dataSettings(func(path string, v plugins.Value) { settings = append(settings, Setting{path, v}) })
	return DrawsOf(settings)
}

// With is what trials draw some of which draw d and some o.
func (d Draws) With(o Draws) Draws {
	if !d.Known || !o.Known {
		return Draws{}
	}
	d.Foreign = d.Foreign || o.Foreign
	d.Split, d.Window, d.Start, d.Batches, d.Noise = d.Split || o.Split, d.Window || o.Window, d.Start || o.Start, d.Batches || o.Batches, d.Noise || o.Noise
	d.Data, d.Files, d.Folds = d.Data || o.Data, d.Files || o.Files, max(d.Folds, o.Folds)
	if d.Group != o.Group {
		d.Group = ""
	}
	if d.Order != o.Order {
		d.Order = ""
	}
	return d
}

// Overlap is the ratio of the rows that validate to those that train, of k folds. Those of an order train on more and more rows: it is
// the mean of their ratios.
func Overlap(k int, order string) (ratio float64) {
	if order == "" {
		return 1 / float64(k-1)
	}
	for i := range k {
		ratio += 1 / float64(i+1) / float64(k)
	}
	return ratio
}

// Chance reports whether a seed draws anything. It may be unknown, and chooses a fold of an order without chance.
func (d Draws) Chance() bool {
	return !d.Known || d.Foreign || d.Split || d.Start || d.Batches || d.Noise
}

// Names lists what is drawn: "data split", "initial weights", "batch order".
func (d Draws) Names() (names []string) {
	for _, one := range []struct {
		is   bool
		name string
	}{{d.Split && d.Group == "", "data split"}, {d.Split && d.Group != "", "split of groups"}, {d.Window, "fold"}, {d.Start && d.Data, "initial weights"}, {d.Start && !d.Data, "starting point"}, {d.Batches, "batch order"}, {d.Noise, "noise"}} {
		if one.is {
			names = append(names, one.name)
		}
	}
	return names
}

// Different are those of the seeds whose trials differ, the first of each that are equal.
func (d Draws) Different(seeds []int64) (different []int64) {
	if d.Chance() {
		return seeds
	}
	seen := map[int]bool{}
	for _, seed := range seeds {
		fold := 0
		if d.Window {
			at, _ := Supervised{Folds: d.Folds}.Fold(seed)
			fold = at.Index
		}
		if !seen[fold] {
			seen[fold] = true
			different = append(different, seed)
		}
	}
	return different
}

// Nothing says why the seed draws nothing.
func (d Draws) Nothing() string {
	rows := "all rows train"
	switch {
	case d.Order != "":
		rows = fmt.Sprintf("the rows are divided by the order of %q", d.Order)
	case d.Files:
		rows = "the rows are those of files"
	}
	return rows + ", each step takes the same ones, and training begins at 0"
}
