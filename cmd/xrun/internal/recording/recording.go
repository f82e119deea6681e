// Package recording takes the journals of scripts into a database. What a journal says is recorded exactly once, however often it is
// read, by whom, and wherever reading was cut off.
package recording

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/journal"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// What begins the names of the metrics of the machine, as xrun and as MLflow call them.
const (
	systemPrefix = "system_"
	systemFolder = "system/"
)

// A Recording takes one journal into a database.
type Recording struct {
	DB *store.Store
	// Environment describes the machine on which an attempt ran.
	Environment func(b *journal.Begin) store.Environment
	Notice      func(text string) // what people should know; may be nil
	Anew        bool              // what is recorded of its attempts is taken back, and recorded again

	reader   *journal.Reader
	attempts map[string]*attempt
	order    []*attempt
}

// A Run is what an attempt became.
type Run struct {
	ID       runner.RunID
	Sweep    string
	Seed     int64
	Status   runner.Status // running if its end is not recorded
	Metric   string
	Before   bool // it was recorded before
	Taken    bool // another process records it
	Complete bool // nothing that its end counts is missing
}

// New begins to take a journal.
func New(db *store.Store, from io.Reader) *Recording {
	return &Recording{DB: db, reader: journal.NewReader(from), attempts: map[string]*attempt{}}
}

// Take records what the journal has now, and reports whether it has had anything new.
func (r *Recording) Take(ctx context.Context) (news bool, err error) {
	for {
		record, err := r.reader.Next()
		if errors.Is(err, io.EOF) {
			return news, nil
		}
		if err != nil {
			return news, err
		}
		news = true
		if err := r.take(ctx, record); err != nil {
			return news, err
		}
	}
}

// Put records a line of an attempt that no journal of its script has. Its end may count −1 values: then all are there.
func (r *Recording) Put(ctx context.Context, record journal.Record) error { return r.take(ctx, record) }

func (r *Recording) take(ctx context.Context, record journal.Record) error {
	a := r.attempts[record.Attempt]
	if a == nil {
		a = &attempt{recording: r, token: record.Attempt, step: -1, first: map[string]bool{}, output: &process.Output{}}
		r.attempts[record.Attempt] = a
		r.order = append(r.order, a)
	}
	if a.over {
		return nil
	}
	switch {
	case record.Begin != nil:
		if a.begun == nil {
			a.begun = record.Begin
		}
	case record.Log != nil:
		a.tally.Add(record)
		return a.log(ctx, record)
	case record.Output != "":
		a.output.Add([]byte(record.Output))
	case record.Event != nil:
		a.events = append(a.events, runner.Event{At: time.Now(), Kind: record.Event.Kind, Epoch: max(a.step, 0), Message: record.Event.Message, Detail: record.Event.Detail})
	case record.End != nil:
		return a.end(ctx, *record.End)
	}
	return nil
}

// Settle records values of steps to which nothing was added for a while.
func (r *Recording) Settle(ctx context.Context) error {
	for _, a := range r.order {
		if !a.over {
			if err := a.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// Idle reports whether every attempt so far has its end.
func (r *Recording) Idle() bool {
	return len(r.order) > 0 && !slices.ContainsFunc(r.order, func(a *attempt) bool { return !a.over })
}

// Abandon ends the attempts whose process has died: they are interrupted, with all that they have logged.
func (r *Recording) Abandon(ctx context.Context, at time.Time) error {
	for _, a := range r.order {
		if a.over || a.begun == nil {
			continue
		}
		end := journal.End{Status: string(runner.StatusInterrupted), At: journal.SecondsOf(at), Error: "the script was killed, or ended without finish()"}
		end.Count = -1
		if err := a.end(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

// Flush waits until all that was taken is durable.
func (r *Recording) Flush(ctx context.Context) error {
	for _, a := range r.order {
		if a.recorder != nil {
			return a.recorder.Flush(ctx)
		}
	}
	return nil
}

// Runs are the runs that the journal's attempts have become, in its order.
func (r *Recording) Runs() (all []Run) {
	for _, a := range r.order {
		all = append(all, a.result)
	}
	return all
}

func (r *Recording) notice(format string, args ...any) {
	if r.Notice != nil {
		r.Notice(fmt.Sprintf(format, args...))
	}
}

// An attempt is what has been read of one.
type attempt struct {
	recording *Recording
	token     string
	begun     *journal.Begin
	tally     journal.Tally
	output    *process.Output
	events    []runner.Event
	over      bool
	result    Run

	recorder *store.Recorder // nil before the run has begun
	run      runner.RunID
	metric   string
	goal     stop.Goal
	guessed  bool // nobody has named the metric of the sweep
	names    []string
	before   map[int]map[string]float64 // what the run had before it went on

	step    int            // of the values that follow; -1 before the first
	pending journal.Values // of the step, not recorded yet
	first   map[string]bool
	extra   journal.Values // of the machine, for the next step
	curve   map[string][]runner.CurvePoint
	late    int // values of steps that had passed
	again   int // values that their step had
}

// log takes the values of a line.
func (a *attempt) log(ctx context.Context, record journal.Record) error {
	if record.Writer == machineWriter {
		for _, v := range record.Log {
			a.extra = slices.DeleteFunc(a.extra, func(old journal.Value) bool { return old.Metric == v.Metric })
			a.extra = append(a.extra, v)
		}
		return nil
	}
	if ok, err := a.begin(ctx, record.Log); !ok || err != nil {
		return err
	}
	switch {
	case record.Step < a.step:
		for _, v := range record.Log {
			if _, had := a.before[record.Step][v.Metric]; !had {
				a.late++
			}
		}
		return nil
	case record.Step > a.step:
		if err := a.flush(ctx); err != nil {
			return err
		}
		a.step = record.Step
		clear(a.first)
		for name := range a.before[a.step] {
			a.first[name] = true
		}
		a.pending = append(a.pending, a.extra...)
		for _, v := range a.extra {
			a.first[v.Metric] = true
		}
		a.extra = nil
	}
	for _, v := range record.Log {
		if a.first[v.Metric] {
			if _, had := a.before[record.Step][v.Metric]; !had {
				a.again++
			}
			continue
		}
		a.first[v.Metric] = true
		a.pending = append(a.pending, v)
	}
	if record.Whole {
		return a.flush(ctx)
	}
	return nil
}

// flush records the values of the step.
func (a *attempt) flush(ctx context.Context) error {
	if a.recorder == nil || len(a.pending) == 0 {
		return nil
	}
	return a.recorder.Record(ctx, runner.Update{Points: a.points(), Events: a.toldEvents()})
}

// points are the values of the step, which are pending no more.
func (a *attempt) points() []runner.Points {
	if len(a.pending) == 0 {
		return nil
	}
	p := runner.Points{Run: a.run, Epoch: a.step}
	for _, v := range a.pending {
		p.Metrics, p.Values = append(p.Metrics, v.Metric), append(p.Values, v.Value)
		a.see(v.Metric, a.step, v.Value)
	}
	a.pending = nil
	return []runner.Points{p}
}

func (a *attempt) see(metric string, step int, value float64) {
	if a.curve == nil {
		a.curve = map[string][]runner.CurvePoint{}
	}
	if a.curve[metric] == nil {
		a.names = append(a.names, metric)
	}
	a.curve[metric] = append(a.curve[metric], runner.CurvePoint{Epoch: step, Value: value})
}

// toldEvents are the events so far, of the run.
func (a *attempt) toldEvents() []runner.Event {
	events := a.events
	for i := range events {
		events[i].Run = a.run
	}
	a.events = nil
	return events
}

// begin enters the run, once the names of its metrics are known. ok is false if it is not for this recording.
func (a *attempt) begin(ctx context.Context, values journal.Values) (ok bool, err error) {
	if a.recorder != nil {
		return true, nil
	}
	if a.begun == nil {
		return false, nil // its first line is damaged: nobody knows what it is
	}
	b := a.begun
	id := identify(b.Name, b.Config, b.Order)
	sweep, err := a.enterSweep(ctx, metricsOf(values))
	if err != nil {
		return false, err
	}
	a.recorder = a.recording.DB.Recorder(sweep, a.recording.Environment(b), nil)
	found, err := a.recorder.BeginAttempt(ctx, store.Attempt{Token: a.token, Trial: id.trial, Start: b.At.Time(), Replicate: id.seeded == "", Continues: b.Continues, Anew: a.recording.Anew})
	if err != nil {
		return false, err
	}
	a.run = found.Run
	a.result = Run{ID: found.Run, Sweep: b.Name, Seed: found.Seed, Metric: a.metric, Status: runner.StatusRunning}
	if found.Standing != store.AttemptOpen {
		a.over, a.result.Before, a.result.Taken = true, found.Standing == store.AttemptRecorded, found.Standing == store.AttemptTaken
		return false, nil
	}
	if found.GoesOn {
		return true, a.recall(ctx, found)
	}
	if b.Continues != 0 {
		a.events = append(a.events, runner.Event{At: b.At.Time(), Kind: store.EventApart, Message: fmt.Sprintf("it was to go on with run %d, with which another process went on: it is a run of its own", b.Continues)})
		a.recording.notice("another process has gone on with run %d: what this one logs is run %d", b.Continues, found.Run)
	}
	a.events = append(a.started(id), a.events...)
	return true, nil
}

// started are the events of a run that begins.
func (a *attempt) started(id identity) []runner.Event {
	b, at := a.begun, a.begun.At.Time()
	events := []runner.Event{{At: at, Kind: store.EventSeed, Message: id.seedNote()}}
	if len(b.Command) > 0 {
		about := map[string]any{"folder": b.Folder, "python": b.Python, "file": b.File, "config": b.Config}
		if b.Source != "" {
			sum := sha256.Sum256([]byte(b.Source))
			about["source_sha256"] = hex.EncodeToString(sum[:])
		}
		detail, err := json.Marshal(about)
		if err != nil {
			detail = nil // of texts: it does not fail
		}
		events = append(events, runner.Event{At: at, Kind: "command", Message: strings.Join(b.Command, " "), Detail: string(detail)})
	}
	if b.Notes != "" {
		events = append(events, runner.Event{At: at, Kind: "note", Message: b.Notes})
	}
	return events
}

// recall reads what a run has that goes on.
func (a *attempt) recall(ctx context.Context, found store.Attempted) error {
	reader, err := a.recording.DB.Reader(ctx)
	if err != nil {
		return err
	}
	a.before, a.step = map[int]map[string]float64{}, found.Recorded
	printed := a.output.Bytes()
	a.output = &process.Output{}
	a.output.Add(found.Output)
	a.output.Add(printed)
	_, err = reader.Points(ctx, int64(found.Run), func(step int, metrics []string, values []float64) error {
		if a.before[step] == nil {
			a.before[step] = map[string]float64{}
		}
		for i, metric := range metrics {
			a.before[step][metric] = values[i]
			a.see(metric, step, values[i])
		}
		return nil
	})
	for name := range a.before[a.step] {
		a.first[name] = true
	}
	return err
}

// digestOf is that of the sweep that holds a name's runs.
func digestOf(name string) string {
	sum := sha256.Sum256([]byte("xrun runs 1\n" + name))
	return hex.EncodeToString(sum[:])
}

// enterSweep enters the sweep of the run's name, or finds it.
func (a *attempt) enterSweep(ctx context.Context, names []string) (int64, error) {
	b := a.begun
	have, err := a.sweep(ctx)
	if err != nil {
		return 0, err
	}
	tags := slices.Clone(b.Tags)
	for _, tag := range have.Tags {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	switch {
	case have.ID != 0:
		a.metric, a.goal = have.Metric, stop.Goal(have.Goal)
		text, err := a.recording.DB.SweepText(ctx, have.ID)
		if err != nil {
			return 0, err
		}
		a.guessed = strings.Contains(text.Resolved, guessedMetric)
		if better := chosenMetric(names); b.Metric == "" && a.guessed && better != "" && better != a.metric && len(have.Counts) == 0 {
			a.metric, a.goal = better, stop.Goal(goalOf(better, b.Goal))
			return a.put(ctx, tags)
		}
		if b.Metric != "" && a.guessed && have.Done() == 0 {
			a.metric, a.goal, a.guessed = b.Metric, stop.Goal(goalOf(b.Metric, b.Goal)), false
			return a.put(ctx, tags)
		}
		if b.Metric != "" && b.Metric != have.Metric {
			a.recording.notice("the runs of %s are compared by %s: xrun compare %s --metric %s compares them by the other", b.Name, have.Metric, b.Name, b.Metric)
		}
		if len(tags) == len(have.Tags) {
			return have.ID, nil
		}
	case b.Metric != "":
		a.metric = b.Metric
		a.goal = stop.Goal(goalOf(a.metric, b.Goal))
	default:
		a.metric, a.guessed = chosenMetric(names), true
		if a.metric == "" {
			a.metric = anyMetric
		}
		a.goal = stop.Goal(goalOf(a.metric, b.Goal))
	}
	return a.put(ctx, tags)
}

func (a *attempt) sweep(ctx context.Context) (store.SweepInfo, error) {
	have, err := a.recording.DB.SweepOf(ctx, digestOf(a.begun.Name))
	if errors.Is(err, store.ErrNotFound) {
		err = nil // nobody has entered it
	}
	return have, err
}

// guessedMetric is in the specification of a sweep whose metric nobody has named.
const guessedMetric = "metric = \"chosen by the names of what runs log\"\n"

func (a *attempt) put(ctx context.Context, tags []string) (int64, error) {
	b := a.begun
	return a.recording.DB.PutSweep(ctx, sweepOf(b.Name, b.File, tags, a.metric, a.goal, a.guessed), nil)
}

// sweepOf is the sweep that holds a name's runs.
func sweepOf(name, file string, tags []string, metric string, goal stop.Goal, guessed bool) store.Sweep {
	resolved := fmt.Sprintf("%s%q\n", question.RecordedAs, name)
	if guessed {
		resolved += guessedMetric
	}
	return store.Sweep{Name: name, File: file, Digest: digestOf(name), Tags: tags, Metric: metric, Goal: string(goal),
		At: string(runner.AtBest), Resolved: resolved, Notes: "recorded from scripts"}
}

// anyMetric is the metric of a sweep as long as nobody knows any.
const anyMetric = "val_loss"

// Enter enters the sweep of a name that has no runs yet, or finds it.
func Enter(ctx context.Context, db *store.Store, name string) (id int64, err error) {
	have, err := db.SweepOf(ctx, digestOf(name))
	if !errors.Is(err, store.ErrNotFound) {
		return have.ID, err
	}
	return db.PutSweep(ctx, sweepOf(name, "", nil, anyMetric, stop.Goal(goalOf(anyMetric, "")), true), nil)
}

// settleMetric finds out by which metric the sweep is compared now, and chooses again if nobody has named it and no run has a result: now all
// names are known. The caller holds the sweep until the run's end is recorded.
func (a *attempt) settleMetric(ctx context.Context) error {
	have, err := a.sweep(ctx)
	if err != nil {
		return err
	}
	a.metric, a.goal, a.result.Metric = have.Metric, stop.Goal(have.Goal), have.Metric
	better := chosenMetric(a.names)
	if !a.guessed || better == "" || better == a.metric || have.Done() > 0 {
		return nil
	}
	a.metric, a.goal = better, stop.Goal(goalOf(better, a.begun.Goal))
	a.result.Metric = better
	_, err = a.put(ctx, have.Tags)
	return err
}

// hold keeps other recorders from ending runs of the sweep, whose metric may change as long as none has ended.
func (a *attempt) hold(ctx context.Context) (release func() error, err error) {
	for {
		release, ok, err := a.recording.DB.TryHold("runs-" + digestOf(a.begun.Name)[:16])
		if ok || err != nil {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// end records how the attempt ended, with what is left, in one transaction.
func (a *attempt) end(ctx context.Context, end journal.End) (err error) {
	if ok, err := a.begin(ctx, nil); !ok || err != nil {
		return err
	}
	killed := end.Count < 0
	complete := killed || a.tally.Complete(end)
	if len(a.extra) > 0 && a.step >= 0 {
		for _, v := range a.extra {
			if !a.first[v.Metric] {
				a.pending = append(a.pending, v)
			}
		}
		a.extra = nil
	}
	update := runner.Update{Points: a.points()}
	release, err := a.hold(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := a.settleMetric(ctx); err != nil {
		return err
	}
	status, reason := runner.Status(end.Status), ""
	switch {
	case !complete:
		status, reason = runner.StatusInterrupted, fmt.Sprintf("its journal is not complete: it has %d values, and its end counts %d", a.tally.Count(), end.Count)
	case status == runner.StatusFailed, status == runner.StatusFinished, status == runner.StatusStopped:
		if status == runner.StatusStopped {
			reason = end.Error
		}
	default:
		status, reason = runner.StatusInterrupted, end.Error
	}
	curve := a.curve[a.metric]
	if status == runner.StatusFinished {
		if p, wild := runner.Wild(curve); wild {
			status, reason = runner.StatusDiverged, fmt.Sprintf("its %s is %v at step %d", a.metric, p.Value, p.Epoch)
		}
	}
	if a.late > 0 {
		a.note("%s of steps that had passed left out: steps do not go back", stats.Count(a.late, "value", "values"))
	}
	if a.again > 0 {
		a.note("%s left out whose step had them already: the first value of a step counts", stats.Count(a.again, "value", "values"))
	}
	if n := a.recording.reader.Damaged; n > 0 {
		a.note("%s of its journal could not be read", stats.Count(n, "line", "lines"))
	}
	update.Events = a.toldEvents()
	e := runner.End{Run: a.run, At: end.At.Time(), Status: status, Reason: reason, Epochs: max(a.step, 0), Output: a.output.Bytes(), Source: []byte(a.begun.Source),
		Cost: runner.Cost{Wall: max(end.At.Time().Sub(a.begun.At.Time()), 0)}}
	if status == runner.StatusFailed {
		e.Error, e.Lasting = end.Error, true
	}
	if kept, ok := (runner.Keep{Metric: a.metric, Goal: a.goal, At: runner.AtBest}).Value(status, curve); ok {
		e.Kept = &kept
	}
	update.Ends = []runner.End{e}
	if err := errors.Join(a.recorder.Record(ctx, update), a.recorder.Flush(ctx)); err != nil {
		return err
	}
	a.over, a.result.Status, a.result.Complete = true, status, complete
	return nil
}

func (a *attempt) note(format string, args ...any) {
	a.events = append(a.events, runner.Event{At: time.Now(), Kind: "warning", Epoch: max(a.step, 0), Message: fmt.Sprintf(format, args...)})
}

// Folder is where the journals of a database's scripts lie.
func Folder(database string) string { return database + ".journals" }

// Journals lists the journals of a database, the one that was written to first at the front.
func Journals(database string) (files []string, err error) {
	entries, err := os.ReadDir(Folder(database))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	last := map[string]time.Time{}
	for _, e := range entries {
		if info, infoErr := e.Info(); infoErr == nil && strings.HasSuffix(e.Name(), ".journal") {
			file := filepath.Join(Folder(database), e.Name())
			files, last[file] = append(files, file), info.ModTime()
		}
	}
	slices.SortStableFunc(files, func(a, b string) int { return last[a].Compare(last[b]) })
	return files, err
}
