package ui

import (
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// The largest numbers of points, metrics and values of an answer about curves.
const (
	mostCurves  = 64
	mostMetrics = 8
	mostValues  = 500
)

func (s *Server) getCurves(q *request) error {
	by := q.text("x")
	switch by {
	case "":
		by = "epoch"
	case "epoch", "seconds":
	default:
		return advice.Usage(fmt.Errorf("x is %q", by), "it is epoch or seconds")
	}
	exact, err := q.flag("exact")
	if err != nil {
		return err
	}
	bare := q.text("seeds") == "0"
	if !bare {
		if _, err := q.flag("seeds"); err != nil {
			return err
		}
	}
	metrics := slices.Compact(slices.Clone(q.values["metric"]))
	if len(metrics) > mostMetrics {
		return advice.Usage(fmt.Errorf("there are %d metrics, more than %d", len(metrics), mostMetrics), "ask twice")
	}
	// The curves' metric chooses no points: these are those of the sweep's own, or of the metric that rank names.
	a, err := q.answer(func(ask *question.Question) {
		ask.Metric, ask.Where, ask.Sort, ask.Columns = q.text("rank"), "", "", ""
	})
	if err != nil {
		return err
	}
	if len(metrics) == 0 {
		metrics = []string{a.report.Metric}
	}
	var chosen []sheet.Place
	for _, key := range q.values["point"] {
		at, ok := sheet.PlaceOf(a.report, runner.Key(key))
		if !ok {
			return advice.Nothing(fmt.Errorf("%s has no point %q", a.report.Sweep, key), "/api/v1/points lists their keys")
		}
		chosen = append(chosen, at)
	}
	if len(q.values["point"]) == 0 { // each arm's
		for _, sub := range a.report.Each() {
			for _, arm := range sub.Arms {
				if arm.Chosen >= 0 && len(chosen) < mostCurves {
					chosen = append(chosen, sheet.Place{Report: sub, Index: arm.Chosen})
				}
			}
		}
	}
	if len(chosen) > mostCurves {
		return advice.Usage(fmt.Errorf("there are %d points, more than %d", len(chosen), mostCurves), "ask twice")
	}
	reasons, err := q.reasons(chosen)
	if err != nil {
		return err
	}
	curve := func(run int64, metric string) ([]runner.CurvePoint, error) {
		if err := q.Context().Err(); err != nil {
			return nil, err
		}
		return q.db.Curve(q.Context(), run, metric)
	}
	all, err := sheet.CurvesOf(a.report, chosen, sheet.CurveQuestion{Metrics: metrics, By: by, Exact: exact, Seeds: !bare, Most: mostValues}, curve, reasons)
	if err != nil {
		return err
	}
	return q.json(struct {
		sheet.Curves
		stamp
	}{all, q.stamp(a, "plot", "curves")})
}

// reasons are the reasons why runs have ended.
func (q *request) reasons(points []sheet.Place) (map[int64]string, error) {
	why := map[int64]string{}
	for _, at := range points {
		for _, seed := range at.Point().Seeds {
			if seed.Run == 0 || seed.Status == runner.StatusFinished || seed.Status == runner.StatusRunning {
				continue
			}
			r, err := q.db.Run(q.Context(), seed.Run)
			if err != nil && !question.Missing(err) {
				return nil, err
			}
			why[seed.Run] = r.Reason
		}
	}
	return why, nil
}

// metricCurves are the curves of all metrics of a run, thinned.
func (q *request) metricCurves(run store.Run, exact bool) ([]sheet.SeedCurve, error) {
	metrics, err := q.db.Metrics(q.Context(), run.ID)
	if err != nil {
		return nil, err
	}
	all := []sheet.SeedCurve{}
	for _, m := range metrics[:min(len(metrics), mostCurves)] {
		curve, err := q.db.Curve(q.Context(), run.ID, m.Metric)
		if err != nil {
			return nil, err
		}
		all = append(all, sheet.SeedCurveOf(m.Metric, run.Seed, run.ID, curve, 1, mostValues, exact))
	}
	return all, nil
}
