// Package plugintest is the conformance kit: it starts a plugin as xrun does and finds out whether
// its components keep the contract of package plugins. `xrun plugin check` prints what it says;
// [Test] does the same in the tests of a plugin written in Go.
//
// Every check has a name that stays, and a message that says what was seen, at which settings, and
// what to do about it. The kit judges behaviour only: whether an optimizer is any good is for sweeps.
package plugintest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// Options of a check.
type Options struct {
	// Components are the names of those to check. Defaults to all.
	Components []string
	// Short leaves out what takes longest: a million parameters, most steps of the descents, and waiting
	// for a process that has been stopped.
	Short bool
	// Host says how plugins are started and where they are searched for. What serves the built-in
	// components is needed for checking those. Version defaults to "plugintest", CallTimeout to
	// [DefaultTimeout]; Inline is the kit's to set.
	Host host.Options
	// Described and Ended, where they are not nil, are called while checks run: with the report as far as it is known when the
	// plugin has described itself or failed to, then with each result and the component that it is of, the zero Component for
	// the process.
	Described func(r *Report)
	Ended     func(of Component, r Result)
}

// DefaultTimeout is how long a call may take where nothing else is said. A step of a million parameters takes seconds in
// Python without numpy, and more on a busy machine; a gradient of a large model may need more than this.
const DefaultTimeout = 30 * time.Second

// host is how plugins are started.
func (o Options) host(inline bool) host.Options {
	h := o.Host
	h.Inline = inline
	if h.Version == "" {
		h.Version = "plugintest"
	}
	if h.CallTimeout == 0 {
		h.CallTimeout = DefaultTimeout
	}
	return h
}

// check is one entry of the list that a component goes through.
type check struct {
	id       string
	required bool
	measures bool   // it returns a figure, not a judgement
	after    string // is skipped unless this one held: it would fail for the same reason
	run      func(*subject, context.Context) (string, error)
}

// subject is the component under test.
type subject struct {
	*lab
	plugins.Component
	options Options
	// The task that regularizers are told of.
	loss     plugins.Loss
	examples int
	layout   plugins.Layout // of the parameters where nothing else is said
	seed     int64          // of an objective
	data     *plugins.Data  // that it learns from, if it asks for some
	// trials are settings that the component has been seen to take, the defaults first. further are more of
	// them, alone and together, for checks that cost little for each.
	trials, further []trial
	verdict         map[string]Verdict // by the id of checks
	word            words              // of the author's language
	causes          map[string]string  // the first check that failed, by what went wrong
	hung            string             // the last check in which the plugin hung
	probed          bool               // since then it has been asked again
	cold            time.Duration      // what the first trials took in a process that had to be started
	stuck           bool               // it hangs wherever it is asked
}

func newSubject(l *lab, c plugins.Component, o Options, w words) *subject {
	return &subject{lab: l, Component: c, options: o, loss: plugins.LossSquares, examples: examples, layout: layout, seed: 1, data: someClasses, verdict: map[string]Verdict{}, word: w, causes: map[string]string{}}
}

// Check tries the plugin at path, or of that name. It returns an error if the plugin
// cannot be found or the context ended. Faults of the plugin stand in the Report.
func Check(ctx context.Context, path string, o Options) (*Report, error) {
	r := &Report{Plugin: path}
	h := host.New(o.host(false))
	src, err := h.Find(path)
	if err != nil {
		return nil, err
	}
	r.Path, r.Digest = src.Path, src.Digest
	d, err := h.Describe(ctx, path)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err == nil {
		r.Plugin, r.Version, r.SDK = d.Name, d.Version, d.SDK
	}
	if o.Described != nil {
		o.Described(r)
	}
	process := func(results ...Result) {
		for _, one := range results {
			r.Checks = append(r.Checks, one)
			o.ended(Component{}, one)
		}
	}
	switch {
	case errors.Is(err, host.ErrDescription):
		process(Result{ID: "handshake", Required: true, Verdict: OK}, Result{ID: "describe", Required: true, Verdict: Failed, Message: told(err)})
		return r, nil
	case err != nil:
		process(Result{ID: "handshake", Required: true, Verdict: Failed, Message: told(err)})
		return r, nil
	}
	process(Result{ID: "handshake", Required: true, Verdict: OK}, Result{ID: "describe", Required: true, Verdict: OK}, documented(d))
	components, err := o.chosen(d)
	if err != nil {
		return nil, err
	}
	l, err := newLab(o, path)
	if err != nil {
		return nil, err
	}
	defer l.close()
	var first *subject
	for _, c := range components {
		s := newSubject(l, c, o, wordsOf(d.SDK))
		if first == nil {
			first = s
		}
		one := Component{Kind: c.Kind, Name: c.Name}
		for _, ch := range checksOf(c.Kind) {
			result := s.try(ctx, ch)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			one.Checks = append(one.Checks, result)
			o.ended(Component{Kind: c.Kind, Name: c.Name}, result)
		}
		r.Components = append(r.Components, one)
	}
	for _, ch := range faults {
		if first == nil {
			break
		}
		result := first.try(ctx, ch)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		process(result)
	}
	return r, nil
}

func (o Options) ended(of Component, r Result) {
	if o.Ended != nil {
		o.Ended(of, r)
	}
}

// chosen are the components to check.
func (o Options) chosen(d *host.Description) ([]plugins.Component, error) {
	if len(o.Components) == 0 {
		return d.Components, nil
	}
	var chosen []plugins.Component
	for _, name := range o.Components {
		i := slices.IndexFunc(d.Components, func(c plugins.Component) bool { return c.Name == name })
		if i < 0 {
			var known []string
			for _, c := range d.Components {
				known = append(known, c.Name)
			}
			return nil, fmt.Errorf("plugin %s supplies no component %q; it supplies %s", d.Name, name, strings.Join(known, ", "))
		}
		chosen = append(chosen, d.Components[i])
	}
	return chosen, nil
}

// checksOf is the list for a kind of component.
func checksOf(k plugins.Kind) []check {
	switch k {
	case plugins.KindOptimizer:
		return slices.Concat(settingsChecks, optimizerBasics, behind("optimizer/moves", sameBits), optimizerChecks)
	case plugins.KindRegularizer:
		return slices.Concat(settingsChecks, regularizerBasics, behind("gradient/added", sameBits), regularizerChecks)
	case plugins.KindObjective:
		return slices.Concat(settingsChecks, objectiveChecks)
	}
	return []check{{id: "kind", run: func(s *subject, _ context.Context) (string, error) {
		return "", skipf("there are no checks for components of the kind %q", s.Kind)
	}}}
}

// try runs one check and turns its result into a verdict.
func (s *subject) try(ctx context.Context, c check) Result {
	out := Result{ID: c.id, Required: c.required}
	defer func() {
		if s.verdict[c.id] == "" {
			s.verdict[c.id] = out.Verdict
		}
	}()
	if c.id != settingsDefault && s.trials == nil {
		out.Verdict, out.Message = Skipped, "it does not start with its defaults: see "+settingsDefault
		return out
	}
	if s.hangs(ctx) {
		s.verdict[c.id] = Failed
		out.Verdict, out.Same, out.Message = Skipped, s.hung, "the plugin hangs: see "+s.hung
		return out
	}
	if c.after != "" && s.verdict[c.after] == Failed {
		s.verdict[c.id] = Failed // for those that come after this one
		out.Verdict, out.Message = Skipped, "it would fail for the same reason as "+c.after
		return out
	}
	message, err := c.run(s, ctx)
	var skipped skip
	switch {
	case errors.As(err, &skipped):
		out.Verdict, out.Message = Skipped, skipped.Error()
	case err != nil:
		out.Verdict, out.Message = Failed, told(err)
		if why := cause(err); why != "" {
			if before, ok := s.causes[why]; ok {
				out.Same = before
			} else {
				s.causes[why] = c.id
			}
		}
		if errors.Is(err, host.ErrHang) {
			s.stuck = s.hung != "" // a second time
			s.hung = c.id
		}
	case c.measures:
		out.Verdict, out.Message = Note, message
	default:
		out.Verdict, out.Message = OK, message
	}
	return out
}

// hangs reports whether the checks that are left would wait in vain: the plugin has hung in two of them, or after the first
// one hangs with its defaults too.
func (s *subject) hangs(ctx context.Context) bool {
	if s.hung == "" || s.stuck || s.probed {
		return s.stuck
	}
	s.probed = true
	b, err := s.open(ctx, s.shared, plugins.Float64, layout, s.trials[:1])
	if err == nil {
		err = s.touch(ctx, b, []int{0})
		b.Close()
	}
	s.stuck = errors.Is(err, host.ErrHang)
	return s.stuck
}

var digits = regexp.MustCompile(`\d+`)

// cause is what went wrong in the plugin's own words, without the numbers in its first line, which differ from check to check; empty
// for what a check found by itself.
func cause(err error) string {
	var fault *runner.Fault
	words := ""
	if errors.As(err, &fault) {
		words = fault.LastWords
	}
	for {
		if _, own := err.(failure); own {
			return ""
		}
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	first, rest, _ := strings.Cut(err.Error(), "\n")
	if _, after, ok := strings.Cut(first, "the first said: "); ok { // several slots have failed at once
		first = after
	}
	return digits.ReplaceAllString(first, "#") + "\n" + rest + "\n" + words
}

// told is an error with what the process said last.
func told(err error) string {
	text := err.Error()
	var f *runner.Fault
	if errors.As(err, &f) && f.Hint() != "" {
		text += "; " + f.Hint()
	}
	return text
}

// documented looks for what a reader of results would miss.
func documented(d *host.Description) Result {
	c := Result{ID: "describe/documented", Verdict: OK}
	var missing []string
	note := func(ok bool, what string) {
		if !ok {
			missing = append(missing, what)
		}
	}
	note(d.Version != "", "the plugin's version")
	note(d.Summary != "", "the plugin's summary")
	note(d.License != "", "the plugin's licence")
	for _, comp := range d.Components {
		note(comp.Summary != "", comp.Name+"'s summary")
		note(comp.Doc != "", comp.Name+"'s update rule (doc)")
		for _, setting := range comp.Settings {
			note(setting.Doc != "", fmt.Sprintf("what %s of %s means", setting.Name, comp.Name))
		}
	}
	if len(missing) > 0 {
		c.Verdict, c.Message = Failed, "does not say: "+strings.Join(missing, ", ")
	}
	return c
}
