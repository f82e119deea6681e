package report

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// JSONNumber is a float64 that JSON can hold: NaN becomes null, infinities become text.
type JSONNumber float64

// MarshalJSON implements json.Marshaler.
func (n JSONNumber) MarshalJSON() ([]byte, error) {
	switch x := float64(n); {
	case math.IsNaN(x):
		return []byte("null"), nil
	case math.IsInf(x, 0):
		return json.Marshal(strconv.FormatFloat(x, 'g', -1, 64))
	default:
		return json.Marshal(x)
	}
}

type intervalJSON struct {
	Value JSONNumber `json:"mean"` // or the statistic of --stat
	Low   JSONNumber `json:"low"`
	High  JSONNumber `json:"high"`
	Half  JSONNumber `json:"ci95_half_width"`
	N     int        `json:"n"`
}

func wire(i stats.Interval) intervalJSON {
	return intervalJSON{JSONNumber(i.Value), JSONNumber(i.Low), JSONNumber(i.High), JSONNumber(i.Half()), i.N}
}

type seedJSON struct {
	Seed   int64      `json:"seed"`
	Run    int64      `json:"run_id"`
	Trial  runner.Key `json:"trial_key"`
	Status string     `json:"status"`
	Value  JSONNumber `json:"value"`
	Epoch  int        `json:"epoch"`
	Epochs int        `json:"epochs"`
	Wall   float64    `json:"wall_seconds"`
}

type pointJSON struct {
	Rank        int               `json:"rank"`
	Name        string            `json:"name"`
	Optimizer   string            `json:"optimizer"`
	Regularizer string            `json:"regularizer"`
	LR          float64           `json:"lr"`
	Lambda      float64           `json:"lambda"`
	Axes        map[string]string `json:"axes,omitempty"`
	Result      intervalJSON      `json:"result"`
	Versus      intervalJSON      `json:"paired_difference_to_best"`
	VersusBase  *intervalJSON     `json:"paired_difference_to_baseline,omitempty"`
	Columns     map[string]any    `json:"columns,omitempty"`
	Tied        bool              `json:"tied_with_best"`
	Complete    bool              `json:"complete"`
	Seeds       []seedJSON        `json:"seeds"`
}

type armJSON struct {
	Name       string                  `json:"name"`
	Points     []int                   `json:"points"` // ranks
	Chosen     int                     `json:"chosen"` // rank; 0 without a complete point
	Baseline   bool                    `json:"baseline"`
	Versus     *intervalJSON           `json:"paired_difference_to_baseline,omitempty"`
	Test       *testJSON               `json:"test,omitempty"`
	Trials     int                     `json:"trials"`
	Diverged   int                     `json:"diverged"`
	Basin      *basinJSON              `json:"lr_basin,omitempty"`
	OnTest     map[string]intervalJSON `json:"on_test_data,omitempty"`
	BestOf5    JSONNumber              `json:"expected_best_of_5"`
	Reached    *int                    `json:"reached_target,omitempty"`
	MedianTime *JSONNumber             `json:"median_epochs_to_target,omitempty"`
	ERT        *JSONNumber             `json:"expected_running_epochs,omitempty"`
}

type testJSON struct {
	Name      string     `json:"name"`
	Statistic JSONNumber `json:"statistic"`
	P         JSONNumber `json:"p"`
	Adjusted  JSONNumber `json:"p_holm"`
	Least     JSONNumber `json:"least_p"`
	Exact     bool       `json:"exact"`
	N         int        `json:"n"`
	Wins      JSONNumber `json:"wins"`                       // share of paired seeds
	Better    JSONNumber `json:"probability_of_improvement"` // of any seed over any
}

type basinJSON struct {
	Decades JSONNumber `json:"decades"`
	Low     JSONNumber `json:"low"`
	High    JSONNumber `json:"high"`
	Edge    bool       `json:"at_edge"`
}

// JSON writes a report with every seed's value. The form is versioned: "xrun_compare": 2 only
// ever gains fields.
func JSON(w io.Writer, of *compare.Report) error {
	r := printer{of}
	type shareJSON struct {
		Name  string     `json:"name"`
		Share JSONNumber `json:"share"`
	}
	out := struct {
		Format  int                   `json:"xrun_compare"`
		Sweep   string                `json:"sweep"`
		Metric  string                `json:"metric"`
		Goal    string                `json:"goal"`
		At      string                `json:"at"`
		Stat    string                `json:"stat"`
		Verdict string                `json:"verdict"`
		Notes   []string              `json:"notes"`
		Same    map[string]any        `json:"same_for_all"`
		Arms    []armJSON             `json:"arms"`
		Shares  []shareJSON           `json:"variance_shares"`
		Checks  []compare.CheckResult `json:"checks,omitempty"`
		Points  []pointJSON           `json:"points"`
	}{Format: 2, Sweep: r.Sweep, Metric: r.Metric, Goal: string(r.Goal), At: string(r.Compared()), Stat: string(cmp.Or(r.Stat, compare.StatMean)), Verdict: r.Verdict(),
		Notes: noteLines(r.Report), Same: map[string]any{}, Arms: []armJSON{}, Shares: []shareJSON{}, Checks: r.Checks, Points: []pointJSON{}}
	for _, s := range r.Same {
		out.Same[s.Path] = s.Value.String()
	}
	for i, a := range r.Arms {
		out.Arms = append(out.Arms, r.armJSON(a))
		for _, t := range r.OnTest {
			if out.Arms[i].OnTest == nil {
				out.Arms[i].OnTest = map[string]intervalJSON{}
			}
			out.Arms[i].OnTest[t.Metric] = wire(t.Arms[i])
		}
	}
	for _, s := range r.Shares {
		out.Shares = append(out.Shares, shareJSON{s.Name, JSONNumber(s.Share)})
	}
	for i := range r.Points {
		out.Points = append(out.Points, r.pointJSON(i))
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

func (r printer) pointJSON(i int) pointJSON {
	s := &r.Points[i]
	row := pointJSON{Rank: i + 1, Name: r.Name(*s), Optimizer: s.Optimizer, Regularizer: s.Regularizer, LR: s.LR, Lambda: s.Lambda,
		Axes: map[string]string{}, Result: wire(s.Interval), Versus: wire(s.Versus), Tied: s.Tied, Complete: s.Complete, Columns: map[string]any{}}
	if r.Base >= 0 {
		versus := wire(s.VersusBase)
		row.VersusBase = &versus
	}
	for _, axis := range s.Axes {
		row.Axes[axis.Path] = axis.Value.String()
	}
	for _, c := range r.Columns {
		if v := c.Cells[i]; v.IsText {
			row.Columns[c.Name] = v.Text
		} else {
			row.Columns[c.Name] = wire(v.Interval)
		}
	}
	for _, v := range s.Seeds {
		row.Seeds = append(row.Seeds, seedJSON{v.Seed, v.Run, v.Trial, string(v.Status), JSONNumber(v.Value), v.Epoch, v.Epochs, v.Wall.Seconds()})
	}
	return row
}

func (r printer) armJSON(a compare.Arm) armJSON {
	out := armJSON{Name: a.Name, Chosen: a.Chosen + 1, Baseline: a.Baseline, Trials: a.Trials, Diverged: a.Diverged, BestOf5: JSONNumber(r.BestOf(a, 5))}
	for _, s := range a.Points {
		out.Points = append(out.Points, s+1)
	}
	if a.Tested {
		versus := wire(a.Versus)
		out.Versus = &versus
		out.Test = &testJSON{Name: string(cmp.Or(r.Test, compare.TestPermutation)), Statistic: JSONNumber(a.Test.Statistic), P: JSONNumber(a.Test.P), Adjusted: JSONNumber(a.P),
			Least: JSONNumber(a.Test.Least), Exact: a.Test.Exact, N: a.Test.N, Wins: JSONNumber(a.Wins), Better: JSONNumber(a.Better)}
	}
	if !math.IsNaN(a.Basin.Decades) {
		out.Basin = &basinJSON{JSONNumber(a.Basin.Decades), JSONNumber(a.Basin.Low), JSONNumber(a.Basin.High), a.Basin.Edge}
	}
	if r.HasTarget && a.Chosen >= 0 {
		hits := r.Hits(r.Points[a.Chosen])
		n, median, ert := compare.Reached(hits), JSONNumber(stats.MedianTime(hits)), JSONNumber(stats.ERT(hits))
		out.Reached, out.MedianTime, out.ERT = &n, &median, &ert
	}
	return out
}

// CSV writes one row for each point.
func CSV(w io.Writer, r *compare.Report) error {
	out := csv.NewWriter(w)
	f := func(x float64) string {
		if math.IsNaN(x) {
			return ""
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	axes := r.FurtherAxes()
	head := append([]string{"rank", "optimizer", "regularizer", "lr", "lambda", "metric", "mean", "ci95_half_width", "difference_to_best", "difference_ci95_half_width", "seeds", "epochs", "tied_with_best", "complete"}, axes...)
	head = append(head, "low", "high", "difference_to_baseline", "difference_to_baseline_low", "difference_to_baseline_high", "p_holm")
	for _, c := range r.Columns {
		head = append(head, cellText(c.Name))
	}
	out.Write(head)
	for i, s := range r.Points {
		row := []string{strconv.Itoa(i + 1), cellText(s.Optimizer), cellText(s.Regularizer), f(s.LR), f(s.Lambda), r.Metric, f(s.Interval.Value), f(s.Interval.Half()), f(s.Versus.Value), f(s.Versus.Half()),
			strconv.Itoa(s.Interval.N), f(s.Epochs()), strconv.FormatBool(s.Tied), strconv.FormatBool(s.Complete)}
		for _, axis := range axes {
			row = append(row, cellText(s.Axis(axis)))
		}
		p, versus := "", []string{"", "", ""}
		if r.Base >= 0 {
			versus = []string{f(s.VersusBase.Value), f(s.VersusBase.Low), f(s.VersusBase.High)}
		}
		if a, ok := r.ArmOf(i); ok && a.Tested {
			p = f(a.P)
		}
		row = append(append(append(row, f(s.Interval.Low), f(s.Interval.High)), versus...), p)
		for _, c := range r.Columns {
			if v := c.Cells[i]; v.IsText {
				row = append(row, cellText(v.Text))
			} else {
				row = append(row, f(v.Interval.Value))
			}
		}
		out.Write(row)
	}
	out.Flush()
	return out.Error()
}

// cellText keeps a spreadsheet from taking a name for a formula.
func cellText(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@') {
		return "'" + s
	}
	return s
}
