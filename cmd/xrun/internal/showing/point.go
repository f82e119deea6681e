package showing

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// A Point is everything that the database has about a point: its settings, its runs, and which sweeps gave it up.
type Point struct {
	key      runner.Key
	label    compare.Label
	givenUp  []question.GivenUp
	runs     *question.List
	settings []runner.Setting // but for the seed
}

// ReadPoint reads everything about a point.
func ReadPoint(ctx context.Context, db *store.Store, key runner.Key) (*Point, error) {
	p := &Point{key: key, runs: question.NewList(db)}
	var err error
	if p.runs.Runs, err = db.Runs(ctx, store.RunQuery{Point: key}); err != nil {
		return nil, err
	}
	if err := p.runs.Describe(ctx, false, "", ""); err != nil {
		return nil, err
	}
	if p.givenUp, err = question.FindGivenUp(ctx, db, key); err != nil {
		return nil, err
	}
	if p.label, err = question.LabelOf(ctx, db, p.runs.Runs[0]); err != nil {
		return nil, err
	}
	p.settings, err = db.TrialSettings(ctx, p.runs.Runs[0].Trial)
	p.settings = slices.DeleteFunc(p.settings, func(s runner.Setting) bool { return s.Path == runner.AxisSeed })
	return p, err
}

// JSON is the point as JSON has it.
func (p *Point) JSON() any {
	return map[string]any{"xrun_point": 1, "point_key": p.key, "given_up": givenUpJSON(p.givenUp), "settings": texts(p.settings), "runs": RunsJSON(p.runs)}
}

// Write writes the point for a person.
func (p *Point) Write(w io.Writer, v report.View) {
	fmt.Fprintf(w, "point %s\n%s\n", p.key, p.label)
	writeGivenUp(w, p.givenUp)
	fmt.Fprintln(w)
	report.Columns(w, Table(p.runs), v)
	fmt.Fprintln(w)
	t := report.NewTable("setting", "value")
	for _, s := range p.settings {
		t.Row(s.Path, s.Value.String())
	}
	t.Write(w)
}

// writeGivenUp writes which sweeps gave a point up.
func writeGivenUp(w io.Writer, given []question.GivenUp) {
	for _, g := range given {
		when := ""
		if !g.At.IsZero() {
			when = ", " + g.At.Local().Format(day)
		}
		fmt.Fprintf(w, "%s (stage %d of sweep %s%s): %s\n", g, g.Stage, g.Sweep, when, g.Why)
	}
}

// givenUpJSON says in JSON which sweeps gave a point up.
func givenUpJSON(given []question.GivenUp) []map[string]any {
	list := []map[string]any{}
	for _, g := range given {
		one := map[string]any{"sweep": g.Sweep, "stage": g.Stage, "seeds": g.Seeds, "why": g.Why, "at": nil}
		if !g.At.IsZero() {
			one["at"] = g.At
		}
		list = append(list, one)
	}
	return list
}
