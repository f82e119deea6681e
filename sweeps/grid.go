package sweeps

import (
	"context"
	"fmt"
	"iter"
	"math/big"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// grid reads [grid] and the tables of plugins that its axes name.
func (d *decoder) grid(ctx context.Context, root *node) {
	if d.spec.Task.Command != nil {
		d.commandGrid(ctx, root)
		return
	}
	e := root.find("grid")
	s := d.section(e, "[grid]")
	known := []string{"lr", "lambda", "optimizer", "regularizer"}
	var rest []string
	for _, given := range s.node.entries {
		switch {
		case slices.Contains(allTaskKeys, given.name) || slices.Contains(laterTaskKeys, given.name):
			s.later(given.at, fmt.Sprintf("`%s` as an axis", given.name))
			rest = append(rest, given.name)
		case given.name == "seed" || given.name == "seeds":
			s.report(given.at, Problem{Message: "seeds are not an axis", Help: "write seeds = 5 at the top of the file"})
			rest = append(rest, given.name)
		}
	}
	s.only(slices.Concat(known, rest), []string{"zip"})
	if e == nil {
		s.missingTable("grid", "at least lr")
	}
	d.spec.LR = s.axis(plugins.RealSetting("lr", 0, "").Above(0))
	if s.node.find("lr") == nil {
		s.missing("lr", "for instance lr = { log = [1e-3, 1.0], n = 7 }")
	}
	d.spec.Lambda = []float64{0}
	if s.node.find("lambda") != nil {
		d.spec.Lambda = s.axis(plugins.RealSetting("lambda", 0, "").AtLeast(0))
	}
	d.spec.Optimizers = d.choices(ctx, root, s, plugins.KindOptimizer, []string{"sgd"})
	var penalties []string
	penalized := slices.ContainsFunc(d.spec.Lambda, func(l float64) bool { return l > 0 })
	if penalized {
		penalties = []string{"l2"}
	}
	d.spec.Regularizers = d.choices(ctx, root, s, plugins.KindRegularizer, penalties)
	if n := len(d.spec.Regularizers); n > 0 && len(d.spec.Lambda) > 0 && !penalized {
		d.warn(s.place("lambda"), Problem{Message: "every lambda is 0, so no regularizer does anything"})
	}
	d.try(ctx, s, plugins.KindOptimizer, d.spec.Optimizers)
	if penalized {
		d.try(ctx, s, plugins.KindRegularizer, d.spec.Regularizers)
		d.combinations(s)
	}
	for _, o := range d.spec.Optimizers {
		if o.Has(plugins.FeatureFullBatch) && d.spec.Task.Batch > 0 {
			d.warn(d.placeOf(plugins.KindOptimizer, o), Problem{Message: fmt.Sprintf("`%s` compares gradients from step to step, which mini-batches make different for other reasons", o.Label),
				Help: `it is meant for batch = "full"`})
		}
	}
}

// unknownMeasures warns of metrics on request that a penalty leaves unknown.
func (d *decoder) unknownMeasures(s section) {
	known := map[string][]string{
		runner.DualityGap: {"l1", "elastic_net"}, runner.Optimality: {"l1", "l2", "elastic_net"}, runner.Suboptimality: {"l1", "l2", "elastic_net"},
	}
	for _, r := range d.spec.Regularizers {
		for _, name := range d.spec.Task.Report {
			if penalties, ok := known[name]; ok && !slices.Contains(penalties, r.Component) {
				d.warn(d.placeOf(plugins.KindRegularizer, r), Problem{Message: fmt.Sprintf("%s of trials with `%s` is NaN: it is known for %s", name, r.Label, list(penalties))})
			}
		}
	}
}

// try reports settings that are each allowed and do not fit together, or not the task, before
// trials would fail of them one by one.
func (d *decoder) try(ctx context.Context, s section, kind plugins.Kind, choices []runner.Choice) {
	if d.unsure || d.spec.Task.Model == "" {
		return
	}
	for _, c := range choices {
		if err := d.catalog.Try(ctx, kind, c, d.spec.Task); err != nil {
			d.report(d.placeOf(kind, c), Problem{Message: fmt.Sprintf("`%s`: %v", c.Label, err)})
		}
	}
}

// placeOf is where a choice stands: its table, or its name in the axis.
func (d *decoder) placeOf(kind plugins.Kind, c runner.Choice) span {
	return d.places[string(kind)+" "+c.Label]
}

// combinations looks at what optimizers and regularizers do to each other.
func (d *decoder) combinations(s section) {
	d.unknownMeasures(s)
	for _, o := range d.spec.Optimizers {
		if o.Has(plugins.FeatureOwnPenalty) {
			d.report(d.placeOf(plugins.KindOptimizer, o), Problem{Message: fmt.Sprintf("`%s` has a penalty of its own, which a regularizer would count twice", o.Label),
				Help: "give it a sweep of its own with lambda = 0, and set its penalty in its table"})
		}
	}
	for _, r := range d.spec.Regularizers {
		if !r.Proximal() {
			continue
		}
		for _, o := range d.spec.Optimizers {
			if !o.Stepper().Has(plugins.FeatureGain) {
				d.warn(s.at, Problem{Message: fmt.Sprintf("steps of `%s` with the proximal map of `%s` need not lead to the optimum of J: %s does not say what its steps settle at", o.Label, r.Label, o.Component),
					Help: "sgd finds it, exact zeros included; mode = \"subgradient\" leads others there, without exact zeros"})
			}
		}
	}
}

// countTrials refuses a grid that is larger than anyone meant.
func (d *decoder) countTrials(e *entry) {
	if e == nil || len(d.problems) > 0 {
		return
	}
	g := d.spec.axes()
	if product := g.product(); product.Cmp(big.NewInt(int64(d.spec.Run.MaxTrials))) > 0 {
		d.report(e.at, Problem{
			Message: fmt.Sprintf("the grid has %s = %s trials, more than max_trials = %d", g.arithmetic(), product, d.spec.Run.MaxTrials),
			Help:    "if that many are meant, raise max_trials in [run]"})
	}
}

// A Grid counts what a sweep consists of.
type Grid struct {
	LR, Lambda, Optimizers, Regularizers, Seeds int // values of each axis, at least 1
	// Axes are the further axes of a command, Command says that there is one: axes that it leaves
	// out are not spoken of.
	Axes    []Axis
	Command bool
	// Points are the combinations without their seeds, Trials those with them, equal ones once.
	Points, Trials int
	// Folded is how many combinations are equal to others and left out of Trials: λ = 0 gives the
	// same trial under every regularizer, and two tables may say the same.
	Folded int
	// Skipped is how many of the others a [[skip]] leaves out of Trials.
	Skipped int
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
	for _, f := range []struct {
		n   int
		one string
		all string
	}{
		{g.LR, "lr", "lr"}, {g.Lambda, "lambda", "lambda"}, {g.Optimizers, "optimizer", "optimizers"},
		{g.Regularizers, "regularizer", "regularizers"}, {g.Seeds, "seed", "seeds"},
	} {
		name := f.all
		if f.n == 1 {
			name = f.one
		}
		if g.Command && f.n == 1 && f.one != "seed" {
			continue
		}
		if f.one == "seed" {
			for _, axis := range g.Axes {
				factors = append(factors, fmt.Sprintf("%d %s", len(axis.Values), axis.Name))
			}
		}
		factors = append(factors, fmt.Sprintf("%d %s", f.n, name))
	}
	return strings.Join(factors, " × ")
}

func (g Grid) product() *big.Int {
	product := big.NewInt(1)
	for _, n := range []int{g.LR, g.Lambda, g.Optimizers, g.Regularizers, g.Seeds} {
		product.Mul(product, big.NewInt(int64(n)))
	}
	for _, axis := range g.Axes {
		product.Mul(product, big.NewInt(int64(len(axis.Values))))
	}
	return product
}

// Grid counts the sweep's trials. It makes them one by one if any are to be skipped.
func (s *Spec) Grid() Grid {
	g := s.axes()
	if len(s.Skip) == 0 {
		return g
	}
	kept := make([]bool, g.Points)
	all := g.Trials
	g.Points, g.Trials = 0, 0
	i := 0
	for t := range s.unskipped() {
		if !s.skips(t) {
			g.Trials++
			if point := i % len(kept); !kept[point] {
				kept[point] = true
				g.Points++
			}
		}
		i++
	}
	g.Skipped = all - g.Trials
	return g
}

// axes counts the trials before any is skipped.
func (s *Spec) axes() Grid {
	g := Grid{LR: len(s.LR), Lambda: len(s.Lambda), Optimizers: len(s.Optimizers),
		Regularizers: max(1, len(s.Regularizers)), Seeds: len(s.Seeds), Axes: s.Axes, Command: s.Task.Command != nil}
	perLR := 0 // combinations of regularizer and λ that differ
	for _, r := range s.penalties() {
		perLR += len(r.lambda)
	}
	all := g.Optimizers * g.Regularizers * g.LR * g.Lambda * g.Seeds
	g.Points = len(distinct(s.Optimizers)) * g.LR * perLR
	for _, axis := range s.Axes {
		all, g.Points = all*len(axis.Values), g.Points*len(axis.Values)
	}
	g.Trials = g.Points * g.Seeds
	g.Folded = all - g.Trials
	return g
}

// Trials lists the sweep's trials, equal ones once and none that is skipped: all of the first seed,
// then all of the next, and within a seed by optimizer, regularizer, lr, λ and further axes, the last
// fastest. The trials share their choices and settings, which are not to be changed.
func (s *Spec) Trials() []runner.Trial {
	trials := make([]runner.Trial, 0, s.axes().Trials)
	for t := range s.unskipped() {
		if !s.skips(t) {
			trials = append(trials, t)
		}
	}
	return trials
}

// unskipped makes the trials of the grid in their order, those to be skipped among them.
func (s *Spec) unskipped() iter.Seq[runner.Trial] {
	penalties, optimizers, further := s.penalties(), distinct(s.Optimizers), s.further()
	return func(yield func(runner.Trial) bool) {
		for _, seed := range s.Seeds {
			for _, o := range optimizers {
				for _, p := range penalties {
					for _, lr := range s.LR {
						for _, lambda := range p.lambda {
							for _, axes := range further {
								t := runner.Trial{Task: s.Task, Optimizer: *o, LR: lr, Lambda: lambda, Stop: s.Stop, Seed: seed, Axes: axes}
								if lambda != 0 || s.Task.Command != nil {
									t.Regularizer = p.regularizer
								}
								if !yield(t) {
									return
								}
							}
						}
					}
				}
			}
		}
	}
}

// penalty is a regularizer with the strengths under which it gives trials of its own.
type penalty struct {
	regularizer *runner.Choice
	lambda      []float64
}

// penalties leaves λ = 0 to the first regularizer: under the others it is the same trial, unless a
// command makes of it what nobody knows.
func (s *Spec) penalties() []penalty {
	regularizers := distinct(s.Regularizers)
	if len(regularizers) == 0 {
		return []penalty{{nil, s.Lambda}}
	}
	all := make([]penalty, len(regularizers))
	for i, r := range regularizers {
		all[i] = penalty{r, s.Lambda}
		if i > 0 && s.Task.Command == nil {
			all[i].lambda = slices.DeleteFunc(slices.Clone(s.Lambda), func(l float64) bool { return l == 0 })
		}
	}
	return all
}

// distinct drops choices that give the trials of one before them, whatever they are called.
func distinct(choices []runner.Choice) []*runner.Choice {
	var all []*runner.Choice
	for i := range choices {
		if !slices.ContainsFunc(all, func(c *runner.Choice) bool { return same(*c, choices[i]) }) {
			all = append(all, &choices[i])
		}
	}
	return all
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
