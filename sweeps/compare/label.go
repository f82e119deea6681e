package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Label names a point: "adam lr 3.162e-3 l2 λ 0.1". It leaves out axes that a command lacks.
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
		parts = append(parts, "lr "+stats.Number(l.LR))
	}
	if l.Regularizer != "" {
		parts = append(parts, l.Regularizer)
	}
	if !l.NoLambda {
		parts = append(parts, "λ "+stats.Number(l.Lambda))
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
		texts[i] = axis.Path + " " + shownValue(axis)
	}
	return strings.Join(texts, " ")
}

// shownValue is the value on a further axis. Of a digest the first digits tell enough, as of a key.
func shownValue(axis runner.Setting) string {
	const digits = 10
	text := axis.Value.String()
	if strings.HasSuffix(axis.Path, "files_digest") && len(text) > digits {
		return text[:digits]
	}
	return text
}

// HasLR and HasLambda report whether points have the axis. A command may lack it; its points hold 0 then.
func (r *Report) HasLR() bool     { return r.hasLR }
func (r *Report) HasLambda() bool { return r.hasLambda }

// FurtherAxes names the further axes, in the order of the names.
func (r *Report) FurtherAxes() []string { return slices.Clone(r.further) }

// findAxes finds the axes that points have.
func (r *Report) findAxes() {
	r.hasLR, r.hasLambda = !r.Command, !r.Command
	seen := map[string]bool{}
	for i := range r.Points {
		p := &r.Points[i]
		r.hasLR, r.hasLambda = r.hasLR || p.LR != 0, r.hasLambda || p.Lambda != 0
		for _, axis := range p.Axes {
			if !seen[axis.Path] {
				seen[axis.Path] = true
				r.further = append(r.further, axis.Path)
			}
		}
	}
}

// Axis is the point's value on a further axis, "–" if it has none.
func (s Point) Axis(name string) string {
	text, ok := s.AxisValue(name)
	if !ok {
		return "–"
	}
	return text
}

// AxisValue is the point's value on a further axis; ok is false if it has none.
func (s Point) AxisValue(name string) (text string, ok bool) {
	for _, axis := range s.Axes {
		if axis.Path == name {
			return shownValue(axis), true
		}
	}
	return "", false
}

// ChosenBy is the metric by which points are chosen.
func (r *Report) ChosenBy() string {
	if r.Choice != nil {
		return r.ChoiceName
	}
	return r.Metric
}

// Name names a point: "adam lr 3.162e-3 λ 0.1".
func (r *Report) Name(s Point) string {
	return Label{Optimizer: s.Optimizer, Regularizer: s.Regularizer, LR: s.LR, Lambda: s.Lambda, NoLambda: !r.HasLambda(), Axes: s.Axes}.String()
}

// When names the epoch whose values are compared: "at its best epoch".
func (r *Report) When() string {
	at, by := r.At, r.Metric
	switch {
	case at == "":
		at, by = r.Keep.At, r.Keep.Metric
	case r.Choice != nil:
		by = r.ChoiceName
	}
	text := "at its best epoch"
	if epoch, named := at.Epoch(); named {
		text = fmt.Sprintf("after epoch %d", epoch)
	} else if at == runner.AtLast {
		text = "after the last epoch"
	} else if by != r.Metric {
		text = "at the epoch of the best " + by
	}
	if r.unkept() > 0 {
		text += ", of parameters that are not kept"
	}
	return text
}

// Heading describes the comparison in a line.
func (r *Report) Heading() string {
	of := r.Sweep
	switch {
	case r.Across != nil:
		return fmt.Sprintf("%s · %s · %s × %s · %s %s", of, r.ProblemsOf(len(r.Problems)), Counted(len(r.Points), "point"), r.SeedsEach(), r.Metric, r.Arrow())
	case r.Problem != "":
		of += ", " + r.Problem
	}
	text := fmt.Sprintf("%s · %s × %s · %s %s %s · %s ± 95 %% CI", of, Counted(len(r.Points), "point"), r.SeedsEach(),
		r.Metric, r.Arrow(), r.When(), r.Stat.name())
	if r.Choice != nil {
		text += ", chosen by " + r.ChoiceName
	}
	if n := r.family(); n > 0 {
		if r.Test.pairs() {
			text += ", paired by seed"
		}
		if n > 1 {
			text += fmt.Sprintf(", Holm over the %d arms tested", n)
		}
	}
	return text
}

// Listed are the first top points of the table, 0 for all. If points are chosen by another metric, only chosen ones
// are listed.
func (r *Report) Listed(top int) []int {
	var shown []int
	for at := range r.Points {
		i := at
		if r.Order != nil {
			i = r.Order[at]
		}
		if _, chosen := r.ArmOf(i); r.Choice != nil && !chosen {
			continue
		}
		if shown = append(shown, i); len(shown) == top {
			break
		}
	}
	return shown
}

// Matters lists what the values depend on most.
func (r *Report) Matters() string {
	if r.constant {
		return "matters most: nothing: all values are the same"
	}
	var parts []string
	for i, s := range r.Shares {
		if s.Share < 0.005 || i == 8 {
			break
		}
		parts = append(parts, fmt.Sprintf("%s %.0f %%", s.Name, 100*s.Share))
	}
	if len(parts) == 0 {
		return ""
	}
	return "matters most: " + strings.Join(parts, " · ")
}

// Distinct is the number of different texts that of gives the points.
func (r *Report) Distinct(of func(Point) string) int {
	seen := map[string]bool{}
	for _, s := range r.Points {
		seen[of(s)] = true
	}
	return len(seen)
}

// Unfinished is the reason why an arm has no chosen point.
func (r *Report) Unfinished(a Arm) string {
	for _, status := range []runner.Status{runner.StatusPruned, runner.StatusDiverged, runner.StatusFailed} {
		if !slices.ContainsFunc(a.Points, func(i int) bool { return r.Points[i].Count(status) == 0 }) {
			return "all " + string(status)
		}
	}
	return "no point is complete"
}

// Arrow points the way in which the metric gets better.
func (r *Report) Arrow() string {
	if r.Goal == stop.Max {
		return "↑"
	}
	return "↓"
}
