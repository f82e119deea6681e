package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// made are trials that nobody trains.
func made(n int) []runner.Trial {
	trials := make([]runner.Trial, n)
	for i := range trials {
		trials[i] = runner.Trial{Task: runner.Task{Model: "quadratic", Epochs: 50}, Optimizer: runner.Choice{Label: "sgd", Plugin: "builtin", Component: "sgd", Identity: "builtin:sgd@1"},
			LR: float64(i+1) / 1024, Seed: int64(i % 5), Keep: runner.Keep{Metric: "val_loss", Goal: "min", At: runner.AtBest}, Arithmetic: runner.ArithmeticRevision}
	}
	return trials
}

// pretend writes what a job would write that trains trials for some epochs.
func pretend(tb testing.TB, dir Dir, task string, trials []runner.Trial, epochs int) {
	tb.Helper()
	w, err := newWriter(dir, task, "1_0", store.Environment{Host: "n1", XrunVersion: "test"}, true)
	if err != nil {
		tb.Fatal(err)
	}
	begun, err := w.Begin(context.Background(), trials)
	if err != nil {
		tb.Fatal(err)
	}
	metrics := []string{"train_loss", "train_accuracy", "val_loss", "val_accuracy"}
	for epoch := range epochs + 1 {
		var u runner.Update
		for i, b := range begun {
			v := 2.302585092994045 / (1 + float64(epoch)*trials[i].LR)
			u.Points = append(u.Points, runner.Points{Run: b.Run, Epoch: epoch, Metrics: metrics, Values: []float64{v, 1 / v, v * 1.0625, 0.9375 / v}})
		}
		if epoch == epochs {
			for _, b := range begun {
				u.Ends = append(u.Ends, runner.End{Run: b.Run, At: time.Now(), Status: runner.StatusFinished, Epochs: epochs, Kept: &runner.Kept{Epoch: epochs, Value: 0.5},
					Parameters: make([]byte, 512)})
			}
		}
		if err := w.Record(context.Background(), u); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.close(""); err != nil {
		tb.Fatal(err)
	}
}

// recorderOf opens a database that has a sweep of trials.
func recorderOf(tb testing.TB, path string, trials []runner.Trial) (*store.Store, *store.Recorder) {
	tb.Helper()
	db, err := store.Open(tb.Context(), path, store.Options{Version: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	id, err := db.PutSweep(tb.Context(), store.Sweep{Name: "made", Digest: "made", Metric: "val_loss", Goal: "min", At: "best"}, trials)
	if err != nil {
		tb.Fatal(err)
	}
	return db, db.Recorder(id, store.Environment{Host: "collector"}, nil)
}

// BenchmarkCollect records what 1,000 jobs have written, in values a second.
func BenchmarkCollect(b *testing.B) {
	const jobs, each, epochs = 1000, 16, 50
	dir := Dir(b.TempDir())
	if err := dir.Make(); err != nil {
		b.Fatal(err)
	}
	trials := made(jobs * each)
	for i := range jobs {
		pretend(b, dir, taskName(0, i), trials[i*each:(i+1)*each], epochs)
	}
	n := 0
	for b.Loop() {
		n++
		b.StopTimer()
		db, recorder := recorderOf(b, filepath.Join(b.TempDir(), fmt.Sprintf("%d.db", n)), trials)
		b.StartTimer()
		c := NewCollector(dir, recorder)
		c.expect(trials)
		if _, err := c.Poll(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := recorder.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	values := float64(jobs * each * (epochs + 1) * 4 * n)
	b.ReportMetric(values/b.Elapsed().Seconds(), "values/s")
	b.ReportMetric(values/4/b.Elapsed().Seconds(), "epochs/s")
}
