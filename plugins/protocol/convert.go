package protocol

import (
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
)

var kinds = map[plugins.Kind]pluginv1.Kind{
	plugins.KindOptimizer:   pluginv1.Kind_KIND_OPTIMIZER,
	plugins.KindRegularizer: pluginv1.Kind_KIND_REGULARIZER,
	plugins.KindObjective:   pluginv1.Kind_KIND_OBJECTIVE,
}

// KindToWire and KindFromWire convert a component's kind; an unknown one becomes empty.
func KindToWire(k plugins.Kind) pluginv1.Kind { return kinds[k] }

// KindFromWire is the inverse of [KindToWire].
func KindFromWire(k pluginv1.Kind) plugins.Kind {
	for kind, wire := range kinds {
		if wire == k {
			return kind
		}
	}
	return ""
}

// ManifestToWire converts a manifest.
func ManifestToWire(m plugins.Manifest) *pluginv1.Manifest {
	out := &pluginv1.Manifest{Name: m.Name, Version: m.Version, Summary: m.Summary, License: m.License, Citation: m.Citation}
	for _, c := range m.Components {
		wire := &pluginv1.Component{
			Kind: KindToWire(c.Kind), Name: c.Name, Summary: c.Summary, Doc: c.Doc, Citation: c.Citation,
			Revision: int64(c.Revision), Features: c.Features, StateFloats: int64(c.StateFloats), Metrics: c.Metrics,
		}
		for _, v := range c.Conventions {
			wire.Conventions = append(wire.Conventions, &pluginv1.Convention{Name: v.Name, Rule: v.Rule, Lr: v.LR, Source: v.Source})
		}
		for _, s := range c.Settings {
			setting := &pluginv1.Setting{
				Name: s.Name, Doc: s.Doc, Type: string(s.Type), DefaultValue: valueToWire(s.Default), Required: s.Required,
				LowOpen: s.LowOpen, HighOpen: s.HighOpen, LogScale: s.Log, Choices: s.Choices,
			}
			for convention, v := range s.Conventional {
				if setting.Conventional == nil {
					setting.Conventional = map[string]*pluginv1.Value{}
				}
				setting.Conventional[convention] = valueToWire(v)
			}
			if !math.IsNaN(s.Low) {
				setting.Low = &s.Low
			}
			if !math.IsNaN(s.High) {
				setting.High = &s.High
			}
			wire.Settings = append(wire.Settings, setting)
		}
		out.Components = append(out.Components, wire)
	}
	return out
}

// ManifestFromWire converts and checks a manifest: a plugin may send anything. The components
// have no constructors: those are in the plugin.
func ManifestFromWire(m *pluginv1.Manifest) (plugins.Manifest, error) {
	out := plugins.Manifest{Name: m.GetName(), Version: Clean(m.GetVersion()), Summary: Clean(m.GetSummary()), License: Clean(m.GetLicense()), Citation: Clean(m.GetCitation())}
	if !validName(out.Name) {
		return out, fmt.Errorf("plugin calls itself %q: a name is lower-case letters, digits, dots, dashes and underscores", brief(out.Name))
	}
	for _, c := range m.GetComponents() {
		spec := plugins.Spec{
			Kind: KindFromWire(c.GetKind()), Name: c.GetName(), Summary: Clean(c.GetSummary()), Doc: Clean(c.GetDoc()), Citation: Clean(c.GetCitation()),
			Revision: int(c.GetRevision()), Features: Features(c.GetFeatures()), StateFloats: int(c.GetStateFloats()), Metrics: c.GetMetrics(),
		}
		if !validName(spec.Name) {
			return out, fmt.Errorf("plugin %s has a component called %q: a name is lower-case letters, digits, dots, dashes and underscores", out.Name, brief(spec.Name))
		}
		for _, v := range c.GetConventions() {
			spec.Conventions = append(spec.Conventions, plugins.Convention{Name: Clean(v.GetName()), Rule: Clean(v.GetRule()), LR: v.GetLr(), Source: Clean(v.GetSource())})
		}
		for _, s := range c.GetSettings() {
			setting := plugins.Setting{
				Name: s.GetName(), Doc: Clean(s.GetDoc()), Type: plugins.Type(brief(s.GetType())), Default: cleanValue(s.GetDefaultValue()),
				Required: s.GetRequired(), LowOpen: s.GetLowOpen(), HighOpen: s.GetHighOpen(), Log: s.GetLogScale(),
				Choices: CleanAll(s.GetChoices()), Low: math.NaN(), High: math.NaN(),
			}
			if !validName(setting.Name) {
				return out, fmt.Errorf("component %s of plugin %s has a setting called %q: a name is lower-case letters, digits, dots, dashes and underscores", spec.Name, out.Name, brief(setting.Name))
			}
			if slices.Contains(plugins.ReservedSettings(spec.Kind), setting.Name) {
				return out, fmt.Errorf("component %s of plugin %s has a setting called %s, which is a key of sweep files: give it another name", spec.Name, out.Name, setting.Name)
			}
			if _, twice := spec.Setting(setting.Name); twice {
				return out, fmt.Errorf("component %s of plugin %s declares the setting %s twice", spec.Name, out.Name, setting.Name)
			}
			if s.Low != nil {
				setting.Low = *s.Low
			}
			if s.High != nil {
				setting.High = *s.High
			}
			for convention, v := range s.GetConventional() {
				def, err := setting.Check(cleanValue(v))
				if err != nil {
					return out, fmt.Errorf("component %s of plugin %s has an impossible default under the convention %q: %w", spec.Name, out.Name, Clean(convention), err)
				}
				setting = setting.Under(Clean(convention), def)
			}
			if !setting.Required {
				if _, err := setting.Check(setting.Default); err != nil {
					return out, fmt.Errorf("component %s of plugin %s has an impossible default: %w", spec.Name, out.Name, err)
				}
			}
			spec.Settings = append(spec.Settings, setting)
		}
		if spec.Has(plugins.FeatureProx) {
			mode, ok := spec.Setting(plugins.SettingMode)
			if !ok || !slices.Contains(mode.Choices, plugins.ModeProximal) {
				return out, fmt.Errorf("component %s of plugin %s declares prox without the choice proximal of a setting mode", spec.Name, out.Name)
			}
		}
		if spec.Has(plugins.FeatureData) {
			for _, setting := range spec.Settings {
				if slices.Contains(plugins.DataKeys, setting.Name) {
					return out, fmt.Errorf("component %s of plugin %s is given data and has a setting called %s, which is a key of sweep files: give it another name", spec.Name, out.Name, setting.Name)
				}
			}
		}
		if spec.Kind == plugins.KindObjective {
			if err := checkMetrics(spec.Metrics); err != nil {
				return out, fmt.Errorf("component %s of plugin %s %w", spec.Name, out.Name, err)
			}
		}
		out.Components = append(out.Components, plugins.Component{Spec: spec})
	}
	if len(out.Components) == 0 {
		return out, fmt.Errorf("plugin %s supplies no components", out.Name)
	}
	return out, nil
}

// checkMetrics returns an error if the metrics of an objective are wrong.
func checkMetrics(metrics []string) error {
	if !slices.Contains(metrics, plugins.MetricTrainLoss) {
		return fmt.Errorf("does not report %s, the mean loss over its training set", plugins.MetricTrainLoss)
	}
	if len(metrics) > plugins.MaxMetrics {
		return fmt.Errorf("reports %d metrics, at most %d are possible", len(metrics), plugins.MaxMetrics)
	}
	for i, m := range metrics {
		switch {
		case !validName(m):
			return fmt.Errorf("reports a metric called %q: a name is lower-case letters, digits, dots, dashes and underscores", brief(m))
		case slices.Contains(metrics[:i], m):
			return fmt.Errorf("reports %s twice", m)
		case slices.Contains(plugins.AddedMetrics, m):
			return fmt.Errorf("reports %s, which xrun adds itself", m)
		}
	}
	return nil
}

// validName accepts names that are safe to print, to store and to use in a file name.
func validName(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '.' || s[0] == '-' {
		return false
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_') {
			return false
		}
	}
	return true
}

// valueToWire converts a setting's value; nil for the zero Value.
func valueToWire(v plugins.Value) *pluginv1.Value {
	switch v.Type {
	case plugins.TypeReal:
		return &pluginv1.Value{Kind: &pluginv1.Value_Real{Real: v.Real}}
	case plugins.TypeInteger:
		return &pluginv1.Value{Kind: &pluginv1.Value_Integer{Integer: v.Integer}}
	case plugins.TypeFlag:
		return &pluginv1.Value{Kind: &pluginv1.Value_Flag{Flag: v.Flag}}
	case plugins.TypeChoice:
		return &pluginv1.Value{Kind: &pluginv1.Value_Choice{Choice: v.Text}}
	case plugins.TypeText:
		return &pluginv1.Value{Kind: &pluginv1.Value_Text{Text: v.Text}}
	}
	return nil
}

// valueFromWire is the inverse of [valueToWire].
func valueFromWire(v *pluginv1.Value) plugins.Value {
	switch k := v.GetKind().(type) {
	case *pluginv1.Value_Real:
		return plugins.Real(k.Real)
	case *pluginv1.Value_Integer:
		return plugins.Integer(k.Integer)
	case *pluginv1.Value_Flag:
		return plugins.Flag(k.Flag)
	case *pluginv1.Value_Choice:
		return plugins.Choice(k.Choice)
	case *pluginv1.Value_Text:
		return plugins.Text(k.Text)
	}
	return plugins.Value{}
}

// cleanValue is a value that a plugin states.
func cleanValue(wire *pluginv1.Value) plugins.Value {
	v := valueFromWire(wire)
	v.Text = Clean(v.Text)
	return v
}

// LayoutToWire converts the tensors of a parameter vector.
func LayoutToWire(l plugins.Layout) []*pluginv1.Tensor {
	out := make([]*pluginv1.Tensor, len(l))
	for i, t := range l {
		shape := make([]int64, len(t.Shape))
		for n, d := range t.Shape {
			shape[n] = int64(d)
		}
		out[i] = &pluginv1.Tensor{Name: t.Name, Shape: shape, Role: string(t.Role), Offset: int64(t.Offset), Penalized: t.Penalized, Inputs: t.Inputs}
	}
	return out
}

// LayoutFromWire is the inverse of [LayoutToWire].
func LayoutFromWire(wire []*pluginv1.Tensor) plugins.Layout {
	out := make(plugins.Layout, len(wire))
	for i, t := range wire {
		shape := make([]int, len(t.GetShape()))
		for n, d := range t.GetShape() {
			shape[n] = int(d)
		}
		out[i] = plugins.Tensor{Name: t.GetName(), Shape: shape, Role: plugins.Role(t.GetRole()), Offset: int(t.GetOffset()), Penalized: t.GetPenalized(), Inputs: t.GetInputs()}
	}
	return out
}

// ProblemToWire converts the problem of an objective.
func ProblemToWire(p plugins.Problem) *pluginv1.Problem {
	return &pluginv1.Problem{Layout: LayoutToWire(p.Layout), Examples: int64(p.Examples), Batches: int64(p.Batches), Loss: string(p.Loss)}
}

// ProblemFromWire converts and checks a problem: a plugin may send anything.
func ProblemFromWire(wire *pluginv1.Problem) (plugins.Problem, error) {
	p := plugins.Problem{Layout: LayoutFromWire(wire.GetLayout()), Examples: int(wire.GetExamples()), Batches: int(wire.GetBatches()), Loss: plugins.Loss(brief(wire.GetLoss()))}
	for i := range p.Layout {
		p.Layout[i].Name, p.Layout[i].Role = Clean(p.Layout[i].Name), plugins.Role(brief(string(p.Layout[i].Role)))
	}
	return p, p.Check()
}

// CoefficientsFromWire returns the coefficients of a penalty, or none if they are too many or are called what is no name:
// a plugin may send anything.
func CoefficientsFromWire(wire *pluginv1.Coefficients) map[string]float64 {
	const most = 16
	parts := wire.GetParts()
	for name := range parts {
		if !validName(name) || len(parts) > most {
			return nil
		}
	}
	return parts
}

// SettingsToWire converts settings.
func SettingsToWire(s plugins.Settings) map[string]*pluginv1.Value {
	out := make(map[string]*pluginv1.Value, len(s))
	for name, v := range s {
		out[name] = valueToWire(v)
	}
	return out
}

// SettingsFromWire is the inverse of [SettingsToWire].
func SettingsFromWire(wire map[string]*pluginv1.Value) plugins.Settings {
	out := make(plugins.Settings, len(wire))
	for name, v := range wire {
		out[name] = valueFromWire(v)
	}
	return out
}
