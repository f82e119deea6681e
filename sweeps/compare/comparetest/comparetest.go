// Package comparetest makes results to compare, for tests.
package comparetest

import (
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/runner"
)

// Results are the seeds 0, 1, … of one point; a NaN is a seed without a result.
func Results(optimizer string, lr, lambda float64, values ...float64) []runner.Result {
	var all []runner.Result
	for seed, v := range values {
		r := runner.Result{Point: runner.Key(fmt.Sprint(optimizer, lr, lambda)), Optimizer: optimizer, LR: lr, Lambda: lambda, Seed: int64(seed)}
		if lambda > 0 {
			r.Regularizer = "l2"
		}
		if !math.IsNaN(v) {
			r.RunID, r.Status, r.Found, r.Epochs = int64(100*lr)+int64(seed)+1, runner.StatusFinished, true, 10
			r.Summary = runner.Summary{First: 9, Last: v + 1, Min: v, MinStep: 7, Max: v + 2, MaxStep: 3, Count: 11}
			r.Keeps, r.Kept = true, runner.Kept{Epoch: 7, Value: v}
		}
		all = append(all, r)
	}
	return all
}

// Ended gives the last of results a status.
func Ended(status runner.Status, all []runner.Result) []runner.Result {
	last := &all[len(all)-1]
	last.Status, last.Keeps = status, status.Keeps()
	return all
}

// Join is all results of several lists.
func Join(lists ...[]runner.Result) []runner.Result {
	var all []runner.Result
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// Under gives results another regularizer.
func Under(regularizer string, all []runner.Result) []runner.Result {
	for i := range all {
		all[i].Regularizer = regularizer
		all[i].Point += runner.Key(regularizer)
	}
	return all
}

// Seeded gives results seeds that begin at a number.
func Seeded(first int64, all []runner.Result) []runner.Result {
	for i := range all {
		all[i].Seed = first + int64(i)
	}
	return all
}

// Late gives results that were at their best in their last epoch.
func Late(all []runner.Result) []runner.Result {
	for i := range all {
		all[i].Epochs = 7
	}
	return all
}
