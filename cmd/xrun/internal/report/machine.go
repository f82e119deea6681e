package report

import (
	"cmp"
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
	differencesJSON
	Columns  map[string]any `json:"columns,omitempty"`
	Tied     bool           `json:"tied_with_best"`
	Complete bool           `json:"complete"`
	Unstable bool           `json:"unstable"`           // seeds differ far more than those of other points let expect
	Astray   int            `json:"astray"`             // of them, far from its others
	GivenUp  *givenUpJSON   `json:"given_up,omitempty"` // it got no further seeds
	Seeds    []seedJSON     `json:"seeds"`
}

type armJSON struct {
	Name     string `json:"name"`
	Points   []int  `json:"points"` // ranks
	Chosen   int    `json:"chosen"` // rank; 0 without a complete point
	Baseline bool   `json:"baseline"`
	differencesJSON
	Test       *testJSON               `json:"test,omitempty"`
	Outcome    compare.Outcome         `json:"outcome,omitempty"` // against the baseline
	Decision   *decisionJSON           `json:"decision,omitempty"`
	Trials     int                     `json:"trials"`
	Diverged   int                     `json:"diverged"`
	Basin      *basinJSON              `json:"lr_basin,omitempty"`
	OnTest     map[string]intervalJSON `json:"on_test_data,omitempty"`
	BestOf5    JSONNumber              `json:"expected_best_of_5"`
	Reached    *int                    `json:"reached_target,omitempty"`
	MedianTime *JSONNumber             `json:"median_epochs_to_target,omitempty"`
	ERT        *JSONNumber             `json:"expected_running_epochs,omitempty"`
}

// differencesJSON are differences of a point. They have the names with paired only if they are paired by seed.
type differencesJSON struct {
	ToBest       *intervalJSON `json:"difference_to_best,omitempty"`
	ToBase       *intervalJSON `json:"difference_to_baseline,omitempty"`
	PairedToBest *intervalJSON `json:"paired_difference_to_best,omitempty"`
	PairedToBase *intervalJSON `json:"paired_difference_to_baseline,omitempty"`
}

func (r printer) toBest(d *differencesJSON, i stats.Interval) {
	of := wire(i)
	if d.ToBest = &of; r.Paired() {
		d.PairedToBest = &of
	}
}

func (r printer) toBase(d *differencesJSON, i stats.Interval) {
	of := wire(i)
	if d.ToBase = &of; r.Paired() {
		d.PairedToBase = &of
	}
}

type testJSON struct {
	Name      string      `json:"name"`
	Statistic JSONNumber  `json:"statistic"`
	Paired    bool        `json:"paired"` // by seed
	P         JSONNumber  `json:"p"`
	Adjusted  JSONNumber  `json:"p_holm"`
	Least     JSONNumber  `json:"least_p"`
	Exact     bool        `json:"exact"`
	N         int         `json:"n"`
	Scale     string      `json:"scale"`                      // ratio, logit or difference: how values are told apart by the moderated test
	DF        *JSONNumber `json:"df,omitempty"`               // of the moderated test
	PriorDF   *JSONNumber `json:"prior_df,omitempty"`         // of them, from the other points; +Inf where all have one variance
	Wins      JSONNumber  `json:"wins"`                       // share of the seeds that both have
	Better    JSONNumber  `json:"probability_of_improvement"` // of any seed over any
}

// expectedJSON is the mean that the best point is expected to have over fresh seeds. In 95 % of cases it lies from low to high.
type expectedJSON struct {
	Seeds int        `json:"seeds"`
	Value JSONNumber `json:"value"`
	Low   JSONNumber `json:"low"`
	High  JSONNumber `json:"high"`
	Luck  JSONNumber `json:"luck"` // by how much its mean over the seeds that were seen is better
}

func (r printer) expectedJSON() *expectedJSON {
	e, ok := r.Expected(compare.FreshSeeds)
	if !ok {
		return nil
	}
	return &expectedJSON{Seeds: e.Seeds, Value: JSONNumber(e.Value), Low: JSONNumber(e.Low), High: JSONNumber(e.High), Luck: JSONNumber(e.Luck)}
}

type basinJSON struct {
	Decades JSONNumber `json:"decades"`
	Low     JSONNumber `json:"low"`
	High    JSONNumber `json:"high"`
	Edge    bool       `json:"at_edge"`
	Below   JSONNumber `json:"below"` // the step that it is narrower than; null if it is measured
	Slack   JSONNumber `json:"slack"` // how much worse a value in it may be than the arm's best
}

// JSON writes a report with every seed's value, and with runs the single runs in place of the points. The form is versioned:
// "xrun_compare": 2 only ever gains fields. Of several problems each has a report of its own.
func JSON(w io.Writer, of *compare.Report, runs bool) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(printer{of}.json(runs, len(of.Points)))
}

// JSONFirst writes a report with the first points only, of each problem if there are several.
func JSONFirst(w io.Writer, of *compare.Report, points int) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(printer{of}.json(false, points))
}

// JSONSummary writes a report without its points, but with their number, as points_of, and with what else a page needs, as
// ui. Of several problems each has a report of its own, without points too.
func JSONSummary(w io.Writer, of *compare.Report, ui any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	out := printer{of}.json(false, noPoints)
	all := len(of.Points)
	out.Of, out.UI = &all, ui
	for i := range out.Problems {
		n := len(of.Problems[i].Points)
		out.Problems[i].Of = &n
	}
	return e.Encode(out)
}

// noPoints leaves out the points of single problems, too.
const noPoints = -1

// Seed is the result of a seed as data, for JSON.
func Seed(v compare.SeedResult) any { return seedOf(v) }

// Interval is a value with its interval as data, for JSON.
func Interval(i stats.Interval) any { return wire(i) }

type shareJSON struct {
	Name  string     `json:"name"`
	Share JSONNumber `json:"share"`
}

type reportJSON struct {
	Format   int                   `json:"xrun_compare"`
	Sweep    string                `json:"sweep"`
	Problem  string                `json:"problem,omitempty"` // of several
	Metric   string                `json:"metric"`
	Goal     string                `json:"goal"`
	At       string                `json:"at"`
	ChosenBy string                `json:"chosen_by"` // the metric by which points are chosen
	Stat     string                `json:"stat"`
	Verdict  string                `json:"verdict"`
	Decision *decisionJSON         `json:"decision,omitempty"` // the verdict as data
	Expected *expectedJSON         `json:"expected,omitempty"` // of the best point under fresh seeds
	Notes    []string              `json:"notes"`
	Same     map[string]any        `json:"same_for_all"`
	Across   *acrossJSON           `json:"across,omitempty"`   // the arms over several problems
	Problems []reportJSON          `json:"problems,omitempty"` // a report for each; arms and points are empty then
	Arms     []armJSON             `json:"arms"`
	Shares   []shareJSON           `json:"variance_shares"`
	Noise    *noiseJSON            `json:"noise,omitempty"` // what all points show about it; none if the test is not moderated
	Checks   []compare.CheckResult `json:"checks,omitempty"`
	Stages   *stagesJSON           `json:"stages,omitempty"`    // in which seeds were added
	Constant *constantJSON         `json:"constant,omitempty"`  // a predictor that knows no input
	Of       *int                  `json:"points_of,omitempty"` // how many there are, where they are left out
	Points   []pointJSON           `json:"points"`
	Runs     []runJSON             `json:"runs,omitempty"`
	UI       any                   `json:"ui,omitempty"` // what a page needs beside
}

// noiseJSON is what the points show together about the noise of their differences to the best.
type noiseJSON struct {
	Scale       string     `json:"scale"`          // how values are told apart
	Shift       float64    `json:"shift"`          // added to values before logarithms are taken
	PriorDF     JSONNumber `json:"prior_df"`       // of what the others let expect
	Trend       bool       `json:"trend"`          // it depends on the mean
	Chance      JSONNumber `json:"chance_best"`    // of the first to be truly the best
	DF          JSONNumber `json:"df"`             // of distances in standard errors
	Contenders  []nearJSON `json:"tied_with_best"` // in order
	FirstBehind *nearJSON  `json:"next,omitempty"` // the likeliest that is told from the best
}

// nearJSON is a point and the noise of its difference to the best.
type nearJSON struct {
	Rank     int        `json:"rank"`
	Chance   JSONNumber `json:"chance_best"` // to be truly the best
	Behind   JSONNumber `json:"standard_errors_behind"`
	Own      JSONNumber `json:"own_deviation"` // of the differences of single seeds, on the scale
	Expected JSONNumber `json:"expected_deviation"`
	DF       JSONNumber `json:"df"`
	Copy     bool       `json:"copy_of_best"`
}

func (r printer) noiseJSON() *noiseJSON {
	c, ok := r.Contention()
	if !ok {
		return nil
	}
	near := func(m compare.Contender) nearJSON {
		return nearJSON{m.Point + 1, JSONNumber(m.Chance), JSONNumber(m.Behind), JSONNumber(m.Own), JSONNumber(m.Expected), JSONNumber(m.DF), m.Copy}
	}
	out := &noiseJSON{Scale: string(r.DifferBy()), Shift: r.Shift(), PriorDF: JSONNumber(c.PriorDF), Trend: c.Trend, Chance: JSONNumber(c.Chance), DF: JSONNumber(c.DF), Contenders: []nearJSON{}}
	for _, m := range c.Members {
		out.Contenders = append(out.Contenders, near(m))
	}
	if c.Next != nil {
		next := near(*c.Next)
		out.FirstBehind = &next
	}
	return out
}

// stagesJSON say how seeds were added in stages.
type stagesJSON struct {
	Until string  `json:"until"`
	Seeds []int   `json:"seeds"` // of the points that went on, after each finished stage
	Level float64 `json:"level"` // of differences at the last look; all looks together have 0.05
	Over  string  `json:"over,omitempty"`
	Doing string  `json:"stage,omitempty"` // under way or to begin
	Open  int     `json:"open_trials"`     // of it
}

type givenUpJSON struct {
	Stage int    `json:"stage"`
	Seeds int    `json:"seeds"`
	Why   string `json:"why"`
}

func (r printer) stagesJSON() *stagesJSON {
	s := r.Stages
	if s == nil {
		return nil
	}
	return &stagesJSON{Until: s.Until, Seeds: append([]int{}, s.Seeds...), Level: r.Alpha, Over: s.Over, Doing: s.Doing, Open: s.Open}
}

// constantJSON is what a predictor scores that says the same for every row, on the rows of the best point's runs.
type constantJSON struct {
	Predicts string                `json:"predicts"`
	Value    JSONNumber            `json:"mean"`   // of the compared metric, over the seeds
	Better   intervalJSON          `json:"better"` // by how much the best point is, paired by seed
	OnTest   map[string]JSONNumber `json:"on_test_data,omitempty"`
}

func (r printer) constantJSON() *constantJSON {
	c, ok := r.Constant()
	if !ok {
		return nil
	}
	out := &constantJSON{Predicts: c.Says, Value: JSONNumber(c.Value), Better: wire(c.Better)}
	for _, t := range c.OnTest {
		if out.OnTest == nil {
			out.OnTest = map[string]JSONNumber{}
		}
		out.OnTest[t.Metric] = JSONNumber(t.Value)
	}
	return out
}

func (r printer) json(runs bool, points int) reportJSON {
	out := reportJSON{Format: 2, Sweep: r.Sweep, Problem: r.Problem, Metric: r.Metric, Goal: string(r.Goal), At: string(r.Compared()), ChosenBy: r.ChosenBy(),
		Stat: string(cmp.Or(r.Stat, compare.StatMean)), Verdict: r.Verdict(), Decision: r.decisionJSON(r.Decision()), Expected: r.expectedJSON(),
		Notes: noteLines(r.Report), Same: map[string]any{}, Arms: []armJSON{}, Shares: []shareJSON{}, Checks: r.Checks, Stages: r.stagesJSON(), Points: []pointJSON{}}
	for _, s := range r.Same {
		out.Same[s.Path] = s.Value.String()
	}
	if r.Across != nil {
		out.Across = r.acrossJSON()
		for _, sub := range r.Problems {
			out.Problems = append(out.Problems, printer{sub}.json(runs, min(points, len(sub.Points))))
		}
		return out
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
	out.Noise, out.Constant = r.noiseJSON(), r.constantJSON()
	for _, s := range r.Shares {
		out.Shares = append(out.Shares, shareJSON{s.Name, JSONNumber(s.Share)})
	}
	for i := range max(points, 0) {
		if runs {
			out.Runs = append(out.Runs, r.runsJSON(i)...)
		} else {
			out.Points = append(out.Points, r.pointJSON(i))
		}
	}
	return out
}

// A runJSON is a run with the settings of its point.
type runJSON struct {
	seedJSON
	Rank        int               `json:"rank"` // of its point
	Optimizer   string            `json:"optimizer"`
	Regularizer string            `json:"regularizer"`
	LR          float64           `json:"lr"`
	Lambda      float64           `json:"lambda"`
	Axes        map[string]string `json:"axes,omitempty"`
}

func (r printer) runsJSON(i int) (all []runJSON) {
	s := &r.Points[i]
	if !r.listed(i) {
		return nil
	}
	for _, seed := range s.Seeds {
		if r.ShowRun != nil && !r.ShowRun(seed) {
			continue
		}
		run := runJSON{seedJSON: seedOf(seed), Rank: i + 1, Optimizer: s.Optimizer, Regularizer: s.Regularizer, LR: s.LR, Lambda: s.Lambda, Axes: map[string]string{}}
		for _, axis := range s.Axes {
			run.Axes[axis.Path] = axis.Value.String()
		}
		all = append(all, run)
	}
	return all
}

// listed reports whether a point is one of those that are shown.
func (r printer) listed(point int) bool {
	if r.Choice == nil {
		return true
	}
	_, chosen := r.ArmOf(point)
	return chosen
}

func seedOf(v compare.SeedResult) seedJSON {
	return seedJSON{v.Seed, v.Run, v.Trial, string(v.Status), JSONNumber(v.Recorded), v.Epoch, v.Epochs, v.Wall.Seconds()}
}

func (r printer) pointJSON(i int) pointJSON {
	s := &r.Points[i]
	row := pointJSON{Rank: i + 1, Name: r.Name(*s), Optimizer: s.Optimizer, Regularizer: s.Regularizer, LR: s.LR, Lambda: s.Lambda,
		Axes: map[string]string{}, Result: wire(s.Interval), Tied: s.Tied, Complete: s.Complete, Unstable: s.Unstable, Astray: s.Astray, Columns: map[string]any{}}
	r.toBest(&row.differencesJSON, s.Versus)
	if r.Base >= 0 {
		r.toBase(&row.differencesJSON, s.VersusBase)
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
	if g, ok := r.GivenUp(s); ok {
		row.GivenUp = &givenUpJSON{g.Stage, g.Seeds, g.Why}
	}
	for _, v := range s.Seeds {
		row.Seeds = append(row.Seeds, seedOf(v))
	}
	return row
}

func (r printer) armJSON(a compare.Arm) armJSON {
	out := armJSON{Name: a.Name, Chosen: a.Chosen + 1, Baseline: a.Baseline, Trials: a.Trials, Diverged: a.Diverged, BestOf5: JSONNumber(r.BestOf(a, 5))}
	for _, s := range a.Points {
		out.Points = append(out.Points, s+1)
	}
	if a.Tested {
		r.toBase(&out.differencesJSON, a.Versus)
		out.Test = &testJSON{Name: string(cmp.Or(r.Test, compare.TestPermutation)), Statistic: JSONNumber(a.Test.Statistic), Paired: r.Paired(), P: JSONNumber(a.Test.P), Adjusted: JSONNumber(a.P),
			Least: JSONNumber(a.Test.Least), Exact: a.Test.Exact, N: a.Test.N, Wins: JSONNumber(a.Wins), Better: JSONNumber(a.Better)}
		out.Test.Scale = string(compare.DifferPlain)
		if df, prior, ok := r.DegreesOf(a); ok {
			all, others := JSONNumber(df), JSONNumber(prior)
			out.Test.Scale, out.Test.DF, out.Test.PriorDF = string(r.DifferBy()), &all, &others
		}
	}
	out.Outcome, out.Decision = a.Outcome, r.decisionJSON(r.DecisionOf(a))
	if !math.IsNaN(a.Basin.Decades) {
		below := math.NaN()
		if a.Basin.Below {
			below = a.Basin.Step
		}
		out.Basin = &basinJSON{JSONNumber(a.Basin.Decades), JSONNumber(a.Basin.Low), JSONNumber(a.Basin.High), a.Basin.Edge, JSONNumber(below), JSONNumber(r.Slack)}
	}
	if r.HasTarget && a.Chosen >= 0 {
		hits := r.Hits(r.Points[a.Chosen])
		n, median, ert := compare.Reached(hits), JSONNumber(stats.MedianTime(hits)), JSONNumber(stats.ERT(hits))
		out.Reached, out.MedianTime, out.ERT = &n, &median, &ert
	}
	return out
}
