package trackers

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store/imported"
	"github.com/xrun-dev/xrun/store/journal"
)

var _ = add(Tracker{
	Name: "optuna", Title: "Optuna", From: "FILE",
	About: `FILE is the SQLite file or the journal file of a storage. Each study becomes a sweep, which is compared by what the objective returned: under
the names of set_metric_names, else value, or value_0, value_1 … What trials report on the way is the metric intermediate. Pruned and failed
trials stay so; trials that only wait are not taken.`,
	Open: openOptuna,
})

const optunaTitle = "Optuna"

// reported is the metric of what a trial reports on its way.
const reported = "intermediate"

// openOptuna opens a storage in SQLite or in a journal.
func openOptuna(ctx context.Context, from string, _ Options) (Source, error) {
	if strings.Contains(from, "://") && !strings.HasPrefix(from, "sqlite:///") {
		return nil, advice.Usage(fmt.Errorf("xrun reads the files of Optuna, not %s", from), `optuna.copy_study copies a study to "sqlite:///study.db"`)
	}
	path := strings.TrimPrefix(from, "sqlite:///")
	start := make([]byte, 1)
	f, err := os.Open(path)
	if err != nil {
		return nil, cannotOpen(err)
	}
	n, _ := f.Read(start)
	f.Close()
	if n == 1 && start[0] == '{' {
		return openOptunaJournal(ctx, path)
	}
	db, err := openSQLite(ctx, path, optunaTitle, "studies", "trials", "trial_params", "trial_values", "trial_intermediate_values", "study_directions")
	if err != nil {
		return nil, err
	}
	return &optunaDB{database: db, distributions: map[string]*distribution{}}, nil
}

// optunaDB is a storage in SQLite.
type optunaDB struct {
	*database
	distributions map[string]*distribution // by their text
}

// Experiments implements Source.
func (o *optunaDB) Experiments(ctx context.Context) (all []Experiment, err error) {
	const (
		studies    = `SELECT study_id, study_name FROM studies ORDER BY study_id`
		directions = `SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective`
		first      = `SELECT coalesce((SELECT coalesce(datetime_start, '') FROM trials WHERE study_id = ? ORDER BY trial_id LIMIT 1), '')`
		waiting    = `SELECT count(*) FROM trials WHERE study_id = ? AND state = 'WAITING'`
	)
	type study struct {
		id   int64
		name string
	}
	var studied []study
	if err := o.each(ctx, "studies", studies, nil, func(scan func(...any) error) error {
		studied = append(studied, study{})
		s := &studied[len(studied)-1]
		return scan(&s.id, &s.name)
	}); err != nil {
		return nil, err
	}
	for _, s := range studied {
		id := []any{s.id}
		var goals []string
		if err := o.each(ctx, "study_directions", directions, id, func(scan func(...any) error) error {
			goals = append(goals, "")
			return scan(&goals[len(goals)-1])
		}); err != nil {
			return nil, err
		}
		given, err := o.names(ctx, s.id)
		if err != nil {
			return nil, err
		}
		var began string
		var left int
		if err := o.one(ctx, "trials", first, id, &began); err != nil {
			return nil, err
		}
		if err := o.one(ctx, "trials", waiting, id, &left); err != nil {
			return nil, err
		}
		e := optunaStudy(strconv.FormatInt(s.id, 10), s.name, began, objectives(given, len(goals)), goals)
		e.Left = []Left{{"waiting trials", left}}
		all = append(all, e)
	}
	return all, nil
}

// optunaStudy is the experiment of a study.
func optunaStudy(id, name, began string, metrics, directions []string) Experiment {
	e := Experiment{ID: id, Name: Shown(name), Identity: fmt.Sprintf("%q %s", name, began), At: runner.AtLast}
	if len(metrics) > 0 {
		e.Metric = metrics[0]
		if e.Goal = stop.Min; directions[0] == "MAXIMIZE" {
			e.Goal = stop.Max
		}
	}
	return e
}

// objectives are the names of n objectives.
func objectives(given []string, n int) (names []string) {
	if len(given) == n {
		for _, name := range given {
			names = append(names, Shown(name))
		}
		return names
	}
	if n == 1 {
		return []string{"value"}
	}
	for i := range n {
		names = append(names, fmt.Sprintf("value_%d", i))
	}
	return names
}

// optunaStates are the statuses of trials.
var optunaStates = map[string]runner.Status{"COMPLETE": runner.StatusFinished, "PRUNED": runner.StatusPruned, "FAIL": runner.StatusFailed, "RUNNING": runner.StatusRunning}

// names are those that set_metric_names gave the objectives of a study.
func (o *optunaDB) names(ctx context.Context, study any) (given []string, err error) {
	const query = `SELECT value_json FROM study_system_attributes WHERE study_id = ? AND key = 'study:metric_names'`
	err = o.each(ctx, "study_system_attributes", query, []any{study}, func(scan func(...any) error) error {
		var text string
		err := scan(&text)
		_ = json.Unmarshal([]byte(text), &given) // without names there are numbers
		return err
	})
	return given, err
}

// metrics are the names of a study's objectives.
func (o *optunaDB) metrics(ctx context.Context, of Experiment) (names []string, err error) {
	given, err := o.names(ctx, of.ID)
	if err != nil {
		return nil, err
	}
	var n int
	err = o.one(ctx, "study_directions", `SELECT count(*) FROM study_directions WHERE study_id = ?`, []any{of.ID}, &n)
	return objectives(given, n), err
}

// Runs implements Source.
func (o *optunaDB) Runs(ctx context.Context, of Experiment, each func(*Run) error) error {
	const query = `SELECT t.trial_id, t.number, t.state, coalesce(t.datetime_start, ''), coalesce(t.datetime_complete, ''), p.param_name, p.param_value, p.distribution_json
		FROM trials t LEFT JOIN trial_params p ON p.trial_id = t.trial_id WHERE t.study_id = ? AND t.state <> 'WAITING' ORDER BY t.trial_id, p.param_id`
	metrics, err := o.metrics(ctx, of)
	if err != nil {
		return err
	}
	metrics = append(metrics, reported)
	var run *Run
	err = o.each(ctx, "trials", query, []any{of.ID}, func(scan func(...any) error) error {
		var id int64
		var number *int64
		var state, start, end string
		var param, dist *string
		var value any
		if err := scan(&id, &number, &state, &start, &end, &param, &value, &dist); err != nil {
			return err
		}
		if run == nil || run.at != id {
			if run != nil {
				if err := each(run); err != nil {
					return err
				}
			}
			run = &Run{ID: strconv.FormatInt(id, 10), Status: optunaStates[state], Start: optunaTime(start), End: optunaTime(end), Metrics: metrics, at: id}
			if number != nil {
				run.ID = strconv.FormatInt(*number, 10)
			}
			run.Key = run.ID + " " + start
			if run.Status == "" {
				return damaged(o.path, "trials", fmt.Errorf("trial %s is %q, which is no state", run.ID, state))
			}
		}
		if param == nil {
			return nil
		}
		x := real(value)
		d, ok := o.distributions[text(dist)]
		if !ok {
			d, _ = readDistribution([]byte(text(dist)))
			o.distributions[text(dist)] = d
		}
		if v, ok := d.value(x); ok {
			run.Settings = append(run.Settings, runner.Setting{Path: Shown(*param), Value: v})
		}
		return nil
	})
	if err == nil && run != nil {
		err = each(run)
	}
	return err
}

// Values implements Source.
func (o *optunaDB) Values(ctx context.Context, of Experiment, run *Run) (map[string][]imported.Logged, error) {
	const (
		steps = `SELECT step, intermediate_value, intermediate_value_type FROM trial_intermediate_values WHERE trial_id = ? ORDER BY step`
		final = `SELECT objective, value, value_type FROM trial_values WHERE trial_id = ? ORDER BY objective`
	)
	values := map[string][]imported.Logged{}
	read := func(name string, scan func(...any) error) (n int64, x float64, err error) {
		var v any
		var kind string
		if err := scan(&n, &v, &kind); err != nil {
			return 0, 0, err
		}
		x = real(v)
		switch kind {
		case "INF_POS":
			x = math.Inf(1)
		case "INF_NEG":
			x = math.Inf(-1)
		case "NAN":
			x = math.NaN()
		}
		return n, x, nil
	}
	var last int64
	if err := o.each(ctx, "trial_intermediate_values", steps, []any{run.at}, func(scan func(...any) error) error {
		step, x, err := read(reported, scan)
		last = max(last, step)
		values[reported] = append(values[reported], imported.Logged{Step: step, Value: x})
		return err
	}); err != nil {
		return nil, err
	}
	err := o.each(ctx, "trial_values", final, []any{run.at}, func(scan func(...any) error) error {
		n, x, err := read("", scan)
		if err == nil && n >= 0 && n < int64(len(run.Metrics)-1) {
			values[run.Metrics[n]] = []imported.Logged{{Step: last, Value: x}}
		}
		return err
	})
	return values, err
}

// Space implements Searched. Of a parameter with several distributions the last one counts.
func (o *optunaDB) Space(ctx context.Context, of Experiment) ([]Axis, error) {
	const query = `SELECT p.param_name, p.distribution_json, count(*) FROM trial_params p JOIN trials t ON t.trial_id = p.trial_id WHERE t.study_id = ?
		GROUP BY p.param_name, p.distribution_json ORDER BY max(p.param_id)`
	s := space{}
	err := o.each(ctx, "trial_params", query, []any{of.ID}, func(scan func(...any) error) error {
		var name, text string
		var n int
		if err := scan(&name, &text, &n); err != nil {
			return err
		}
		if d, _ := readDistribution([]byte(text)); d != nil {
			s.add(name, d)
		}
		return nil
	})
	return s.axes, err
}

// Space implements Searched, likewise.
func (o *optunaJournal) Space(_ context.Context, of Experiment) ([]Axis, error) {
	s := space{}
	for _, t := range o.trials {
		for name, d := range t.drawn {
			if strconv.Itoa(t.study) == of.ID && d != nil {
				s.add(name, d)
			}
		}
	}
	slices.SortFunc(s.axes, func(a, b Axis) int { return strings.Compare(a.Name, b.Name) })
	return s.axes, nil
}

// A space is the axes of a study.
type space struct{ axes []Axis }

func (s *space) add(name string, d *distribution) {
	a := d.axis(Shown(name))
	i := slices.IndexFunc(s.axes, func(old Axis) bool { return old.Name == a.Name })
	if i < 0 {
		s.axes = append(s.axes, a)
		return
	}
	if old := s.axes[i]; old.Low != a.Low || old.High != a.High || !slices.Equal(old.Values, a.Values) {
		a.Says = "drawn from several distributions there; this is the last one"
	}
	s.axes[i] = a
}

// axis is what the distribution draws from.
func (d *distribution) axis(name string) Axis {
	a := Axis{Name: name, Values: d.choices, Low: d.Attributes.Low, High: d.Attributes.High, Whole: d.whole(), Log: d.Attributes.Log || strings.Contains(d.Name, "Log")}
	if d.choices == nil {
		a.Says = fmt.Sprintf("drawn from %v to %v there", a.Low, a.High)
		if step := cmp.Or(d.Attributes.Step, d.Attributes.Q); step != nil && (*step != 1 || !a.Whole) {
			a.Says += fmt.Sprintf(" in steps of %v", *step)
		}
	}
	return a
}

// optunaTime reads a time of a storage: of the machine's zone if it names none.
func optunaTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t
		}
	}
	return time.Time{}
}

// A distribution is what a parameter is drawn from.
type distribution struct {
	Name       string `json:"name"`
	Attributes struct {
		Low     float64           `json:"low"`
		High    float64           `json:"high"`
		Step    *float64          `json:"step"`
		Q       *float64          `json:"q"` // the step, before Optuna 3
		Log     bool              `json:"log"`
		Choices []json.RawMessage `json:"choices"`
	} `json:"attributes"`
	choices []plugins.Value
}

func readDistribution(text []byte) (*distribution, error) {
	d := &distribution{}
	if err := decodePython(text, d); err != nil {
		return nil, err
	}
	for _, choice := range d.Attributes.Choices {
		d.choices = append(d.choices, choiceOf(choice))
	}
	return d, nil
}

// choiceOf is a choice as a setting.
func choiceOf(text json.RawMessage) plugins.Value {
	var s string
	if json.Unmarshal(text, &s) == nil && bytes.HasPrefix(bytes.TrimSpace(text), []byte{'"'}) {
		switch s { // as decodePython has them
		case "+Inf", "-Inf", "NaN":
			s = strings.TrimPrefix(strings.ToLower(s), "+") // as Python prints them
		}
		return plugins.Text(s)
	}
	if v, ok := imported.FromText(string(text)); ok {
		return v
	}
	return plugins.Text("None")
}

// whole reports whether the values are integers.
func (d *distribution) whole() bool { return strings.HasPrefix(d.Name, "Int") }

// value is the setting that a number stands for.
func (d *distribution) value(x float64) (v plugins.Value, ok bool) {
	switch {
	case d == nil:
		return plugins.Real(x), x == x
	case d.choices != nil:
		if x != math.Trunc(x) || x < 0 || x >= float64(len(d.choices)) {
			return v, false
		}
		return d.choices[int(x)], true
	case d.whole() && x == math.Trunc(x) && math.Abs(x) < 1<<53:
		return plugins.Integer(int64(x)), true
	}
	return plugins.Real(x), x == x
}

// optunaJournal is a storage in a journal, which is read whole.
type optunaJournal struct {
	path    string
	studies []*journalStudy
	trials  []*journalTrial
}

type journalStudy struct {
	id         int
	name       string
	directions []string
	names      []string
	deleted    bool
	trials     int
}

type journalTrial struct {
	run    Run
	study  int
	state  int
	steps  []imported.Logged
	values []journal.Number
	drawn  map[string]*distribution
}

// The operations of a journal: optuna/storages/journal/_storage.py, JournalOperation.
const (
	opCreateStudy = iota
	opDeleteStudy
	opStudyUserAttr
	opStudySystemAttr
	opCreateTrial
	opSetParam
	opSetState
	opSetIntermediate
	opTrialUserAttr
	opTrialSystemAttr
)

// The states of trials, by their numbers: optuna/trial/_state.py, TrialState.
var journalStates = []string{"RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"}

var journalDirections = []string{"NOT_SET", "MINIMIZE", "MAXIMIZE"}

type operation struct {
	Op         int                        `json:"op_code"`
	StudyName  string                     `json:"study_name"`
	Directions []int                      `json:"directions"`
	StudyID    int                        `json:"study_id"`
	SystemAttr map[string]json.RawMessage `json:"system_attr"`
	Start      string                     `json:"datetime_start"`
	Complete   string                     `json:"datetime_complete"`
	TrialID    int                        `json:"trial_id"`
	Param      string                     `json:"param_name"`
	Internal   journal.Number             `json:"param_value_internal"`
	Dist       string                     `json:"distribution"`
	State      *int                       `json:"state"`
	Values     []journal.Number           `json:"values"`
	Step       int64                      `json:"step"`
	Value      journal.Number             `json:"intermediate_value"`

	// Of a trial that is created with all it has.
	Params    map[string]journal.Number `json:"params"`
	Dists     map[string]string         `json:"distributions"`
	Single    *journal.Number           `json:"value"`
	Intermeds map[string]journal.Number `json:"intermediate_values"`
}

// Close implements Source.
func (o *optunaJournal) Close() error { return nil }

// openOptunaJournal reads a journal up to its last whole line.
func openOptunaJournal(ctx context.Context, path string) (Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cannotOpen(err)
	}
	defer f.Close()
	o := &optunaJournal{path: path}
	distributions := map[string]*distribution{}
	n := 0
	err = lines(ctx, f, func(line []byte) error {
		n++
		var op operation
		if err := decodePython(line, &op); err != nil {
			return damaged(path, fmt.Sprintf("line %d", n), err)
		}
		if err := o.apply(op, distributions); err != nil {
			return damaged(path, fmt.Sprintf("line %d", n), err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(o.studies) == 0 {
		return nil, unreadable(path, optunaTitle, "it creates no study")
	}
	return o, nil
}

func (o *optunaJournal) trial(id int) (*journalTrial, error) {
	if id < 0 || id >= len(o.trials) {
		return nil, fmt.Errorf("there is no trial %d", id)
	}
	return o.trials[id], nil
}

// apply carries an operation out.
func (o *optunaJournal) apply(op operation, distributions map[string]*distribution) error {
	known := func(text string) *distribution {
		if _, ok := distributions[text]; !ok {
			distributions[text], _ = readDistribution([]byte(text))
		}
		return distributions[text]
	}
	switch op.Op {
	case opCreateStudy:
		if slices.ContainsFunc(o.studies, func(s *journalStudy) bool { return s.name == op.StudyName && !s.deleted }) {
			return nil // by two workers at once
		}
		s := &journalStudy{id: len(o.studies), name: op.StudyName}
		for _, d := range op.Directions {
			if d < 0 || d >= len(journalDirections) {
				return fmt.Errorf("%d is no direction", d)
			}
			s.directions = append(s.directions, journalDirections[d])
		}
		o.studies = append(o.studies, s)
	case opDeleteStudy, opStudySystemAttr, opCreateTrial:
		if op.StudyID < 0 || op.StudyID >= len(o.studies) {
			return fmt.Errorf("there is no study %d", op.StudyID)
		}
		s := o.studies[op.StudyID]
		switch op.Op {
		case opDeleteStudy:
			s.deleted = true
		case opStudySystemAttr:
			if names, ok := op.SystemAttr["study:metric_names"]; ok {
				_ = json.Unmarshal(names, &s.names)
			}
		default:
			t := &journalTrial{study: op.StudyID, run: Run{ID: strconv.Itoa(s.trials), at: int64(len(o.trials)), Start: optunaTime(op.Start), End: optunaTime(op.Complete)}}
			s.trials++
			if op.State != nil {
				if *op.State < 0 || *op.State >= len(journalStates) {
					return fmt.Errorf("%d is no state", *op.State)
				}
				t.state = *op.State
			}
			for _, name := range sortedKeys(op.Params) {
				t.set(name, float64(op.Params[name]), known(op.Dists[name]))
			}
			for _, step := range sortedKeys(op.Intermeds) {
				at, err := strconv.ParseInt(step, 10, 64)
				if err != nil {
					return err
				}
				t.steps = append(t.steps, imported.Logged{Step: at, Value: float64(op.Intermeds[step])})
			}
			if t.values = op.Values; op.Single != nil && t.values == nil {
				t.values = []journal.Number{*op.Single}
			}
			o.trials = append(o.trials, t)
		}
	case opSetParam, opSetState, opSetIntermediate:
		t, err := o.trial(op.TrialID)
		if err != nil {
			return err
		}
		switch op.Op {
		case opSetParam:
			t.set(op.Param, float64(op.Internal), known(op.Dist))
		case opSetIntermediate:
			if n := len(t.steps); n > 0 && t.steps[n-1].Step >= op.Step {
				t.steps = slices.DeleteFunc(t.steps, func(v imported.Logged) bool { return v.Step == op.Step })
			}
			t.steps = append(t.steps, imported.Logged{Step: op.Step, Value: float64(op.Value)})
		default:
			if op.State == nil || *op.State < 0 || *op.State >= len(journalStates) {
				return fmt.Errorf("trial %d gets no state", op.TrialID)
			}
			if journalStates[t.state] != "RUNNING" && journalStates[t.state] != "WAITING" {
				return nil // it had ended
			}
			t.state = *op.State
			if op.Values != nil {
				t.values = op.Values
			}
			if op.Start != "" {
				t.run.Start = optunaTime(op.Start)
			}
			if op.Complete != "" {
				t.run.End = optunaTime(op.Complete)
			}
		}
	case opStudyUserAttr, opTrialUserAttr, opTrialSystemAttr:
	default:
		return fmt.Errorf("%d is no operation of a journal", op.Op)
	}
	return nil
}

func (t *journalTrial) set(name string, x float64, d *distribution) {
	if t.drawn == nil {
		t.drawn = map[string]*distribution{}
	}
	t.drawn[name] = d
	if v, ok := d.value(x); ok {
		t.run.Settings = slices.DeleteFunc(t.run.Settings, func(s runner.Setting) bool { return s.Path == Shown(name) })
		t.run.Settings = append(t.run.Settings, runner.Setting{Path: Shown(name), Value: v})
	}
}

// journalTime is a time as the journal has it, whatever zone this machine is in.
const journalTime = "2006-01-02T15:04:05.999999999"

// Experiments implements Source.
func (o *optunaJournal) Experiments(context.Context) (all []Experiment, err error) {
	for i, s := range o.studies {
		if s.deleted {
			continue
		}
		var began string
		waiting, first := 0, true
		for _, t := range o.trials {
			if t.study != i {
				continue
			}
			if first && !t.run.Start.IsZero() {
				began = t.run.Start.Format(journalTime)
			}
			first = false
			if journalStates[t.state] == "WAITING" {
				waiting++
			}
		}
		e := optunaStudy(strconv.Itoa(i), s.name, began, objectives(s.names, len(s.directions)), s.directions)
		e.Left = []Left{{"waiting trials", waiting}}
		all = append(all, e)
	}
	return all, nil
}

// Runs implements Source.
func (o *optunaJournal) Runs(_ context.Context, of Experiment, each func(*Run) error) error {
	for _, t := range o.trials {
		s := o.studies[t.study]
		if strconv.Itoa(t.study) != of.ID || journalStates[t.state] == "WAITING" {
			continue
		}
		run := t.run
		run.Key = run.ID + " " + run.Start.Format(journalTime)
		run.Status = optunaStates[journalStates[t.state]]
		run.Metrics = append(objectives(s.names, len(s.directions)), reported)
		if err := each(&run); err != nil {
			return err
		}
	}
	return nil
}

// Values implements Source.
func (o *optunaJournal) Values(_ context.Context, _ Experiment, run *Run) (map[string][]imported.Logged, error) {
	t := o.trials[run.at]
	values := map[string][]imported.Logged{reported: t.steps}
	var last int64
	for _, v := range t.steps {
		last = max(last, v.Step)
	}
	for i, x := range t.values {
		if i < len(run.Metrics)-1 {
			values[run.Metrics[i]] = []imported.Logged{{Step: last, Value: float64(x)}}
		}
	}
	return values, nil
}
