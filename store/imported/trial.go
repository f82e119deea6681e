package imported

import (
	"regexp"
	"slices"
	"strings"

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

// ofTraining matches metrics of the data that a model is trained on, by which runs are compared only if there are no others.
var ofTraining = regexp.MustCompile(`(?i)(^|[_./ -])train(ing)?([_./ -]|$)`)

// MetricOf is the metric by which runs are compared that have these, if nobody says which; empty without any.
func MetricOf(names []string) string {
	names = slices.Sorted(slices.Values(names))
	held := slices.DeleteFunc(slices.Clone(names), ofTraining.MatchString)
	for _, some := range [][]string{held, names} {
		for _, pattern := range preferred {
			for _, name := range some {
				if pattern.MatchString(name) && !runner.OfTestData(name) {
					return name
				}
			}
		}
	}
	return slices.Concat(held, names, []string{""})[0]
}

// A Seen is what the runs of an experiment have of a setting.
type Seen struct {
	Name     string
	Runs     int // that have it
	Numbers  int // of them, as a finite number that is not negative
	Integers int
	Texts    int
	Varies   bool
}

// named are patterns of the last part of the names of settings that are what they are called, in the order of xrun's axes.
var named = map[role]*regexp.Regexp{
	roleLR:          regexp.MustCompile(`(?i)^(base|init|initial|max|peak)?[_ -]?(lr|learning[_ -]?rate)[_ -]?(init|0)?$`),
	roleLambda:      regexp.MustCompile(`(?i)^(lambda|lambd|λ|wd|weight[_ -]?decay|l2([_ -]?(reg|lambda|penalty|weight))?)$`),
	roleOptimizer:   regexp.MustCompile(`(?i)^optimi[sz]er([_ -]?(name|type|class))?$`),
	roleRegularizer: regexp.MustCompile(`(?i)^regulari[sz]er([_ -]?(name|type))?$`),
	roleSeed:        guessed[roleSeed],
}

// lastPart is the last part of a name with dots or slashes. That of optimizer.name is optimizer_name.
func lastPart(name string) string {
	i := strings.LastIndexAny(name, "./")
	if last := name[i+1:]; i < 0 || last != "name" && last != "type" && last != "class" {
		return last
	}
	before := name[:i]
	return before[strings.LastIndexAny(before, "./")+1:] + "_" + name[i+1:]
}

// Guessed are the meanings of settings by their names, or by the last part of names with dots or slashes. Of several the one that varies counts,
// else the one that xrun calls so, else the first.
func Guessed(settings []Seen) Meanings {
	guess := func(r role, exact string, fits func(Seen) int) (name string) {
		best := 0
		for _, s := range settings {
			if !named[r].MatchString(lastPart(s.Name)) || s.Runs == 0 || fits(s) < s.Runs {
				continue
			}
			rank := 1
			if s.Name == exact {
				rank++
			}
			if s.Varies {
				rank += 2
			}
			if rank > best {
				name, best = s.Name, rank
			}
		}
		return name
	}
	numbers, texts := func(s Seen) int { return s.Numbers }, func(s Seen) int { return s.Texts }
	return Meanings{
		LR:          guess(roleLR, runner.AxisLR, numbers),
		Lambda:      guess(roleLambda, runner.AxisLambda, numbers),
		Optimizer:   guess(roleOptimizer, runner.AxisOptimizer, texts),
		Regularizer: guess(roleRegularizer, runner.AxisRegularizer, texts),
		Seed:        guess(roleSeed, "seed", func(s Seen) int { return s.Integers }),
	}
}
