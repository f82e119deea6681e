package sheet

import (
	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// A Beside is what a page needs beside an answer, as data.
type Beside struct {
	Format  int            `json:"xrun_ui"`
	Heading string         `json:"heading"`
	Same    string         `json:"same"`
	Lead    string         `json:"lead,omitempty"`
	Command string         `json:"command"` // that prints the same
	Next    []string       `json:"next"`    // what to run next, of the notes
	Axes    []string       `json:"axes"`    // that maps can have
	Hues    map[string]int `json:"hues"`    // of arms, from 0; -1 is the baseline, which has none, and from 6 on they are grey
	Clip    Number         `json:"clip"`    // where colours and axes end, in full: pages round it as they need; null without a value
}

// BesideOf is what a page needs beside the answer of a report.
func BesideOf(r *compare.Report, command string) Beside {
	end, _, _ := r.Clip()
	b := Beside{Format: Format, Heading: r.Heading(), Same: report.SameLine(r), Lead: r.Lead(), Command: command, Next: []string{}, Axes: r.AxisNames(), Hues: huesOf(r), Clip: Number(end)}
	for _, n := range r.Notes() {
		if n.Command != nil {
			b.Next = append(b.Next, advice.Command(n.Command...))
		}
	}
	return b
}
