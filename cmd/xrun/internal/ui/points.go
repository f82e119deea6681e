package ui

import (
	"math"
	"strconv"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
)

// mostPoints is the largest number of points of one answer.
const mostPoints = 5000

func (s *Server) getPoints(q *request) error {
	from, err := q.number("from", 0, 0, math.MaxInt32)
	if err != nil {
		return err
	}
	limit, err := q.number("limit", 500, 1, mostPoints)
	if err != nil {
		return err
	}
	seeds, err := q.flag("seeds")
	if err != nil {
		return err
	}
	a, exact, err := q.exactly()
	if err != nil {
		return err
	}
	return q.json(struct {
		sheet.Points
		stamp
	}{sheet.PointsOf(a.report, from, limit, exact, seeds), q.stamp(a, "compare")})
}

func (s *Server) getMaps(q *request) error {
	a, exact, err := q.exactly()
	if err != nil {
		return err
	}
	maps := q.maps()
	if err := maps.Check(a.report); err != nil {
		return err
	}
	return q.json(struct {
		sheet.Planes
		stamp
	}{sheet.PlanesOf(a.report, maps, exact), q.stamp(a, "compare")})
}

// maps are the maps that the request asks for.
func (q *request) maps() sheet.MapQuestion {
	return sheet.MapQuestion{Columns: q.text("columns"), Rows: q.text("rows"), Show: q.text("show")}
}

// condition is the expression that chooses one point.
func condition(at sheet.Place) string {
	text := ""
	add := func(name, value string) {
		if text != "" {
			text += " and "
		}
		text += name + " == " + value
	}
	p := at.Point()
	if p.Optimizer != "" {
		add("optimizer", quoted(p.Optimizer))
	}
	if p.Regularizer != "" {
		add("regularizer", quoted(p.Regularizer))
	}
	if at.Report.HasLR() {
		add("lr", strconv.FormatFloat(p.LR, 'g', -1, 64))
	}
	if at.Report.HasLambda() {
		add("lambda", strconv.FormatFloat(p.Lambda, 'g', -1, 64))
	}
	for _, axis := range p.Axes {
		add(axisName(axis.Path), literal(axis.Value))
	}
	return text
}
