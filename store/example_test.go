package store_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// An open database is read while a sweep writes it. Runs has Go values; Query reads the same views as
// `xrun sql`.
func Example() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, path := context.Background(), filepath.Join(dir, "xrun.db")
	if err := record(ctx, path); err != nil {
		log.Fatal(err)
	}

	db, err := store.OpenReadOnly(ctx, path)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	runs, err := db.Runs(ctx, store.RunQuery{})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range runs {
		fmt.Printf("run %d: lr %v, %s, val_loss %v at epoch %d\n", r.ID, r.LR, r.Status, r.Kept.Value, r.Kept.Epoch)
	}

	best := store.Query{Text: "SELECT lr, value FROM runs WHERE value < :most ORDER BY value", Parameters: map[string]any{"most": 0.5}}
	columns := func(names []string) error {
		fmt.Println(names)
		return nil
	}
	row := func(values []any) error {
		fmt.Println(values)
		return nil
	}
	if err := db.Query(ctx, best, columns, row); err != nil {
		log.Fatal(err)
	}
	// Output:
	// run 1: lr 0.01, finished, val_loss 0.75 at epoch 2
	// run 2: lr 0.1, finished, val_loss 0.25 at epoch 2
	// [lr value]
	// [0.1 0.25]
}

// record makes a database with a sweep of two runs.
func record(ctx context.Context, path string) error {
	db, err := store.Open(ctx, path, store.Options{Version: "example"})
	if err != nil {
		return err
	}
	defer db.Close()
	var trials []runner.Trial
	for _, lr := range []float64{0.01, 0.1} {
		task := runner.Task{Model: "linear", Epochs: 2, Training: runner.Training{DType: plugins.Float64}}
		trials = append(trials, runner.Trial{Task: task, Optimizer: runner.Choice{Label: "sgd", Component: "sgd"}, LR: lr})
	}
	sweep, err := db.PutSweep(ctx, store.Sweep{Name: "rates", Digest: "rates", Metric: "val_loss", Goal: "min", At: "best"}, trials)
	if err != nil {
		return err
	}
	recorder := db.Recorder(sweep, store.Environment{}, nil)
	begun, err := recorder.Begin(ctx, trials)
	if err != nil {
		return err
	}
	for i, b := range begun {
		value := []float64{0.75, 0.25}[i]
		err := recorder.Record(ctx, runner.Update{
			Points: []runner.Points{{Run: b.Run, Epoch: 2, Metrics: []string{"val_loss"}, Values: []float64{value}}},
			Ends:   []runner.End{{Run: b.Run, Status: runner.StatusFinished, Epochs: 2, Kept: &runner.Kept{Epoch: 2, Value: value}}},
		})
		if err != nil {
			return err
		}
	}
	return recorder.Flush(ctx)
}
