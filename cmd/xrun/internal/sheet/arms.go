package sheet

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Arms are the chosen points of the arms on two scales: their values, and their differences to the baseline.
type Arms struct {
	Metric  string   `json:"metric"`            // "val_loss ↓"
	Against string   `json:"against,omitempty"` // the baseline's name
	Better  string   `json:"better"`            // the direction in which values get better
	Paired  bool     `json:"paired"`
	Rows    []Arm    `json:"rows"`
	Left    int      `json:"left,omitempty"` // arms that are not drawn
	Open    bool     `json:"open"`           // the sweep trains: the order may turn
	Single  bool     `json:"single"`         // one seed each
	Long    bool     `json:"long"`           // differences need more room
	Key     string   `json:"key"`            // explains the signs
	OnTest  []string `json:"on_test,omitempty"`
	Table   Table    `json:"table"`
	value   scale
	gap     scale // of differences, in percent of the baseline if they have it
	percent bool
}

// An Arm is a row.
type Arm struct {
	Name     string     `json:"name"`
	Chosen   string     `json:"chosen"` // the chosen point without the arm's name, or why there is none
	Point    runner.Key `json:"point,omitempty"`
	Hue      int        `json:"hue"` // see huesOf; -1 is the baseline
	Baseline bool       `json:"baseline"`
	hollow   bool       // it is the baseline, or will be
	Value    string     `json:"value"`
	Versus   string     `json:"versus,omitempty"`
	Wins     string     `json:"wins,omitempty"`
	P        string     `json:"p,omitempty"`
	Says     string     `json:"says,omitempty"` // "p = 0.016, n = 8"
	Doubt    bool       `json:"doubt"`          // p is above 0.05
	Outcome  string     `json:"outcome,omitempty"`
	N        string     `json:"n"`
	Few      bool       `json:"few"`   // fewer than three seeds, or some are missing
	Label    string     `json:"label"` // what the row's charts say
	interval stats.Interval
	gap      stats.Interval
	seeds    []float64
	gaps     []float64 // of single seeds
}

// mostArms is the most rows of arms that are drawn.
const mostArms = 24

// hues is the number of arms with a hue of their own.
const hues = 6

// huesOf gives each arm a hue by its name, in the order of the sweep: a colour belongs to a name and not to a rank. The baseline
// is -1, and from hues on arms are grey.
func huesOf(r *compare.Report) map[string]int {
	of, next := map[string]int{}, 0
	if r.Across != nil && r.Across.Base >= 0 {
		of[r.Across.Arms[r.Across.Base].Name] = -1
	} else if base := baseOf(r); base >= 0 {
		of[r.Arms[base].Name] = -1
	}
	for _, sub := range r.Each() {
		for _, at := range sub.ArmsInOrder() {
			if name := sub.Arms[at].Name; !known(of, name) {
				of[name] = min(next, hues)
				next++
			}
		}
	}
	return of
}

// baseOf is the baseline, or while no arm has a complete point the one that will be it: colours stay when the sweep ends.
func baseOf(r *compare.Report) int {
	switch {
	case r.Across != nil:
		return -1
	case r.Base >= 0 || !r.Open():
		return r.Base
	}
	return r.BaselineToCome()
}

func known(of map[string]int, name string) bool { _, ok := of[name]; return ok }

// armsOf are the rows of a report's arms; nil if no arm has a value.
func armsOf(r *compare.Report) *Arms {
	out := &Arms{Metric: nice(r.Metric + " " + r.Arrow()), Better: "← better", Paired: r.Paired(), Open: r.Open()}
	hueOf, table := huesOf(r), report.ArmTable(r)
	out.Table = tableOf(table, 400)
	if r.Goal == stop.Max {
		out.Better = "better →"
	}
	var base *compare.Point
	hundred := math.NaN()
	if r.Base >= 0 {
		base = &r.Points[r.Arms[r.Base].Chosen]
		out.Against = Plain(r.Arms[r.Base].Name)
		for _, a := range r.Arms {
			if d, ok := r.DecisionOf(a); ok && !math.IsNaN(d.Hundred) {
				hundred = d.Hundred
			}
		}
	}
	out.percent = !math.IsNaN(hundred)
	unit := 1.0
	if out.percent {
		unit = hundred / 100
	}
	var values, lows, highs, gaps, gapLows, gapHighs []float64
	some := false
	for i, a := range r.Arms {
		row := Arm{Name: Plain(a.Name), Hue: hueOf[a.Name], Baseline: r.Base >= 0 && a.Chosen == r.Arms[r.Base].Chosen && a.Chosen >= 0, interval: stats.None(), gap: stats.None(), Value: "–"}
		row.hollow = row.Baseline || i == baseOf(r)
		at := a.Chosen
		if at < 0 && r.Open() { // the best so far
			for _, point := range a.Points {
				if stats.Finite(r.Points[point].Interval.Value) {
					at = point
					break
				}
			}
		}
		if at < 0 {
			row.Chosen = nice(r.Unfinished(a))
			out.Rows = append(out.Rows, row)
			continue
		}
		s := &r.Points[at]
		some = true
		row.Point, row.Chosen, row.Value, row.interval = s.Point, nice(without(r, *s, a.Name)), nice(stats.Uncertain(s.Interval)), s.Interval
		row.N = strconv.Itoa(s.Interval.N)
		if s.Interval.N < len(s.Seeds) {
			row.N = fmt.Sprintf("%d of %d", s.Interval.N, len(s.Seeds))
		}
		row.Few = s.Interval.N < 3 || s.Interval.N < len(s.Seeds)
		row.seeds = s.Values()
		if len(row.seeds) < 2 {
			row.seeds = nil
		}
		values, lows, highs = append(append(values, s.Values()...), s.Interval.Value), append(lows, s.Interval.Low), append(highs, s.Interval.High)
		row.Outcome = string(a.Outcome)
		row.Label = fmt.Sprintf("%s: %s %s", r.Name(*s), r.Metric, stats.Uncertain(s.Interval))
		switch {
		case row.Baseline:
			row.Versus = "baseline"
			row.Label += ", the baseline"
		case a.Tested:
			row.Versus = bracketed(nice(cell(table, "vs "+r.Arms[r.Base].Name, i)))
			row.P, row.Doubt = nice(r.PCell(a)), a.Outcome != compare.OutcomeBetter && a.Outcome != compare.OutcomeWorse
			row.Says = nice(fmt.Sprintf("%s, n = %s", r.PText(a), row.N))
			if a.Shared > 0 {
				row.Wins = strconv.FormatFloat(a.Wins*float64(a.Shared), 'f', -1, 64) + fmt.Sprintf(" of %d", a.Shared)
			}
			row.gap = stats.Interval{Value: a.Versus.Value / unit, Low: a.Versus.Low / unit, High: a.Versus.High / unit, N: a.Versus.N}
			row.Label += fmt.Sprintf(", %s against %s, %s", row.Versus, out.Against, r.PText(a))
			if r.Paired() {
				for _, seed := range s.Seeds {
					for _, other := range base.Seeds {
						if d := (seed.Value - other.Value) / unit; seed.Seed == other.Seed && stats.Finite(d) {
							row.gaps = append(row.gaps, d)
						}
					}
				}
			}
			gaps, gapLows, gapHighs = append(append(gaps, row.gaps...), row.gap.Value), append(gapLows, row.gap.Low), append(gapHighs, row.gap.High)
		}
		row.Label = nice(row.Label)
		out.Rows = append(out.Rows, row)
	}
	if !some {
		return nil
	}
	out.Single = true
	for _, row := range out.Rows {
		out.Single = out.Single && row.interval.N <= 1
		out.Long = out.Long || utf8.RuneCountInString(row.Versus) > 22
	}
	if len(out.Rows) > mostArms {
		out.Left = len(out.Rows) - mostArms
		out.Rows = out.Rows[:mostArms]
	}
	out.value = reach(values, lows, highs)
	if len(gaps) > 0 {
		out.gap = reach(append(gaps, 0), gapLows, gapHighs)
	} else {
		out.Against = ""
	}
	for _, t := range r.OnTest {
		var words []string
		for i, a := range r.Arms {
			words = append(words, a.Name+" "+stats.Uncertain(t.Arms[i]))
		}
		out.OnTest = append(out.OnTest, nice(t.Metric+" of the chosen points, on test data: "+strings.Join(words, " · ")))
	}
	out.Key = out.key(r)
	return out
}

// key explains the signs of the charts.
func (a *Arms) key(r *compare.Report) string {
	if a.Against == "" {
		return ""
	}
	text := "Hollow: the baseline."
	if a.Paired {
		text += " Rings: seeds."
	}
	test := slices.IndexFunc(r.Arms, func(a compare.Arm) bool { return a.Tested })
	if test >= 0 {
		text += fmt.Sprintf(" p: %s", testWords(r))
		n := 0
		for _, a := range r.Arms {
			if a.Tested {
				n++
			}
		}
		if n > 1 {
			text += fmt.Sprintf(", Holm over %d arms", n)
		}
		text += "."
	}
	return nice(text + " A bar that crosses 0 leaves open which is better.")
}

// testWords names the test, as the methods do.
func testWords(r *compare.Report) string { return r.TestName() }

// cell is the text of a table's column in a row.
func cell(table []report.TableColumn, head string, row int) string {
	for _, c := range table {
		if c.Head == head && row < len(c.Cells) {
			return c.Cells[row]
		}
	}
	return ""
}

// without is a point's name without the words that its arm's name has.
func without(r *compare.Report, s compare.Point, arm string) string {
	l := compare.Label{Optimizer: s.Optimizer, Regularizer: s.Regularizer, LR: s.LR, Lambda: s.Lambda, NoLambda: !r.HasLambda(), Axes: s.Axes}
	words := strings.Fields(arm)
	if kinds := r.Distinct(func(s compare.Point) string { return s.Regularizer }); kinds == 1 || kinds == 2 && r.WithoutPenalty() {
		l.Regularizer = "" // λ says it
	}
	if slices.Contains(words, l.Optimizer) {
		l.Optimizer = ""
	}
	if slices.Contains(words, l.Regularizer) {
		l.Regularizer = ""
	}
	if l.Optimizer+l.Regularizer == "" && len(l.Axes) == 0 && l.LR != 0 && !l.NoLambda {
		return "lr " + stats.Number(l.LR) + " · λ " + stats.Number(l.Lambda)
	}
	return l.String()
}
