package sheet

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Piece is a part of a sentence with its weight.
type Piece struct {
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"` // claim, doubt, sign, or empty for words that only connect
}

// The weights of pieces: what is claimed, what puts it in doubt, and the sign of doubt.
const (
	claim = "claim"
	doubt = "doubt"
	sign  = "sign"
)

// sentences are the lines of a verdict, with what they claim and what is doubtful about it.
func sentences(r *compare.Report) (lines [][]Piece) {
	marks := marksOf(r)
	for i, line := range strings.Split(r.Verdict(), "\n") {
		if r.Across != nil && i == 0 { // the sentence that answers, and then by what
			if at := strings.Index(line, ". Ranks are by"); at >= 0 {
				lines = append(lines, pieces(line[:at+1], marks), pieces(line[at+2:], nil))
				continue
			}
		}
		if at := strings.Index(line, " "+unfinished); at >= 0 {
			lines = append(lines, pieces(line[:at], marks), pieces(line[at+1:], marks))
			continue
		}
		lines = append(lines, pieces(line, marks))
	}
	return lines
}

// unfinished is a sentence of a verdict that stands by itself on a page.
const unfinished = "Some of its seeds are missing or diverged."

// counted is how many points a sentence is about: "20 of the 104", "All 12".
var counted = regexp.MustCompile(`(?m)^([[:alnum:]]+ of the \d+|All \d+) `)

type mark struct{ text, weight string }

// marksOf are the words of a report's verdict that have a weight.
func marksOf(r *compare.Report) (marks []mark) {
	add := func(text, weight string) {
		if text != "" {
			marks = append(marks, mark{text, weight})
		}
	}
	add("So far,", doubt)
	for _, words := range []string{"one seed: no uncertainty can be given", "too few for a 95 % interval", unfinished, "Undecided", "undecided",
		"not tested", "tells no two of them apart", "they share too few seeds"} {
		add(words, doubt)
	}
	for _, words := range []string{"Equal within", "Equal", "Better, but", "Worse, but"} {
		add(words, claim)
	}
	add("(≈)", sign)
	for _, found := range counted.FindAllStringSubmatch(r.Verdict(), -1) {
		add(found[1], claim)
	}
	for _, sub := range r.Each() {
		best, ok := sub.Best()
		if !ok {
			continue
		}
		if r.Across == nil {
			add(r.Name(best), claim)
			add(stats.Uncertain(best.Interval), claim)
		}
	}
	if r.Across != nil {
		for _, a := range r.Across.Arms {
			add(a.Name, claim)
		}
		return marks
	}
	d, ok := r.Decision()
	if !ok || d.Arm >= len(r.Arms) || !r.Arms[d.Arm].Tested {
		return marks
	}
	sure := d.Outcome == compare.OutcomeBetter || d.Outcome == compare.OutcomeWorse
	if sure {
		add("is best", claim)
	}
	base := r.Arms[d.Baseline]
	for _, way := range []stats.Interval{d.Difference, {Value: -d.Difference.Value, Low: -d.Difference.High, High: -d.Difference.Low, N: d.Difference.N}} {
		add(r.Relative(way, base), claim)
	}
	if !sure {
		add(r.PText(r.Arms[d.Arm]), doubt)
	}
	return marks
}

// pieces cuts a line at the marks. Of marks at the same place the longest counts, and a mark must be whole words.
func pieces(line string, marks []mark) (all []Piece) {
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(len(b.text), len(a.text)) })
	used := map[string]bool{}
	rest := 0
	plain := func(to int) {
		if to > rest {
			all = append(all, Piece{Text: line[rest:to]})
		}
	}
	for at := 0; at < len(line); {
		found := false
		for _, m := range marks {
			if used[m.text] || !strings.HasPrefix(line[at:], m.text) || !edge(line, at) || !edge(line, at+len(m.text)) {
				continue
			}
			plain(at)
			all = append(all, Piece{m.text, m.weight})
			at += len(m.text)
			rest, found, used[m.text] = at, true, true
			break
		}
		if !found {
			at++
		}
	}
	plain(len(line))
	for i := range all {
		all[i].Text = bracketed(nice(all[i].Text))
	}
	return all
}

// edge reports whether a place in a line is the edge of a word.
func edge(line string, at int) bool {
	word := func(b byte) bool {
		return b >= 0x80 || b == '_' || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
	}
	return at == 0 || at == len(line) || !word(line[at-1]) || !word(line[at])
}
