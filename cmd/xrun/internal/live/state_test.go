package live_test

import (
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/watching"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// A simulation is a sweep that sessions train in an order of chance, with made-up values.
type simulation struct {
	t      *testing.T
	random *rand.Rand
	path   string
	trials []runner.Trial
	goal   string
}

const epochs = 4

func simulate(t *testing.T, seed uint64) *simulation {
	s := &simulation{t: t, random: rand.New(rand.NewPCG(seed, 1)), path: filepath.Join(t.TempDir(), "xrun.db"), goal: []string{"min", "max"}[seed%2]}
	datasets := []string{"iris", "wine"}[:1+seed/2%2]
	for seed := range int64(3) {
		for _, dataset := range datasets {
			for _, optimizer := range []string{"adam", "sgd"} {
				for _, lr := range []float64{0.1, 1} {
					for _, batch := range []int{8, 16} {
						s.trials = append(s.trials, runner.Trial{
							Task: runner.Task{Model: "linear", Epochs: epochs, Training: runner.Training{DType: plugins.Float64},
								Native: runner.Native{Batch: batch, Supervised: runner.Supervised{Dataset: dataset, Digest: dataset, Kind: "regression"}}},
							Optimizer: runner.Choice{Label: optimizer, Component: optimizer, Identity: optimizer}, LR: lr, Seed: seed})
					}
				}
			}
		}
	}
	return s
}

// try fails the test on an error.
func (s *simulation) try(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func viewOf(s *simulation, db *store.Store, follows bool) (*watching.Watching, *live.View) {
	w, err := watching.New(s.t.Context(), db, "simulated")
	s.try(err)
	state, err := w.State(s.t.Context())
	s.try(err)
	return w, live.New(live.Options{Out: io.Discard, Silent: true, Watching: follows, State: state})
}

// session trains up to n steps and is then killed: trials that train are left as they are. check is called with what its
// view shows, between the steps.
func (s *simulation) session(n int, check func(shown []string)) {
	ctx := s.t.Context()
	db, err := store.Open(ctx, s.path, store.Options{Version: "test", Command: "xrun test"})
	s.try(err)
	defer func() { s.try(db.Close()) }()
	id, err := db.PutSweep(ctx, store.Sweep{Name: "simulated", Digest: "simulated", Text: []byte("[task]"), Metric: "val_loss", Goal: s.goal, At: "best"}, s.trials)
	s.try(err)
	var keys []runner.Key
	for _, t := range s.trials {
		keys = append(keys, t.Key())
	}
	status, err := db.Status(ctx, keys)
	s.try(err)
	var open []runner.Trial
	for i, t := range s.trials {
		if st := status[keys[i]]; !st.Status.Ended() {
			open = append(open, t)
		}
	}
	s.random.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
	_, view := viewOf(s, db, false)
	recorder := db.Recorder(id, store.Environment{}, nil)
	type running struct {
		trial runner.Trial
		run   runner.RunID
		epoch int
		last  float64
	}
	var training []*running
	for range n {
		if len(open) == 0 && len(training) == 0 {
			break
		}
		at := -1
		if len(training) < 3 && len(open) > 0 {
			begun, err := recorder.Begin(ctx, open[:1])
			s.try(err)
			r := &running{trial: open[0], run: begun[0].Run, epoch: -1, last: math.NaN()}
			open, training = open[1:], append(training, r)
			if from := begun[0].From; from != nil { // its first report follows at once
				r.epoch, at = from.Epoch, len(training)-1
			} else {
				view.Observe(runner.Progress{Trial: r.trial, Run: r.run, Begun: true})
			}
		}
		taken := at >= 0
		if !taken {
			at = s.random.IntN(len(training))
		}
		r := training[at]
		var u runner.Update
		p := runner.Progress{Trial: r.trial, Run: r.run}
		how := s.random.IntN(20)
		switch {
		case r.epoch < epochs && (how > 2 || r.epoch < 1 || taken):
			r.epoch++
			r.last = float64(s.random.IntN(1000))
			p.Epoch, p.Metrics, p.Values = r.epoch, []string{"train_loss", "val_loss"}, []float64{1, r.last}
			u.Points = []runner.Points{{Run: r.run, Epoch: p.Epoch, Metrics: p.Metrics, Values: p.Values}}
			if r.trial.LR == 1 { // the others begin again after a kill
				u.Checkpoints = []runner.Checkpoint{{Run: r.run, Epoch: r.epoch, Content: []byte("state")}}
			}
		default:
			statuses := []runner.Status{runner.StatusStopped, runner.StatusDiverged, runner.StatusFailed}
			end := runner.End{Run: r.run, Status: runner.StatusFinished, Epochs: r.epoch, Reason: "chance"}
			if r.epoch < epochs {
				end.Status = statuses[how]
			}
			if end.Status.Keeps() {
				end.Kept = &runner.Kept{Epoch: r.epoch, Value: r.last}
			}
			p.Epoch, p.End = r.epoch, &end
			u.Ends = []runner.End{end}
			training = slices.Delete(training, at, at+1)
		}
		s.try(recorder.Record(ctx, u))
		view.Observe(p)
		if s.random.IntN(10) == 0 {
			s.try(recorder.Flush(ctx))
			check(view.Shown())
		}
	}
	s.try(recorder.Flush(ctx))
	check(view.Shown())
}

// The session's own view is fed by events, a watch by what is stored, and a watch that begins now by the same. All show one
// state: the same bar, the same best, the same map, and the same trials in training, also after a kill and a resume.
func TestOneStateIsShownHoweverItIsSeen(t *testing.T) {
	for seed := range uint64(4) {
		s := simulate(t, seed)
		var reader *store.Store
		var w *watching.Watching
		var watch *live.View
		checks, led := 0, 0
		for range 4 {
			s.session(50+s.random.IntN(100), func(shown []string) {
				t.Helper()
				want := strings.Join(shown, "\n")
				if reader == nil {
					var err error
					reader, err = store.OpenReadOnly(t.Context(), s.path)
					s.try(err)
					t.Cleanup(func() { reader.Close() })
					w, watch = viewOf(s, reader, true)
				}
				s.try(w.Poll(t.Context()))
				watch.Update(w.Results)
				if got := strings.Join(watch.Shown(), "\n"); got != want {
					t.Fatalf("simulation %d: a watch shows\n%s\nthe sweep itself\n%s", seed, got, want)
				}
				_, late := viewOf(s, reader, true)
				if got := strings.Join(late.Shown(), "\n"); got != want {
					t.Fatalf("simulation %d: a watch that begins now shows\n%s\nthe sweep itself\n%s", seed, got, want)
				}
				checks++
				if strings.Contains(want, "◆") {
					led++
				}
			})
		}
		if led < checks/2 || checks < 8 {
			t.Errorf("simulation %d: of %d checks, %d had a map", seed, checks, led)
		}
	}
}
