package compare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// mixedArithmetic warns if runs that are compared computed their numbers in different ways: by other revisions of xrun's
// arithmetic, another BLAS or another architecture. They differ in their last digits at first, and a chaotic training makes
// more of it, which a comparison by seeds takes for an effect. Of programs xrun knows nothing of the kind.
func (r *Report) mixedArithmetic() []Note {
	if r.Command {
		return nil
	}
	runs := map[string]int{}
	for i := range r.Points {
		for _, seed := range r.Points[i].Seeds {
			if by, ok := r.computed(&seed); ok {
				runs[by]++
			}
		}
	}
	if len(runs) < 2 {
		return nil
	}
	kinds := slices.SortedFunc(maps.Keys(runs), func(a, b string) int {
		if runs[a] != runs[b] {
			return runs[b] - runs[a]
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for i, by := range kinds {
		what := by
		if what == "" {
			what = "an unknown one"
		}
		part := fmt.Sprintf("%s: %s", what, stats.Count(runs[by], "run", "runs"))
		if i > 0 { // of the rarer ones it says which
			names := r.namesOf(by)
			if len(names) > 5 {
				names = append(slices.Clone(names[:5]), fmt.Sprintf("%d more points", len(names)-5))
			}
			part += " (" + and(names) + ")"
		}
		parts = append(parts, part)
	}
	return []Note{{Warning: true, Text: "runs of different arithmetic are compared as if they were the same; " + strings.Join(parts, "; "),
		Then: "small differences between them may come from this alone"}}
}

// computed is the arithmetic of the run of a seed; ok is false without one that has come to an end.
func (r *Report) computed(seed *SeedResult) (by string, ok bool) {
	if seed.Run == 0 || !seed.Status.Done() {
		return "", false
	}
	by = r.Arithmetic[seed.Run]
	if seed.arithmetic > 0 || r.revisions {
		by = strings.TrimPrefix(by+fmt.Sprintf(", revision %d", seed.arithmetic), ", ")
	}
	return by, true
}

// namesOf are the names of the points with a run of an arithmetic, in their order.
func (r *Report) namesOf(arithmetic string) (names []string) {
	known := map[string]bool{}
	for i := range r.Points {
		s := &r.Points[i]
		of := slices.ContainsFunc(s.Seeds, func(seed SeedResult) bool {
			by, ok := r.computed(&seed)
			return ok && by == arithmetic
		})
		if !of {
			continue
		}
		if name := r.Name(*s); !known[name] {
			known[name] = true
			names = append(names, name)
		}
	}
	return names
}
