package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/store"
)

// whole runs trials through the whole of xrun: plugin processes, shared memory, a real database.
func whole(b *testing.B, trials []runner.Trial, load func(runner.Task) (*data.Set, error)) {
	b.Helper()
	ctx := context.Background()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	h := host.New(host.Options{Builtin: []string{self, serveBuiltin}})
	db, err := store.Open(ctx, filepath.Join(b.TempDir(), "xrun.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	id, err := db.PutSweep(ctx, store.Sweep{Name: b.Name(), Digest: b.Name()}, trials)
	if err != nil {
		b.Fatal(err)
	}
	recorder := db.Recorder(id, training.Environment(ctx, version()), nil)
	err = runner.Execute(ctx, runner.Options{
		Workers: training.DefaultWorkers(), Recorder: recorder, Load: load,
		Plugins: func(runner.Share) (runner.Plugins, error) { return h.Worker() },
	}, trials)
	if err != nil {
		b.Fatal(err)
	}
	if err := recorder.Flush(ctx); err != nil {
		b.Fatal(err)
	}
}

func builtinChoice(b *testing.B, kind plugins.Kind, name string, given plugins.Settings) runner.Choice {
	b.Helper()
	for _, c := range components {
		if c.Kind == kind && c.Name == name {
			settings, err := c.Complete(given)
			if err != nil {
				b.Fatal(err)
			}
			return runner.Choice{Label: name, Plugin: host.BuiltinRef, Component: name, Identity: "builtin:" + name + "@1", Settings: settings}
		}
	}
	b.Fatalf("no %s %s", kind, name)
	return runner.Choice{}
}

// grid25 is 5 learning rates × 5 λ.
func grid25(b *testing.B, task runner.Task, optimizer runner.Choice) []runner.Trial {
	l2 := builtinChoice(b, plugins.KindRegularizer, "l2", nil)
	var trials []runner.Trial
	for _, lr := range []float64{1e-3, 3e-3, 1e-2, 3e-2, 1e-1} {
		for _, lambda := range []float64{0, 0.1, 1, 10, 100} {
			t := runner.Trial{Task: task, Optimizer: optimizer, LR: lr}
			if lambda > 0 {
				t.Regularizer, t.Lambda = &l2, lambda
			}
			trials = append(trials, t)
		}
	}
	return trials
}

// perEpoch reports the time of an epoch of all trials, metrics on training and validation data,
// plugins and recording included; what starting costs is in it, spread over the epochs.
func perEpoch(b *testing.B, epochs int) {
	b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N*epochs), "ms/epoch")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkGridDigits is 25 trials of softmax regression on digits, batch 64.
func BenchmarkGridDigits(b *testing.B) {
	set, err := data.Open("digits", data.Options{})
	if err != nil {
		b.Fatal(err)
	}
	const epochs = 100
	task := runner.Task{Model: "softmax", Epochs: epochs, Training: runner.Training{DType: plugins.Float64},
		Native: runner.Native{Batch: 64, Supervised: runner.Supervised{Dataset: "digits", Digest: set.Digest, Target: set.Target, Kind: string(set.Kind), Validation: 0.2, Standardize: true, Sampling: "shuffle"}}}
	for b.Loop() {
		whole(b, grid25(b, task, builtinChoice(b, plugins.KindOptimizer, "adam", nil)), training.OpenDataset)
	}
	perEpoch(b, epochs)
}

// BenchmarkGrid60000x784 is 25 trials of softmax regression on random data of the size of MNIST,
// batch 128, momentum; in both precisions.
func BenchmarkGrid60000x784(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	set := &data.Set{Name: "random", Digest: "random", Kind: data.Classification, Y: make([]float64, 60000)}
	x := make([]float64, 60000*784)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	set.X = data.NumbersOf(x...)
	for i := range set.Y {
		set.Y[i] = float64(rng.IntN(10))
	}
	for i := range 784 {
		set.Features = append(set.Features, fmt.Sprint(i))
	}
	for i := range 10 {
		set.Classes = append(set.Classes, fmt.Sprint(i))
	}
	load := func(runner.Task) (*data.Set, error) { return set, nil }
	for _, dtype := range []plugins.DType{plugins.Float64, plugins.Float32} {
		b.Run(string(dtype), func(b *testing.B) {
			const epochs = 3
			task := runner.Task{Model: "softmax", Epochs: epochs, Training: runner.Training{DType: dtype},
				Native: runner.Native{Batch: 128, Supervised: runner.Supervised{Dataset: "random", Digest: "random", Kind: "classification", Sampling: "shuffle"}}}
			momentum := plugins.Settings{"momentum": plugins.Real(0.9)}
			for b.Loop() {
				whole(b, grid25(b, task, builtinChoice(b, plugins.KindOptimizer, "sgd", momentum)), load)
			}
			perEpoch(b, epochs)
		})
	}
}

// BenchmarkTrials is a grid of 1,000 trials of a quadratic in two parameters, 20 steps each,
// with every metric of every step recorded.
func BenchmarkTrials(b *testing.B) {
	sgd := builtinChoice(b, plugins.KindOptimizer, "sgd", nil)
	l2 := builtinChoice(b, plugins.KindRegularizer, "l2", nil)
	task := runner.Task{Model: "quadratic", Epochs: 20, Training: runner.Training{DType: plugins.Float64},
		Native: runner.Native{TestFunction: runner.TestFunction{Dimension: 2, Condition: 10}}}
	var trials []runner.Trial
	for i := range 100 {
		for j := range 10 {
			trials = append(trials, runner.Trial{Task: task, Optimizer: sgd, Regularizer: &l2, LR: 0.01 * float64(i+1), Lambda: 0.01 * float64(j+1)})
		}
	}
	for b.Loop() {
		whole(b, trials, nil)
	}
	b.ReportMetric(float64(len(trials)*b.N)/b.Elapsed().Seconds(), "trials/s")
	b.ReportMetric(0, "ns/op")
}
