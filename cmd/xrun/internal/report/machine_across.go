package report

import (
	"math"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// acrossJSON are arms over several problems.
type acrossJSON struct {
	Over     string          `json:"over"` // such as data set
	Problems []string        `json:"problems"`
	Ranked   []string        `json:"ranked_over"` // those with a result of every arm
	Arms     []acrossArmJSON `json:"arms"`        // best mean rank first
	Friedman *friedmanJSON   `json:"friedman,omitempty"`
}

type acrossArmJSON struct {
	Name     string                `json:"name"`
	Baseline bool                  `json:"baseline"`
	MeanRank JSONNumber            `json:"mean_rank"`
	Ranks    map[string]JSONNumber `json:"ranks"`  // by problem
	Chosen   map[string]int        `json:"chosen"` // rank of the point, by problem
	Wins     int                   `json:"wins"`   // against the baseline, in problems
	Ties     int                   `json:"ties"`
	Losses   int                   `json:"losses"`
	Outcome  compare.Outcome       `json:"outcome,omitempty"`
	P        JSONNumber            `json:"p_sign"`
	Adjusted JSONNumber            `json:"p_holm"`
}

type friedmanJSON struct {
	ChiSquared JSONNumber `json:"chi_squared"`
	P          JSONNumber `json:"p"`
	F          JSONNumber `json:"iman_davenport"`
	PF         JSONNumber `json:"p_iman_davenport"`
	CD         JSONNumber `json:"nemenyi_critical_difference"`
	N          int        `json:"problems"`
}

func (r printer) acrossJSON() *acrossJSON {
	x := r.Across
	out := &acrossJSON{Over: r.Several.Noun, Ranked: []string{}}
	for _, sub := range r.Problems {
		out.Problems = append(out.Problems, sub.Problem)
	}
	for _, p := range x.Ranked {
		out.Ranked = append(out.Ranked, r.Problems[p].Problem)
	}
	for i, a := range x.Arms {
		arm := acrossArmJSON{Name: a.Name, Baseline: i == x.Base, MeanRank: JSONNumber(a.Rank), Ranks: map[string]JSONNumber{}, Chosen: map[string]int{},
			Wins: a.Wins, Ties: a.Ties, Losses: a.Losses, Outcome: a.Outcome, P: JSONNumber(math.NaN()), Adjusted: JSONNumber(a.P)}
		if !math.IsNaN(a.P) {
			arm.P = JSONNumber(a.Sign.P)
		}
		for p, sub := range r.Problems {
			arm.Ranks[sub.Problem], arm.Chosen[sub.Problem] = JSONNumber(a.Ranks[p]), a.Chosen[p]+1
		}
		out.Arms = append(out.Arms, arm)
	}
	if k, err := r.Ranking(); err == nil {
		f := k.Friedman
		out.Friedman = &friedmanJSON{JSONNumber(f.ChiSquared), JSONNumber(f.P), JSONNumber(f.ImanDavenport), JSONNumber(f.PF), JSONNumber(k.CD), f.N}
	}
	return out
}
