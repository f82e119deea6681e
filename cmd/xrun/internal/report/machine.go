package report

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"

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

// JSON writes the report with every seed's value. The form is versioned: "xrun_compare": 1 only
// ever gains fields.
func (r *Report) JSON(w io.Writer) error {
	type interval struct {
		Mean JSONNumber `json:"mean"`
		Half JSONNumber `json:"ci95_half_width"`
		N    int        `json:"n"`
	}
	wire := func(i stats.Interval) interval { return interval{JSONNumber(i.Value), JSONNumber(i.Half()), i.N} }
	type seed struct {
		Seed   int64      `json:"seed"`
		Run    int64      `json:"run_id"`
		Status string     `json:"status"`
		Value  JSONNumber `json:"value"`
		Epoch  int        `json:"epoch"`
		Epochs int        `json:"epochs"`
	}
	type setting struct {
		Rank        int               `json:"rank"`
		Optimizer   string            `json:"optimizer"`
		Regularizer string            `json:"regularizer"`
		LR          float64           `json:"lr"`
		Lambda      float64           `json:"lambda"`
		Axes        map[string]string `json:"axes,omitempty"`
		Result      interval          `json:"result"`
		Versus      interval          `json:"paired_difference_to_best"`
		Tied        bool              `json:"tied_with_best"`
		Complete    bool              `json:"complete"`
		Seeds       []seed            `json:"seeds"`
	}
	out := struct {
		Format   int            `json:"xrun_compare"`
		Sweep    string         `json:"sweep"`
		Metric   string         `json:"metric"`
		Goal     string         `json:"goal"`
		At       string         `json:"at"`
		Verdict  string         `json:"verdict"`
		Same     map[string]any `json:"same_for_all"`
		Settings []setting      `json:"settings"`
	}{Format: 1, Sweep: r.Sweep, Metric: r.Metric, Goal: string(r.Goal), At: r.At, Verdict: r.Verdict(), Same: map[string]any{}}
	for _, s := range r.Same {
		out.Same[s.Path] = s.Value.String()
	}
	for i, s := range r.Settings {
		row := setting{Rank: i + 1, Optimizer: s.Optimizer, Regularizer: s.Regularizer, LR: s.LR, Lambda: s.Lambda,
			Axes: map[string]string{}, Result: wire(s.Interval), Versus: wire(s.Versus), Tied: s.Tied, Complete: s.Complete}
		for _, axis := range s.Axes {
			row.Axes[axis.Path] = axis.Value.String()
		}
		for _, v := range s.Seeds {
			row.Seeds = append(row.Seeds, seed{v.Seed, v.Run, string(v.Status), JSONNumber(v.Value), v.Epoch, v.Epochs})
		}
		out.Settings = append(out.Settings, row)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// CSV writes one row for each setting.
func (r *Report) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	f := func(x float64) string {
		if math.IsNaN(x) {
			return ""
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	axes := r.axes()
	out.Write(append([]string{"rank", "optimizer", "regularizer", "lr", "lambda", "metric", "mean", "ci95_half_width", "difference_to_best", "difference_ci95_half_width", "seeds", "epochs", "tied_with_best", "complete"}, axes...))
	for i, s := range r.Settings {
		row := []string{strconv.Itoa(i + 1), cellText(s.Optimizer), cellText(s.Regularizer), f(s.LR), f(s.Lambda), r.Metric, f(s.Interval.Value), f(s.Interval.Half()), f(s.Versus.Value), f(s.Versus.Half()),
			strconv.Itoa(s.Interval.N), f(s.Epochs()), strconv.FormatBool(s.Tied), strconv.FormatBool(s.Complete)}
		for _, axis := range axes {
			row = append(row, cellText(s.axis(axis)))
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
