package report

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// CSV writes one row for each point, or for each run. What a point does not have is empty.
func CSV(w io.Writer, r *compare.Report, runs bool) error {
	out := csv.NewWriter(w)
	axes := r.FurtherAxes()
	row := printer.pointRow
	head := append([]string{"rank", "optimizer", "regularizer", "lr", "lambda", "metric", "mean", "ci95_half_width", "difference_to_best", "difference_ci95_half_width", "seeds", "epochs", "tied_with_best", "complete"}, axes...)
	head = append(head, "low", "high", "difference_to_baseline", "difference_to_baseline_low", "difference_to_baseline_high", "p_holm", "unstable", "astray")
	if runs {
		row = printer.runRows
		head = append([]string{"run_id", "trial_key", "rank", "optimizer", "regularizer", "lr", "lambda"}, axes...)
		head = append(head, "seed", "metric", "value", "epoch", "epochs", "status", "wall_seconds")
	} else {
		for _, c := range r.Each()[0].Columns {
			head = append(head, cellText(c.Name))
		}
	}
	if r.Across != nil {
		head = append(head, "problem")
	}
	out.Write(head)
	at := 0 // of r.Points, which are those of all problems
	for _, sub := range r.Each() {
		for i := range sub.Points {
			var values []string
			for _, axis := range axes {
				text, _ := r.Points[at].AxisValue(axis)
				values = append(values, cellText(text))
			}
			for _, cells := range row(printer{sub}, i, values) {
				if r.Across != nil {
					cells = append(cells, cellText(sub.Problem))
				}
				out.Write(cells)
			}
			at++
		}
	}
	out.Flush()
	return out.Error()
}

// csvNumber writes a number in full; NaN is empty.
func csvNumber(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// pointRow is the row of a point, with the values of its further axes.
func (r printer) pointRow(i int, axes []string) [][]string {
	s, f := &r.Points[i], csvNumber
	row := append([]string{strconv.Itoa(i + 1), cellText(s.Optimizer), cellText(s.Regularizer), f(s.LR), f(s.Lambda), r.Metric, f(s.Interval.Value), f(s.Interval.Half()), f(s.Versus.Value), f(s.Versus.Half()),
		strconv.Itoa(s.Interval.N), f(s.Epochs()), strconv.FormatBool(s.Tied), strconv.FormatBool(s.Complete)}, axes...)
	p, versus := "", []string{"", "", ""}
	if r.Base >= 0 {
		versus = []string{f(s.VersusBase.Value), f(s.VersusBase.Low), f(s.VersusBase.High)}
	}
	if a, ok := r.ArmOf(i); ok && a.Tested {
		p = f(a.P)
	}
	row = append(append(append(row, f(s.Interval.Low), f(s.Interval.High)), versus...), p, strconv.FormatBool(s.Unstable), strconv.Itoa(s.Astray))
	for _, c := range r.Columns {
		if v := c.Cells[i]; v.IsText {
			row = append(row, cellText(v.Text))
		} else {
			row = append(row, f(v.Interval.Value))
		}
	}
	return [][]string{row}
}

// runRows are the rows of a point's runs.
func (r printer) runRows(i int, axes []string) (rows [][]string) {
	s, f := &r.Points[i], csvNumber
	if !r.listed(i) {
		return nil
	}
	for _, seed := range s.Seeds {
		if r.ShowRun != nil && !r.ShowRun(seed) {
			continue
		}
		run := ""
		if seed.Run != 0 {
			run = strconv.FormatInt(seed.Run, 10)
		}
		row := append([]string{run, string(seed.Trial), strconv.Itoa(i + 1), cellText(s.Optimizer), cellText(s.Regularizer), f(s.LR), f(s.Lambda)}, axes...)
		rows = append(rows, append(row, strconv.FormatInt(seed.Seed, 10), r.Metric, f(seed.Recorded), strconv.Itoa(seed.Epoch), strconv.Itoa(seed.Epochs), string(seed.Status), f(seed.Wall.Seconds())))
	}
	return rows
}

// cellText keeps a spreadsheet from taking a name for a formula. A number below 0 is none.
func cellText(s string) string {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@') {
		return "'" + s
	}
	return s
}
