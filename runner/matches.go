package runner

import (
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
)

// TrainingSettings are those of a trial's settings that say how it is trained, in the form that they have now: without the
// seed, what is kept and the revision of the arithmetic, which points and versions of keys differ in.
func TrainingSettings(settings []Setting) []Setting {
	var all []Setting
	diverges := false
	for _, s := range settings {
		switch {
		case s.Path == "seed" || s.Path == PathArithmetic || OfKeep(s.Path) || slices.Contains(places, s.Path):
			continue
		case s.Path == "early_stop.restore_best": // of version 1
			continue
		case s.Path == "early_stop.divergence": // likewise
			s.Path = PathDivergence
		}
		diverges = diverges || s.Path == PathDivergence
		all = append(all, s)
	}
	if !diverges { // likewise
		all = append(all, Setting{PathDivergence, plugins.Real(0)})
	}
	slices.SortFunc(all, func(a, b Setting) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// Matches reports whether stored settings, which may be of another seed and of an earlier version of keys, say how
// the trial is trained. What a component has learned to set since then has its default in the trial.
func (t Trial) Matches(stored []Setting) bool {
	was := map[string]plugins.Value{}
	for _, s := range TrainingSettings(stored) {
		was[s.Path] = s.Value
	}
	known := map[string]bool{}
	for _, s := range TrainingSettings(t.Settings()) {
		known[s.Path] = true
		if v, ok := was[s.Path]; ok && v != s.Value && (t.Task.Command == nil || v.String() != s.Value.String()) {
			return false
		}
	}
	for path := range was {
		if !known[path] {
			return false
		}
	}
	for _, s := range TrainingSettings(t.keyed()) {
		if _, ok := was[s.Path]; !ok {
			return false
		}
	}
	return true
}

// OfKeep reports whether the setting of a path says what is kept of a trial.
func OfKeep(path string) bool { return strings.HasPrefix(path, keepPrefix) }
