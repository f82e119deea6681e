package sweeps

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// grid reads [grid] and the tables of plugins that its axes name.
func (d *decoder) grid(ctx context.Context, root *document.Node) {
	if d.spec.Task.Command != nil {
		d.commandGrid(ctx, root)
		return
	}
	e := root.Find("grid")
	s := d.open(e, gridTable)
	known := s.table.names("")
	for _, axis := range d.spec.Axes {
		known = append(known, axis.Name)
	}
	for _, given := range s.node.Entries {
		switch {
		case given.Name == "seed" || given.Name == "seeds":
			s.report(given.At, document.Problem{Message: "seeds are not an axis", Help: "write seeds = 5 at the top of the file"})
			known = append(known, given.Name)
		case taskTable.find(given.Name, "") != nil: // it has been read, or reported, with [task]
			known = append(known, given.Name)
		case !slices.Contains(known, given.Name):
			s.unknown(given, slices.Concat(s.table.names(""), taskTable.names("")))
		}
	}
	if e == nil {
		s.missingTable("grid", "at least lr")
	}
	d.spec.LR = s.axis(axisSetting("lr"))
	if s.node.Find("lr") == nil {
		s.missing("lr", "for instance lr = { log = [1e-3, 1.0], n = 7 }")
	}
	d.spec.Lambda = []float64{0}
	if s.node.Find("lambda") != nil {
		d.spec.Lambda = s.axis(axisSetting("lambda"))
	}
	d.spec.Optimizers = d.choices(ctx, root, s, plugins.KindOptimizer, []string{"sgd"})
	var penalties []string
	penalized := slices.ContainsFunc(d.spec.Lambda, func(l float64) bool { return l > 0 })
	if penalized {
		penalties = []string{"l2"}
	}
	d.spec.Regularizers = d.choices(ctx, root, s, plugins.KindRegularizer, penalties)
	if n := len(d.spec.Regularizers); n > 0 && len(d.spec.Lambda) > 0 && !penalized {
		d.warn(s.place("lambda"), document.Problem{Message: "every lambda is 0, so no regularizer does anything"})
	}
	d.try(ctx, s, plugins.KindOptimizer, d.spec.Optimizers)
	if penalized {
		d.try(ctx, s, plugins.KindRegularizer, d.spec.Regularizers)
		d.combinations(s)
	}
	for _, o := range d.spec.Optimizers {
		if o.Has(plugins.FeatureFullBatch) && slices.ContainsFunc(d.spec.variants, func(v variant) bool { return v.task.Batch > 0 }) {
			d.warn(d.placeOf(plugins.KindOptimizer, o), document.Problem{Message: fmt.Sprintf("`%s` compares gradients from step to step, and mini-batches change them by chance", o.Label),
				Help: `it is meant for batch = "full"`})
		}
	}
	d.zip(s)
}

// unknownMeasures warns of metrics on request that a penalty leaves unknown.
func (d *decoder) unknownMeasures(s section) {
	for _, r := range d.spec.Regularizers {
		for _, name := range d.spec.Task.Report {
			if m, _ := runner.FindMetric(name); m.Penalties != nil && !slices.Contains(m.Penalties, r.Component) {
				d.warn(d.placeOf(plugins.KindRegularizer, r), document.Problem{Message: fmt.Sprintf("%s of trials with `%s` is NaN: it is known for %s", name, r.Label, document.List(m.Penalties))})
			}
		}
	}
}

// maxTried limits the tasks that components are tried on.
const maxTried = 16

// try reports settings that are each allowed but fit neither each other nor the task, before trials fail of
// them one by one.
func (d *decoder) try(ctx context.Context, s section, kind plugins.Kind, choices []runner.Choice) {
	if d.unsure || d.spec.Task.Model == "" {
		return
	}
	for _, c := range choices {
		for i, v := range d.spec.variants {
			if i == maxTried {
				break
			}
			if err := d.catalog.Try(ctx, kind, c, v.task); err != nil {
				d.report(d.placeOf(kind, c), problemOf(fmt.Sprintf("`%s`: ", c.Label), err))
				break
			}
		}
	}
}

// placeOf is where a choice stands: its table, or its name in the axis.
func (d *decoder) placeOf(kind plugins.Kind, c runner.Choice) document.Span {
	return d.places[string(kind)+" "+c.Label]
}

// combinations checks which optimizers and regularizers go together.
func (d *decoder) combinations(s section) {
	d.unknownMeasures(s)
	for _, o := range d.spec.Optimizers {
		if o.Has(plugins.FeatureOwnPenalty) {
			d.report(d.placeOf(plugins.KindOptimizer, o), document.Problem{Message: fmt.Sprintf("`%s` has a penalty of its own, which a regularizer would count twice", o.Label),
				Help: "give it a sweep of its own with lambda = 0, and set its penalty in its table"})
		}
	}
	for _, r := range d.spec.Regularizers {
		if !r.Proximal() {
			continue
		}
		for _, o := range d.spec.Optimizers {
			if !o.Stepper().Has(plugins.FeatureGain) {
				d.warn(s.at, document.Problem{Message: fmt.Sprintf("steps of `%s` with the proximal map of `%s` need not lead to the optimum of J: %s does not say what its steps settle at", o.Label, r.Label, o.Component),
					Help: "sgd finds it, exact zeros included; mode = \"subgradient\" leads others there, without exact zeros"})
			}
		}
	}
}

// A Grid counts the points and trials of a sweep.
type Grid struct {
	// Points are the combinations without their seeds, Trials those with them, equal ones once.
	Points, Trials int
	// Folded is how many combinations are equal to others and left out of Trials: λ = 0 gives the
	// same trial under every regularizer, and two tables may say the same.
	Folded int
	// Skipped is how many of the others a [[skip]] leaves out of Trials.
	Skipped int

	arithmetic string // "7 lr × 2 seeds"
	staged     bool   // seeds are added in stages: Trials are the most
	product    *big.Int
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
	product := g.product.String() + " trials"
	if g.product.IsInt64() {
		product = trials(g.product.Int64())
	}
	if g.staged {
		product = "at most " + product
	}
	return fmt.Sprintf("%s = %s%s", g.arithmetic, product, left)
}

func trials(n int64) string {
	if n == 1 {
		return "1 trial"
	}
	return fmt.Sprintf("%d trials", n)
}

// arithmetic is the factors of the grid. Axes that a command leaves out are not spoken of.
func (s *Spec) arithmetic() string {
	plural := map[string]string{"optimizer": "optimizers", "regularizer": "regularizers"}
	factor := func(d dimension) string {
		names := make([]string, len(d.axes))
		for i, name := range d.axes {
			if names[i] = name; plural[name] != "" && d.n != 1 {
				names[i] = plural[name]
			}
		}
		return fmt.Sprintf("%d %s", d.n, strings.Join(names, "+"))
	}
	var factors, choices []string
	for _, d := range s.dimensions() {
		own := slices.Contains(ownAxes, d.axes[0])
		switch {
		case own && d.n == 1 && s.Task.Command != nil:
		case plural[d.axes[0]] != "": // after the numbers, as people say it
			choices = append(choices, factor(d))
		case own:
			factors = append(factors, factor(d))
		default:
			choices = append(choices, factor(d))
		}
	}
	seeds := fmt.Sprintf("%d seeds", len(s.Seeds))
	switch {
	case s.Until != nil && s.Until.Stages()[0] < s.Until.Max:
		seeds = fmt.Sprintf("%d to %d seeds", s.Until.Stages()[0], s.Until.Max)
	case len(s.Seeds) == 1:
		seeds = "1 seed"
	}
	factors = append(factors, choices...)
	if n := len(s.extra); n > 0 {
		return fmt.Sprintf("(%s + %d extra) × %s", strings.Join(factors, " × "), n, seeds)
	}
	return strings.Join(append(factors, seeds), " × ")
}

// Grid counts the sweep's trials. It makes them one by one.
func (s *Spec) Grid() Grid {
	g := Grid{arithmetic: s.arithmetic(), product: s.product(), staged: s.Until != nil}
	grid, extra, again := s.points()
	if len(s.Skip) == 0 { // no need to make them
		for _, at := range again {
			if at < 0 {
				g.Points++
			}
		}
		g.Points += len(grid)
		g.Trials = g.Points * len(s.Seeds)
		g.Folded = int(g.product.Int64()) - g.Trials
		return g
	}
	kept := map[runner.Key]bool{}
	for t, skipped := range s.each() {
		if skipped {
			g.Skipped++
			continue
		}
		g.Trials++
		kept[t.Point()] = true
	}
	g.Points = len(kept)
	for i, at := range again { // an extra point in the place of one that was skipped
		if at >= 0 {
			for _, seed := range s.Seeds {
				if s.skips(s.trial(extra[i], seed)) {
					g.Skipped--
				}
			}
		}
	}
	g.Folded = int(g.product.Int64()) - g.Trials - g.Skipped
	return g
}
