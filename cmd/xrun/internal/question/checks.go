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

// check evaluates the conditions of a sweep file's [check].
func (c *comparison) check(ctx context.Context, r *compare.Report) error {
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
			v, ok := r.Fact(name)
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
			facts = append(facts, name+" = "+stats.Number(numeric(v)))
		}
		holds := e.Evaluate(func(name string) (plugins.Value, bool) { v, ok := values[name]; return v, ok })
		r.Checks = append(r.Checks, compare.CheckResult{Name: check.Name, Where: e.String(), Holds: holds && !r.Open(), Open: r.Open(), Facts: strings.Join(facts, ", ")})
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
