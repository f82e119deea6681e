package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/journal"
)

// A Collector reads the journals of a directory and records each attempt exactly once. What it has recorded and what it has read need not be
// kept from one collector to the next: all journals are read again, and attempts that the database has are passed over.
type Collector struct {
	Dir      Dir
	Recorder Recorder
	// Observe is told of every epoch and every end, like [runner.Options.Observe]. May be nil.
	Observe func(runner.Progress)
	// Monitor is the metric that pruning looks at; empty without.
	Monitor string
	// Fresh are trials that begin anew: attempts at them count from the given task on.
	Fresh map[runner.Key]string

	files  map[string]*reading   // by the name without its ending
	byTask map[string][]*reading // of each task
	trials map[runner.Key]*trial
	after  map[string]bool // attempts with which another one has gone on, by their tokens
	queue  []*attempt      // begun in journals, not in the database yet
	update runner.Update   // read, not handed to the recorder yet

	clock   clock // nil is the time of the machine
	folders map[string]*folder
	buffer  []byte
}

// A Recorder is what a collector asks of a database. store.Recorder is the usual one.
type Recorder interface {
	BeginElsewhere(ctx context.Context, attempts []store.Elsewhere) ([]runner.RunID, error)
	Record(ctx context.Context, u runner.Update) error
	Settled(ctx context.Context, attempts []store.Elsewhere) ([]runner.Status, error)
	RecordFailed(ctx context.Context, trials []runner.Trial, at time.Time, message string) error
	Flush(ctx context.Context) error
}

// trial is what is known of a trial of the sweep.
type trial struct {
	runner.Trial
	task    string        // that trains it; empty for none
	status  runner.Status // of its result, or of a failure or an interruption at which it is left; empty before
	epochs  int           // at its last end
	open    []*attempt    // with a run that has not ended
	curve   []float64     // of the monitor, after the epochs 1, 2, …
	lost    int           // jobs that ended since it came any further
	note    string        // with which the last of them was closed
	came    int           // the last epoch of its attempts at the end of a job
	lasting bool          // it failed and would fail again
}

// attempt is one try at a trial, as its journal tells it.
type attempt struct {
	token   string
	trial   *trial
	file    *reading
	begin   *journal.Begin
	tally   journal.Tally
	run     runner.RunID // 0 before it is begun, and if it needs none
	begun   bool
	epoch   int
	waiting []journal.Record // read before it was begun
	left    *runner.End      // interrupted, and not recorded: another attempt may go on with it
	broken  bool             // it has no end that is whole: nobody waits for the rest of the sweep with it
	over    bool
	settled bool // its trial has a result, and this is not it: its values are looked at, and not recorded
}

// reading is a journal that may still grow.
type reading struct {
	name     string // of the task, a dot, and the writer's own
	offset   int64
	rest     []byte // the beginning of a line that is not complete yet
	attempts map[string]*attempt
	closed   bool   // its job has ended in order
	note     string // with which it was closed: why the job could not train
	damaged  int    // lines that were left out
	reread   int    // times that it was read again since something was missing
	anew     bool   // the line that was read last has it read again
	quiet
}

// folder holds the journals of up to a thousand tasks.
type folder struct {
	files []string
	quiet
}

// quiet says when something is looked at again: the seldomer, the longer it has not changed.
type quiet struct {
	changed time.Time
	next    time.Time
}

// longest is the time between two looks at something that has not changed for long. Jobs that were lost leave journals that nobody closes, but
// a copy of one may write on.
const longest = 15 * time.Second

func (q *quiet) looked(now time.Time, news bool) {
	if news || q.changed.IsZero() {
		q.changed = now
	}
	q.next = now.Add(min(now.Sub(q.changed)/8, longest))
}

func (r *reading) task() string {
	task, _, _ := strings.Cut(r.name, ".")
	return task
}

// NewCollector collects the results of trials.
func NewCollector(dir Dir, recorder Recorder) *Collector {
	return &Collector{Dir: dir, Recorder: recorder, files: map[string]*reading{}, byTask: map[string][]*reading{}, trials: map[runner.Key]*trial{}, after: map[string]bool{}, folders: map[string]*folder{}}
}

// expect says what the collector records: other trials of the journals are passed over.
func (c *Collector) expect(trials []runner.Trial) {
	for _, t := range trials {
		key := t.Key()
		if c.trials[key] == nil {
			c.trials[key] = &trial{Trial: t}
		}
		c.trials[key].Trial = t
	}
}

// atOnce is how much of a journal is read before others have their turn.
const atOnce = 1 << 20

// Poll takes what the journals have become, and reports whether there was anything.
func (c *Collector) Poll(ctx context.Context) (news bool, err error) {
	now := c.now()
	if err := c.list(now); err != nil {
		return false, err
	}
	for more := true; more; {
		more = false
		for _, name := range slices.Sorted(maps.Keys(c.folders)) {
			for _, file := range c.folders[name].files {
				r := c.files[file]
				if r.closed || now.Before(r.next) {
					continue
				}
				n, err := c.read(ctx, r)
				if err != nil {
					return news, err
				}
				if n < atOnce {
					r.looked(now, n > 0)
				}
				news = news || n > 0
				more = more || n == atOnce
			}
		}
		if err := errors.Join(c.begin(ctx), c.flush(ctx)); err != nil {
			return news, err
		}
		if ctx.Err() != nil {
			return news, context.Cause(ctx)
		}
	}
	return news, nil
}

func (c *Collector) now() time.Time {
	if c.clock == nil {
		return time.Now()
	}
	return c.clock.Now()
}

// list looks for new journals.
func (c *Collector) list(now time.Time) error {
	folders, err := os.ReadDir(c.Dir.journals())
	if err != nil {
		return err
	}
	for _, e := range folders {
		if e.Type().IsRegular() {
			continue // nothing of xrun's
		}
		f := c.folders[e.Name()]
		if f == nil {
			f = &folder{}
			c.folders[e.Name()] = f
		}
		if now.Before(f.next) {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(c.Dir.journals(), e.Name()))
		if err != nil {
			return err
		}
		before := len(f.files)
		for _, e := range entries {
			name, ok := strings.CutSuffix(e.Name(), journalEnding)
			if !ok || e.IsDir() || c.files[name] != nil {
				continue
			}
			r := &reading{name: name, attempts: map[string]*attempt{}}
			c.files[name] = r
			c.byTask[r.task()] = append(c.byTask[r.task()], r)
			f.files = append(f.files, name)
		}
		f.looked(now, len(f.files) > before)
	}
	return nil
}

// read takes a part of a journal, and returns its length.
func (c *Collector) read(ctx context.Context, r *reading) (int, error) {
	f, err := os.Open(c.Dir.journal(r.name) + journalEnding)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if c.buffer == nil {
		c.buffer = make([]byte, atOnce)
	}
	n, err := f.ReadAt(c.buffer, r.offset)
	if err != nil && err != io.EOF {
		return 0, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	r.offset += int64(n)
	r.rest = append(r.rest, c.buffer[:n]...)
	records, used, damaged := journal.Parse(r.rest)
	r.rest = append(r.rest[:0], r.rest[used:]...)
	r.damaged += damaged
	for _, record := range records {
		if err := c.take(ctx, r, record); err != nil {
			return n, err
		}
		if r.anew {
			r.anew = false
			break
		}
	}
	return n, nil
}

// take takes a line.
func (c *Collector) take(ctx context.Context, r *reading, record journal.Record) error {
	if record.Attempt == closing {
		r.closed = true
		if record.Event != nil {
			r.note = record.Event.Message
		}
		return nil
	}
	a := r.attempts[record.Attempt]
	if record.Begin != nil && a == nil {
		t := c.trials[runner.Key(record.Begin.Trial)]
		c.after[record.Begin.After] = true
		// Journals are read in the order of their names: what went on with this attempt may have been read before.
		a = &attempt{token: record.Attempt, trial: t, file: r, begin: record.Begin, epoch: -1,
			over: t == nil || c.after[record.Attempt] || r.task() < c.Fresh[t.Key()]}
		r.attempts[record.Attempt] = a
		if !a.over {
			c.queue = append(c.queue, a)
		}
		return nil
	}
	if a != nil && a.settled {
		c.see(a, record)
		return nil
	}
	if a == nil || a.over || record.Begin != nil {
		return nil // the attempt is recorded, or its first line is damaged
	}
	if !a.begun {
		a.waiting = append(a.waiting, record)
		if record.End != nil {
			return c.begin(ctx)
		}
		return nil
	}
	return c.record(ctx, a, []journal.Record{record})
}

// flushAt is how many points go to the recorder at once.
const flushAt = 2048

// flush hands what has been read to the recorder.
func (c *Collector) flush(ctx context.Context) error {
	u := c.update
	c.update = runner.Update{}
	if len(u.Points)+len(u.Events)+len(u.Ends)+len(u.Checkpoints) == 0 {
		return nil
	}
	return c.Recorder.Record(ctx, u)
}

// begin begins the runs of new attempts, in one transaction, and records what has been read of them.
func (c *Collector) begin(ctx context.Context) error {
	if len(c.queue) == 0 {
		return nil
	}
	queue := c.queue
	c.queue = nil
	all := make([]store.Elsewhere, len(queue))
	for i, a := range queue {
		b := a.begin
		all[i] = store.Elsewhere{Token: a.token, Trial: a.trial.Trial, Start: b.At.Time(), Continues: b.After, Environment: store.Environment{
			Host: b.Host, CPU: b.CPU, Cores: b.Cores, OS: b.OS, Arch: b.Arch, GoVersion: b.Go, XrunVersion: b.Xrun, GitCommit: b.Commit, GitDirty: b.Dirty}}
		var open []*attempt
		for _, before := range a.trial.open {
			switch {
			case before.token == b.After: // its values come again
				before.over = true
			case before.left != nil: // nobody goes on with it
				c.update.Ends = append(c.update.Ends, *before.left)
				before.over = true
			default: // a copy of it may be at work still
				open = append(open, before)
			}
		}
		a.trial.open = open
	}
	if err := c.flush(ctx); err != nil {
		return err
	}
	runs, err := c.Recorder.BeginElsewhere(ctx, all)
	if err != nil {
		return err
	}
	if err := c.settle(ctx, queue, all, runs); err != nil {
		return err
	}
	var records []journal.Record
	for i, a := range queue {
		if a.over {
			continue // its journal is read again, and it is begun again
		}
		a.begun, a.run = true, runs[i]
		if records, a.waiting = a.waiting, nil; a.run == 0 {
			a.over = true // the database has it, or a result of its trial
			continue
		}
		a.trial.open = append(a.trial.open, a)
		if a.trial.Task.Command != nil && c.Observe != nil {
			c.Observe(runner.Progress{Trial: a.trial.Trial, Run: a.run, Begun: true})
		}
		if err := c.record(ctx, a, records); err != nil {
			return err
		}
	}
	return nil
}

// settle takes the results of trials whose attempts need no runs: another process may have trained them meanwhile.
func (c *Collector) settle(ctx context.Context, queue []*attempt, all []store.Elsewhere, runs []runner.RunID) error {
	var which []*attempt
	var asked []store.Elsewhere
	for i, a := range queue {
		if runs[i] == 0 && !a.over && a.trial.status == "" {
			which, asked = append(which, a), append(asked, all[i])
		}
	}
	if len(which) == 0 {
		return nil
	}
	results, err := c.Recorder.Settled(ctx, asked)
	if err != nil {
		return err
	}
	for i, a := range which {
		if results[i] == "" {
			continue
		}
		a.settled, a.trial.status = true, results[i]
		for _, record := range a.waiting {
			c.see(a, record)
		}
	}
	return nil
}

// see notes the value of the monitor in a line.
func (c *Collector) see(a *attempt, record journal.Record) {
	for _, v := range record.Log {
		if v.Metric == c.Monitor && record.Step > 0 {
			a.trial.see(record.Step, v.Value)
		}
	}
}

// record records lines of an attempt.
func (c *Collector) record(ctx context.Context, a *attempt, records []journal.Record) error {
	u := &c.update
	for _, record := range records {
		a.tally.Add(record)
		switch {
		case len(record.Log) > 0:
			p := runner.Points{Run: a.run, Epoch: record.Step}
			if record.Step <= a.epoch {
				continue
			}
			for _, v := range record.Log {
				p.Metrics, p.Values = append(p.Metrics, v.Metric), append(p.Values, v.Value)
			}
			c.see(a, record)
			a.epoch = record.Step
			u.Points = append(u.Points, p)
			if c.Observe != nil && !a.trial.status.Done() {
				c.Observe(runner.Progress{Trial: a.trial.Trial, Run: a.run, Epoch: p.Epoch, Metrics: p.Metrics, Values: p.Values})
			}
		case record.Event != nil:
			e := record.Event
			u.Events = append(u.Events, runner.Event{Run: a.run, At: e.At.Time(), Kind: e.Kind, Epoch: e.Epoch, Message: e.Message, Detail: e.Detail})
		case record.End != nil:
			c.end(a, record.End)
		}
		if a.over {
			break
		}
	}
	if len(u.Points) < flushAt {
		return nil
	}
	return c.flush(ctx)
}

// end takes the end of an attempt.
func (c *Collector) end(a *attempt, end *journal.End) {
	r, err := resultOf(end)
	e := runner.End{Run: a.run, At: end.At.Time(), Status: runner.Status(end.Status), Reason: r.Reason, Error: end.Error, Epochs: r.Epochs, Cost: r.Cost,
		Lasting: r.Lasting, Again: r.Again}
	if r.KeptEpoch >= 0 {
		e.Kept = &runner.Kept{Epoch: r.KeptEpoch, Value: float64(r.Value)}
	}
	for _, v := range r.Coefficients {
		if e.Coefficients == nil {
			e.Coefficients = map[string]float64{}
		}
		e.Coefficients[v.Metric] = v.Value
	}
	for _, v := range r.Constants {
		if e.Constants == nil {
			e.Constants = map[string]float64{}
		}
		e.Constants[v.Metric] = v.Value
	}
	data := c.Dir.journal(a.file.name) + dataEnding
	var missing error
	if e.Parameters, missing = r.Parameters.get(data); missing == nil {
		e.Output, missing = r.Output.get(data)
	}
	if missing == nil && !a.tally.Complete(*end) {
		missing = fmt.Errorf("its journal has %d values, and its end counts %d", a.tally.Count(), end.Count)
	}
	if err = errors.Join(err, missing); err != nil {
		c.again(a, err)
		return
	}
	t := a.trial
	if e.Status == runner.StatusInterrupted {
		a.left, t.epochs = &e, e.Epochs
		return
	}
	c.update.Ends = append(c.update.Ends, e)
	a.over = true
	late := t.status.Done() // a copy, which the recorder drops
	t.ended(a, e)
	if c.Observe != nil && !late {
		c.Observe(runner.Progress{Trial: t.Trial, Run: a.run, Epoch: e.Epochs, End: &e})
	}
}

// rereads is how often a journal is read again from its beginning if it lacks something: a network file system may show a file's end before
// its middle.
const rereads = 5

// again has the journal of an attempt read again, with all its attempts that have not ended. If that does not help, the attempt is worth
// nothing.
func (c *Collector) again(a *attempt, why error) {
	r := a.file
	if r.reread++; r.reread > rereads {
		a.broken = true
		a.left = &runner.End{Run: a.run, At: time.Now(), Status: runner.StatusInterrupted, Reason: "its journal is not whole: " + why.Error(), Epochs: max(a.epoch, 0)}
		return
	}
	c.queue = slices.DeleteFunc(c.queue, func(a *attempt) bool { return a.file == r })
	for _, other := range r.attempts {
		if !other.over && other.trial != nil {
			other.over = true
			other.trial.open = without(other.trial.open, other)
		}
	}
	*r = reading{name: r.name, attempts: map[string]*attempt{}, reread: r.reread, anew: true, quiet: quiet{changed: r.changed}}
}

// ended notes the end of an attempt with a result, or with a failure.
func (t *trial) ended(a *attempt, e runner.End) {
	t.open = without(t.open, a)
	if !e.Again && !t.status.Done() {
		t.status, t.epochs, t.lasting = e.Status, e.Epochs, e.Lasting
	}
}

func without(all []*attempt, a *attempt) []*attempt {
	var left []*attempt
	for _, other := range all {
		if other != a {
			left = append(left, other)
		}
	}
	return left
}

// see notes a value of the monitor. Attempts at a trial have the same values, as far as they come.
func (t *trial) see(epoch int, v float64) {
	for len(t.curve) < epoch-1 {
		t.curve = append(t.curve, nan)
	}
	if len(t.curve) == epoch-1 {
		t.curve = append(t.curve, v)
	}
}

// interrupt ends the open attempts at trials, as interrupted.
func (c *Collector) interrupt(ctx context.Context, trials []*trial, reason string) error {
	u := &c.update
	for _, t := range trials {
		for _, a := range t.open {
			e := a.left
			if e == nil {
				e = &runner.End{Run: a.run, At: time.Now(), Status: runner.StatusInterrupted, Reason: reason, Epochs: max(a.epoch, 0)}
			}
			a.over = true
			if checkpoint := c.checkpointOf(a); checkpoint != nil && !t.status.Done() {
				u.Checkpoints = append(u.Checkpoints, *checkpoint)
			}
			u.Ends = append(u.Ends, *e)
			if c.Observe != nil {
				c.Observe(runner.Progress{Trial: t.Trial, Run: a.run, Epoch: e.Epochs, End: e})
			}
		}
		t.open = nil
	}
	return c.flush(ctx)
}

// checkpointOf is the checkpoint that an attempt has left, so that its run can go on without the directory, too; nil if there is none.
func (c *Collector) checkpointOf(a *attempt) *runner.Checkpoint {
	s := readCheckpoint(checkpointFile(c.Dir, a.trial.Key()))
	if s == nil || s.Token != a.token || s.Epoch > a.epoch {
		return nil
	}
	return &runner.Checkpoint{Run: a.run, Epoch: s.Epoch, Content: s.Content}
}

var nan = math.NaN()
