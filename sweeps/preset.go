package sweeps

import (
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/sweeps/document"
)

// presets are axes of lr and λ by name, for a first search over four decades, with how many values each has. The
// fine axis has all values of the coarse one, so that a sweep that gets finer trains only what is new.
var presets = map[string]int{"coarse": 5, "fine": 13}

var presetNames = []string{"coarse", "fine"}

// The ends of a preset: below, most optimizers hardly move; above, most diverge.
const presetLow, presetHigh = 1e-4, 1

// preset reads an axis that is given by a word. That of λ begins with no penalty at all.
func (s section) preset(axis string, n *document.Node) []float64 {
	if !slices.Contains(presetNames, n.Text) {
		s.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` is %q, but wants numbers, \"coarse\" or \"fine\"", axis, document.Clip(n.Text)), Label: document.DidYouMean(n.Text, presetNames),
			Help: fmt.Sprintf("coarse is { log = [%g, %g], n = %d }, fine has %d values, the same among them", presetLow, float64(presetHigh), presets["coarse"], presets["fine"])})
		return nil
	}
	values := spaced(presetLow, presetHigh, presets[n.Text], true)
	if axis == "lambda" {
		values = append([]float64{0}, values...)
	}
	return values
}
