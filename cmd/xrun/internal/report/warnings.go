package report

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/xrun-dev/xrun/runner"
)

// notes are what the reader should know before believing the table.
func (r *Report) notes() []string {
	notes := r.progress()
	best, ok := r.Best()
	if !ok {
		return notes
	}
	notes = append(notes, r.problems()...)
	if r.Choice == nil && strings.HasPrefix(r.Metric, "test_") {
		notes = append(notes, "warning: settings and epochs are chosen by test data, which says nothing about new data any more: choose by a val_ metric")
	}
	if r.Left > 0 {
		notes = append(notes, fmt.Sprintf("note: compared over the %d seeds that all settings have; %d more that only some have are left out", len(r.Seeds), r.Left))
	}
	if r.Unlike {
		notes = append(notes, "warning: settings have different seeds, so that means may differ by how hard the seeds are")
	}
	if !r.Fresh() { // else these are not a grid
		for _, a := range r.Arms {
			notes = append(notes, r.edges(a)...)
		}
		notes = append(notes, r.coarse()...)
		notes = append(notes, r.budgets()...)
	}
	notes = append(notes, r.late()...)
	notes = append(notes, r.diverged()...)
	notes = append(notes, r.seedCount()...)
	if len(r.Settings) > 1 && best.Interval.N > 1 && r.Choice == nil && !r.Fresh() {
		notes = append(notes, fmt.Sprintf("note: picked from %d settings by the metric that it is judged by, so optimistic%s", len(r.Settings), r.advice(" → xrun confirm"+r.Suffix+" --top 3 --seeds 10")))
	}
	return notes
}

// advice is what to do about a note, where xrun can: it cannot train what was imported, and its commands know
// no arms but those of optimizers and regularizers.
func (r *Report) advice(text string) string {
	if r.Imported || r.By != nil {
		return ""
	}
	return text
}

// more is how to get so many seeds.
func (r *Report) more(seeds int) string {
	if r.Fresh() {
		return r.advice(fmt.Sprintf(" → xrun confirm%s --seeds %d", strings.Replace(r.Suffix, r.Sweep, strings.TrimSuffix(r.Sweep, "-confirm"), 1), seeds))
	}
	return r.advice(": raise seeds and run again, only the new ones run")
}

// problems warns when settings are not of one problem: the best of two data sets is the easier one.
func (r *Report) problems() []string {
	for _, axis := range r.axes() {
		if axis == "dataset" || axis == "target" {
			return []string{fmt.Sprintf("warning: settings differ in %s, so they are not of one problem and their values cannot be compared → --where \"task.%s == '…'\"", axis, axis)}
		}
	}
	return nil
}

// progress is what there is no result of.
func (r *Report) progress() []string {
	var notes []string
	done, all := 0, r.Missing
	for status, n := range r.Counts {
		all += n
		if status.Done() {
			done += n
		}
	}
	running, failed := r.Counts[runner.StatusRunning], r.Counts[runner.StatusFailed]
	if n := r.Counts[runner.StatusPruned]; n > 0 {
		notes = append(notes, fmt.Sprintf("note: %d of %d trials were pruned: they have no result and are not compared", n, all))
		done += n
	}
	if n := all - done - running - failed; n > 0 {
		how := "; run the sweep again to go on"
		if running > 0 {
			how = ""
		}
		notes = append(notes, fmt.Sprintf("warning: %d of %d trials have no result yet%s", n, all, r.advice(how)))
	}
	if running > 0 {
		notes = append(notes, fmt.Sprintf("note: %d of %d trials are being trained now", running, all))
	}
	if failed > 0 {
		notes = append(notes, fmt.Sprintf("warning: %s failed: xrun runs --status failed", counted(failed, "trial")))
	}
	return notes
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// An edge is an axis on which an arm's best is the first or the last.
type edge struct {
	name, flag string
	of         func(*Setting) float64
}

var edgeAxes = []edge{
	{"lr", "lr", func(s *Setting) float64 { return s.LR }},
	{"λ", "lambda", func(s *Setting) float64 { return s.Lambda }},
}

// edges warns when an arm's best lr or λ is the first or the last of its axis. λ = 0 is no edge: there is
// nothing below it.
func (r *Report) edges(a Arm) []string {
	if a.Chosen < 0 {
		return nil
	}
	best := &r.Settings[a.Chosen]
	var notes []string
	for _, axis := range edgeAxes {
		low, high := math.Inf(1), math.Inf(-1)
		for _, i := range a.Settings {
			x := axis.of(&r.Settings[i])
			low, high = min(low, x), max(high, x)
		}
		at := axis.of(best)
		if low < high && (at == high || at == low && at != 0) {
			end := "largest"
			if at == low {
				end = "smallest"
			}
			whose := "the"
			if a.Name != "" && len(r.Arms) > 1 {
				whose = a.Name + "'s"
			}
			notes = append(notes, fmt.Sprintf("warning: %s best %s, %s, is the %s of the grid: a better one may lie beyond%s",
				whose, axis.name, Number(at), end, r.advice(" → xrun refine"+r.Suffix+" --axis "+axis.flag+r.armFlag(a))))
		}
	}
	return notes
}

// armFlag is the flag by which other commands find an arm that is not the best one.
func (r *Report) armFlag(a Arm) string {
	if len(r.Arms) < 2 || a.Name == r.Arms[0].Name {
		return ""
	}
	return " --arm " + ShellWord(a.Name)
}

// ShellWord writes a text as one word of a shell.
func ShellWord(text string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-./:+,@", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// coarse warns when the best stands out from both neighbours on an axis: the true optimum may lie between.
func (r *Report) coarse() []string {
	if len(r.Arms) == 0 || r.Arms[0].Chosen != 0 || r.Settings[0].Interval.N < 2 {
		return nil
	}
	best := &r.Settings[0]
	var notes []string
	for _, axis := range edgeAxes {
		other := edgeAxes[0]
		if axis.flag == "lr" {
			other = edgeAxes[1]
		}
		line := r.along(r.Arms[0], axis.of, other.of)
		for i := 1; i+1 < len(line); i++ {
			below, above := line[i-1], line[i+1]
			if line[i] == best && below.Complete && above.Complete && !below.Tied && !above.Tied {
				notes = append(notes, fmt.Sprintf("warning: the grid is coarse: both neighbours of the best %s, %s and %s, are clearly worse, by intervals of the differences that exclude 0%s",
					axis.name, Number(axis.of(below)), Number(axis.of(above)), r.advice(" → xrun refine"+r.Suffix+" --axis "+axis.flag)))
			}
		}
	}
	return notes
}

// budgets warns when arms had unequal chances: more settings find a better one by luck alone.
func (r *Report) budgets() []string {
	low, high := math.MaxInt, 0
	var few, many string
	for _, a := range r.Arms {
		if n := len(a.Settings); n < low {
			low, few = n, a.Name
		}
		if n := len(a.Settings); n > high {
			high, many = n, a.Name
		}
	}
	if len(r.Arms) < 2 || low == high {
		return nil
	}
	return []string{fmt.Sprintf("warning: unequal budgets: %s was tried in %s, %s in %d; the more are tried, the better the best of them looks, and p does not know",
		few, counted(low, "setting"), many, high)}
}

// late warns when the chosen settings were at their best when training ended, so that longer training may
// change the order.
func (r *Report) late() []string {
	if r.Epochs < 4 || r.At != "best" {
		return nil
	}
	var names []string
	for _, a := range r.Arms {
		if a.Chosen < 0 {
			continue
		}
		last, n := 0, 0
		for _, seed := range r.Settings[a.Chosen].Seeds {
			if seed.Run != 0 {
				n++
				if seed.Epochs == r.Epochs && float64(seed.Epoch) > 0.95*float64(r.Epochs) {
					last++
				}
			}
		}
		if 2*last > n {
			names = append(names, a.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	whose := "the chosen setting was"
	if len(r.Arms) > 1 {
		whose = strings.Join(names, ", ") + " was"
		if len(names) > 1 {
			whose = strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " were"
		}
	}
	return []string{fmt.Sprintf("warning: %s still getting better when training ended after %d epochs: longer training may change the order", whose, r.Epochs)}
}

// diverged says how many trials of each arm did.
func (r *Report) diverged() []string {
	if r.Counts[runner.StatusDiverged] == 0 {
		return nil
	}
	var parts []string
	for _, a := range r.Arms {
		if a.Diverged > 0 {
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %d of %d", a.Name, a.Diverged, a.Trials)))
		}
	}
	return []string{"note: trials that diverged: " + strings.Join(parts, ", ")}
}
