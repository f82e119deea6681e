package where

import "strings"

// A Scope is a kind of names. A name with its scope before it, as grid.status, means that kind alone.
type Scope string

// The scopes. A name without one means whichever kind has it; see [Schema.Ambiguous].
const (
	Grid   Scope = "grid"   // axes of the grid and other settings that have no dot
	Run    Scope = "run"    // facts of a run
	Metric Scope = "metric" // metrics at the epoch that counts
)

// Name is a name in the scope.
func (s Scope) Name(name string) string { return string(s) + "." + name }

// Of is a name without its scope. ok is false for a name with another scope than s.
func (s Scope) Of(name string) (bare string, ok bool) {
	if Scoped(name) {
		scope, rest, _ := strings.Cut(name, ".")
		return rest, Scope(scope) == s
	}
	return name, true
}

// Scoped reports whether a name begins with a scope.
func Scoped(name string) bool {
	scope, _, ok := strings.Cut(name, ".")
	return ok && (Scope(scope) == Grid || Scope(scope) == Run || Scope(scope) == Metric)
}
