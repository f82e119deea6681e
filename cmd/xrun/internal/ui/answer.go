package ui

import (
	"context"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// number is a float64 that JSON can hold.
type number = sheet.Number

// beside is what a page needs beside the answer.
type beside struct {
	sheet.Beside
	Version  int64     `json:"version"` // of the database
	Live     *Live     `json:"live,omitempty"`
	Failures []Failure `json:"failures"`
	Control  bool      `json:"control"`
}

// facts accompany a report.
type facts struct {
	live     *Live     // nil while nobody trains the sweeps
	failures []Failure // grouped, most frequent first
}

// about gathers a report and its facts.
func (q *request) about() (*answer, facts, error) {
	f := facts{failures: []Failure{}}
	a, err := q.answer(nil)
	if err != nil {
		return nil, f, err
	}
	for _, sweep := range q.sweeps {
		if f.live == nil {
			if f.live, err = q.s.live.of(q.Context(), q.db, sweep, false); err != nil {
				return nil, f, err
			}
		}
		failures, err := q.failures(sweep)
		if err != nil {
			return nil, f, err
		}
		f.failures = append(f.failures, failures...)
	}
	return a, f, nil
}

func (s *Server) getAnswer(q *request) error {
	a, about, err := q.about()
	if err != nil {
		return err
	}
	r := a.report
	with := beside{sheet.BesideOf(r, q.command("compare")), a.version.number(), about.live, about.failures, s.o.Control != nil}
	return q.compressed("application/json; charset=utf-8", func(w io.Writer) error { return report.JSONSummary(w, r, with) })
}

// command is the command of xrun that asks the same as the request.
func (q *request) command(name ...string) string {
	args := slices.Clone(name)
	for _, sweep := range q.sweeps {
		args = append(args, sweep.Title)
	}
	for _, flag := range asking[1:] {
		if text := q.text(flag); text != "" {
			args = append(args, "--"+flag, text)
		}
	}
	return advice.Command(append(args, q.s.o.Arguments...)...)
}

// A Failure is runs that failed for one reason.
type Failure struct {
	Sweep   string  `json:"sweep"`
	Reason  string  `json:"reason"`
	Words   string  `json:"last_words"` // the end of the error of the newest
	Count   int     `json:"count"`
	Runs    []int64 `json:"runs"`    // the newest
	Command string  `json:"command"` // that shows the newest
}

// mostFailed is the largest number of runs that a failure lists, and mostWords that of bytes of its last words.
const (
	mostFailed = 20
	mostWords  = 600
)

// failures groups the failed trials of a sweep by their reason, the most frequent first.
func (q *request) failures(sweep store.SweepInfo) (all []Failure, err error) {
	if sweep.Counts[runner.StatusFailed] == 0 {
		return nil, nil
	}
	runs, err := q.db.Runs(q.Context(), store.RunQuery{Trials: sweep.ID, Best: true, Newest: true, Status: []runner.Status{runner.StatusFailed}})
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for _, r := range runs {
		i, known := at[r.Reason]
		if !known {
			i = len(all)
			at[r.Reason] = i
			all = append(all, Failure{Sweep: sweep.Title, Reason: r.Reason, Words: lastWords(r.Error), Command: advice.Command(append([]string{"show", itoa(r.ID)}, q.s.o.Arguments...)...)})
		}
		all[i].Count++
		if len(all[i].Runs) < mostFailed {
			all[i].Runs = append(all[i].Runs, r.ID)
		}
	}
	slices.SortStableFunc(all, func(a, b Failure) int { return b.Count - a.Count })
	return all[:min(len(all), mostFailed)], nil
}

// lastWords is the end of an error: its last three lines.
func lastWords(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	text = strings.Join(lines[max(0, len(lines)-3):], "\n")
	if len(text) > mostWords {
		text = "…" + strings.ToValidUTF8(text[len(text)-mostWords:], "")
	}
	return text
}

// A sweepRow is a sweep in a listing.
type sweepRow struct {
	ID       int64      `json:"id"`
	Name     string     `json:"name"`
	Title    string     `json:"title"`
	Notes    string     `json:"notes"`
	Tags     []string   `json:"tags"`
	Metric   string     `json:"metric"`
	Goal     string     `json:"goal"`
	Created  time.Time  `json:"created"`
	Trials   int        `json:"trials"`
	Done     int        `json:"done"`
	Running  int        `json:"running"`
	Failed   int        `json:"failed"`
	Diverged int        `json:"diverged"`
	Owners   []ownerRow `json:"owners"`
	Relation string     `json:"relation"` // to the sweep of
	Of       int64      `json:"of"`
	Lead     string     `json:"lead,omitempty"` // the answer's first sentence
}

type ownerRow struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

func ownerRows(owners []store.Owner) []ownerRow {
	rows := []ownerRow{}
	for _, o := range owners {
		rows = append(rows, ownerRow{o.PID, o.Host, o.Command, o.StartedAt})
	}
	return rows
}

func rowOf(sweep store.SweepInfo, owners []store.Owner) sweepRow {
	row := sweepRow{ID: sweep.ID, Name: sweep.Name, Title: sweep.Title, Notes: sweep.Notes, Tags: sweep.Tags, Metric: sweep.Metric, Goal: sweep.Goal, Created: sweep.CreatedAt, Trials: sweep.Trials, Done: sweep.Done(),
		Running: sweep.Counts[runner.StatusRunning], Failed: sweep.Counts[runner.StatusFailed], Diverged: sweep.Counts[runner.StatusDiverged],
		Owners: ownerRows(owners), Relation: string(sweep.Relation), Of: sweep.Of}
	return row
}

// leadMost is the largest number of sweeps whose lead is computed for one listing.
const leadMost = 20

func (s *Server) getSweeps(q *request) error {
	from, err := q.number("from", 0, 0, math.MaxInt32)
	if err != nil {
		return err
	}
	limit, err := q.number("limit", 200, 1, 1000)
	if err != nil {
		return err
	}
	lead, err := q.flag("lead")
	if err != nil {
		return err
	}
	matches, err := sweepCondition(q.text("where"))
	if err != nil {
		return err
	}
	all, err := q.db.Sweeps(q.Context())
	if err != nil {
		return err
	}
	rows := []sweepRow{}
	of := 0
	for _, sweep := range all {
		owners, err := q.db.Owners(q.Context(), sweep.ID)
		if err != nil {
			return err
		}
		row := rowOf(sweep, owners)
		if !matches(row) {
			continue
		}
		if of++; of <= from || len(rows) == limit {
			continue
		}
		if lead && len(rows) < leadMost {
			if row.Lead, err = s.leads.of(q.Context(), q.db, s, sweep, len(owners) > 0); err != nil {
				return err
			}
		}
		rows = append(rows, row)
	}
	return q.json(map[string]any{"xrun_ui": format, "of": of, "all": len(all), "from": from, "sweeps": rows, "control": s.o.Control != nil})
}

// format is the version of the answers. It only ever gains fields.
const format = sheet.Format

// leads keeps the first sentences of the answers of sweeps, as long as their counts stay the same.
type leads struct {
	kept keeper[leadKey, string]
}

type leadKey struct {
	generation, sweep int64
	counts            string
}

func (l *leads) of(ctx context.Context, db *opened, s *Server, sweep store.SweepInfo, training bool) (string, error) {
	key := leadKey{db.generation, sweep.ID, countsText(sweep)}
	if text, ok := l.kept.get(key); ok {
		return text, nil
	}
	a, err := s.answer(ctx, db, []string{itoa(sweep.ID)}, question.Question{Arguments: s.o.Arguments}, training)
	if question.Missing(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	text, _, _ := strings.Cut(a.report.Verdict(), "\n")
	l.kept.put(key, text)
	return text, nil
}
