package sweeps

import (
	"fmt"
	"iter"
	"math/big"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// A point is a combination without its seed. Optimizer, regularizer and variant are indices in the Spec,
// of the first of those that are equal; regularizer is −1 where there is no penalty.
type point struct {
	optimizer, regularizer, variant int
	lr, lambda                      float64
}

// A dimension of the grid is an axis, or several that are zipped.
type dimension struct {
	axes []string
	n    int
}

// dimensions lists the dimensions of the grid, the fastest one last.
func (s *Spec) dimensions() []dimension {
	sizes := map[string]int{"optimizer": len(s.Optimizers), "regularizer": max(1, len(s.Regularizers)), "lr": len(s.LR), "lambda": len(s.Lambda)}
	order := []string{"optimizer", "regularizer", "lr", "lambda"}
	for _, axis := range s.Axes {
		order = append(order, axis.Name)
		sizes[axis.Name] = len(axis.Values)
	}
	var all []dimension
	var placed []string
	for _, name := range order {
		if slices.Contains(placed, name) {
			continue
		}
		d := dimension{[]string{name}, sizes[name]}
		for _, group := range s.zip {
			if slices.Contains(group, name) {
				d.axes = group
			}
		}
		placed = append(placed, d.axes...)
		all = append(all, d)
	}
	return all
}

// product counts the combinations, seeds included, before equal ones are folded.
func (s *Spec) product() *big.Int {
	product := big.NewInt(1)
	for _, d := range s.dimensions() {
		product.Mul(product, big.NewInt(int64(d.n)))
	}
	product.Add(product, big.NewInt(int64(len(s.extra))))
	return product.Mul(product, big.NewInt(int64(len(s.Seeds))))
}

// walk makes the points of the grid. Equal points come as often as they are asked for.
func (s *Spec) walk() iter.Seq[point] {
	dims := s.dimensions()
	optimizers, regularizers, variants := firsts(s.Optimizers, same), firsts(s.Regularizers, same), s.firstVariants()
	return func(yield func(point) bool) {
		at := make([]int, len(dims))
		index := map[string]int{}
		for {
			for i, d := range dims {
				for _, axis := range d.axes {
					index[axis] = at[i]
				}
			}
			p := point{optimizer: optimizers[index["optimizer"]], lr: s.LR[index["lr"]], lambda: s.Lambda[index["lambda"]]}
			for _, axis := range s.Axes {
				p.variant = p.variant*len(axis.Values) + index[axis.Name]
			}
			p.variant = variants[p.variant]
			if p.regularizer = -1; len(regularizers) > 0 {
				p.regularizer = regularizers[index["regularizer"]]
			}
			if !yield(s.canonical(p)) {
				return
			}
			i := len(dims) - 1
			for ; i >= 0; i-- {
				if at[i]++; at[i] < dims[i].n {
					break
				}
				at[i] = 0
			}
			if i < 0 {
				return
			}
		}
	}
}

// canonical leaves the regularizer out where λ is 0: the trial is the same under any. What a command makes of
// it is not known.
func (s *Spec) canonical(p point) point {
	if p.lambda == 0 && s.Task.Command == nil {
		p.regularizer = -1
	}
	return p
}

// points lists the distinct points of the grid, and of [[extra]]. again says which point of the grid an extra
// point equals; −1 for none.
func (s *Spec) points() (grid, extra []point, again []int) {
	seen := map[point]int{}
	for p := range s.walk() {
		if _, known := seen[p]; !known {
			seen[p] = len(grid)
			grid = append(grid, p)
		}
	}
	added := map[point]bool{}
	for _, p := range s.extra {
		if added[p] {
			continue
		}
		added[p] = true
		i, known := seen[p]
		if !known {
			i = -1
		}
		extra, again = append(extra, p), append(again, i)
	}
	return grid, extra, again
}

// each makes the trials in their order, those to be skipped among them: all of the first seed, then all of the
// next, and within a seed the grid before the extra points.
func (s *Spec) each() iter.Seq2[runner.Trial, bool] {
	grid, extra, again := s.points()
	return func(yield func(t runner.Trial, skipped bool) bool) {
		skipped := make([]bool, len(grid))
		for _, seed := range s.Seeds {
			for i, p := range grid {
				t := s.trial(p, seed)
				skipped[i] = s.skips(t)
				if !yield(t, skipped[i]) {
					return
				}
			}
			for i, p := range extra {
				if at := again[i]; at >= 0 && !skipped[at] {
					continue
				}
				if !yield(s.trial(p, seed), false) {
					return
				}
			}
		}
	}
}

// trial makes the trial of a point with a seed.
func (s *Spec) trial(p point, seed int64) runner.Trial {
	v := s.variants[p.variant]
	t := runner.Trial{Task: v.task, Optimizer: s.Optimizers[p.optimizer], LR: p.lr, Lambda: p.lambda, Stop: s.Stop, Keep: s.Metric.Keep(), Seed: seed,
		Arithmetic: runner.ArithmeticRevision, Axes: v.axes}
	if p.regularizer >= 0 {
		t.Regularizer = &s.Regularizers[p.regularizer]
	}
	if t.Task.Command == nil {
		if own := s.choiceAxes[&s.Optimizers[p.optimizer]]; own != nil {
			t.Axes = append(slices.Clip(t.Axes), own...)
		}
		if own := s.choiceAxes[t.Regularizer]; own != nil {
			t.Axes = append(slices.Clip(t.Axes), own...)
		}
	}
	return t
}

// Trials lists the sweep's trials, equal ones once and none that is skipped: all of the first seed,
// then all of the next, and within a seed by optimizer, regularizer, lr, λ and further axes, the last
// fastest, and the extra points at the end. The trials share their choices and settings: do not change
// them.
func (s *Spec) Trials() []runner.Trial {
	var trials []runner.Trial
	if len(s.Skip) == 0 { // otherwise counting takes as long as listing
		trials = make([]runner.Trial, 0, s.Grid().Trials)
	}
	for t := range s.all() {
		trials = append(trials, t)
	}
	return trials
}

// all makes the trials of Trials one by one, so that they need not fit into memory.
func (s *Spec) all() iter.Seq[runner.Trial] {
	return func(yield func(runner.Trial) bool) {
		for t, skipped := range s.each() {
			if !skipped && !yield(t) {
				return
			}
		}
	}
}

// nameAxes makes the names of axes that optimizers and regularizers have short where that is unique.
func (s *Spec) nameAxes() {
	var paths []string
	for _, axis := range s.Axes {
		paths = append(paths, runner.AxisPath("task", axis.Name))
	}
	for _, of := range s.choiceAxes {
		for _, axis := range of {
			paths = append(paths, axis.Path)
		}
	}
	names := runner.NewAxisNames(paths)
	for _, of := range s.choiceAxes {
		for i := range of {
			of[i].Path = names.Of(of[i].Path)
		}
	}
}

// AxisNames lists the axes that have columns of their own: further axes of [grid], and the axes that
// optimizers and regularizers have themselves. [runner.Trial.Axes] has their values.
func (s *Spec) AxisNames() (names []string) {
	for _, axis := range s.Axes {
		names = append(names, axis.Name)
	}
	add := func(choices []runner.Choice) {
		for i := range choices {
			for _, axis := range s.choiceAxes[&choices[i]] {
				if !slices.Contains(names, axis.Path) {
					names = append(names, axis.Path)
				}
			}
		}
	}
	add(s.Optimizers)
	add(s.Regularizers)
	return names
}

// firsts is, for each item, the index of the first item that equals it.
func firsts[T any](items []T, equal func(a, b T) bool) []int {
	first := make([]int, len(items))
	for i := range items {
		first[i] = slices.IndexFunc(items, func(item T) bool { return equal(item, items[i]) })
	}
	return first
}

// firstVariants is, for each task, the index of the first task that equals it.
func (s *Spec) firstVariants() []int {
	known := map[runner.Key]int{}
	first := make([]int, len(s.variants))
	for i, v := range s.variants {
		key := runner.Trial{Task: v.task, Axes: v.axes}.Point()
		if _, ok := known[key]; !ok {
			known[key] = i
		}
		first[i] = known[key]
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

// zip reads the axes that move together.
func (d *decoder) zip(s section) {
	e := s.node.Find("zip")
	if e == nil {
		return
	}
	example := `zip = [["lr", "batch"]]`
	if e.Value.Kind != document.Array {
		s.wrongType("zip", "a list of lists of axes", e.Value)
		return
	}
	sizes := map[string]int{}
	for _, dim := range d.spec.dimensions() {
		for _, name := range dim.axes {
			sizes[name] = dim.n
		}
	}
	used := map[string]bool{}
	for _, group := range e.Value.Items {
		if group.Kind != document.Array || len(group.Items) < 2 {
			d.report(group.At, document.Problem{Message: "axes that move together are a list of at least two names", Help: "for instance " + example})
			continue
		}
		var names []string
		for _, n := range group.Items {
			switch _, isAxis := sizes[n.Text]; {
			case n.Kind != document.Text:
				s.wrongType("zip", document.Text, n)
			case !isAxis || s.node.Find(n.Text) == nil:
				d.report(n.At, document.Problem{Message: fmt.Sprintf("[grid] has no axis `%s`", document.Clip(n.Text)), Label: document.DidYouMean(n.Text, d.gridAxes(s))})
			case used[n.Text]:
				d.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` is zipped twice", document.Clip(n.Text))})
			default:
				used[n.Text] = true
				names = append(names, n.Text)
				if first := names[0]; sizes[n.Text] != sizes[first] {
					d.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` has %d values and `%s` has %d: axes that move together have as many", document.Clip(n.Text), sizes[n.Text], document.Clip(first), sizes[first])})
				}
			}
		}
		if len(names) == len(group.Items) {
			d.spec.zip = append(d.spec.zip, names)
		}
	}
}

// gridAxes are the axes that [grid] has.
func (d *decoder) gridAxes(s section) (names []string) {
	for _, e := range s.node.Entries {
		if e.Name != "zip" {
			names = append(names, e.Name)
		}
	}
	return names
}

// countTrials refuses a grid that is larger than anyone meant, before any of it is made.
func (d *decoder) countTrials(e *document.Entry) {
	if e == nil || len(d.problems) > 0 {
		return
	}
	if product := d.spec.product(); product.Cmp(big.NewInt(int64(d.spec.Run.MaxTrials))) > 0 {
		d.report(e.At, document.Problem{
			Message: fmt.Sprintf("the grid has %s = %s trials, more than max_trials = %d", d.spec.arithmetic(), product, d.spec.Run.MaxTrials),
			Help:    "if that many are meant, raise max_trials in [run]"})
	}
}
