package sheet

import (
	"math"
	"slices"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Format is the version of the data that pages read. It only ever gains fields.
const Format = 1

// Number is a float64 that JSON can hold.
type Number = report.JSONNumber

// Shown rounds a number as it is shown, unless the exact one is wanted.
func Shown(x float64, exact bool) Number {
	if exact {
		return Number(x)
	}
	return Number(stats.Shown(x))
}

// Points are points of a report, or some of them: the answer about points of `xrun ui`, and what a file holds of it.
type Points struct {
	Format  int      `json:"xrun_ui"`
	Of      int      `json:"of"`   // points in all
	From    int      `json:"from"` // of these, in the order of the table
	Exact   bool     `json:"exact"`
	Metric  string   `json:"metric"`
	Goal    string   `json:"goal"`
	Versus  string   `json:"versus_head"` // what differences are to
	Columns *Columns `json:"columns"`
}

// PointsOf are limit points of a report, or those that there are, from one on in the order of the table. Numbers are exact, or
// rounded to what is shown. With seeds, each point has the values of its own.
func PointsOf(r *compare.Report, from, limit int, exact, seeds bool) Points {
	all := Places(r)
	out := Points{Format: Format, Of: len(all), From: from, Exact: exact, Metric: r.Metric, Goal: string(r.Goal)}
	if r.Across == nil {
		out.Versus = report.VersusHead(r)
	}
	some := all[min(from, len(all)):]
	out.Columns = ColumnsOf(r, some[:min(limit, len(some))], exact, seeds)
	return out
}

// A Place is a point of a report, which may be that of one of several problems.
type Place struct {
	Report *compare.Report
	Index  int
}

// Point is the point.
func (p Place) Point() *compare.Point { return &p.Report.Points[p.Index] }

// Places are the points of a table, in its order.
func Places(r *compare.Report) (all []Place) {
	for _, sub := range r.Each() {
		for _, i := range sub.Listed(0) {
			all = append(all, Place{sub, i})
		}
	}
	return all
}

// PlaceOf finds a point by its key.
func PlaceOf(r *compare.Report, key runner.Key) (Place, bool) {
	for _, sub := range r.Each() {
		if i := slices.IndexFunc(sub.Points, func(p compare.Point) bool { return p.Point == key }); i >= 0 {
			return Place{sub, i}, true
		}
	}
	return Place{}, false
}

// States are the states of points in answers.
var States = map[compare.State]string{compare.StateComplete: "", compare.StateDiverged: "diverged", compare.StateFailed: "failed", compare.StatePruned: "pruned", compare.StateMissing: "missing"}

// Columns are points by columns, as pages read them: they take a fifth of the bytes of objects. All have one length.
type Columns struct {
	Key         []runner.Key        `json:"key"`
	Rank        []int               `json:"rank"` // of its problem
	Problem     []string            `json:"problem,omitempty"`
	Name        []string            `json:"name"`
	Optimizer   []string            `json:"optimizer"`
	Regularizer []string            `json:"regularizer"`
	LR          []Number            `json:"lr"`
	Lambda      []Number            `json:"lambda"`
	Axes        map[string][]string `json:"axes"`
	Mean        []Number            `json:"mean"`
	Low         []Number            `json:"low"`
	High        []Number            `json:"high"`
	Text        []string            `json:"text"`
	Versus      [][3]Number         `json:"versus"` // value, low, high
	VersusText  []string            `json:"versus_text"`
	P           []Number            `json:"p"` // of chosen points, adjusted
	PText       []string            `json:"p_text"`
	Tied        []int               `json:"tied"`
	Unstable    []int               `json:"unstable"`
	State       []string            `json:"state"`
	N           []int               `json:"n"`
	Epochs      []Number            `json:"epochs"`
	Seconds     []Number            `json:"seconds"` // a trial takes, the mean of the seeds
	Arm         []string            `json:"arm"`     // that chose the point
	GivenUp     []string            `json:"given_up"`
	Remark      []string            `json:"remark"`
	Columns     map[string]Column   `json:"columns"` // of cols
	Seeds       [][]any             `json:"seeds,omitempty"`
}

// A Column is one that was asked for.
type Column struct {
	Text  []string `json:"text"`
	Value []Number `json:"value"` // null for a text
}

// ColumnsOf are some points of a report by columns, rounded as they are shown, or exact.
func ColumnsOf(r *compare.Report, some []Place, exact, seeds bool) *Columns {
	words, numbers, whole := []string{}, []Number{}, []int{} // a list without points is a list
	out := &Columns{Key: []runner.Key{}, Axes: map[string][]string{}, Columns: map[string]Column{}, Versus: [][3]Number{},
		Rank: whole, Tied: whole, Unstable: whole, N: whole,
		Name: words, Optimizer: words, Regularizer: words, Text: words, VersusText: words, PText: words, State: words, Arm: words, GivenUp: words, Remark: words,
		LR: numbers, Lambda: numbers, Mean: numbers, Low: numbers, High: numbers, P: numbers, Epochs: numbers, Seconds: numbers}
	further := r.FurtherAxes()
	for _, axis := range further {
		out.Axes[axis] = words
	}
	for _, at := range some {
		p, sub := at.Point(), at.Report
		out.Key = append(out.Key, p.Point)
		out.Rank = append(out.Rank, at.Index+1)
		if r.Across != nil {
			out.Problem = append(out.Problem, sub.Problem)
		}
		out.Name = append(out.Name, sub.Name(*p))
		out.Optimizer, out.Regularizer = append(out.Optimizer, p.Optimizer), append(out.Regularizer, p.Regularizer)
		out.LR, out.Lambda = append(out.LR, Shown(p.LR, exact)), append(out.Lambda, Shown(p.Lambda, exact))
		for _, axis := range further {
			text, _ := p.AxisValue(axis)
			out.Axes[axis] = append(out.Axes[axis], text)
		}
		v := p.Interval
		out.Mean, out.Low, out.High, out.Text = append(out.Mean, Shown(v.Value, exact)), append(out.Low, Shown(v.Low, exact)), append(out.High, Shown(v.High, exact)), append(out.Text, stats.Uncertain(v))
		d := p.Versus
		if sub.Base >= 0 {
			d = p.VersusBase
		}
		out.Versus = append(out.Versus, [3]Number{Shown(d.Value, exact), Shown(d.Low, exact), Shown(d.High, exact)})
		out.VersusText = append(out.VersusText, report.Versus(sub, at.Index))
		arm, chosen := sub.ArmOf(at.Index)
		adjusted := math.NaN()
		if chosen && arm.Tested {
			adjusted = arm.P
		}
		out.P, out.PText = append(out.P, Shown(adjusted, exact)), append(out.PText, stats.PValue(adjusted))
		name := ""
		if chosen {
			name = arm.Name
		}
		out.Arm = append(out.Arm, name)
		out.Tied, out.Unstable = append(out.Tied, bit(p.Tied)), append(out.Unstable, bit(p.Unstable))
		out.State, out.N, out.Epochs = append(out.State, States[p.State()]), append(out.N, v.N), append(out.Epochs, Shown(p.Epochs(), exact))
		out.Seconds = append(out.Seconds, Shown(seconds(p), exact))
		why := ""
		if g, ok := sub.GivenUp(p); ok {
			why = g.Why
		}
		out.GivenUp, out.Remark = append(out.GivenUp, why), append(out.Remark, report.Remark(sub, at.Index))
		for _, c := range sub.Columns {
			cell, col := c.Cells[at.Index], out.Columns[c.Name]
			value := Number(math.NaN())
			if !cell.IsText {
				value = Shown(cell.Interval.Value, exact)
			}
			col.Text, col.Value = append(col.Text, cell.String()), append(col.Value, value)
			out.Columns[c.Name] = col
		}
		if seeds {
			list := []any{}
			for _, seed := range p.Seeds {
				list = append(list, []any{seed.Seed, seed.Run, Shown(seed.Recorded, exact), seed.Epoch, seed.Epochs, string(seed.Status)})
			}
			out.Seeds = append(out.Seeds, list)
		}
	}
	return out
}

func bit(is bool) int {
	if is {
		return 1
	}
	return 0
}

// seconds is the mean time of a point's trials; NaN if none is known.
func seconds(p *compare.Point) float64 {
	sum, n := 0.0, 0
	for _, seed := range p.Seeds {
		if seed.Wall > 0 {
			sum, n = sum+seed.Wall.Seconds(), n+1
		}
	}
	return sum / float64(n)
}
