package report

import (
	"math"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// decisionJSON is what the comparison of an arm with the baseline has come to.
type decisionJSON struct {
	Outcome  compare.Outcome `json:"outcome"` // better, worse, equal or undecided
	Arm      string          `json:"arm"`
	Baseline string          `json:"baseline"`
	// Difference is that of the arm to the baseline in the metric's unit, with its interval; Percent is the same in percent
	// of the baseline's value, null if it is not a loss above 0.
	Difference endsJSON   `json:"difference"`
	Percent    *endsJSON  `json:"difference_percent"`
	P          JSONNumber `json:"p"` // adjusted
	PEqual     JSONNumber `json:"p_equal"`
	// Within: the difference is shown to be less than EqualWithin, in the metric's unit, null without a margin. Margin is that
	// in words.
	Within      bool         `json:"within"`
	EqualWithin JSONNumber   `json:"equal_within"`
	Margin      string       `json:"margin"`
	Excludes    excludesJSON `json:"excludes"`
	Seeds       *int         `json:"seeds_to_decide"` // in all, of each point; null if it is decided, or there is no saying
}

type endsJSON struct {
	Value JSONNumber `json:"value"`
	Low   JSONNumber `json:"low"`
	High  JSONNumber `json:"high"`
}

// excludesJSON says which differences the interval excludes, in the metric's unit.
type excludesJSON struct {
	Below JSONNumber `json:"below"`
	Above JSONNumber `json:"above"`
}

// Decision is the verdict of a report as data, for JSON; nil if there is none.
func Decision(of *compare.Report) any {
	r := printer{of}
	if d := r.decisionJSON(r.Decision()); d != nil {
		return d
	}
	return nil
}

// decisionJSON is nil where there is no decision.
func (r printer) decisionJSON(d compare.Decision, ok bool) *decisionJSON {
	if !ok {
		return nil
	}
	in := func(i stats.Interval, unit float64) endsJSON {
		return endsJSON{JSONNumber(i.Value / unit), JSONNumber(i.Low / unit), JSONNumber(i.High / unit)}
	}
	arm := r.Arms[d.Arm]
	out := &decisionJSON{Outcome: d.Outcome, Arm: arm.Name, Baseline: r.Arms[d.Baseline].Name, Difference: in(d.Difference, 1), P: JSONNumber(d.P), PEqual: JSONNumber(arm.Equal),
		Within: d.Within, EqualWithin: JSONNumber(d.EqualWithin), Margin: "none", Excludes: excludesJSON{JSONNumber(d.Difference.Low), JSONNumber(d.Difference.High)}}
	if m, _, ok := r.EqualWithin(); ok {
		out.Margin = m.String()
	}
	if !math.IsNaN(d.Hundred) {
		percent := in(d.Difference, d.Hundred/100)
		out.Percent = &percent
	}
	if d.Seeds > 0 {
		out.Seeds = &d.Seeds
	}
	return out
}
