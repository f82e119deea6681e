package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// grid makes n different trials with about 25 settings each.
func grid(n int) []runner.Trial {
	trials := make([]runner.Trial, n)
	for i := range trials {
		trials[i] = runner.Trial{
			Task: runner.Task{Model: "mlp", Epochs: 20, Training: runner.Training{DType: plugins.Float64},
				Native: runner.Native{Batch: 32, Supervised: runner.Supervised{Dataset: "blobs", Digest: "d", Kind: "classification", Hidden: []int{8, 4}, Activation: "relu", Sampling: "shuffle"}}},
			Optimizer: runner.Choice{Label: "mine", Plugin: "adam", Component: "adam", Identity: "builtin:adam@1",
				Settings: plugins.Settings{"beta1": plugins.Real(0.9), "beta2": plugins.Real(0.999),
					"steps": plugins.Integer(3), "amsgrad": plugins.Flag(true), "mode": plugins.Choice("torch")}},
			Regularizer: &runner.Choice{Component: "l2", Identity: "builtin:l2@1"},
			LR:          0.1 / float64(1+i/10), Lambda: 0.01, Seed: int64(i % 10),
		}
	}
	return trials
}

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, Options{Version: "test", Command: "xrun test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func fresh(t testing.TB) *Store {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "xrun.db"))
}

func put(t testing.TB, s *Store, trials []runner.Trial) int64 {
	t.Helper()
	id, err := s.PutSweep(t.Context(), Sweep{Name: "first", Digest: "s1", Text: []byte("[task]"), Metric: "val_loss", Goal: "min", At: "best"}, trials)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func begin(t testing.TB, r *Recorder, trials []runner.Trial) []runner.RunID {
	t.Helper()
	runs, err := r.Begin(t.Context(), trials)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]runner.RunID, len(runs))
	for i := range runs {
		ids[i] = runs[i].Run
	}
	return ids
}

func record(t testing.TB, r *Recorder, u runner.Update) {
	t.Helper()
	if err := r.Record(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

func flush(t testing.TB, r *Recorder) {
	t.Helper()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// epoch is one value of one metric.
func epoch(run runner.RunID, n int, v float64) runner.Update {
	return runner.Update{Points: []runner.Points{{Run: run, Epoch: n, Metrics: []string{"loss"}, Values: []float64{v}}}}
}

func end(run runner.RunID, status runner.Status) runner.Update {
	return runner.Update{Ends: []runner.End{{Run: run, Status: status, Epochs: 1}}}
}

// query asks the file directly, as another program would.
func query(t testing.TB, path, q string, args ...any) string {
	t.Helper()
	db, err := openPool(path, readerSettings, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var v sql.NullString
	if err := db.QueryRowContext(context.Background(), q, args...).Scan(&v); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", q, err))
	}
	return v.String
}
