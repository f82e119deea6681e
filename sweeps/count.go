package sweeps

import (
	"fmt"
	"iter"
	"math/big"
	"strings"

	"github.com/xrun-dev/xrun/runner"
)

// A Grid counts what a sweep consists of.
type Grid struct {
	// Factors are the axes, those that move together as one.
	Factors []Factor
	Extra   int // points outside the grid, each with every seed
	// Points are the combinations without their seeds, Trials those with them, equal ones once.
	Points, Trials int
	// Folded is how many combinations are equal to others and left out of Trials: λ = 0 gives the
	// same trial under every regularizer, and two tables may say the same.
	Folded int
	// Skipped is how many of the others a [[skip]] leaves out of Trials.
	Skipped int
	seeds   int
}

// A Factor is how many values an axis has.
type Factor struct {
	Name string // as it stands beside the number
	N    int
}

// String is the arithmetic: "7 lr × 5 lambda × 3 optimizers × 1 regularizer × 2 seeds = 210 trials".
func (g Grid) String() string {
	left := ""
	if g.Folded > 0 {
		left += fmt.Sprintf(", %d of them equal to others", g.Folded)
	}
	if g.Skipped > 0 {
		left += fmt.Sprintf(", %d skipped", g.Skipped)
	}
	if left != "" {
		left += fmt.Sprintf(": %s", trials(int64(g.Trials)))
	}
	product := g.product().String() + " trials"
	if p := g.product(); p.IsInt64() {
		product = trials(p.Int64())
	}
	return fmt.Sprintf("%s = %s%s", g.arithmetic(), product, left)
}

func trials(n int64) string {
	if n == 1 {
		return "1 trial"
	}
	return fmt.Sprintf("%d trials", n)
}

func (g Grid) arithmetic() string {
	var factors []string
	for _, f := range g.Factors {
		factors = append(factors, fmt.Sprintf("%d %s", f.N, f.Name))
	}
	seeds := plural(g.seeds, "seed")
	text := strings.Join(append(factors, seeds), " × ")
	if g.Extra > 0 {
		text += fmt.Sprintf(" + %d extra × %s", g.Extra, seeds)
	}
	return text
}

func plural(n int, name string) string {
	if n == 1 {
		return "1 " + name
	}
	return fmt.Sprintf("%d %ss", n, name)
}

func (g Grid) product() *big.Int {
	product := big.NewInt(1)
	for _, f := range g.Factors {
		product.Mul(product, big.NewInt(int64(f.N)))
	}
	product.Add(product, big.NewInt(int64(g.Extra)))
	return product.Mul(product, big.NewInt(int64(g.seeds)))
}

// factors are the sizes of the grid as people read them.
func (s *Spec) factors() Grid {
	g := Grid{Extra: len(s.Extra) + s.extraFolded, seeds: len(s.Seeds)}
	command := s.Task.Command != nil
	zipped := map[int]string{}
	leaders := map[int]bool{}
	for _, group := range s.zipped() {
		leaders[group.dims[0]] = true
		for _, dim := range group.dims[1:] {
			zipped[group.dims[0]] += " with " + s.nameOf(dim)
		}
	}
	order := []int{byLR, byLambda, byOptimizer, byRegularizer}
	for i := range s.Axes {
		order = append(order, byAxis+i)
	}
	for _, dim := range order {
		n := s.lengthOf(dim)
		if !leaders[dim] || command && n == 1 && dim < byAxis {
			continue
		}
		name := s.nameOf(dim)
		if (dim == byOptimizer || dim == byRegularizer) && n != 1 {
			name += "s"
		}
		g.Factors = append(g.Factors, Factor{name + zipped[dim], n})
	}
	return g
}

func (s *Spec) nameOf(dim int) string {
	if dim < byAxis {
		return []string{"optimizer", "regularizer", "lr", "lambda"}[dim]
	}
	return s.Axes[dim-byAxis].Name
}

// Grid counts the sweep's trials. It makes their points one by one if any are to be skipped.
func (s *Spec) Grid() Grid {
	g := s.axes()
	if len(s.Skip) == 0 {
		return g
	}
	all := g.Trials
	g.Points, g.Trials = 0, 0
	for p := range s.points() {
		kept := 0
		for _, seed := range s.Seeds {
			if !s.skips(s.trial(p, seed)) {
				kept++
			}
		}
		g.Trials += kept
		g.Points += min(kept, 1)
	}
	g.Skipped = all - g.Trials
	return g
}

// axes counts the trials before any is skipped, without making them.
func (s *Spec) axes() Grid {
	g := s.factors()
	groups := s.groups()
	lambda := 0 // the group of λ, on which it depends what is folded
	for i := range groups {
		for _, dim := range groups[i].dims {
			if dim == byLambda {
				lambda = i
			}
		}
	}
	kept := func(g *group, penalized bool) (n int) {
		for position := range g.n {
			if !g.skips(position, penalized) {
				n++
			}
		}
		return n
	}
	rest := map[bool]int{false: 1, true: 1} // points of the other groups, by whether there is a penalty
	for i := range groups {
		if i != lambda {
			rest[false] *= kept(&groups[i], false)
			rest[true] *= kept(&groups[i], true)
		}
	}
	for position := range groups[lambda].n {
		penalized := s.Task.Command != nil
		for i, dim := range groups[lambda].dims {
			if dim == byLambda {
				penalized = penalized || s.Lambda[groups[lambda].index(position, i)] != 0
			}
		}
		if !groups[lambda].skips(position, penalized) {
			g.Points += rest[penalized]
		}
	}
	g.Points += len(s.Extra)
	g.Trials = g.Points * len(s.Seeds)
	g.Folded = int(g.product().Int64()) - g.Trials
	return g
}

// Trials lists the sweep's trials, equal ones once and none that is skipped, in the order of All. The
// trials share their choices and settings, which are not to be changed.
func (s *Spec) Trials() []runner.Trial {
	n := s.axes().Trials
	if len(s.Skip) > 0 {
		n = s.Grid().Trials
	}
	trials := make([]runner.Trial, 0, n)
	for t := range s.All() {
		trials = append(trials, t)
	}
	return trials
}

// All makes the sweep's trials one by one: all of the first seed, then all of the next, and within a
// seed by optimizer, regularizer, lr, λ and further axes, the last fastest, then the extra points.
func (s *Spec) All() iter.Seq[runner.Trial] {
	return func(yield func(runner.Trial) bool) {
		for t := range s.unskipped() {
			if !s.skips(t) && !yield(t) {
				return
			}
		}
	}
}

// unskipped makes the trials in their order, those to be skipped among them.
func (s *Spec) unskipped() iter.Seq[runner.Trial] {
	points := s.points()
	return func(yield func(runner.Trial) bool) {
		for _, seed := range s.Seeds {
			for p := range points {
				if !yield(s.trial(p, seed)) {
					return
				}
			}
		}
	}
}

// AxisNames lists what tells trials apart besides optimizer, regularizer, lr, λ and the seed.
func (s *Spec) AxisNames() (names []string) {
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, axis := range s.Axes {
		add(axis.Name)
	}
	if s.Task.Command != nil {
		return names
	}
	for _, all := range [][]varied{s.optimizerAxes, s.regularizerAxes} {
		for _, row := range all {
			for _, setting := range row {
				add(setting.Path)
			}
		}
	}
	return names
}
