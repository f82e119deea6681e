package compare_test

import (
	"fmt"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// question asks which point has the lowest val_loss, at the epoch whose parameters are kept.
var question = compare.Question{Sweep: "small", Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}

// results are the runs of an optimizer at one learning rate: the val_loss under the seeds 0, 1, ….
func results(optimizer string, lr float64, losses ...float64) []runner.Result {
	var all []runner.Result
	for seed, loss := range losses {
		all = append(all, runner.Result{
			Point: runner.Key(fmt.Sprint(optimizer, lr)), Optimizer: optimizer, LR: lr, Seed: int64(seed), RunID: int64(1000*lr) + int64(seed),
			Status: runner.StatusFinished, Found: true, Epochs: 10, Keeps: true, Kept: runner.Kept{Epoch: 8, Value: loss},
			Summary: runner.Summary{First: 1, Last: loss, Min: loss, MinStep: 8, Max: 1, Count: 11},
		})
	}
	return all
}

// grid has two arms, of two points each, under eight seeds.
func grid() []runner.Result {
	var all []runner.Result
	for _, point := range [][]runner.Result{
		results("sgd", 0.1, 0.437, 0.409, 0.449, 0.436, 0.431, 0.442, 0.428, 0.440),
		results("sgd", 0.2, 0.512, 0.498, 0.530, 0.521, 0.507, 0.516, 0.500, 0.519),
		results("adam", 0.01, 0.412, 0.398, 0.431, 0.405, 0.417, 0.420, 0.401, 0.418),
		results("adam", 0.03, 0.415, 0.396, 0.433, 0.409, 0.418, 0.419, 0.405, 0.421),
	} {
		all = append(all, point...)
	}
	return all
}

func ExampleBuild() {
	report := compare.Build(question, grid(), nil)
	fmt.Println(report.Heading())
	fmt.Println(report.Verdict())
	for _, p := range report.Points {
		fmt.Printf("%s: %.4f ± %.4f\n", report.Name(p), p.Interval.Value, p.Interval.Half())
	}
	// Output:
	// small · 4 points × 8 seeds · val_loss ↓ at its best epoch · mean ± 95 % CI, paired by seed
	// adam lr 1e-2 λ 0 is best: val_loss 0.4128 ± 0.0092, 4.9 % [3.6, 6.2] below the best sgd (p = 0.008, n = 8).
	// One of the 3 other points cannot be told from it (≈).
	// adam lr 1e-2 λ 0: 0.4128 ± 0.0092
	// adam lr 3e-2 λ 0: 0.4145 ± 0.0094
	// sgd lr 0.1 λ 0: 0.4340 ± 0.0100
	// sgd lr 0.2 λ 0: 0.5129 ± 0.0091
}

// An arm is represented by its best point, which is tested against the baseline's best point.
func ExampleArm() {
	report := compare.Build(question, grid(), nil)
	for _, a := range report.Arms {
		chosen := report.Points[a.Chosen]
		fmt.Printf("%s: %s, baseline: %v, tested: %v", a.Name, report.Name(chosen), a.Baseline, a.Tested)
		if a.Tested {
			fmt.Printf(", difference %.4f [%.4f, %.4f], p = %.3f, wins %.0f %%", a.Versus.Value, a.Versus.Low, a.Versus.High, a.P, 100*a.Wins)
		}
		fmt.Println()
	}
	// Output:
	// adam: adam lr 1e-2 λ 0, baseline: false, tested: true, difference -0.0212 [-0.0268, -0.0157], p = 0.008, wins 100 %
	// sgd: sgd lr 0.1 λ 0, baseline: true, tested: false
}

// The tests, the statistic and the baseline are part of the question.
func ExampleQuestion() {
	q := question
	q.Stat, q.Test = compare.StatMedian, compare.TestWilcoxon
	q.Baseline = func(p *compare.Point) bool { return p.Optimizer == "adam" && p.LR == 0.03 }
	fmt.Println(compare.Build(q, grid(), nil).Verdict())
	// Output:
	// adam lr 1e-2 λ 0 is best: val_loss 0.414 ± 0.016, 0.6 % [-0.5, 1.0] below the best adam baseline (p = 0.078, n = 8).
	// Equal within 1 %: adam is at most 0.96 % below and 0.24 % above adam baseline (90 % CI).
	// One of the 3 other points cannot be told from it (≈).
}

// A decision is the verdict as data.
func ExampleReport_Decision() {
	report := compare.Build(question, grid(), nil)
	d, _ := report.Decision()
	fmt.Println(report.Arms[d.Arm].Name, "is", d.Outcome, "than", report.Arms[d.Baseline].Name)
	fmt.Printf("%.4f [%.4f, %.4f], within %.4f: %v\n", d.Difference.Value, d.Difference.Low, d.Difference.High, d.EqualWithin, d.Within)
	// Output:
	// adam is better than sgd
	// -0.0212 [-0.0268, -0.0157], within 0.0043: false
}

// Notes name what puts the numbers in doubt, and what to do about it.
func ExampleReport_Notes() {
	for _, n := range compare.Build(question, grid(), nil).Notes() {
		fmt.Println(n.Kind()+":", n.Text, n.Then, n.Command)
	}
	// Output:
	// warning: adam's best lr, 1e-2, is the smallest of the grid: a better one may lie beyond  [refine --axis lr]
	// warning: sgd's best lr, 0.1, is the smallest of the grid: a better one may lie beyond  [refine --axis lr --arm sgd]
	// note: 4 complete points show too little about noise, which takes 5: each difference is judged by its own seeds alone, p is by a sign-flip permutation test of the mean paired difference  []
	// note: picked from 4 points by the metric that it is judged by, so optimistic  [confirm --top 3 --seeds 10]
}

// The first paragraph suits a paper.
func ExampleReport_Methods() {
	fmt.Println(compare.Build(question, grid(), nil).Methods()[0])
	// Output:
	// We trained 4 points with 8 seeds each, sharing data split, initial weights and batch order by seed, and report val_loss at its best epoch as mean with 95 % Student t confidence intervals. Of each of 2 arms the point with the best mean of val_loss was chosen; the chosen points were compared with the chosen point of sgd by a sign-flip permutation test of the mean paired difference, two-sided. Choosing and judging by the same values makes the values of chosen points optimistic; `xrun confirm` trains them again under fresh seeds.
}

func ExampleReport_Sensitivity() {
	report := compare.Build(question, grid(), nil)
	for _, at := range report.Sensitivity(report.Arms[0]) {
		fmt.Println("lr", at.LR, "val_loss", fmt.Sprintf("%.4f", report.Points[at.Point].Interval.Value))
	}
	// Output:
	// lr 0.01 val_loss 0.4128
	// lr 0.03 val_loss 0.4145
}

// Maps arrange points on two axes. Cells hold places of Report.Points.
func ExampleReport_Maps() {
	report := compare.Build(question, grid(), nil)
	for _, m := range report.Maps("lr", "optimizer") {
		for row, tick := range m.Rows.Ticks {
			fmt.Println(tick.Text, m.Cells[row])
		}
	}
	// Output:
	// sgd [-1 -1 2 3]
	// adam [0 1 -1 -1]
}

// Ranks need three arms; here every point is one.
func ExampleReport_Ranking() {
	q := question
	q.By = []string{"optimizer", "lr"}
	report := compare.Build(q, grid(), nil)
	ranking, err := report.Ranking()
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, arm := range ranking.Arms {
		fmt.Printf("%.2f %s\n", ranking.Ranks[i], report.Arms[arm].Name)
	}
	// Output:
	// 1.25 adam lr 1e-2
	// 1.75 adam lr 3e-2
	// 3.00 sgd lr 0.1
	// 4.00 sgd lr 0.2
}

// The rule stops a run two epochs after its best one.
func ExampleBuildReplay() {
	runs := results("sgd", 0.1, 0.4, 0.5)
	curve := func(values ...float64) (points []runner.CurvePoint) {
		for epoch, v := range values {
			points = append(points, runner.CurvePoint{Epoch: epoch, Value: v})
		}
		return points
	}
	loss := map[int64][]runner.CurvePoint{
		runs[0].RunID: curve(1, 0.6, 0.4, 0.5, 0.6, 0.7, 0.8),
		runs[1].RunID: curve(1, 0.7, 0.5, 0.6, 0.7, 0.8, 0.9),
	}
	rule := stop.Rule{Monitor: "val_loss", Goal: stop.Min, Patience: 2}
	replay := compare.BuildReplay(question, "val_loss", []stop.Rule{rule}, runs, compare.Curves{Loss: loss, Monitor: loss, Metric: loss, Kept: loss})
	for _, r := range replay.Rules {
		fmt.Printf("%d of %d trials stopped, %d of %d epochs, %.0f %% saved, mean loss %g, same winner: %v\n",
			r.Stops, replay.Trials, r.Epochs, r.Stored, 100*r.Saved(), r.MeanLoss, replay.SameWinner(r))
	}
	// Output:
	// 2 of 2 trials stopped, 8 of 12 epochs, 33 % saved, mean loss 0, same winner: true
}

func ExampleLabel() {
	fmt.Println(compare.Label{Optimizer: "adam", LR: 0.0031622776601683794, Regularizer: "l2", Lambda: 0.1})
	// Output:
	// adam lr 3.162e-3 l2 λ 0.1
}
