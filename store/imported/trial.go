package imported

import (
	"regexp"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// Meanings are the names of the settings that are more than axes of their own; empty for none.
type Meanings struct{ LR, Lambda, Optimizer, Regularizer, Seed string }

// ByName are the meanings of settings that have the names of xrun.
func ByName(settings []runner.Setting) Meanings {
	return Meanings{LR: runner.AxisLR, Lambda: runner.AxisLambda, Optimizer: runner.AxisOptimizer, Regularizer: runner.AxisRegularizer, Seed: SeedOf(settings)}
}

// SeedOf is the name of the setting that is the seed: seed itself, or the first that is called like one and is a whole number; empty if none is.
func SeedOf(settings []runner.Setting) (name string) {
	for _, s := range settings {
		if s.Value.Type != plugins.TypeInteger {
			continue
		}
		if s.Path == "seed" {
			return s.Path
		}
		if name == "" && LooksLikeSeed(s.Path) {
			name = s.Path
		}
	}
	return name
}

// LooksLikeSeed reports whether a setting of another program is likely to be its seed.
func LooksLikeSeed(name string) bool { return guessed[roleSeed].MatchString(name) }

// Trial makes a trial of a run's settings. A meaning counts where the value fits it: a learning rate is a number, an optimizer a text, a seed
// an integer. Every other setting is an axis of its own. Runs without an optimizer have the arm; of others the arm is a setting.
func Trial(task runner.Task, arm string, settings []runner.Setting, m Meanings) (t runner.Trial, seeded bool) {
	t.Task = task
	for _, s := range settings {
		real, isNumber := asReal(s.Value)
		text := s.Value.Type == plugins.TypeText && s.Value.Text != ""
		switch {
		case s.Path == "":
		case s.Path == m.Seed && s.Value.Type == plugins.TypeInteger:
			t.Seed, seeded = s.Value.Integer, true
		case s.Path == m.LR && isNumber:
			t.LR = real
		case s.Path == m.Lambda && isNumber:
			t.Lambda = real
		case s.Path == m.Optimizer && text:
			t.Optimizer = runner.Choice{Label: s.Value.Text, Component: s.Value.Text}
		case s.Path == m.Regularizer && text:
			t.Regularizer = &runner.Choice{Label: s.Value.Text, Component: s.Value.Text}
		default:
			s.Path = Path(s.Path)
			t.Axes = append(t.Axes, s)
		}
	}
	t.Axes = distinct(t)
	if t.Optimizer.Component == "" { // runs of two names are two arms
		t.Optimizer = runner.Choice{Label: arm, Component: arm}
	} else {
		t.Axes = append(t.Axes, runner.Setting{Path: armPath, Value: plugins.Text(arm)})
	}
	return t, seeded
}

const armPath = "recorded.name"

func asReal(v plugins.Value) (float64, bool) {
	if v.Type == plugins.TypeInteger {
		return float64(v.Integer), true
	}
	return v.Real, v.Type == plugins.TypeReal
}

// distinct are the axes of a trial under paths that differ from each other and from all that a trial has anyway.
func distinct(t runner.Trial) []runner.Setting {
	axes := t.Axes
	t.Axes = nil
	used := map[string]bool{armPath: true}
	for _, s := range t.Settings() {
		used[s.Path] = true
	}
	for i := range axes {
		for used[axes[i].Path] {
			axes[i].Path = "config." + axes[i].Path
		}
		used[axes[i].Path] = true
	}
	return axes
}

// preferred are patterns of the metrics by which runs are compared, the best one first.
var preferred = []*regexp.Regexp{
	regexp.MustCompile(`(?i)^(val|valid|validation|eval|dev)[_./ -]loss$`),
	regexp.MustCompile(`(?i)^(val|valid|validation|eval|dev)[_./ -].*(loss|acc|accuracy|error|auc|f1|rmse|mse|mae|r2|perplexity)$`),
	regexp.MustCompile(`(?i)^(val|valid|validation|eval|dev)[_./ -]`),
	regexp.MustCompile(`(?i)^loss$`),
	regexp.MustCompile(`(?i)loss$`),
	regexp.MustCompile(`(?i)(acc|accuracy|error|auc|f1|rmse|mse|mae|r2|perplexity|score|reward)$`),
}

// MetricOf is the metric by which runs are compared that have these, if nobody says which; empty without any.
func MetricOf(names []string) string {
	names = slices.Sorted(slices.Values(names))
	for _, pattern := range preferred {
		for _, name := range names {
			if pattern.MatchString(name) && !runner.OfTestData(name) {
				return name
			}
		}
	}
	if len(names) > 0 {
		return names[0]
	}
	return ""
}
