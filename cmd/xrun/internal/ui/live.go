package ui

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/watching"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Live is a sweep in training.
type Live struct {
	Sweep    string     `json:"sweep"`
	Owners   []ownerRow `json:"owners"`
	Trials   int        `json:"trials"`
	Ended    int        `json:"ended"`
	Share    number     `json:"share"` // of the sweep that is done
	Elapsed  number     `json:"elapsed_seconds"`
	Left     *number    `json:"left_seconds"` // estimated; null where there is no saying
	Stage    string     `json:"stage,omitempty"`
	Best     []string   `json:"best"` // the leading point of each problem, in words
	Training []Training `json:"running"`
	More     int        `json:"running_more"` // trials in training that are not listed
}

// A Training is a trial in training.
type Training struct {
	Point  runner.Key `json:"point"`
	Run    int64      `json:"run_id"`
	Name   string     `json:"name"`
	Seed   int64      `json:"seed"`
	Epoch  int        `json:"epoch"`
	Epochs int        `json:"epochs"` // that it will train; 0 if unknown
	Value  number     `json:"value"`  // the metric now; null before the first report
	Text   string     `json:"text"`
}

// mostTraining is the largest number of trials in training that are listed.
const mostTraining = 50

// followers follow sweeps in training, as long as somebody asks for them.
type followers struct {
	mu  sync.Mutex
	all map[int64]*follower
}

func newFollowers() *followers { return &followers{all: map[int64]*follower{}} }

// A follower is a view of a sweep in training, as `xrun watch` has one.
type follower struct {
	used time.Time

	mu      sync.Mutex
	watch   *watching.Watching
	view    *live.View
	version version
	at      time.Time // of the latest look
	cost    time.Duration
}

// forgotten is how long a follower is kept that nobody asks for, and mostFollowed how many there are.
const (
	forgotten    = time.Minute
	mostFollowed = 8
)

// of is the state of a sweep that is in training; nil if nobody trains it. It may be a little old unless the newest is wanted.
func (f *followers) of(ctx context.Context, db *opened, sweep store.SweepInfo, newest bool) (*Live, error) {
	owners, err := db.Owners(ctx, sweep.ID)
	if err != nil || len(owners) == 0 {
		if err == nil {
			f.mu.Lock()
			delete(f.all, sweep.ID)
			f.mu.Unlock()
		}
		return nil, err
	}
	f.mu.Lock()
	now := time.Now()
	for id, other := range f.all {
		if now.Sub(other.used) > forgotten || len(f.all) >= mostFollowed && id != sweep.ID {
			delete(f.all, id)
		}
	}
	of := f.all[sweep.ID]
	if of == nil {
		of = &follower{}
		f.all[sweep.ID] = of
	}
	of.used = now
	f.mu.Unlock()
	return of.look(ctx, db, sweep, owners, newest)
}

// look reads what has changed. Unless the newest is wanted, it spends at most a twentieth of the time on that.
func (f *follower) look(ctx context.Context, db *opened, sweep store.SweepInfo, owners []store.Owner, newest bool) (*Live, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	version, err := db.version(ctx)
	if err != nil {
		return nil, err
	}
	if f.view == nil || f.version.generation != version.generation {
		if err := f.begin(ctx, db, sweep, owners[0].StartedAt); err != nil {
			return nil, err
		}
	} else if version != f.version && (newest || time.Since(f.at) > stale*f.cost) {
		began := time.Now()
		if err := f.watch.Poll(ctx); err != nil {
			return nil, err
		}
		stage, err := f.watch.Stage(ctx)
		if err != nil {
			return nil, err
		}
		f.view.Update(f.watch.Results)
		f.view.Stage(stage)
		f.at, f.cost, f.version = began, time.Since(began), version
	}
	return liveOf(sweep.Title, f.view.Now(), owners), nil
}

// begin makes the view as it would be if it had watched from the beginning of the session: what was trained since then
// tells how long the rest takes.
func (f *follower) begin(ctx context.Context, db *opened, sweep store.SweepInfo, session time.Time) (err error) {
	f.at = time.Now()
	if f.version, err = db.version(ctx); err != nil {
		return err
	}
	if f.watch, err = watching.New(ctx, db.Store, itoa(sweep.ID)); err != nil {
		return err
	}
	state, err := f.watch.State(ctx)
	if err != nil {
		return err
	}
	runs, err := db.Runs(ctx, store.RunQuery{Sweep: sweep.ID})
	if err != nil {
		return err
	}
	begun := map[int64]bool{}
	for _, r := range runs {
		if !r.StartedAt.Before(session) {
			begun[r.ID] = true
		}
	}
	before := make([]runner.Result, len(state.Results))
	for i, r := range state.Results {
		if begun[r.RunID] {
			r = runner.Result{Trial: r.Trial, Point: r.Point, Optimizer: r.Optimizer, Regularizer: r.Regularizer, LR: r.LR, Lambda: r.Lambda, Seed: r.Seed}
		}
		before[i] = r
	}
	state.Results = before
	f.view = live.New(live.Options{Out: io.Discard, Silent: true, Watching: true, Began: session, State: state})
	f.view.Update(f.watch.Results)
	f.cost = time.Since(f.at)
	return nil
}

func liveOf(title string, now live.Now, owners []store.Owner) *Live {
	out := &Live{Sweep: title, Owners: ownerRows(owners), Trials: now.Trials, Ended: now.Ended, Share: number(now.Share), Elapsed: number(now.Elapsed.Round(time.Second).Seconds()), Stage: now.Stage,
		Best: append([]string{}, now.Best...), Training: []Training{}, More: max(0, len(now.Running)-mostTraining)}
	if now.LeftKnown {
		left := number(now.Left.Seconds())
		out.Left = &left
	}
	for _, t := range now.Running[:min(len(now.Running), mostTraining)] {
		text := ""
		if t.Value == t.Value {
			text = stats.Number(t.Value)
		}
		out.Training = append(out.Training, Training{t.Point, t.Run, t.Name, t.Seed, t.Epoch, t.Epochs, sheet.Shown(t.Value, false), text})
	}
	return out
}
