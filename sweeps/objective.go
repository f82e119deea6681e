package sweeps

import (
	"context"
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// objective reads a [task] with a plugin, and looks at whether it takes its settings.
func (d *decoder) objective(ctx context.Context, s section) {
	t := &d.spec.Task
	t.Epochs = s.integer("epochs")
	t.DType = plugins.DType(s.choice("dtype"))
	t.PenalizeBias = s.flag("penalize_bias")
	d.unsure = true // until the plugin has said what it reports
	if s.text("plugin") == "" {
		return
	}
	found, choice, ok := d.component(ctx, s, plugins.KindObjective, "")
	if !ok {
		return
	}
	for _, name := range found.Spec.Metrics {
		if slices.Contains(plugins.AddedMetrics, name) {
			s.report(s.place("plugin"), document.Problem{Message: fmt.Sprintf("%s reports %s, which xrun adds itself", found.Spec.Name, name),
				Help: "the author of the plugin has to give it another name"})
			return
		}
	}
	s.places["metric"] = s.place("plugin")
	choice.Label = choice.Component
	t.Model, t.Objective, t.Metrics = choice.Component, &choice, found.Spec.Metrics
	d.unsure = false
	if choice.Has(plugins.FeatureData) {
		s = s.of(dataTaskTable)
		s.rows(t)
		s.data(ctx, t)
		t.Report = s.measures(*t)
		return // it cannot be tried before it is given its data
	}
	t.Report = s.measures(*t)
	if err := d.catalog.Try(ctx, plugins.KindObjective, choice, *t); err != nil {
		d.reportError(s.place("plugin"), err)
		d.unsure = true
	}
}

// component looks up what a table names, by its keys plugin and component, and reads its settings:
// all keys of the file's table that are not declared. def is the plugin without that key.
func (d *decoder) component(ctx context.Context, s section, kind plugins.Kind, def string) (found Found, c runner.Choice, ok bool) {
	before := len(d.problems)
	ref, name := s.textOr("plugin", def), s.text("component")
	if len(d.problems) > before {
		return Found{}, c, false
	}
	if isPath(ref) {
		ref = s.resolve(ref)
	}
	at := s.at
	if s.node.Find("plugin") != nil {
		at = s.place("plugin")
	}
	found, err := d.catalog.Component(ctx, kind, ref, name)
	if err != nil {
		d.reportError(at, err)
		return found, c, false
	}
	if kind == plugins.KindOptimizer {
		c.Base = d.base(ctx, s, found.Spec)
	}
	if kind == plugins.KindObjective && found.Spec.Has(plugins.FeatureData) {
		s = s.of(dataTaskTable)
	}
	given := s.settings(found.Spec)
	if len(d.problems) > before {
		return found, c, false
	}
	complete, err := found.Spec.Complete(given)
	if err != nil {
		d.reportError(at, err)
		return found, c, false
	}
	c.Plugin, c.Component, c.Identity = found.Plugin, found.Spec.Name, found.Identity
	c.Settings, c.Defaults, c.Features = complete, found.Spec.Defaults(given), found.Spec.Features
	return found, c, true
}
