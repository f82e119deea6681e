package question

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// check evaluates the conditions of a sweep file's [check], on each problem if there are several.
func (c *comparison) check(ctx context.Context, r *compare.Report) error {
	for _, sub := range r.Each() {
		if err := c.checkOn(ctx, r, sub); err != nil {
			return err
		}
	}
	return nil
}

// checkOn evaluates the conditions on a problem. Trials are counted over all problems.
func (c *comparison) checkOn(ctx context.Context, all, r *compare.Report) error {
	for _, check := range c.asked.Checks {
		e := check.Where
		var names []string
		where.Walk(e.Root, func(n where.Node) bool {
			if name, ok := n.(*where.Name); ok && !slices.Contains(names, name.Name) {
				names = append(names, name.Name)
			}
			return true
		})
		values := map[string]plugins.Value{}
		var facts []string
		for _, name := range names {
			v, ok := all.Fact(name)
			if !ok {
				v, ok = r.Fact(name)
			}
			if !ok {
				var err error
				if v, ok, err = c.otherMetric(ctx, r, name); err != nil {
					return err
				}
			}
			if !ok {
				facts = append(facts, name+" is missing")
				continue
			}
			values[name] = v
			shown := v.String()
			if where.TypeOf(v) == where.Number {
				shown = stats.Number(numeric(v))
			}
			facts = append(facts, name+" = "+shown)
		}
		holds := e.Evaluate(func(name string) (plugins.Value, bool) { v, ok := values[name]; return v, ok })
		name := check.Name
		if r != all {
			name += " on " + r.Problem
		}
		all.Checks = append(all.Checks, compare.CheckResult{Name: name, Where: e.String(), Holds: holds && !all.Open(), Open: all.Open(), Facts: strings.Join(facts, ", ")})
	}
	return nil
}

// otherMetric is the value of another metric than the compared one, for the best or the baseline's point at the same
// epochs.
func (c *comparison) otherMetric(ctx context.Context, r *compare.Report, name string) (v plugins.Value, ok bool, err error) {
	who, metric, _ := strings.Cut(name, ".")
	point, ok := r.Standing(who)
	if !ok {
		return v, false, nil
	}
	values, err := c.atChosenEpochs(ctx, point, metric)
	x := r.Interval(values).Value
	return plugins.Real(x), err == nil && !math.IsNaN(x), err
}
