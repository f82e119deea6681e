package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// generated fills a database with the runs of a grid of two optimizers × lrs × λs × 5 seeds, as a sweep
// would leave them: curves of four metrics whose best values form a bowl over the grid.
func generated(tb testing.TB, path string, lrs, lambdas, epochs int) (runs int) {
	tb.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	task := runner.Task{Model: "softmax", Epochs: epochs, Training: runner.Training{DType: plugins.Float64},
		Native: runner.Native{Batch: 64, Supervised: runner.Supervised{Dataset: "digits", Digest: "d", Target: "digit", Kind: "classification", Validation: 0.2, Standardize: true, Sampling: "shuffle"}}}
	l2 := runner.Choice{Label: "l2", Component: "l2", Identity: "builtin:l2@1"}
	var trials []runner.Trial
	for _, optimizer := range []string{"sgd", "adam"} {
		for i := range lrs {
			for j := range lambdas {
				for seed := range 5 {
					t := runner.Trial{Task: task, LR: 1e-4 * math.Pow(10, 4*float64(i)/float64(max(1, lrs-1))), Seed: int64(seed),
						Optimizer: runner.Choice{Label: optimizer, Component: optimizer, Identity: "builtin:" + optimizer + "@1"}}
					if j > 0 {
						t.Regularizer, t.Lambda = &l2, 1e-3*math.Pow(10, 5*float64(j)/float64(max(1, lambdas-1)))
					}
					trials = append(trials, t)
				}
			}
		}
	}
	id, err := db.PutSweep(ctx, store.Sweep{Name: "generated", Digest: tb.Name(), Metric: "val_loss", Goal: "min", At: "best"}, trials)
	if err != nil {
		tb.Fatal(err)
	}
	recorder := db.Recorder(id, store.Environment{}, nil)
	metrics := []string{"train_loss", "val_loss", "val_accuracy", "penalty"}
	rng := rand.New(rand.NewPCG(1, 2))
	for from := 0; from < len(trials); from += 64 {
		cohort := trials[from:min(from+64, len(trials))]
		begun, err := recorder.Begin(ctx, cohort)
		if err != nil {
			tb.Fatal(err)
		}
		floor := make([]float64, len(cohort))
		for i, t := range cohort {
			floor[i] = 0.1 + 0.05*math.Pow(math.Log10(t.LR)+2, 2) + 0.01*math.Abs(t.Lambda-1) + 0.01*rng.NormFloat64()
			if t.Optimizer.Label == "adam" {
				floor[i] *= 0.95
			}
		}
		for e := range epochs + 1 {
			u := runner.Update{Points: make([]runner.Points, len(cohort))}
			for i := range cohort {
				v := floor[i] + 2*math.Exp(-8*float64(e)/float64(epochs))
				u.Points[i] = runner.Points{Run: begun[i].Run, Epoch: e, Metrics: metrics, Values: []float64{0.9 * v, v, 1 - v/3, 0.01 * v}}
			}
			if err := recorder.Record(ctx, u); err != nil {
				tb.Fatal(err)
			}
		}
		u := runner.Update{}
		for i := range cohort {
			u.Ends = append(u.Ends, runner.End{Run: begun[i].Run, Status: runner.StatusFinished, Epochs: epochs,
				Kept: &runner.Kept{Epoch: epochs, Value: floor[i] + 2*math.Exp(-8)}})
		}
		if err := recorder.Record(ctx, u); err != nil {
			tb.Fatal(err)
		}
	}
	if err := recorder.Flush(ctx); err != nil {
		tb.Fatal(err)
	}
	return len(trials)
}

// benchStore is a generated database, which XRUN_BENCH_DB=DIR keeps for the next benchmark.
func benchStore(b *testing.B, lrs, lambdas, epochs int) (path string) {
	b.Helper()
	dir := os.Getenv("XRUN_BENCH_DB")
	if dir == "" {
		dir = b.TempDir()
	}
	path = filepath.Join(dir, fmt.Sprintf("runs-%d.db", 2*5*lrs*lambdas))
	if _, err := os.Stat(path); err != nil {
		generated(b, path, lrs, lambdas, epochs)
	}
	return path
}

// BenchmarkCompare is `xrun compare` over generated stores: 10,000 runs × 100 epochs × 4 metrics, and
// 100,000 runs of few epochs.
func BenchmarkCompare(b *testing.B) {
	for _, size := range []struct{ lrs, lambdas, epochs int }{{25, 40, 100}, {100, 100, 3}} {
		b.Run(fmt.Sprintf("%druns", 2*5*size.lrs*size.lambdas), func(b *testing.B) {
			path := benchStore(b, size.lrs, size.lambdas, size.epochs)
			for b.Loop() {
				p := &program{stdout: io.Discard, stderr: io.Discard, env: func(string) string { return "" }, args: []string{"xrun", "compare", "--store", path}}
				if code := p.run(context.Background()); code != advice.ExitOK {
					b.Fatalf("xrun compare exits with %d", code)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms/compare")
			b.ReportMetric(0, "ns/op")
		})
	}
}
