// Package serving takes what clients of MLflow log into a database. It is a server whose answers outlive it: what it says yes to is in a journal,
// and what a journal says is recorded once.
package serving

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/mlflow"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/recording"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/imported"
	"github.com/xrun-dev/xrun/store/journal"
)

// How soon changes are recorded. A run that takes long to record is looked at less often.
const (
	lookEvery = 200 * time.Millisecond
	soon      = 250 * time.Millisecond // after the end of a run: more may follow at once
	later     = time.Second
	share     = 20 // of the time at most one part is spent on recording a run
)

// idle is how long an ended run stays in memory and in its journal.
const idle = time.Minute

// A keeper keeps what clients say in journals, and records it.
type keeper struct {
	db          *store.Store
	journals    journals
	environment func(*journal.Begin) store.Environment
	told        func(format string, args ...any) // what happens, for people
	space       *mlflow.Space

	mu   sync.Mutex
	runs map[string]*kept
}

// A kept is a run in memory. But for its first four fields it is of the goroutine that records.
type kept struct {
	run     *mlflow.Run
	changed time.Time // the last change
	told    uint64    // counts changes
	done    uint64    // told when all was recorded

	due       time.Time
	rec       *recording.Recording // while it is recorded live
	begun     string               // what was its identity then
	points    map[string]int       // of each metric, that are recorded
	sums      map[string]uint64    // over them
	last      int                  // epoch
	changes   uint64               // that are recorded
	failed    bool
	ended     *recording.Recording // what became of it, once it is over
	announced bool
}

var _ mlflow.Keeper = (*keeper)(nil)

// Append implements mlflow.Keeper.
func (k *keeper) Append(before *mlflow.Run, c mlflow.Change) error {
	return k.journals.append(before.Run+Suffix, before.Run, c, func() (any, bool) {
		s := before.Held()
		return s.Whole(true), c.Begin == nil
	})
}

// Changed implements mlflow.Keeper.
func (k *keeper) Changed(r *mlflow.Run) {
	k.mu.Lock()
	defer k.mu.Unlock()
	o := k.runs[r.Run]
	if o == nil {
		o = &kept{run: r}
		k.runs[r.Run] = o
	}
	o.changed, o.told = time.Now(), o.told+1
}

// Load implements mlflow.Keeper.
func (k *keeper) Load(ctx context.Context, id string) (r *mlflow.Run, err error) {
	err = k.db.Told(ctx, question.EventMLflow, id, func(t store.Told) error {
		r, err = restored(ctx, k.db, t)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // it was purged meanwhile
	}
	if err != nil || r == nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.runs[id] = &kept{run: r, changed: time.Now(), changes: r.Held().Changes}
	return r, nil
}

// Stored implements mlflow.Keeper.
func (k *keeper) Stored(ctx context.Context, held func(id string) bool, f func(mlflow.Snapshot) error) error {
	return k.db.Told(ctx, question.EventMLflow, "", func(t store.Told) error {
		if held(t.Token) {
			return nil
		}
		var known facts
		if err := json.Unmarshal([]byte(t.Detail), &known); err != nil {
			return fmt.Errorf("read what MLflow knows of run %d: %w", t.Run, err)
		}
		return f(mlflow.NewRun(known.Run).Held())
	})
}

// Enter implements mlflow.Keeper.
func (k *keeper) Enter(ctx context.Context, name string) (string, error) {
	id, err := recording.Enter(ctx, k.db, name)
	return strconv.FormatInt(id, 10), err
}

// Put implements mlflow.Keeper.
func (k *keeper) Put(e mlflow.Experiment) error {
	return k.journals.append(registryName, "experiment", registered{Experiment: &e}, nil)
}

// PutModel implements mlflow.Keeper.
func (k *keeper) PutModel(_ string, text json.RawMessage) error {
	return k.journals.append(registryName, "model", registered{Model: text}, nil)
}

// Known implements mlflow.Keeper: other sweeps of the database are experiments, too.
func (k *keeper) Known(ctx context.Context) (all []mlflow.Experiment, err error) {
	sweeps, err := k.db.Sweeps(ctx)
	for _, w := range sweeps {
		all = append(all, mlflow.Experiment{ID: strconv.FormatInt(w.ID, 10), Name: w.Title, Sweep: w.Name, Stage: "active", Created: w.CreatedAt.UnixMilli(), Updated: w.CreatedAt.UnixMilli()})
	}
	return all, err
}

// follow records changes until the context is done. stopped is called when xrun stop asks for it.
func (k *keeper) follow(ctx context.Context, stopped func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
		if asked, _ := k.db.StopRequested(); asked {
			stopped()
		}
		for _, o := range k.all() {
			if ctx.Err() != nil {
				return
			}
			k.look(context.WithoutCancel(ctx), o, false) // what has begun is recorded to its end
		}
	}
}

// all are the runs in memory, in the order in which they began: parents come before their children.
func (k *keeper) all() []*kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.SortedFunc(maps.Values(k.runs), func(a, b *kept) int {
		return cmp.Or(cmp.Compare(a.run.At, b.run.At), strings.Compare(a.run.Run, b.run.Run))
	})
}

// finish records all that is not recorded yet. Runs that go on are left open: they are interrupted when the database is closed, and taken up again
// with the next server.
func (k *keeper) finish(ctx context.Context) (unrecorded int) {
	for _, o := range k.all() {
		k.look(ctx, o, true)
		k.mu.Lock()
		recorded := o.told == o.done
		k.mu.Unlock()
		if !recorded {
			unrecorded++
			continue
		}
		k.retire(o)
	}
	return unrecorded
}

// look records a run if that is due, and forgets one of which nothing was heard for long.
func (k *keeper) look(ctx context.Context, o *kept, all bool) {
	k.mu.Lock()
	dirty, changed, told := o.told != o.done, o.changed, o.told
	k.mu.Unlock()
	now := time.Now()
	switch {
	case !dirty && now.Sub(changed) > idle:
		k.retire(o)
		return
	case !dirty:
		return
	}
	s := o.run.Snapshot()
	if o.due.IsZero() {
		o.due = changed.Add(later)
		if s.Over() {
			o.due = changed.Add(soon)
		}
	}
	if now.Before(o.due) && !all {
		return
	}
	err := k.record(ctx, o, s)
	took := time.Since(now)
	if err != nil {
		if !o.failed {
			k.told("run %s of %s is not recorded yet: %v", s.Name, s.Sweep, err)
		}
		o.failed, o.rec, o.due = true, nil, time.Now().Add(10*later)
		return
	}
	o.failed, o.changes = false, s.Changes
	k.mu.Lock()
	o.done = told
	k.mu.Unlock()
	o.due = time.Time{}
	if wait := share * took; wait > later {
		o.due = time.Now().Add(wait)
	}
}

// retire takes a run out of memory that has ended and is recorded, with its journal.
func (k *keeper) retire(o *kept) {
	if !o.run.Snapshot().Over() {
		return
	}
	err := k.space.Retire(o.run, o.changes, func() error { return k.journals.remove(o.run.Run + Suffix) })
	if err != nil {
		k.told("the journal of run %s stays: %v", o.run.Name, err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.runs[o.run.Run] == o && o.told == o.done {
		delete(k.runs, o.run.Run)
	}
}

// record brings the database to what is known of a run: by appending what is new, or anew as a whole.
func (k *keeper) record(ctx context.Context, o *kept, s mlflow.Snapshot) error {
	if !s.Over() && len(s.Metrics) == 0 {
		return nil // its params are still coming
	}
	curves := map[string]imported.Curve{}
	for _, metric := range s.Metrics {
		curves[metric] = imported.InOrder(s.Series[metric])
	}
	first := firstEpoch(curves)
	for _, c := range curves {
		for i := range c.Points {
			c.Points[i].Epoch += first
		}
	}
	b := beginOf(s)
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if o.rec == nil || o.begun != string(text) || !o.goesOn(curves) {
		o.rec = recording.New(k.db, strings.NewReader(""))
		o.rec.Environment, o.rec.Anew = k.environment, true
		o.begun, o.points, o.sums, o.last = string(text), map[string]int{}, map[string]uint64{}, -1
		if err := o.rec.Put(ctx, journal.Record{Attempt: s.Run, Begin: &b}); err != nil {
			return err
		}
		if !s.Over() {
			if err := o.tell(ctx, s, nil, 0); err != nil {
				return err
			}
		}
	}
	for _, r := range o.news(s, curves) {
		if err := o.rec.Put(ctx, r); err != nil {
			return err
		}
	}
	if !s.Over() {
		k.announce(o, s)
		return nil
	}
	if err := o.tell(ctx, s, curves, first); err != nil {
		return err
	}
	end := journal.End{Status: string(runner.StatusFinished), At: journal.SecondsOf(time.UnixMilli(s.Ended)), Count: -1}
	switch s.Status {
	case mlflow.Failed:
		end.Status, end.Error = string(runner.StatusFailed), "its client said that it failed"
	case mlflow.Killed:
		end.Status, end.Error = string(runner.StatusInterrupted), "its client said that it was killed"
	}
	rec := o.rec
	o.rec, o.ended = nil, rec // it is over, whatever comes of it
	if err := rec.Put(ctx, journal.Record{Attempt: s.Run, End: &end}); err != nil {
		return err
	}
	for _, r := range rec.Runs() {
		switch {
		case r.Taken:
			return fmt.Errorf("another process records run %d", r.ID)
		case s.Stage == "deleted":
			if err := k.db.DeleteRuns(ctx, []int64{int64(r.ID)}); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		older, newer, err := k.db.Outdone(ctx, int64(r.ID))
		if err != nil {
			return err
		}
		k.told("run %d of %s, %s: %s%s", r.ID, s.Sweep, s.Name, r.Status, replacing(older, newer))
	}
	return nil
}

// replacing says that one result of the same settings and seed counts, and which; empty for the only one.
func replacing(older []int64, newer int64) string {
	switch {
	case newer != 0:
		return fmt.Sprintf("; run %d of the same settings and seed is newer and counts; xrun db restore lists this one", newer)
	case len(older) == 1:
		return fmt.Sprintf("; it replaces run %d of the same settings and seed; xrun db restore lists it", older[0])
	case len(older) > 1:
		return fmt.Sprintf("; it replaces runs %s of the same settings and seed; xrun db restore lists them", strings.Trim(strings.ReplaceAll(fmt.Sprint(older), " ", ", "), "[]"))
	}
	return ""
}

// announce tells once that a run is there.
func (k *keeper) announce(o *kept, s mlflow.Snapshot) {
	for _, r := range o.rec.Runs() {
		if !o.announced && r.ID != 0 {
			o.announced = true
			k.told("run %d of %s, %s: running", r.ID, s.Sweep, s.Name)
		}
	}
}

// firstEpoch is the epoch of step 0: 1 if a curve begins there and goes on, since epoch 0 is the state before training, which is never the best.
// A single value says nothing: it may have been logged without a step, at the end. Metrics of the machine have steps of their own.
func firstEpoch(curves map[string]imported.Curve) (first int) {
	for metric, c := range curves {
		if len(c.Points) == 0 {
			continue
		}
		if c.Points[len(c.Points)-1].Epoch == imported.MaxEpoch {
			return 0 // there is none after it
		}
		if len(c.Points) > 1 && c.Points[0].Epoch == 0 && !strings.HasPrefix(metric, machineMetrics) {
			first = 1
		}
	}
	return first
}

// machineMetrics begins the names of MLflow's metrics of the machine.
const machineMetrics = "system/"

// tell gives the run the event with what MLflow knows of it; while it runs, without the histories. Step 0 is the epoch first.
func (o *kept) tell(ctx context.Context, s mlflow.Snapshot, curves map[string]imported.Curve, first int) error {
	detail, err := factsOf(s, curves, first)
	if curves == nil {
		var text []byte
		text, err = json.Marshal(facts{Run: s.Whole(false)})
		detail = string(text)
	}
	if err != nil {
		return err
	}
	message := "MLflow's run " + s.Name
	if s.User != "" {
		message += " of " + s.User
	}
	return o.rec.Put(ctx, journal.Record{Attempt: s.Run, Event: &journal.Event{Kind: question.EventMLflow, Message: message, Detail: detail}})
}

// goesOn reports whether all that is recorded still holds, and what is new comes after it.
func (o *kept) goesOn(curves map[string]imported.Curve) bool {
	for metric, n := range o.points {
		c := curves[metric]
		if len(c.Points) < n || sumOf(0, c, 0, n) != o.sums[metric] {
			return false
		}
	}
	for metric, c := range curves {
		if n := o.points[metric]; n < len(c.Points) && c.Points[n].Epoch < o.last {
			return false
		}
	}
	return true
}

// news are the lines of what is not recorded yet, which are counted as recorded.
func (o *kept) news(s mlflow.Snapshot, curves map[string]imported.Curve) (records []journal.Record) {
	values := map[int]journal.Values{}
	for _, metric := range s.Metrics {
		c := curves[metric]
		for _, p := range c.Points[o.points[metric]:] {
			values[p.Epoch] = append(values[p.Epoch], journal.Value{Metric: metric, Value: p.Value})
		}
		o.sums[metric] = sumOf(o.sums[metric], c, o.points[metric], len(c.Points))
		o.points[metric] = len(c.Points)
	}
	for _, epoch := range slices.Sorted(maps.Keys(values)) {
		records = append(records, journal.Record{Attempt: s.Run, Log: values[epoch], Step: epoch, Whole: true})
		o.last = epoch
	}
	return records
}

// beginOf is the beginning of a run: its params are its config.
func beginOf(s mlflow.Snapshot) journal.Begin {
	b := journal.Begin{Name: s.Sweep, At: journal.SecondsOf(time.UnixMilli(s.At)), Config: map[string]json.RawMessage{}}
	for _, p := range s.Params {
		if v, ok := imported.FromText(p.Value); ok {
			b.Config[p.Key], b.Order = inJSON(v), append(b.Order, p.Key)
		}
	}
	for _, t := range s.Tags {
		if t.Key == "mlflow.note.content" {
			b.Notes = t.Value
		}
	}
	return b
}

// inJSON writes a value of a config.
func inJSON(v plugins.Value) json.RawMessage {
	switch v.Type {
	case plugins.TypeInteger:
		return strconv.AppendInt(nil, v.Integer, 10)
	case plugins.TypeReal:
		text := strconv.FormatFloat(v.Real, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0" // a real one in every run
		}
		return json.RawMessage(text)
	case plugins.TypeFlag:
		return strconv.AppendBool(nil, v.Flag)
	}
	text, _ := json.Marshal(v.Text) // of a text: it does not fail
	return text
}
