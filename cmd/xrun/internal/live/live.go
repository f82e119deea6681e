// Package live shows a sweep while it runs: a few lines that redraw themselves on a terminal,
// single lines elsewhere.
package live

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Options of a View.
type Options struct {
	Out io.Writer
	// Terminal: Out is a terminal of Width columns, and the view redraws itself.
	Terminal bool
	Width    int
	// Silent shows failures only.
	Silent  bool
	Workers int
	// Watching: another process trains the sweep, with an unknown number of workers.
	Watching bool
	// Began is when the session began that is watched; zero is now.
	Began time.Time
	// Others reads the results of all trials while other processes train some of the sweep too. It returns nothing if none
	// does. It is called again and again while the view is shown; nil if the view need not ask.
	Others func(context.Context) ([]runner.Result, error)
	State
}

// A State is what a sweep has come to when a view begins.
type State struct {
	// Question describes the sweep: its name, its metric and goal, the axes and problems of its points, and the number of
	// epochs of its trials.
	Question compare.Question
	Results  []runner.Result // of all trials, in the order of the sweep
	// Again lists trials that have a result and train again in this session.
	Again []runner.Key
	// Stage is what the sweep does with its seeds, if they are added in stages: "stage 2 of at most 7: 8 seeds for 14 points".
	Stage string
	// Curves are the stored curves of trials that have begun, for those that go on.
	Curves map[runner.Key][]runner.CurvePoint
}

// A View follows a sweep. Start it, give it to the runner as its observer, and stop it.
type View struct {
	options Options
	began   time.Time
	cancel  context.CancelFunc
	stopped sync.WaitGroup
	open    int // trials that had not ended when the session began
	before  int // that had a result, and keep it

	mu       sync.Mutex
	board    *board
	trials   map[int64]*trial // in training, by run
	seen     map[runner.Key]runner.Result
	last     *problem // of the latest end
	ends     map[runner.Status]int
	ended    int     // in this session
	work     float64 // of the trials that have ended in this session, in trials
	notice   string
	stage    string
	drawn    int // lines on the screen
	lastLine time.Time
	failures map[string]int
	warnings map[string]int
	untried  map[string]int // trials not tried, by the plugin that was set aside
}

// A trial is in training.
type trial struct {
	*entry
	name   string
	epochs int // that it will train; 0 if unknown
	epoch  int
	began  bool // without a report so far
	// stored is the number of epochs that an earlier session has trained, and from is their share of the trial.
	stored int
	from   float64
	value  float64 // the metric now
	curve  []float64
}

// New makes a View. It writes nothing before Start.
func New(o Options) *View {
	began := o.Began
	if began.IsZero() {
		began = time.Now()
	}
	v := &View{options: o, began: began, stage: o.Stage, board: newBoard(o.Question, o.Results, o.Again), trials: map[int64]*trial{}, seen: map[runner.Key]runner.Result{},
		ends: map[runner.Status]int{}, failures: map[string]int{}, warnings: map[string]int{}, untried: map[string]int{}}
	for _, e := range v.board.order {
		switch {
		case !e.ended():
			v.open++
		case e.Status.Done():
			v.before++
		}
	}
	if !o.Watching {
		return v
	}
	for _, r := range o.Results {
		v.seen[r.Trial] = r
		if r.Again != nil {
			r = *r.Again
		}
		if r.Status == runner.StatusRunning {
			v.attempt(r)
		}
	}
	return v
}

// Start begins to draw.
func (v *View) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	if v.options.Others != nil && !v.options.Silent {
		v.stopped.Go(func() { v.follow(ctx) })
	}
	if !v.options.Terminal {
		return
	}
	v.stopped.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				v.mu.Lock()
				v.redraw()
				v.mu.Unlock()
			}
		}
	})
}

// follow asks for what other processes have come to. It spends at most a twentieth of the time on it.
func (v *View) follow(ctx context.Context) {
	const pause = 2 * time.Second
	for wait := pause; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		began := time.Now()
		if results, err := v.options.Others(ctx); err == nil { // an unreadable database ends the training, not its view
			v.take(results)
		}
		wait = max(pause, 20*time.Since(began))
	}
}

// take puts on the board what the trials of other processes have come to. Of this process's own trials the view knows
// more than the database.
func (v *View) take(results []runner.Result) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, r := range results {
		if e := v.board.trials[r.Trial]; e != nil && !e.own && !same(e.Result, r) {
			v.board.change(e, func() { e.Result = r })
		}
	}
}

// Stop ends the drawing and writes one line that sums up.
func (v *View) Stop() {
	v.cancel()
	v.stopped.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	for _, plugin := range slices.Sorted(maps.Keys(v.untried)) {
		what := "trials were"
		if v.untried[plugin] == 1 {
			what = "trial was"
		}
		fmt.Fprintf(v.options.Out, "%d %s not tried, as plugin %s was set aside\n", v.untried[plugin], what, plugin)
	}
	fmt.Fprintf(v.options.Out, "%s: %s\n", v.options.Question.Sweep, v.summary())
}

// Notice shows a message below the view, such as that the sweep is being stopped.
func (v *View) Notice(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.notice = text
	if !v.options.Terminal {
		fmt.Fprintln(v.options.Out, text)
	}
}

// Stage announces that another stage of the sweep has begun. A stage that was announced is not announced again.
func (v *View) Stage(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if text == v.stage {
		return
	}
	v.stage = text
	if !v.options.Terminal && !v.options.Silent && text != "" {
		fmt.Fprintf(v.options.Out, "%s: %s\n", v.options.Question.Sweep, text)
	}
}

// Observe takes the progress of a trial. It is the runner's observer.
func (v *View) Observe(p runner.Progress) {
	v.mu.Lock()
	defer v.mu.Unlock()
	run := int64(p.Run)
	t := v.trials[run]
	if t == nil && p.Warning != "" {
		v.warn(v.entryOf(p.Trial), p.Warning)
		return
	}
	if t == nil {
		t = v.begin(run, v.entryOf(p.Trial), p.Trial.Task.Epochs)
	}
	switch {
	case p.End != nil && p.End.Again:
		v.leave(run, t)
	case p.End != nil:
		v.end(run, t, *p.End, p.Untried)
	case p.Warning != "":
		v.warn(t.entry, p.Warning)
	case p.Begun:
		v.start(t)
	default:
		value := math.NaN()
		at := slices.Index(p.Metrics, v.options.Question.Metric)
		if at >= 0 {
			value = p.Values[at]
		}
		v.report(t, p.Epoch, value, at >= 0)
	}
}

// entryOf is the entry of a trial.
func (v *View) entryOf(t runner.Trial) *entry {
	key := t.Key()
	if e := v.board.trials[key]; e != nil {
		return e
	}
	r := runner.Result{Trial: key, Point: t.Point(), Optimizer: t.Optimizer.Label, LR: t.LR, Lambda: t.Lambda, Seed: t.Seed}
	if t.Regularizer != nil {
		r.Regularizer = t.Regularizer.Label
	}
	return v.board.add(r)
}

// Update takes the results of all trials of the sweep, as the database has them now.
func (v *View) Update(results []runner.Result) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.board.extend(results)
	for _, r := range results {
		before := v.seen[r.Trial]
		if r.Again == nil && before.Again == nil && same(before, r) {
			continue
		}
		v.seen[r.Trial] = r
		if !same(before, r) {
			v.attempt(r)
		}
		if r.Again != nil {
			v.attempt(*r.Again)
		}
	}
}

// same reports whether a trial has made no progress.
func same(before, now runner.Result) bool {
	return before.RunID == now.RunID && before.Epochs == now.Epochs && before.Status == now.Status && before.Found == now.Found
}

// attempt takes what the database has of an attempt at a trial.
func (v *View) attempt(r runner.Result) {
	if r.RunID == 0 {
		return
	}
	t := v.trials[r.RunID]
	if t == nil {
		e := v.board.trials[r.Trial]
		if e == nil {
			e = v.board.add(r)
		}
		t = v.begin(r.RunID, e, v.options.Question.Epochs)
	}
	switch {
	case r.Found && (t.began || r.Epochs > t.epoch || math.IsNaN(t.value)):
		v.report(t, r.Epochs, r.Summary.Last, true)
	case !r.Found && r.Status == runner.StatusRunning:
		v.start(t)
	}
	if r.Status != runner.StatusRunning {
		end := runner.End{Status: r.Status, Reason: r.Reason, Error: r.Reason, Epochs: r.Epochs}
		if r.Keeps {
			end.Kept = &r.Kept
		}
		v.end(r.RunID, t, end, nil)
	}
}

// leave takes it that an attempt has ended without a result.
func (v *View) leave(run int64, t *trial) {
	v.work += shareOf(t.epochs, t.epoch) - t.from
	delete(v.trials, run)
}

// begin begins an attempt at a trial. It ends an earlier one, whose end a watch need not have seen.
func (v *View) begin(run int64, e *entry, epochs int) *trial {
	for run, t := range v.trials {
		if t.entry == e {
			v.leave(run, t)
		}
	}
	t := &trial{entry: e, name: e.name(), epochs: epochs, value: math.NaN()}
	if e.Status == runner.StatusInterrupted || e.Status == runner.StatusRunning {
		t.stored = e.Epochs
	}
	e.own = true
	v.board.begin(e)
	v.trials[run] = t
	return t
}

// start takes it that a program has started, and has reported nothing yet.
func (v *View) start(t *trial) {
	first := !t.began
	t.began = true
	if first && !v.options.Terminal && !v.options.Silent && v.open <= few {
		fmt.Fprintf(v.options.Out, "%s %s seed %d: started\n", time.Now().Format(time.TimeOnly), t.name, t.Seed)
	}
}

// report takes the metric after an epoch. has is false if the report lacks it.
func (v *View) report(t *trial, epoch int, value float64, has bool) {
	if t.epoch == 0 {
		t.from = shareOf(t.epochs, min(t.stored, epoch))
	}
	t.began, t.epoch = false, epoch
	if !has {
		return
	}
	t.value = value
	if epoch == 0 { // the value before training would flatten the rest
		return
	}
	if t.curve == nil {
		for _, p := range v.options.Curves[t.Trial] {
			if p.Epoch > 0 && p.Epoch < epoch && p.Epoch <= t.stored {
				t.curve = append(t.curve, p.Value)
			}
		}
	}
	t.curve = append(t.curve, value)
}

// shareOf is the share of a trial that so many of its epochs are. It is 0 until the end of a program that does not tell
// its number of epochs.
func shareOf(all, epochs int) float64 {
	if all == 0 {
		return 0
	}
	return min(float64(epochs)/float64(all), 1)
}

func (v *View) end(run int64, t *trial, e runner.End, untried *runner.SetAsideError) {
	v.leave(run, t)
	v.board.end(t.entry, run, e)
	v.last = t.problem
	v.ends[e.Status]++
	if e.Status.Ended() { // it needs no further epochs
		v.ended++
		v.work += 1 - shareOf(t.epochs, t.epoch)
	}
	if untried != nil {
		v.setAside(untried)
		return
	}
	if e.Status == runner.StatusFailed {
		v.failure(t, e)
	}
	if !v.options.Terminal && !v.options.Silent {
		v.line(t, e)
	}
}
