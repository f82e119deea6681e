package sweeps

import (
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/runner"
)

// The dimensions of the grid: those that every sweep has, in the order of the trials. The further
// axes follow.
const (
	byOptimizer = iota
	byRegularizer
	byLR
	byLambda
	byAxis
)

// A Point is what trials have in common that differ only in their seed.
type Point struct {
	optimizer, regularizer int // index in the spec; regularizer is -1 for none
	lr, lambda             float64
	task                   int // index in Tasks
	axes                   []runner.Setting
}

// A group is dimensions that move together. Grids are products of groups.
type group struct {
	dims []int
	n    int     // positions
	rows [][]int // the index in each dimension, by position; nil where it is the position
	// folded marks positions that are equal to one before, unpenalized those that are when λ is 0 and
	// the regularizer does not matter. Nil is none.
	folded, unpenalized []bool
}

func (g *group) index(position, dim int) int {
	if g.rows == nil {
		return position
	}
	return g.rows[position][dim]
}

// skips reports whether a position is left to an equal one before it.
func (g *group) skips(position int, penalized bool) bool {
	folded := g.folded
	if !penalized {
		folded = g.unpenalized
	}
	return folded != nil && folded[position]
}

// dimension is the index of an axis among the dimensions; -1 for none of that name.
func (s *Spec) dimension(name string) int {
	if i := slices.Index([]string{"optimizer", "regularizer", "lr", "lambda"}, name); i >= 0 {
		return i
	}
	i := slices.IndexFunc(s.Axes, func(a Axis) bool { return a.Name == name })
	if i < 0 {
		return -1
	}
	return byAxis + i
}

func (s *Spec) lengthOf(dim int) int {
	switch dim {
	case byOptimizer:
		return len(s.Optimizers)
	case byRegularizer:
		return max(1, len(s.Regularizers))
	case byLR:
		return len(s.LR)
	case byLambda:
		return len(s.Lambda)
	}
	return len(s.Axes[dim-byAxis].Values)
}

// length is how many values an axis has, 0 for one that is not there.
func (s *Spec) length(name string) int {
	if dim := s.dimension(name); dim >= 0 {
		return s.lengthOf(dim)
	}
	return 0
}

// zipped groups the dimensions by what moves together, in the order of their first.
func (s *Spec) zipped() (groups []group) {
	done := make([]bool, byAxis+len(s.Axes))
	for dim := range done {
		if done[dim] {
			continue
		}
		g := group{dims: []int{dim}, n: s.lengthOf(dim)}
		for _, z := range s.Zips {
			var members []int
			for _, name := range z {
				members = append(members, s.dimension(name))
			}
			if !slices.Contains(members, dim) {
				continue
			}
			slices.Sort(members)
			g.dims = members
			for _, m := range members {
				done[m] = true
			}
		}
		groups = append(groups, g)
	}
	return groups
}

// groups are the groups of the grid, with what is folded. Those with an axis of [task] are one:
// which of them are equal shows only when all are known.
func (s *Spec) groups() []group {
	var all []group
	task := -1
	for _, g := range s.zipped() {
		if !slices.ContainsFunc(g.dims, func(dim int) bool { return dim >= byAxis && s.Axes[dim-byAxis].ofTask }) {
			all = append(all, g)
			continue
		}
		if task < 0 {
			task = len(all)
			all = append(all, group{n: 1, rows: [][]int{nil}})
		}
		all[task] = all[task].times(g)
	}
	optimizers, regularizers := firsts(s.Optimizers), firsts(s.Regularizers)
	tasks := s.firstTasks()
	for i := range all {
		g := &all[i]
		g.folded = s.repeats(*g, optimizers, regularizers, tasks)
		g.unpenalized = g.folded
		if s.Task.Command == nil && slices.Contains(g.dims, byRegularizer) {
			g.unpenalized = s.repeats(*g, optimizers, nil, tasks)
		}
	}
	return all
}

// times is every combination of the positions of two groups, those of the second faster.
func (g group) times(h group) group {
	both := group{dims: slices.Concat(g.dims, h.dims), n: g.n * h.n}
	for i := range g.n {
		for j := range h.n {
			row := slices.Clip(g.rows[i])
			for dim := range h.dims {
				row = append(row, h.index(j, dim))
			}
			both.rows = append(both.rows, row)
		}
	}
	return both
}

// repeats marks the positions that are equal to one before. optimizers, regularizers and tasks are the
// first index of what is equal; without regularizers, they do not matter.
func (s *Spec) repeats(g group, optimizers, regularizers, tasks []int) []bool {
	known := slices.ContainsFunc(g.dims, func(dim int) bool { return dim == byOptimizer || dim == byRegularizer }) || g.rows != nil
	if !known {
		return nil // its values are distinct
	}
	repeated, found := make([]bool, g.n), false
	seen := make(map[string]bool, g.n)
	indices := make([]int, byAxis+len(s.Axes))
	var key []byte
	for position := range g.n {
		key = key[:0]
		for i, dim := range g.dims {
			v := g.index(position, i)
			indices[dim] = v
			switch {
			case dim == byOptimizer:
				v = optimizers[v]
			case dim == byRegularizer && (regularizers == nil || len(s.Regularizers) == 0):
				v = -1
			case dim == byRegularizer:
				v = regularizers[v]
			case dim >= byAxis && s.Axes[dim-byAxis].ofTask:
				continue
			}
			key = append(strconv.AppendInt(key, int64(v), 10), ' ')
		}
		if g.rows != nil {
			key = strconv.AppendInt(key, int64(tasks[s.variant(indices)]), 10)
		}
		repeated[position] = seen[string(key)]
		found = found || repeated[position]
		seen[string(key)] = true
	}
	if !found {
		return nil
	}
	return repeated
}

// variant is the index of the task that has the values at the indices of a grid's dimensions.
func (s *Spec) variant(indices []int) int {
	if s.variants == nil {
		return 0
	}
	var row []int
	for i, axis := range s.Axes {
		if axis.ofTask {
			row = append(row, indices[byAxis+i])
		}
	}
	return s.variants[fmt.Sprint(row)]
}

// firstTasks is for each task the first that gives the same trials.
func (s *Spec) firstTasks() []int {
	first := make([]int, len(s.Tasks))
	seen := map[runner.Key]int{}
	for i, t := range s.Tasks {
		key := runner.Trial{Task: t}.Key()
		if _, ok := seen[key]; !ok {
			seen[key] = i
		}
		first[i] = seen[key]
	}
	return first
}

// firsts is for each choice the first that gives the same trials, whatever they are called.
func firsts(choices []runner.Choice) []int {
	first := make([]int, len(choices))
	for i := range choices {
		first[i] = slices.IndexFunc(choices, func(c runner.Choice) bool { return same(c, choices[i]) })
	}
	return first
}

func same(a, b runner.Choice) bool {
	if (a.Base == nil) != (b.Base == nil) || a.Base != nil && !same(*a.Base, *b.Base) {
		return false
	}
	if a.Component != b.Component || a.Identity != b.Identity || len(a.Settings) != len(b.Settings) || !a.Schedule.Equal(b.Schedule) {
		return false
	}
	for name, v := range a.Settings {
		if b.Settings[name] != v {
			return false
		}
	}
	return true
}

// points makes the points of the grid and those outside it, equal ones once, the last dimension
// fastest.
func (s *Spec) points() iter.Seq[Point] {
	groups := s.groups()
	further := map[string]shared{}
	return func(yield func(Point) bool) {
		indices := make([]int, byAxis+len(s.Axes))
		positions := make([]int, len(groups))
		var each func(at int) bool
		each = func(at int) bool {
			if at == len(groups) {
				penalized := s.Task.Command != nil || s.Lambda[indices[byLambda]] != 0
				for i := range groups {
					if groups[i].skips(positions[i], penalized) {
						return true
					}
				}
				return yield(s.point(indices, further, penalized))
			}
			for position := range groups[at].n {
				positions[at] = position
				for i, dim := range groups[at].dims {
					indices[dim] = groups[at].index(position, i)
				}
				if !each(at + 1) {
					return false
				}
			}
			return true
		}
		if !each(0) {
			return
		}
		for _, p := range s.Extra {
			if !yield(p) {
				return
			}
		}
	}
}

// shared is what points with equal values of the further axes share.
type shared struct {
	task int
	axes []runner.Setting
}

func (s *Spec) point(indices []int, further map[string]shared, penalized bool) Point {
	p := Point{optimizer: indices[byOptimizer], regularizer: -1, lr: s.LR[indices[byLR]], lambda: s.Lambda[indices[byLambda]]}
	if len(s.Regularizers) > 0 && penalized {
		p.regularizer = indices[byRegularizer]
	}
	if len(s.Axes) == 0 {
		p.axes = s.varied(p, nil)
		return p
	}
	var key [64]byte
	at := key[:0]
	for _, i := range indices[byAxis:] {
		at = append(strconv.AppendInt(at, int64(i), 10), ' ')
	}
	values, ok := further[string(at)]
	if !ok {
		values.task = s.variant(indices)
		for i, axis := range s.Axes {
			values.axes = append(values.axes, runner.Setting{Path: axis.Name, Value: axis.Values[indices[byAxis+i]]})
		}
		further[string(at)] = values
	}
	p.task, p.axes = values.task, s.varied(p, values.axes)
	return p
}

// varied adds the settings by which a table's own grid tells its choices apart. A command has them as
// placeholders.
func (s *Spec) varied(p Point, axes []runner.Setting) []runner.Setting {
	if s.Task.Command != nil {
		return axes
	}
	if p.optimizer < len(s.optimizerAxes) && len(s.optimizerAxes[p.optimizer]) > 0 {
		axes = append(slices.Clip(axes), s.optimizerAxes[p.optimizer]...)
	}
	if p.regularizer >= 0 && len(s.regularizerAxes[p.regularizer]) > 0 {
		axes = append(slices.Clip(axes), s.regularizerAxes[p.regularizer]...)
	}
	return axes
}

// trial is a point with a seed.
func (s *Spec) trial(p Point, seed int64) runner.Trial {
	t := runner.Trial{Task: s.Tasks[p.task], Optimizer: s.Optimizers[p.optimizer], LR: p.lr, Lambda: p.lambda, Stop: s.Stop, Seed: seed, Axes: p.axes}
	if p.regularizer >= 0 {
		t.Regularizer = &s.Regularizers[p.regularizer]
	}
	return t
}
