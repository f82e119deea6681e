package next_test

import (
	"fmt"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/next"
)

var question = compare.Question{Sweep: "small", Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}

// results are the runs of sgd at one learning rate, the first of them under a seed.
func results(lr float64, seed int64, losses ...float64) []runner.Result {
	var all []runner.Result
	for i, loss := range losses {
		all = append(all, runner.Result{
			Point: runner.Key(fmt.Sprint("sgd", lr)), Optimizer: "sgd", LR: lr, Seed: seed + int64(i), RunID: int64(1000*lr) + seed + int64(i),
			Status: runner.StatusFinished, Found: true, Epochs: 10, Keeps: true, Kept: runner.Kept{Epoch: 8, Value: loss},
			Summary: runner.Summary{First: 1, Last: loss, Min: loss, MinStep: 8, Max: 1, Count: 11},
		})
	}
	return all
}

func report(points ...[]runner.Result) *compare.Report {
	var all []runner.Result
	for _, p := range points {
		all = append(all, p...)
	}
	return compare.Build(question, all, nil)
}

func ExampleRefine() {
	text := []byte(`name = "small"
seeds = 3

[task]
dataset = "digits"

[optimizers.sgd]

[grid]
lr = [0.01, 0.1, 1]
`)
	r := report(results(0.01, 0, 0.60, 0.61, 0.59), results(0.1, 0, 0.41, 0.42, 0.40), results(1, 0, 0.52, 0.53, 0.50))
	// A real load checks the text against the plugins; this one takes any.
	load := func([]byte) (*sweeps.Spec, error) { return &sweeps.Spec{}, nil }
	refined, err := next.Refine(next.Grid{Name: "small", File: "small.toml", Text: text, Resolved: "divergence = 1000\n" + string(text)}, r, "", nil, 1, load)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("around", refined.Best)
	for _, line := range refined.Said {
		fmt.Println(line)
	}
	fmt.Print(string(refined.Text))
	// Output:
	// around sgd lr 0.1 λ 0
	// lr, best at 0.1, is made finer: 1e-2, 3.16e-2, 0.1, 0.316, 1
	// name = "small-refined"
	// seeds = 3
	// refines = "small"
	//
	// [task]
	// dataset = "digits"
	//
	// [optimizers.sgd]
	//
	// [grid]
	// lr = [0.01, 0.0316, 0.1, 0.316, 1.0]
}

func ExampleFinalists() {
	r := report(results(0.01, 0, 0.60, 0.61, 0.59), results(0.1, 0, 0.41, 0.42, 0.40), results(1, 0, 0.52, 0.53, 0.50))
	for _, p := range next.Finalists(r, 2) {
		fmt.Println(r.Name(p))
	}
	// Output:
	// sgd lr 0.1 λ 0
	// sgd lr 1 λ 0
}

// The point was picked under the seeds 0 to 4, and trained again under the seeds 5 to 9.
func ExampleLuck() {
	picked := report(results(0.1, 0, 0.41, 0.42, 0.40, 0.41, 0.42), results(1, 0, 0.52, 0.53, 0.50, 0.51, 0.54))
	fresh := report(results(0.1, 5, 0.45, 0.46, 0.44, 0.46, 0.45))
	for _, c := range next.Confirmations(picked, fresh, next.Finalists(picked, 1)) {
		fmt.Printf("%s: %.3f when picked, %.3f now\n", c.Name, c.Picked.Value, c.Fresh.Value)
		fmt.Println(next.Luck(c, picked, fresh))
	}
	// Output:
	// sgd lr 0.1 λ 0: 0.412 when picked, 0.452 now
	// The winner's curse: sgd lr 0.1 λ 0 looked better by +0.0400 ± 0.0122 than it is. Report the value under fresh seeds.
}
