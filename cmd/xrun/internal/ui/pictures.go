package ui

import (
	"math"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

type tunedRow struct {
	LR       number     `json:"lr"`
	Text     string     `json:"text"`
	Key      runner.Key `json:"key"` // of the best point; empty if none is complete
	Mean     number     `json:"mean"`
	Low      number     `json:"low"`
	High     number     `json:"high"`
	Diverged bool       `json:"diverged"`
}

func (s *Server) getSensitivity(q *request) error {
	a, r, exact, err := q.exactlyOne()
	if err != nil {
		return err
	}
	type line struct {
		Arm   string     `json:"arm"`
		Line  []tunedRow `json:"line"`
		Basin any        `json:"basin"`
		Words string     `json:"basin_text"`
	}
	lines := []line{}
	var rates []float64
	var means, lows, highs [][]float64
	for _, arm := range r.Arms {
		l := line{Arm: arm.Name, Line: []tunedRow{}, Words: arm.Basin.String()}
		var mean, low, high []float64
		for _, t := range r.Sensitivity(arm) {
			row := tunedRow{LR: sheet.Shown(t.LR, exact), Text: stats.Number(t.LR), Mean: number(math.NaN()), Low: number(math.NaN()), High: number(math.NaN()), Diverged: t.Diverged}
			rates = append(rates, t.LR)
			if t.Point >= 0 {
				p := &r.Points[t.Point]
				v := p.Interval
				row.Key, row.Mean, row.Low, row.High = p.Point, sheet.Shown(v.Value, exact), sheet.Shown(v.Low, exact), sheet.Shown(v.High, exact)
				mean, low, high = append(mean, v.Value), append(low, v.Low), append(high, v.High)
			}
			l.Line = append(l.Line, row)
		}
		means, lows, highs = append(means, mean), append(lows, low), append(highs, high)
		if b := arm.Basin; !math.IsNaN(b.Decades) {
			l.Basin = map[string]any{"low": number(b.Low), "high": number(b.High), "decades": number(b.Decades), "at_edge": b.Edge}
		}
		lines = append(lines, l)
	}
	ys, drawn := compare.CurveScale(means, lows, highs, 0.06, compare.Limits{})
	return q.json(map[string]any{"xrun_ui": format, "version": a.version.number(), "metric": r.Metric, "arms": lines, "slack": r.SlackText(), "drawn": drawn && len(rates) > 1,
		"x_scale": sheet.AxisScaleOf(compare.Spanning(rates, true, 0.03), 6), "y_scale": sheet.AxisScaleOf(ys, 5), "command": q.command("plot", "sensitivity")})
}

func (s *Server) getParallel(q *request) error {
	limit, err := q.number("limit", 500, 1, mostPoints)
	if err != nil {
		return err
	}
	a, r, exact, err := q.exactlyOne()
	if err != nil {
		return err
	}
	var points []int
	for i := range r.Points {
		if r.Points[i].Complete && stats.Finite(r.Points[i].Interval.Value) && len(points) < limit {
			points = append(points, i)
		}
	}
	axes, at := r.ParallelAxes(points)
	type line struct {
		sheet.Ticked
		Place []int `json:"place"` // of each point among the ticks
	}
	lines := []line{}
	for k, axis := range axes {
		lines = append(lines, line{sheet.TickedOf(axis), at[k]})
	}
	keys, values, low, high := []runner.Key{}, []number{}, math.Inf(1), math.Inf(-1)
	for _, i := range points {
		v := r.Points[i].Interval.Value
		keys, values, low, high = append(keys, r.Points[i].Point), append(values, sheet.Shown(v, exact)), min(low, v), max(high, v)
	}
	return q.json(map[string]any{"xrun_ui": format, "version": a.version.number(), "metric": r.Metric, "goal": r.Goal, "of": len(r.Points), "key": keys, "mean": values, "axes": lines,
		"scale": sheet.AxisScaleOf(compare.Fitted(low, high, 4, 0), 6), "command": q.command("plot", "parallel")})
}

func (s *Server) getRanking(q *request) error {
	a, err := q.answer(nil)
	if err != nil {
		return err
	}
	k, err := a.report.Ranking()
	if err != nil {
		return err
	}
	arms := []map[string]any{}
	for i, arm := range k.Arms {
		arms = append(arms, map[string]any{"arm": a.report.Arms[arm].Name, "rank": number(k.Ranks[i])})
	}
	groups := k.Groups
	if groups == nil {
		groups = [][2]int{}
	}
	return q.json(map[string]any{"xrun_ui": format, "version": a.version.number(), "arms": arms, "critical_difference": number(k.CD), "groups": groups, "caption": k.Caption(),
		"friedman": map[string]any{"chi_squared": number(k.Friedman.ChiSquared), "p": number(k.Friedman.P), "iman_davenport_p": number(k.Friedman.PF), "n": k.Friedman.N}, "command": q.command("plot", "ranks")})
}

func (s *Server) getProfile(q *request) error {
	a, err := q.answer(func(ask *question.Question) { ask.Curves = 1 })
	if err != nil {
		return err
	}
	p, err := a.report.Profile()
	if err != nil {
		return err
	}
	taus, heights := p.Steps(math.MaxFloat64)
	arms := []map[string]any{}
	for i, arm := range p.Arms {
		arms = append(arms, map[string]any{"arm": a.report.Arms[arm].Name, "score": number(p.Scores[i]), "height": numbers(heights[i]), "epochs": numbers(p.Times[i])})
	}
	return q.json(map[string]any{"xrun_ui": format, "version": a.version.number(), "tau": numbers(taus), "arms": arms, "targets": numbers(p.Targets), "end": compare.ProfileEnd, "caption": p.Caption(), "command": q.command("plot", "profile")})
}

func numbers(xs []float64) []number {
	out := make([]number, len(xs))
	for i, x := range xs {
		out[i] = number(x)
	}
	return out
}
