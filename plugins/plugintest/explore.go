package plugintest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// What explore tries at most.
const (
	mostFurther  = 72 // trials
	mostTogether = 28 // of them with several settings at once
	few          = 4  // steps of an objective, which may be slow
	lastSteps    = 30 // the steps that a further trial has to take in finite numbers
)

// spread are more values that a declaration allows than its ends and its middle: several sizes where there is no
// bound, decades where the scale is logarithmic, quarters else.
func spread(s plugins.Setting) []plugins.Value {
	var xs []float64
	low, high := !math.IsNaN(s.Low), !math.IsNaN(s.High)
	def := math.Abs(size(s.Default))
	switch {
	case s.Type != plugins.TypeReal && s.Type != plugins.TypeInteger:
		return nil
	case low && high && s.Log && s.Low > 0:
		for _, share := range []float64{0.1, 0.25, 0.5, 0.75, 0.9} {
			xs = append(xs, s.Low*math.Pow(s.High/s.Low, share))
		}
	case low && high:
		for _, share := range []float64{0.02, 0.1, 0.25, 0.75, 0.9} {
			xs = append(xs, s.Low+share*(s.High-s.Low))
		}
	case s.Type == plugins.TypeInteger:
		from := size(s.Default)
		if low {
			from = s.Low
		}
		for _, by := range []float64{2, 3, 5, 8, 20, 100} {
			xs = append(xs, from+by)
		}
		xs = append(xs, size(s.Default)*3, size(s.Default)-1)
	default:
		if def == 0 {
			def = 1
		}
		factors := []float64{0.01, 0.1, 0.5, 3, 10}
		if s.Log {
			factors = []float64{1e-3, 0.01, 0.1, 10, 100}
		}
		for _, f := range factors {
			xs = append(xs, f*def)
			if low && s.Low != 0 {
				xs = append(xs, s.Low+f*def)
			}
		}
		xs = append(xs, 1) // a tiny or a huge default tells nothing about what is usual
		if !low {
			xs = append(xs, -def)
		}
	}
	var all []plugins.Value
	for _, x := range xs {
		v := plugins.Real(x)
		if s.Type == plugins.TypeInteger {
			v = plugins.Integer(int64(math.Round(x)))
		}
		if v, err := s.Check(v); err == nil && v != s.Default && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// explore finds further trials: values of each setting alone, pairs of settings, and all of them together. A component
// may refuse any, and what ends in numbers that are not finite tells nothing: those are left out.
func (s *subject) explore(ctx context.Context) error {
	s.further = nil
	if s.Kind == plugins.KindObjective { // which has one setting for all slots
		return nil
	}
	values := map[string][]plugins.Value{}
	var names []string
	var candidates []trial
	for _, setting := range s.Settings {
		v := allowed(setting)
		if setting.Name != plugins.SettingConvention {
			for _, more := range spread(setting) {
				if !slices.Contains(v, more) {
					v = append(v, more)
					candidates = append(candidates, s.with(setting.Name, more))
				}
			}
		}
		if len(v) > 0 {
			values[setting.Name], names = v, append(names, setting.Name)
		}
	}
	if most := mostFurther - mostTogether; len(candidates) > most { // some of each setting
		rng := rand.New(rand.NewPCG(13, 13))
		rng.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
		candidates = candidates[:most]
	}
	candidates = append(candidates, s.together(names, values)...)
	for _, t := range candidates {
		t.seed, t.lr = uint64(len(s.trials)+len(s.further))+1, lrs[(len(s.trials)+len(s.further))%len(lrs)]
		s.further = append(s.further, t)
		ok, err := s.lasts(ctx, len(s.trials)+len(s.further)-1)
		if !ok {
			s.further = s.further[:len(s.further)-1]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// together are trials with several settings at once: pairs first, then all.
func (s *subject) together(names []string, values map[string][]plugins.Value) []trial {
	if len(names) < 2 {
		return nil
	}
	rng := rand.New(rand.NewPCG(17, 17))
	draw := func(of ...string) trial {
		t := s.trials[0]
		t.settings = plugins.Settings{}
		for k, v := range s.trials[0].settings {
			t.settings[k] = v
		}
		for _, name := range of {
			t.settings[name] = values[name][rng.IntN(len(values[name]))]
		}
		return t
	}
	var all []trial
	for i := range names {
		for j := range i {
			all = append(all, draw(names[i], names[j]))
		}
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	const whole = 8
	if len(names) == 2 { // more of the one pair
		for range whole {
			all = append(all, draw(names...))
		}
		return all
	}
	all = all[:min(len(all), mostTogether-whole)]
	for range whole {
		all = append(all, draw(names...))
	}
	return all
}

// lasts reports whether a further trial is taken and stays finite. An end of the process is an error.
func (s *subject) lasts(ctx context.Context, n int) (bool, error) {
	h, err := s.run(ctx, s.inline, recipe{dtype: plugins.Float64, layout: layout, steps: lastSteps, slots: []int{n}})
	var fault *runner.Fault
	switch {
	case errors.As(err, &fault) || ctx.Err() != nil:
		return false, fmt.Errorf("with %s, which is in the declared ranges: %w", s.trial(n), err)
	case err != nil:
		return false, nil
	}
	theta := make([]float64, layout.Dim())
	decode(h[n][len(h[n])-1], plugins.Float64, theta)
	return notANumber(theta) < 0, nil
}

// used wants each setting to make a difference to the bits of some steps, at one of the values that were tried: alone,
// or beside others.
func (s *subject) used(ctx context.Context) (string, error) {
	var unused []string
	tried, took := false, lastSteps
	if s.Kind == plugins.KindObjective {
		took = few
	}
	for _, setting := range s.Settings {
		if setting.Name == plugins.SettingConvention || setting.Type == plugins.TypeText || len(allowed(setting)) == 0 {
			continue
		}
		tried = true
		matters, err := s.matters(ctx, setting)
		if err != nil {
			return "", err
		}
		if !matters {
			unused = append(unused, setting.Name)
		}
	}
	switch {
	case !tried:
		return "", skipf("it has no settings that can be varied")
	case unused != nil:
		return "", failf("%s made no difference to %d steps, at any value that was tried, alone and beside others: is it used?", strings.Join(unused, ", "), took)
	}
	return "", nil
}

// matters compares trials with a setting to the same without it.
func (s *subject) matters(ctx context.Context, setting plugins.Setting) (bool, error) {
	if s.Kind == plugins.KindObjective {
		return s.mattersToModel(ctx, setting)
	}
	var pairs []trial // each trial without the setting comes before the one with it
	for _, t := range slices.Concat(s.trials, s.further) {
		if _, ok := t.settings[setting.Name]; !ok {
			continue
		}
		without := t
		without.settings = plugins.Settings{}
		for k, v := range t.settings {
			if k != setting.Name || setting.Required {
				without.settings[k] = v
			}
		}
		if setting.Required {
			without.settings[setting.Name] = inside(setting)
		}
		pairs = append(pairs, without, t)
	}
	const most = 40
	if len(pairs) == 0 {
		return true, nil // nothing but the default is taken
	}
	if s.Has(plugins.FeatureReverse) { // a search is short where the first rate is good
		for _, t := range slices.Clone(pairs) {
			t.lr *= 100
			pairs = append(pairs, t)
		}
	}
	for len(pairs) > 0 {
		one := *s
		one.trials, one.further = pairs[:min(len(pairs), most)], nil
		pairs = pairs[len(one.trials):]
		h, err := one.run(ctx, s.shared, recipe{dtype: plugins.Float64, layout: s.layout, steps: lastSteps, slots: upTo(len(one.trials))})
		var fault *runner.Fault
		if errors.As(err, &fault) || ctx.Err() != nil {
			return false, err
		}
		if err != nil {
			return true, nil // such as a pair of which one is refused: that is a difference
		}
		for i := 0; i < len(h); i += 2 {
			for step := range h[i] {
				if !slices.Equal(h[i][step], h[i+1][step]) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

// mattersToModel compares a few steps of an objective at several values of a setting.
func (s *subject) mattersToModel(ctx context.Context, setting plugins.Setting) (bool, error) {
	of := func(t trial) (history, error) {
		one := *s
		one.trials, one.further = []trial{t}, nil
		h, err := one.run(ctx, s.shared, recipe{dtype: plugins.Float64, steps: few, slots: []int{0}})
		if err != nil {
			return nil, err
		}
		return h[0], nil
	}
	want, err := of(s.trials[0])
	if err != nil {
		return false, err
	}
	for _, v := range allowed(setting) {
		if size(v) > farthest*math.Abs(size(setting.Default)) {
			continue
		}
		t := s.with(setting.Name, v)
		t.seed = s.trials[0].seed
		got, err := of(t)
		var fault *runner.Fault
		if errors.As(err, &fault) || ctx.Err() != nil {
			return false, err
		}
		if err != nil || !slices.EqualFunc(got, want, slices.Equal[[]byte]) {
			return true, nil
		}
	}
	return false, nil
}
