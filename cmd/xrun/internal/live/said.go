package live

import (
	"fmt"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// warn shows a warning at once, the first time that its first line occurs.
func (v *View) warn(e *entry, text string) {
	lines := strings.Split(text, "\n")
	v.warnings[lines[0]]++
	if v.warnings[lines[0]] > 1 {
		return
	}
	v.erase()
	fmt.Fprintf(v.options.Out, "warning: %s seed %d: %s\n", e.name(), e.Seed, lines[0])
	for _, line := range lines[1:] {
		fmt.Fprintln(v.options.Out, "   ", line)
	}
}

// failure shows an error at once, the first time it occurs.
func (v *View) failure(t *trial, e runner.End) {
	v.failures[e.Reason]++
	if v.failures[e.Reason] > 1 {
		return
	}
	v.erase()
	fmt.Fprintf(v.options.Out, "failed: %s seed %d, epoch %d\n", t.name, t.Seed, e.Epochs)
	lines := strings.Split(e.Error, "\n")
	if len(lines) > 13 {
		lines = append(append(lines[:5:5], "…"), lines[len(lines)-7:]...)
	}
	for _, line := range lines {
		fmt.Fprintln(v.options.Out, "   ", line)
	}
}

// setAside reports once that a plugin is not used any more. Stop counts the trials that this cost.
func (v *View) setAside(why *runner.SetAsideError) {
	if v.untried[why.Plugin]++; v.untried[why.Plugin] == 1 {
		v.erase()
		fmt.Fprintln(v.options.Out, why)
	}
}

// few is how many trials a sweep has at most whose trials have lines of their own.
const few = 50

// line reports without a terminal: every end in a small session, every twentieth part of a large one, and one end at
// least every ten seconds. It counts the trials of the sweep that have ended.
func (v *View) line(t *trial, e runner.End) {
	metric, count := v.options.Question.Metric, fmt.Sprintf("%d/%d", v.board.ended, len(v.board.order))
	if v.open <= few {
		value := ""
		switch {
		case e.Kept != nil:
			value = fmt.Sprintf(", %s %s", metric, stats.Number(e.Kept.Value))
		case e.Epochs > 0: // a run that keeps nothing has no value
			value = fmt.Sprintf(", last %s %s", metric, stats.Number(t.value))
		}
		fmt.Fprintf(v.options.Out, "%s %s %s seed %d: %s after %s%s\n", time.Now().Format(time.TimeOnly),
			count, t.name, t.Seed, e.Status, stats.Count(e.Epochs, "epoch", "epochs"), value)
		return
	}
	part := max(v.open/20, 1)
	if e.Status.Ended() && v.ended%part == 0 || time.Since(v.lastLine) > 10*time.Second {
		v.lastLine = time.Now()
		best := ""
		if t.problem != nil {
			best = t.problem.best()
		}
		if best != "" {
			best = " · best " + best
		}
		fmt.Fprintf(v.options.Out, "%s %s %d%%%s%s\n", time.Now().Format(time.TimeOnly), count, v.percent(), v.left(), best)
	}
}
