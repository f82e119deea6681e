package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// ReplayText writes a replay for a person: a row for each rule, the winner under it, and the limits of the curves.
func ReplayText(w io.Writer, p *compare.Replay) {
	fmt.Fprintf(w, "%s · %s replayed, nothing trained · monitor %s · %s\n\n", p.Sweep, compare.Counted(p.Trials, "trial"), p.Monitor, valueName(p.Stored))
	t := NewTable("rule", "stops", "epochs", "saved", "wall", "plugins", "before best", "worse by", "at most", "unknown")
	for _, r := range p.Rules {
		t.Row(r.Rule.String(), r.Stops, fmt.Sprintf("%d of %d", r.Epochs, r.Stored), fmt.Sprintf("%.1f %%", 100*r.Saved()), About(r.Wall), About(r.Plugin),
			r.BeforeBest, known(r.MeanLoss), known(r.MaxLoss), r.Unknown)
	}
	t.Write(w)
	fmt.Fprintf(w, "\nall epochs: %s\n", winner(p.Stored))
	for _, r := range p.Rules {
		if p.SameWinner(r) {
			fmt.Fprintf(w, "%s: the same point wins, with %s\n", r.Rule, winningValue(r.Report))
		} else {
			fmt.Fprintf(w, "%s: another point wins: %s\n", r.Rule, winner(r.Report))
		}
	}
	fmt.Fprint(w, "\nWall and plugins are added up over trials and estimated by their epochs; walls of trials that trained together overlap.\n"+
		"\"before best\" counts trials that are stopped before the best epoch of their curve; \"worse by\" is the mean, and \"at most\"\n"+
		"the largest, loss of a trial's value against its whole curve.\n")
	if p.LeftOut > 0 {
		fmt.Fprintf(w, "%s without a result or without these curves left out.\n", compare.Counted(p.LeftOut, "trial"))
	}
	switch n := len(p.Censored); {
	case n == 0:
	case n == 1:
		fmt.Fprintf(w, "The curve of run %d ends at epoch %d by the sweep's own rule", p.Censored[0].Run, p.Censored[0].Epochs)
	default:
		first, last := p.Censored[0].Epochs, p.Censored[0].Epochs
		for _, c := range p.Censored {
			first, last = min(first, c.Epochs), max(last, c.Epochs)
		}
		fmt.Fprintf(w, "%d of %d curves end early by the sweep's own rule, at epochs %d to %d", n, p.Trials, first, last)
	}
	if len(p.Censored) > 0 {
		fmt.Fprint(w, ": what more epochs would have\nbrought is unknown. \"unknown\" counts those at whose end a rule had not stopped yet.\n")
	}
}

// valueName names the compared value: "val_loss ↓ at its best epoch".
func valueName(r *compare.Report) string {
	return fmt.Sprintf("%s %s %s", r.Metric, r.Arrow(), r.When())
}

// winner is the best point with its value, of each problem.
func winner(r *compare.Report) string {
	if r.Across != nil {
		return ofEach(r, winner)
	}
	best, ok := r.Best()
	if !ok {
		return "no point has a value"
	}
	return fmt.Sprintf("%s, %s", r.Name(best), winningValue(r))
}

// ofEach joins what is said of each problem: "iris: …; wine: …".
func ofEach(r *compare.Report, say func(*compare.Report) string) string {
	var parts []string
	for _, sub := range r.Problems {
		parts = append(parts, sub.Problem+": "+say(sub))
	}
	return strings.Join(parts, "; ")
}

func winningValue(r *compare.Report) string {
	if r.Across != nil {
		return ofEach(r, winningValue)
	}
	best, ok := r.Best()
	if !ok {
		return "no value"
	}
	return r.Metric + " " + stats.Uncertain(best.Interval)
}

// About writes a duration in two or three digits.
func About(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func known(x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return stats.Number(x)
}

// ReplayJSON writes a replay. The form is versioned: "xrun_replay": 1 only ever gains fields.
func ReplayJSON(w io.Writer, p *compare.Replay) error {
	type winner struct {
		Optimizer   string     `json:"optimizer"`
		Regularizer string     `json:"regularizer"`
		LR          float64    `json:"lr"`
		Lambda      float64    `json:"lambda"`
		Mean        JSONNumber `json:"mean"`
		Half        JSONNumber `json:"ci95_half_width"`
	}
	wire := func(r *compare.Report) *winner {
		s, ok := r.Best()
		if !ok {
			return nil
		}
		return &winner{s.Optimizer, s.Regularizer, s.LR, s.Lambda, JSONNumber(s.Interval.Value), JSONNumber(s.Interval.Half())}
	}
	each := func(r *compare.Report) map[string]*winner { // of several problems
		if r.Across == nil {
			return nil
		}
		all := map[string]*winner{}
		for _, sub := range r.Problems {
			all[sub.Problem] = wire(sub)
		}
		return all
	}
	type censored struct {
		Run    int64  `json:"run_id"`
		Epochs int    `json:"epochs"`
		Reason string `json:"reason"`
	}
	type rule struct {
		Rule       string             `json:"rule"`
		Stops      int                `json:"stops"`
		Epochs     int                `json:"epochs"`
		Stored     int                `json:"epochs_stored"`
		Saved      JSONNumber         `json:"saved"`
		Wall       float64            `json:"wall_seconds"`
		Plugin     float64            `json:"plugin_seconds"`
		BeforeBest int                `json:"before_best"`
		MeanLoss   JSONNumber         `json:"worse_by_mean"`
		MaxLoss    JSONNumber         `json:"worse_by_max"`
		Unknown    int                `json:"unknown"`
		Winner     *winner            `json:"winner"`
		SameWinner bool               `json:"same_winner"`
		Winners    map[string]*winner `json:"winners,omitempty"` // by problem, of several
	}
	out := struct {
		Format   int                `json:"xrun_replay"`
		Sweep    string             `json:"sweep"`
		Metric   string             `json:"metric"`
		Goal     string             `json:"goal"`
		At       string             `json:"at"`
		Monitor  string             `json:"monitor"`
		Trials   int                `json:"trials"`
		LeftOut  int                `json:"left_out"`
		Censored []censored         `json:"censored"`
		Winner   *winner            `json:"winner"`
		Rules    []rule             `json:"rules"`
		Winners  map[string]*winner `json:"winners,omitempty"`
	}{1, p.Sweep, p.Metric, string(p.Goal), string(p.Compared()), p.Monitor, p.Trials, p.LeftOut, []censored{}, wire(p.Stored), []rule{}, each(p.Stored)}
	for _, c := range p.Censored {
		out.Censored = append(out.Censored, censored(c))
	}
	for _, r := range p.Rules {
		out.Rules = append(out.Rules, rule{r.Rule.String(), r.Stops, r.Epochs, r.Stored, JSONNumber(r.Saved()), r.Wall.Seconds(), r.Plugin.Seconds(),
			r.BeforeBest, JSONNumber(r.MeanLoss), JSONNumber(r.MaxLoss), r.Unknown, wire(r.Report), p.SameWinner(r), each(r.Report)})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}
