package sweeps

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// grid reads [grid] and the tables of plugins that its axes name.
func (d *decoder) grid(ctx context.Context, root *node, extra []extraRow) {
	if d.spec.Task.Command != nil {
		d.commandGrid(ctx, root)
		return
	}
	e := root.find("grid")
	s := d.section(e, "[grid]")
	known := slices.Clone(gridKeys)
	for _, given := range s.node.entries {
		switch {
		case d.tasks != nil && slices.Contains(d.tasks.names, given.name) || slices.Contains(allTaskKeys, given.name):
			known = append(known, given.name)
		case slices.Contains(laterTaskKeys, given.name):
			s.later(given.at, fmt.Sprintf("`%s` as an axis", given.name))
			known = append(known, given.name)
		case given.name == "seed" || given.name == "seeds":
			s.report(given.at, Problem{Message: "seeds are not an axis", Help: "write seeds = 5 at the top of the file"})
			known = append(known, given.name)
		}
	}
	s.only(known, nil)
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
	d.spec.Optimizers, d.spec.optimizerAxes = d.choices(ctx, root, s, plugins.KindOptimizer, []string{"sgd"})
	var penalties []string
	penalized := slices.ContainsFunc(d.spec.Lambda, func(l float64) bool { return l > 0 }) ||
		slices.ContainsFunc(extra, extraRow.penalized)
	if penalized {
		penalties = []string{"l2"}
	}
	d.spec.Regularizers, d.spec.regularizerAxes = d.choices(ctx, root, s, plugins.KindRegularizer, penalties)
	if n := len(d.spec.Regularizers); n > 0 && len(d.spec.Lambda) > 0 && !penalized {
		d.warn(s.place("lambda"), Problem{Message: "every lambda is 0, so no regularizer does anything"})
	}
	d.try(ctx, s, plugins.KindOptimizer, d.spec.Optimizers)
	if penalized {
		d.try(ctx, s, plugins.KindRegularizer, d.spec.Regularizers)
		d.combinations(s)
	}
	for _, o := range d.spec.Optimizers {
		if o.Has(plugins.FeatureFullBatch) && slices.ContainsFunc(d.spec.Tasks, func(t runner.Task) bool { return t.Batch > 0 }) {
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
	before := len(d.problems)
	for _, c := range choices {
		for i, t := range d.spec.Tasks {
			if slices.ContainsFunc(d.spec.Tasks[:i], func(u runner.Task) bool { return t.Model == u.Model && t.Kind == u.Kind && t.DType == u.DType }) {
				continue // a component sees no more of a task than this
			}
			if err := d.catalog.Try(ctx, kind, c, t); err != nil {
				d.report(d.placeOf(kind, c), Problem{Message: fmt.Sprintf("`%s`: %v", c.Label, err)})
			}
		}
	}
	d.problems = d.problems.once(before)
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
	g := d.spec.factors()
	if product := g.product(); product.Cmp(big.NewInt(int64(d.spec.Run.MaxTrials))) > 0 {
		d.report(e.at, Problem{
			Message: fmt.Sprintf("the grid has %s = %s trials, more than max_trials = %d", g.arithmetic(), product, d.spec.Run.MaxTrials),
			Help:    "if that many are meant, raise max_trials in [run]"})
	}
}
