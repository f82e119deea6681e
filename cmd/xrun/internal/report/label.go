package report

import (
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
)

// A Label says which setting it is: "adam lr 3.162e-3 l2 λ 0.1". Axes that a command has not are
// left out.
type Label struct {
	Optimizer, Regularizer string
	LR, Lambda             float64 // 0 for no learning rate
	NoLambda               bool
	Axes                   []runner.Setting
}

func (l Label) String() string {
	var parts []string
	if l.Optimizer != "" { // results from elsewhere need not have one
		parts = append(parts, l.Optimizer)
	}
	if l.LR != 0 {
		parts = append(parts, "lr "+Number(l.LR))
	}
	if l.Regularizer != "" {
		parts = append(parts, l.Regularizer)
	}
	if !l.NoLambda {
		parts = append(parts, "λ "+Number(l.Lambda))
	}
	if text := axesText(l.Axes); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// axesText is the values of further axes: "dropout 0.5 width 64".
func axesText(axes []runner.Setting) string {
	texts := make([]string, len(axes))
	for i, axis := range axes {
		texts[i] = axis.Path + " " + axis.Value.String()
	}
	return strings.Join(texts, " ")
}

// rate and lambda are what a setting has of the axes that every sweep has but that of a command.
func rate(s Setting) float64   { return s.LR }
func lambda(s Setting) float64 { return s.Lambda }

// has reports whether a sweep has an axis: that of a command may lack it, and is 0 then.
func (r *Report) has(axis func(Setting) float64) bool {
	return !r.Command || slices.ContainsFunc(r.Settings, func(s Setting) bool { return axis(s) != 0 })
}

// axes names the further axes, in the order of the names.
func (r *Report) axes() (names []string) {
	for _, s := range r.Settings {
		for _, axis := range s.Axes {
			if !slices.Contains(names, axis.Path) {
				names = append(names, axis.Path)
			}
		}
	}
	return names
}

// axis is the setting's value on a further axis.
func (s Setting) axis(name string) string {
	for _, axis := range s.Axes {
		if axis.Path == name {
			return axis.Value.String()
		}
	}
	return "–"
}
