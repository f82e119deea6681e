package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

func TestRoundTrip(t *testing.T) {
	s := fresh(t)
	trials := grid(3)
	trials[1].Regularizer, trials[1].Lambda = nil, 0
	trials[2].Optimizer.Settings["beta1"] = plugins.Real(math.Copysign(0, -1))
	sweep := Sweep{Name: "first", Notes: "n", Tags: []string{"a", "b"}, File: "s.toml", Text: []byte("x = 1"), Resolved: "r",
		Digest: "d", Metric: "loss", Goal: "min", At: "best"}
	id, err := s.PutSweep(t.Context(), sweep, trials)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.PutSweep(t.Context(), sweep, trials); err != nil || again != id {
		t.Fatalf("a second PutSweep gave %d, %v, want %d", again, err, id)
	}
	env := Environment{Host: "h", CPU: "c", Cores: 2, OS: "linux", Arch: "amd64", GoVersion: "go1.26", BLAS: "gonum", XrunVersion: "1", GitCommit: "abc", GitDirty: true}
	r := s.Recorder(id, env, []PluginUse{
		{Role: "optimizer", Name: "adam", Version: "1", Digest: "builtin:adam@1", Protocol: "go", Features: []string{"slots"}},
		{Role: "optimizer", Component: "another", Name: "neighbour of adam", Version: "1", Digest: "builtin:adam@1"},
		{Role: "base", Name: "none", Version: "1", Digest: "builtin:adam@1"},
		{Role: "optimizer", Name: "sgd", Version: "1", Digest: "builtin:sgd@1"}})
	runs := begin(t, r, trials)
	specials := []float64{math.NaN(), math.Float64frombits(0x7ff8000000000123), math.Inf(1), math.Inf(-1), math.Copysign(0, -1),
		0, 5e-324, math.MaxFloat64, 3, math.Pi}
	names := []string{"m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "loss"}
	record(t, r, runner.Update{Points: []runner.Points{{Run: runs[0], Epoch: 0, Metrics: names, Values: specials}}})
	reversed := slices.Clone(specials)
	slices.Reverse(reversed)
	at := time.Now().Truncate(time.Microsecond).UTC()
	cost := runner.Cost{Wall: 3 * time.Second, Steps: 7, GradientEvals: 8, Plugin: 9, Transport: 10}
	record(t, r, runner.Update{
		Points: []runner.Points{{Run: runs[0], Epoch: 1, Metrics: names, Values: reversed}},
		Events: []runner.Event{{Run: runs[0], At: at, Kind: "early_stop", Epoch: 1, Message: "m", Detail: "d"}},
		Ends: []runner.End{{Run: runs[0], At: at, Status: runner.StatusStopped, Reason: "why", Error: "e", Epochs: 1,
			Cost: cost, Kept: &runner.Kept{Epoch: 1, Value: 0.25}, Parameters: []byte("small")}}})
	large := bytes.Repeat([]byte("large"), 20000)
	record(t, r, runner.Update{Ends: []runner.End{{Run: runs[1], At: at, Status: runner.StatusFinished, Kept: &runner.Kept{Epoch: 2}, Parameters: large}}})
	flush(t, r)

	for i, name := range names {
		curve, err := s.Curve(t.Context(), int64(runs[0]), name)
		if err != nil || len(curve) != 2 {
			t.Fatalf("curve of %s: %v, %v", name, curve, err)
		}
		for e, want := range []float64{specials[i], reversed[i]} {
			if got := curve[e].Value; curve[e].Epoch != e || math.Float64bits(got) != math.Float64bits(want) {
				t.Errorf("%s at epoch %d is %x, want %x", name, curve[e].Epoch, math.Float64bits(got), math.Float64bits(want))
			}
		}
	}
	for _, name := range []string{"m0", "m9", "loss"} {
		curves, err := s.Curves(t.Context(), id, name)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := s.Curve(t.Context(), int64(runs[0]), name)
		if err != nil {
			t.Fatal(err)
		}
		if got := curves[int64(runs[0])]; fmt.Sprint(got) != fmt.Sprint(alone) || len(curves) != min(len(alone), 1) {
			t.Errorf("curves of %s are %v, want %v of run %d alone", name, curves, alone, runs[0])
		}
	}
	run, err := s.Run(t.Context(), int64(runs[0]))
	if err != nil {
		t.Fatal(err)
	}
	want := Run{ID: int64(runs[0]), Trial: trials[0].Key(), Point: trials[0].Point(), SweepID: id, Sweep: "first", SweepTitle: "first", Optimizer: "mine", Regularizer: "l2",
		LR: trials[0].LR, Lambda: 0.01, Attempt: 1, Status: runner.StatusStopped, Reason: "why", Error: "e", Epochs: 1,
		Metric: "loss", Keeps: true, Kept: runner.Kept{Epoch: 1, Value: 0.25}, StartedAt: run.StartedAt, EndedAt: at, Cost: cost}
	if run != want {
		t.Errorf("run\n%+v, want\n%+v", run, want)
	}
	if found, err := s.FindRun(t.Context(), string(trials[0].Key()[:10])); err != nil || found != want {
		t.Errorf("FindRun by key: %+v, %v", found, err)
	}
	if _, err := s.FindRun(t.Context(), "99999"); !errors.Is(err, ErrNotFound) {
		t.Errorf("FindRun of nothing: %v", err)
	}
	used := []PluginUse{{Role: "optimizer", Name: "adam", Version: "1", Digest: "builtin:adam@1", Protocol: "go", Features: []string{"slots"}}}
	if got, err := s.PluginsOf(t.Context(), int64(runs[0])); err != nil || !reflect.DeepEqual(got, used) {
		t.Errorf("plugins %+v, %v, want %+v", got, err, used)
	}
	if events, err := s.Events(t.Context(), int64(runs[0])); err != nil || len(events) != 1 || events[0] != (Event{at, "early_stop", 1, "m", "d"}) {
		t.Errorf("events %+v, %v", events, err)
	}
	if got, err := s.EnvironmentOf(t.Context(), int64(runs[0])); err != nil || got != env {
		t.Errorf("environment %+v, %v", got, err)
	}
	for i, content := range [][]byte{[]byte("small"), large} {
		if a, err := s.ArtifactOf(t.Context(), int64(runs[i])); err != nil || !bytes.Equal(a.Content, content) || a.Epoch != i+1 {
			t.Errorf("artifact of run %d: %d bytes, epoch %d, %v", runs[i], len(a.Content), a.Epoch, err)
		}
	}
	settings, err := s.Settings(t.Context(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range trials {
		if got := settings[trial.Key()]; !reflect.DeepEqual(got, trial.Settings()) {
			t.Errorf("settings\n%v, want\n%v", got, trial.Settings())
		}
	}
	if got := settings[trials[2].Key()]; !slices.ContainsFunc(got, func(v runner.Setting) bool {
		return v.Path == "optimizer.beta1" && math.Signbit(v.Value.Real)
	}) {
		t.Error("a setting of -0.0 has lost its sign")
	}
	varying, constant, err := s.Varying(t.Context(), id)
	if err != nil || !slices.Equal(varying, []string{"lambda", "optimizer.beta1", "regularizer.component", "regularizer.identity", "seed"}) || len(constant) < 15 {
		t.Errorf("varying %v, constant %v, %v", varying, constant, err)
	}
	results, err := s.Results(t.Context(), id, "loss")
	if err != nil || len(results) != 3 {
		t.Fatalf("results %+v, %v", results, err)
	}
	// π before training, NaN after: what the untrained model had is not the run's best.
	if got := results[0].Summary; !results[0].Found || got.First != math.Pi || got.Count != 2 ||
		!math.IsNaN(got.Last) || !math.IsNaN(got.Min) || !math.IsNaN(got.Max) || !math.IsNaN(got.Mean) {
		t.Errorf("summary %+v", got)
	}
	if results[2].Status != runner.StatusRunning || results[2].Found || results[2].Trial != trials[2].Key() {
		t.Errorf("the trial without points: %+v", results[2])
	}
	values, err := s.ValueAt(t.Context(), id, "m5", 1)
	if err != nil || len(values) != 1 || !math.Signbit(values[int64(runs[0])]) {
		t.Errorf("values at epoch 1: %v, %v", values, err)
	}
	info, err := s.FindSweep(t.Context(), "")
	if err != nil || info.ID != id || info.Trials != 3 || info.Counts[runner.StatusStopped] != 1 || !slices.Equal(info.Tags, sweep.Tags) {
		t.Errorf("sweep %+v, %v", info, err)
	}
	if _, err := s.FindSweep(t.Context(), "nothing"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.(*notFoundError).Hint(), "first") {
		t.Errorf("an unknown sweep: %v", err)
	}
	if got := query(t, s.Path(), `SELECT group_concat(name) FROM plugins_used WHERE run_id = ?`, int64(runs[0])); got != "adam" {
		t.Errorf("plugins used: %q", got)
	}
	if info, err := os.Stat(s.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file: %v, %v", info.Mode(), err)
	}
}

func TestSummaryIsOfItsPoints(t *testing.T) {
	s := newSeries(1, "loss")
	for i, v := range []float64{3, math.NaN(), -1, -1, 7} {
		s.observe(i, v)
	}
	if s.First != 3 || s.Last != 7 || s.Min != -1 || s.MinStep != 2 || s.Max != 7 || s.MaxStep != 4 || s.Count != 5 || s.mean() == s.mean() {
		t.Errorf("%+v", s)
	}
	s = newSeries(1, "loss")
	for _, v := range []float64{1e100, 1, -1e100} {
		s.observe(0, v)
	}
	if got := s.mean(); got != 1.0/3 {
		t.Errorf("mean %g", got)
	}
}

func TestViews(t *testing.T) {
	s := fresh(t)
	for view, columns := range map[string]string{
		"runs":         "run_id,trial_key,sweep,optimizer,regularizer,lr,lambda,seed,status,reason,epochs,steps,started_at,ended_at,wall_seconds,error,metric,value,kept_epoch",
		"settings":     "trial_key,path,value",
		"curves":       "run_id,metric,step,value",
		"best":         "run_id,metric,first,last,min,min_step,max,max_step,mean,count",
		"plugins_used": "run_id,role,name,version,digest",
		"events":       "run_id,at,kind,message,epoch,detail",
		"coefficients": "run_id,part,value",
		"constants":    "run_id,metric,value",
	} {
		if got := query(t, s.Path(), `SELECT group_concat(name) FROM pragma_table_info(?)`, view); got != columns {
			t.Errorf("%s has the columns %s, want %s", view, got, columns)
		}
	}
}

func TestRecordRefusesNonsense(t *testing.T) {
	s := fresh(t)
	trials := grid(1)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	run := begin(t, r, trials)[0]
	record(t, r, epoch(run, 1, 1))
	for name, u := range map[string]runner.Update{
		"an epoch twice":    epoch(run, 1, 1),
		"an epoch back":     epoch(run, 0, 1),
		"an unknown run":    epoch(run+1, 1, 1),
		"an end of nothing": end(run+1, runner.StatusFinished),
		"no end":            end(run, runner.StatusRunning),
		"a missing value":   {Points: []runner.Points{{Run: run, Epoch: 2, Metrics: []string{"a"}}}},
	} {
		if err := r.Record(t.Context(), u); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	record(t, r, end(run, runner.StatusFinished))
	if err := r.Record(t.Context(), epoch(run, 2, 1)); err == nil {
		t.Error("a point after the end was accepted")
	}
	flush(t, r)
}

func TestClaims(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xrun.db")
	a, b := open(t, path), open(t, path)
	trials := grid(20)
	sweep := put(t, a, trials)
	ra, rb := a.Recorder(sweep, Environment{}, nil), b.Recorder(sweep, Environment{}, nil)
	first, second := begin(t, ra, trials[:10]), begin(t, rb, trials)
	for i := range trials {
		if mine, theirs := i < 10, second[i] != 0; mine == theirs {
			t.Errorf("trial %d: begun by a %v, by b %v", i, mine, theirs)
		}
	}
	record(t, ra, end(first[0], runner.StatusFinished))
	record(t, ra, end(first[1], runner.StatusFailed))
	flush(t, ra)
	again := begin(t, rb, trials[:2])
	if again[0] != 0 || again[1] == 0 {
		t.Errorf("begun again: %v; want the failed one only", again)
	}
	status, err := a.Status(t.Context(), []runner.Key{trials[0].Key(), trials[1].Key(), "unknown"})
	if err != nil || status[trials[0].Key()].Status != runner.StatusFinished || status["unknown"] != (TrialStatus{}) {
		t.Errorf("status %+v, %v", status, err)
	}
	if got := status[trials[1].Key()]; got.Status != runner.StatusRunning || got.Attempts != 2 || !strings.Contains(got.Owner, "xrun test") {
		t.Errorf("status of the second attempt: %+v", got)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got := query(t, path, `SELECT count(*) FROM runs WHERE status = 'interrupted'`); got != "11" {
		t.Errorf("%s runs were interrupted when their store was closed, want 11", got)
	}
	if ids := begin(t, ra, trials[10:]); slices.Contains(ids, 0) {
		t.Errorf("interrupted trials cannot be begun: %v", ids)
	}
}

func TestFirstCompleteEndWins(t *testing.T) {
	s := fresh(t)
	trials := grid(1)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	first := begin(t, r, trials)[0]
	record(t, r, epoch(first, 1, 1))
	flush(t, r)
	// As a lost node that comes back would: two attempts run at once.
	other := s.Recorder(1, Environment{}, nil)
	execute(t, s, `UPDATE run SET status = 'failed'`)
	second := begin(t, other, trials)[0]
	execute(t, s, `UPDATE run SET status = 'running'`)
	record(t, other, epoch(second, 1, 2))
	record(t, other, end(second, runner.StatusFinished))
	flush(t, other)
	record(t, r, epoch(first, 2, 1))
	record(t, r, end(first, runner.StatusFinished))
	flush(t, r)
	if got := query(t, s.Path(), `SELECT group_concat(status || ':' || reason) FROM runs`); got != "interrupted:another attempt finished first,finished:" {
		t.Errorf("runs %s", got)
	}
	if got := query(t, s.Path(), `SELECT group_concat(DISTINCT run_id) FROM (SELECT run_id FROM curves UNION ALL SELECT run_id FROM best)`); got != "2" {
		t.Errorf("points and summaries are of run %s, want 2 only", got)
	}
}

func TestRunTakenAway(t *testing.T) {
	s := fresh(t)
	trials := grid(1)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	run := begin(t, r, trials)[0]
	record(t, r, epoch(run, 1, 1))
	flush(t, r)
	execute(t, s, `UPDATE run SET status = 'interrupted'`)
	record(t, r, epoch(run, 2, 1))
	record(t, r, end(run, runner.StatusFinished))
	flush(t, r)
	if got := query(t, s.Path(), `SELECT count(*) || (SELECT status FROM runs) FROM curves`); got != "1interrupted" {
		t.Errorf("%s; want the one point of before", got)
	}
}

// execute changes the file behind the Store's back.
func execute(t *testing.T, s *Store, q string) {
	t.Helper()
	db, err := openPool(s.Path(), writerSettings, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(q); err != nil {
		t.Fatal(err)
	}
}
