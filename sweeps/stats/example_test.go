package stats_test

import (
	"fmt"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// The validation losses of two points under the same five seeds.
var (
	adam = []float64{0.412, 0.398, 0.431, 0.405, 0.417}
	sgd  = []float64{0.437, 0.409, 0.449, 0.436, 0.431}
)

func ExampleMeanT() {
	i := stats.MeanT(adam, 0.95)
	fmt.Printf("%.4f in [%.4f, %.4f], %d seeds\n", i.Value, i.Low, i.High, i.N)
	fmt.Println(stats.Uncertain(i))
	// Output:
	// 0.4126 in [0.3970, 0.4282], 5 seeds
	// 0.413 ± 0.016
}

func ExampleInterval_Includes() {
	fmt.Println(stats.PairedT(adam, sgd, 0.95).Includes(0))
	fmt.Println(stats.WelchT(adam, sgd, 0.95).Includes(0)) // seeds differ more than the points do
	// Output:
	// false
	// true
}

func ExampleBootstrap() {
	b := stats.Bootstrap{Reps: 2000, Seed: 1}
	i := b.Paired(adam, sgd, stats.Median)
	fmt.Printf("%.3f in [%.3f, %.3f]\n", i.Value, i.Low, i.High)
	// Output:
	// -0.018 in [-0.031, -0.011]
}

// Five paired seeds cannot give a smaller p than 2⁻⁴.
func ExampleSignFlip() {
	test := stats.SignFlip(adam, sgd, 1)
	fmt.Println(stats.PEquals(test.P), "exact:", test.Exact, "least:", test.Least)
	// Output:
	// p = 0.062 exact: true least: 0.0625
}

// Of five folds each trains on the data of the others, so their differences depend on each other.
func ExampleCorrectedTTest() {
	fmt.Println(stats.PEquals(stats.CorrectedTTest(adam, sgd, 0).P))
	fmt.Println(stats.PEquals(stats.CorrectedTTest(adam, sgd, 1.0/4).P))
	// Output:
	// p = 0.006
	// p = 0.022
}

func ExampleHolm() {
	fmt.Println(stats.Holm([]float64{0.04, 0.01, 0.03}))
	// Output:
	// [0.06 0.03 0.06]
}

func ExampleNumber() {
	for _, x := range []float64{0.0031622776601683794, 0.01, 0.25, 100, 1e6} {
		fmt.Println(stats.Number(x))
	}
	// Output:
	// 3.162e-3
	// 1e-2
	// 0.25
	// 100
	// 1e6
}

func ExampleUncertain() {
	fmt.Println(stats.Uncertain(stats.Interval{Value: 0.412345, Low: 0.397, High: 0.427, N: 5}))
	fmt.Println(stats.Uncertain(stats.Interval{Value: 0.412345, Low: 0.405, High: 0.439, N: 5}))
	fmt.Println(stats.Uncertain(stats.MeanT([]float64{0.412345}, 0.95)))
	// Output:
	// 0.412 ± 0.015
	// 0.412 [0.405, 0.439]
	// 0.412345
}

func ExampleANOVA() {
	lr := stats.Factor{Name: "lr", Level: []int{0, 0, 1, 1, 2, 2}}
	lambda := stats.Factor{Name: "λ", Level: []int{0, 1, 0, 1, 0, 1}}
	for _, s := range stats.ANOVA([]float64{5, 5.1, 3, 3.3, 4, 4.1}, []stats.Factor{lr, lambda}) {
		fmt.Printf("%s %.1f %%\n", s.Name, 100*s.Share)
	}
	// Output:
	// lr 98.5 %
	// λ 1.1 %
	// residual 0.4 %
}

func ExampleA12() {
	fmt.Println(stats.A12(sgd, adam)) // a low loss is good, so adam comes second
	// Output:
	// 0.86
}

// Three of four runs reached the target; the fourth gave up after 100 epochs.
func ExampleERT() {
	hits := []stats.Hit{{At: 10, Hit: true}, {At: 20, Hit: true}, {At: 30, Hit: true}, {Spent: 100}}
	fmt.Printf("%.1f expected, %.0f in the median\n", stats.ERT(hits), stats.MedianTime(hits))
	// Output:
	// 53.3 expected, 25 in the median
}

func ExampleBasinWidth() {
	lrs := []float64{1e-4, 1e-3, 1e-2, 1e-1, 1}
	basin := stats.BasinWidth(lrs, []float64{5, 1.05, 1, 1.1, 7}, 0.1)
	fmt.Printf("%.2f decades, from %.2g to %.2g\n", basin.Decades, basin.Low, basin.High)
	// Output:
	// 2.01 decades, from 0.00097 to 0.1
}

func ExampleSeedsFor() {
	fmt.Println(stats.SeedsFor(0.3, 0.2, 0.05, 0.8))
	// Output:
	// 20
}

func ExampleExpectedBestDistinct() {
	losses := []float64{3, 1, 2, 5}
	for k := 1; k <= 4; k++ {
		fmt.Printf("%.2f ", stats.ExpectedBestDistinct(losses, k))
	}
	fmt.Println()
	// Output:
	// 2.75 1.67 1.25 1.00
}

func ExampleFriedmanTest() {
	blocks := [][]float64{{1, 2, 3}, {1, 3, 2}, {1, 2, 3}, {2, 1, 3}} // by seed: the losses of three arms
	test := stats.FriedmanTest(blocks)
	fmt.Println(test.Ranks, stats.PEquals(test.PF))
	fmt.Printf("ranks differ from %.2f on\n", stats.NemenyiCD(test.K, test.N, 0.05))
	// Output:
	// [1.25 2 2.75] p = 0.084
	// ranks differ from 1.66 on
}
