package plugintest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

const settingsDefault = "settings/default"

var settingsChecks = []check{
	{id: settingsDefault, required: true, run: (*subject).defaults},
	{id: "settings/limits", required: true, run: (*subject).limits},
	{id: "settings/bounds", required: true, run: (*subject).bounds},
}

// lrs are the learning rates that trials take turns with.
var lrs = []float64{0.1, 0.01, 0.3, 0.03}

// defaults opens the component with nothing set but what it requires, under each convention.
func (s *subject) defaults(ctx context.Context) (string, error) {
	required := plugins.Settings{}
	for _, setting := range s.Settings {
		if setting.Required {
			required[setting.Name] = inside(setting)
		}
	}
	first := trial{settings: required, lr: lrs[0], lambda: 0.3, seed: 1}
	err := s.opens(ctx, first)
	if err != nil && s.Has(plugins.FeatureData) { // it may be one of numbers
		if s.data = someNumbers; s.opens(ctx, first) == nil {
			err = nil
		}
	}
	if err != nil {
		return "", failf("refuses its own defaults: %v", told(err))
	}
	s.trials = []trial{first}
	if s.Kind == plugins.KindObjective {
		return "", s.copies(ctx)
	}
	var left []string
	for _, v := range s.Conventions {
		t := s.with(plugins.SettingConvention, plugins.Choice(v.Name))
		if err := s.opens(ctx, t); err != nil {
			if !names(err, s.Spec) {
				return "", failf("refuses the convention %s with its defaults: %v", v.Name, err)
			}
			left = append(left, v.Name+" ("+err.Error()+")")
			continue
		}
		s.trials = append(s.trials, t)
	}
	if left != nil {
		return "not under " + strings.Join(left, ", "), nil
	}
	return "", nil
}

// copies makes the trials of an objective, which has one setting for all slots: they are the first one
// from other starts. It also keeps the layout.
func (s *subject) copies(ctx context.Context) error {
	b, err := s.open(ctx, s.inline, plugins.Float64, nil, s.trials)
	if err != nil {
		return err
	}
	s.layout = b.Problem().Layout
	for len(s.trials) < 4 {
		t := s.trials[0]
		t.seed = uint64(len(s.trials)) + 1
		s.trials = append(s.trials, t)
	}
	return b.Close()
}

// with is the first trial with one more setting, and a seed and a learning rate of its own.
func (s *subject) with(name string, v plugins.Value) trial {
	t := s.trials[0]
	settings := plugins.Settings{name: v}
	for k, other := range t.settings {
		if k != name {
			settings[k] = other
		}
	}
	t.settings = settings
	t.seed = uint64(len(s.trials)) + 1
	t.lr = lrs[len(s.trials)%len(lrs)]
	return t
}

// opens opens one slot and closes it again.
func (s *subject) opens(ctx context.Context, t trial) error {
	b, err := s.open(ctx, s.inline, plugins.Float64, layout, []trial{t})
	if err != nil {
		var slot *runner.SlotError
		if errors.As(err, &slot) {
			return slot.Err // that it is the plugin's word goes without saying
		}
		return err
	}
	return b.Close()
}

// names reports whether an error is of a component that says which setting it does not like.
func names(err error, spec plugins.Spec) bool {
	for _, setting := range spec.Settings {
		if regexp.MustCompile(`\b` + regexp.QuoteMeta(setting.Name) + `\b`).MatchString(err.Error()) {
			return true
		}
	}
	return false
}

// limits sets each setting to values that its declaration allows, and takes a few steps with them.
// A component may refuse a combination, if it says which setting is in the way.
func (s *subject) limits(ctx context.Context) (string, error) {
	tried := 0
	var refused []string
	for _, setting := range s.Settings {
		if setting.Name == plugins.SettingConvention {
			continue
		}
		for _, v := range allowed(setting) {
			if s.Kind == plugins.KindObjective && size(v) > farthest*math.Abs(size(setting.Default)) {
				continue // such as more rows than there is memory
			}
			t := s.with(setting.Name, v)
			t.edge = setting.Type == plugins.TypeReal && v.Real != middle(setting)
			tried++
			err := s.opens(ctx, t)
			var fault *runner.Fault
			switch {
			case errors.As(err, &fault):
				return "", err
			case err != nil && !names(err, s.Spec):
				return "", failf("refuses %s, which is in the range %s, without naming a setting: %v", t, setting.Range(), err)
			case err != nil:
				refused = append(refused, t.String())
				continue
			}
			s.trials = append(s.trials, t)
			one := len(s.trials) - 1
			_, err = s.run(ctx, s.inline, recipe{dtype: plugins.Float64, layout: layout, steps: 3, slots: []int{one}})
			if s.Kind == plugins.KindObjective || err != nil {
				s.trials = s.trials[:one]
			}
			if err != nil {
				return "", fmt.Errorf("%s is in the range %s, but the steps fail: %w", t, setting.Range(), err)
			}
		}
	}
	if err := s.explore(ctx); err != nil {
		return "", err
	}
	switch {
	case tried == 0:
		return "", skipf("it has no settings but a convention, if that")
	case refused != nil:
		return fmt.Sprintf("%d of %d values are taken beside the defaults; by name it refuses %s", tried-len(refused), tried, strings.Join(refused, ", ")), nil
	}
	return "", nil
}

// farthest is how much larger than its default a setting of an objective is tried.
const farthest = 4

// size is a number as a real one.
func size(v plugins.Value) float64 {
	if v.Type == plugins.TypeInteger {
		return float64(v.Integer)
	}
	return v.Real
}

// bounds sets each setting to values just outside of its range, or of another type: each has to be
// refused by name.
func (s *subject) bounds(ctx context.Context) (string, error) {
	for _, setting := range s.Settings {
		for _, v := range outside(setting) {
			t := s.with(setting.Name, v)
			err := s.opens(ctx, t)
			var fault *runner.Fault
			switch {
			case errors.As(err, &fault):
				return "", err
			case err == nil && v.Type != setting.Type:
				return "", failf("takes %s = %q, a value of type %s, for a setting of type %s: check the types of settings", setting.Name, v, v.Type, setting.Type)
			case err == nil:
				return "", failf("takes %s = %s, but declares the range %s: refuse it, or declare what it means", setting.Name, v, setting.Range())
			case !strings.Contains(err.Error(), setting.Name):
				return "", failf("refuses %s = %s without naming the setting: %v", setting.Name, v, err)
			}
		}
	}
	const unknown = "no_such_setting"
	if err := s.opens(ctx, s.with(unknown, plugins.Real(1))); err == nil || !strings.Contains(err.Error(), unknown) {
		return "", failf("was given a setting %q that it does not declare, and answers: %v; refuse it by name", unknown, err)
	}
	for _, setting := range s.Settings {
		if setting.Required {
			t := s.with(setting.Name, plugins.Value{})
			delete(t.settings, setting.Name)
			if err := s.opens(ctx, t); err == nil || !strings.Contains(err.Error(), setting.Name) {
				return "", failf("declares %s as required, but without it answers: %v", setting.Name, err)
			}
		}
	}
	return "", nil
}

// inside is a value that a declaration allows.
func inside(s plugins.Setting) plugins.Value {
	for _, v := range allowed(s) {
		return v
	}
	return s.Default
}

// nearly is how far inside an open end a value stands: near it, and apart from it in float32 too.
const nearly = 1e-3

// allowed are values other than the default that a declaration allows: its ends, something between
// them, all choices, both states of a flag.
func allowed(s plugins.Setting) []plugins.Value {
	var all []plugins.Value
	add := func(v plugins.Value) {
		if v, err := s.Check(v); err == nil && v != s.Default {
			all = append(all, v)
		}
	}
	switch s.Type {
	case plugins.TypeFlag:
		add(plugins.Flag(false))
		add(plugins.Flag(true))
	case plugins.TypeChoice:
		for _, c := range s.Choices {
			add(plugins.Choice(c))
		}
	case plugins.TypeText:
		add(plugins.Text("text"))
	case plugins.TypeReal:
		low, high := s.Low, s.High
		if s.LowOpen {
			low += nearly * math.Max(1e-3, math.Abs(low))
		}
		if s.HighOpen {
			high -= nearly * math.Abs(high)
		}
		add(plugins.Real(middle(s)))
		add(plugins.Real(low)) // NaN, for none, is no value
		add(plugins.Real(high))
	case plugins.TypeInteger:
		add(plugins.Integer(int64(middle(s))))
		for _, v := range []float64{s.Low, s.Low + 1, s.High, s.High - 1} {
			if !math.IsNaN(v) && math.Abs(v) < 1<<31 {
				add(plugins.Integer(int64(v)))
			}
		}
	}
	return all
}

// middle is a value between the ends and other than the default.
func middle(s plugins.Setting) float64 {
	def := size(s.Default)
	switch {
	case !math.IsNaN(s.Low) && !math.IsNaN(s.High):
		return (s.Low + s.High) / 2
	case def != 0:
		return def * 2
	case !math.IsNaN(s.High):
		return s.High - 0.1
	case s.Type == plugins.TypeInteger:
		return def + 1
	}
	if math.IsNaN(s.Low) {
		return 0.1
	}
	return s.Low + 0.1
}

// outside are values that a declaration does not allow.
func outside(s plugins.Setting) []plugins.Value {
	var all []plugins.Value
	switch s.Type {
	case plugins.TypeReal:
		if !math.IsNaN(s.Low) {
			v := s.Low
			if !s.LowOpen {
				v = math.Nextafter(v, math.Inf(-1))
			}
			all = append(all, plugins.Real(v))
		}
		if !math.IsNaN(s.High) {
			v := s.High
			if !s.HighOpen {
				v = math.Nextafter(v, math.Inf(1))
			}
			all = append(all, plugins.Real(v))
		}
		all = append(all, plugins.Real(math.NaN()), plugins.Real(math.Inf(1)))
	case plugins.TypeInteger:
		if !math.IsNaN(s.Low) {
			all = append(all, plugins.Integer(int64(s.Low)-beyond(!s.LowOpen)))
		}
		if !math.IsNaN(s.High) {
			all = append(all, plugins.Integer(int64(s.High)+beyond(!s.HighOpen)))
		}
	case plugins.TypeChoice:
		all = append(all, plugins.Choice("no_such_choice"))
	}
	if s.Type != plugins.TypeText {
		all = append(all, plugins.Text("text"))
	}
	return all
}

func beyond(closed bool) int64 {
	if closed {
		return 1
	}
	return 0
}
