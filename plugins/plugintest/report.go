package plugintest

import (
	"fmt"

	"github.com/xrun-dev/xrun/plugins"
)

// A Verdict is the judgement of a check.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Failed  Verdict = "failed"
	Skipped Verdict = "skipped" // it does not apply, or a check that it builds on has failed; the message says which
	Note    Verdict = "note"    // a figure to know, neither good nor bad
)

// A Result is the outcome of one check.
type Result struct {
	ID string `json:"id"` // stable, such as "state/restore"
	// Required checks have to hold for a plugin to be used; the others are advice.
	Required bool    `json:"required"`
	Verdict  Verdict `json:"verdict"`
	Message  string  `json:"message,omitempty"` // what was seen, at which settings, and what to do
	// Same is the check that failed before by the same error of the plugin.
	Same string `json:"same_as,omitempty"`
}

// A Component is the checks of one component.
type Component struct {
	Kind   plugins.Kind `json:"kind"`
	Name   string       `json:"name"`
	Checks []Result     `json:"checks"`
}

// A Report is all checks of a plugin.
type Report struct {
	Plugin  string `json:"plugin"` // its name; as it was asked for, if it did not say
	Version string `json:"version"`
	SDK     string `json:"sdk"`
	Path    string `json:"path"`
	Digest  string `json:"sha256"`
	// Checks are about the process that supplies the components.
	Checks     []Result    `json:"checks"`
	Components []Component `json:"components"`
}

// Passed reports whether no required check has failed.
func (r *Report) Passed() bool {
	for _, c := range r.all() {
		if c.Required && c.Verdict == Failed {
			return false
		}
	}
	return len(r.Checks) > 0
}

// Count is how many checks have the verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, c := range r.all() {
		if c.Verdict == v {
			n++
		}
	}
	return n
}

func (r *Report) all() []Result {
	all := append([]Result(nil), r.Checks...)
	for _, c := range r.Components {
		all = append(all, c.Checks...)
	}
	return all
}

// failure is a check that does not hold.
type failure string

func (f failure) Error() string { return string(f) }

func failf(format string, args ...any) error { return failure(fmt.Sprintf(format, args...)) }

// skip is a check that does not apply.
type skip string

func (s skip) Error() string { return string(s) }

func skipf(format string, args ...any) error { return skip(fmt.Sprintf(format, args...)) }
