package sheet

import (
	"math"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Planes are the maps of a report as data, whole: the answer about maps of `xrun ui`. [Maps] are the same as they are drawn, with
// neighbours merged where there are too many.
type Planes struct {
	Format int      `json:"xrun_ui"`
	Metric string   `json:"metric"`
	Goal   string   `json:"goal"`
	Show   string   `json:"show"`
	Axes   []string `json:"axes"` // that maps can have
	Maps   []Plane  `json:"maps"`
	Clip   *Ends    `json:"clip"` // that of the only problem
}

// A Plane is one of them.
type Plane struct {
	Problem string         `json:"problem,omitempty"`
	Title   string         `json:"title"`
	What    string         `json:"what"` // its values are
	Columns Ticked         `json:"columns"`
	Rows    Ticked         `json:"rows"`
	Cells   [][]runner.Key `json:"cells"`  // by row and column; empty where the grid has no point
	Values  [][]Number     `json:"values"` // null where there is none
	Text    [][]string     `json:"text"`
	Level   [][]int        `json:"level"` // of the colour, from 0, the best, to Levels-1; -1 without one
	Beyond  [][]int        `json:"beyond"`
	State   [][]string     `json:"state"`
	Best    runner.Key     `json:"best"`
	Clip    *Ends          `json:"clip"` // of the problem
}

// Ends say where the colours of the maps of a problem end.
type Ends struct {
	Quantile float64  `json:"quantile"`
	Value    Number   `json:"value"`  // in full
	Beyond   int      `json:"beyond"` // points
	Texts    []string `json:"texts"`  // of the best, middle and last colour, or of the only value
	Says     string   `json:"says"`
}

// A Ticked is an axis of a map.
type Ticked struct {
	Name      string   `json:"name"`
	Text      []string `json:"text"`
	Number    []Number `json:"number"`     // null for a word
	ZeroApart bool     `json:"zero_apart"` // 0 stands before the numbers, which lie by logarithms
}

// TickedOf is an axis as data.
func TickedOf(a compare.Axis) Ticked {
	out := Ticked{Name: a.Name, Text: []string{}, Number: []Number{}, ZeroApart: a.ZeroApart()}
	for _, t := range a.Ticks {
		out.Text, out.Number = append(out.Text, t.Text), append(out.Number, Number(t.Number))
	}
	return out
}

// PlanesOf are the maps of a report. The question has to be one that [MapQuestion.Check] lets pass.
func PlanesOf(r *compare.Report, q MapQuestion, exact bool) Planes {
	show := q.show()
	out := Planes{Format: Format, Metric: r.Metric, Goal: string(r.Goal), Show: show, Axes: r.AxisNames(), Maps: []Plane{}}
	for _, sub := range r.Each() {
		p := paletteOf(sub, show)
		var ends *Ends
		if p.ok {
			ends = &Ends{compare.ClipAt, Number(p.clip), p.beyond, p.ends(), p.says(false)}
		}
		if r.Across == nil {
			out.Clip = ends
		}
		for _, m := range sub.Maps(q.Columns, q.Rows) {
			plane := Plane{Problem: sub.Problem, Title: m.Title, What: whatOf(sub, show), Columns: TickedOf(m.Columns), Rows: TickedOf(m.Rows), Best: sub.Points[m.Best].Point, Clip: ends}
			for _, row := range m.Cells {
				plane.add(sub, row, p, show, exact)
			}
			out.Maps = append(out.Maps, plane)
		}
	}
	return out
}

// add adds a row of points; -1 is none.
func (m *Plane) add(r *compare.Report, row []int, p palette, show string, exact bool) {
	n := len(row)
	keys, values, texts, levels, beyond, states := make([]runner.Key, n), make([]Number, n), make([]string, n), make([]int, n), make([]int, n), make([]string, n)
	for k, i := range row {
		v := math.NaN()
		if i >= 0 {
			v = shown(r, i, show)
			keys[k], states[k] = r.Points[i].Point, States[r.Points[i].State()]
		}
		values[k], texts[k], levels[k], beyond[k] = Shown(v, exact), shownText(v, show), p.level(v), bit(p.isBeyond(v))
	}
	m.Cells, m.Values, m.Text, m.Level, m.Beyond, m.State = append(m.Cells, keys), append(m.Values, values), append(m.Text, texts), append(m.Level, levels), append(m.Beyond, beyond), append(m.State, states)
}
