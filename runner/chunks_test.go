package runner_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// randomTrials are trials of several cohorts, in no order: xrun's own with several seeds, optimizers and epochs, or programs.
func randomTrials(r *rand.Rand) []runner.Trial {
	var trials []runner.Trial
	for _, optimizer := range []string{"sgd", "adam", "rmsprop"}[:1+r.IntN(3)] {
		for seed := range int64(1 + r.IntN(4)) {
			epochs := 1 + r.IntN(100)
			for i := range 1 + r.IntN(70) {
				trials = append(trials, runner.Trial{Task: runner.Task{Epochs: epochs}, LR: float64(i + 1), Seed: seed,
					Optimizer: runner.Choice{Plugin: "builtin", Component: optimizer}})
			}
		}
	}
	if r.IntN(4) == 0 {
		for i := range trials {
			trials[i].Task = runner.Task{Command: &runner.Command{Name: "train"}}
		}
	}
	r.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
	return trials
}

func keysOf(trials []runner.Trial) []runner.Key {
	keys := make([]runner.Key, len(trials))
	for i, t := range trials {
		keys[i] = t.Key()
	}
	return keys
}

// Chunks hold every trial once, are no larger than asked for, mix no cohorts, and depend on the set of trials alone.
func TestChunks(t *testing.T) {
	for round := range uint64(40) {
		r := rand.New(rand.NewPCG(round, 1))
		trials := randomTrials(r)
		size := 1 + r.IntN(40)
		chunks := runner.Chunks(trials, size)
		var all []runner.Key
		for _, chunk := range chunks {
			keys := keysOf(chunk)
			all = append(all, keys...)
			if len(chunk) == 0 || len(chunk) > size {
				t.Errorf("a chunk of at most %d has %d trials", size, len(chunk))
			}
			if chunk[0].Task.Command != nil && len(chunk) > 1 {
				t.Errorf("%d programs are in one chunk", len(chunk))
			}
			if !slices.IsSorted(keys) {
				t.Error("the trials of a chunk are not sorted")
			}
			if cohorts := runner.Cohorts(chunk, 1); chunk[0].Task.Command == nil && len(cohorts) != 1 {
				t.Errorf("a chunk is %d cohorts", len(cohorts))
			}
		}
		want := keysOf(trials)
		slices.Sort(all)
		slices.Sort(want)
		if !slices.Equal(all, want) {
			t.Errorf("%d trials are in chunks, want each of %d once", len(all), len(want))
		}
		r.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
		if again := runner.Chunks(trials, size); chunksText(again) != chunksText(chunks) {
			t.Error("the chunks of the same trials in another order are others")
		}
	}
}

func chunksText(chunks [][]runner.Trial) string {
	var all [][]runner.Key
	for _, c := range chunks {
		all = append(all, keysOf(c))
	}
	return fmt.Sprint(all)
}

// Shards are disjoint and complete, the same every time, and no shard has more than the least by more than a chunk.
func TestShardsAreDisjointAndComplete(t *testing.T) {
	for round := range uint64(20) {
		trials := randomTrials(rand.New(rand.NewPCG(round, 2)))
		chunks := runner.Chunks(trials, runner.ShardChunk)
		largest := 0
		for _, c := range chunks {
			largest = max(largest, workOf(c))
		}
		for n := 1; n <= 13; n++ {
			shards := runner.Deal(chunks, n)
			if again := runner.Deal(chunks, n); fmt.Sprint(shards) != fmt.Sprint(again) {
				t.Errorf("%d shards are others the second time", n)
			}
			var all []runner.Key
			var work []int
			for _, shard := range shards {
				sum := 0
				for _, c := range shard {
					all = append(all, keysOf(c)...)
					sum += workOf(c)
				}
				work = append(work, sum)
			}
			want := keysOf(trials)
			slices.Sort(all)
			slices.Sort(want)
			if len(shards) != n || !slices.Equal(all, want) {
				t.Errorf("%d of %d shards have %d trials, want each of %d once", len(shards), n, len(all), len(want))
			}
			if slices.Max(work)-slices.Min(work) > largest {
				t.Errorf("%d shards have work %v, whose largest chunk has %d", n, work, largest)
			}
		}
	}
}

func workOf(trials []runner.Trial) (sum int) {
	for _, t := range trials {
		sum += t.Work()
	}
	return sum
}

// The largest chunk comes first, and the first of several shards with equally much gets it.
func TestDeal(t *testing.T) {
	chunk := func(lr float64, epochs ...int) (c []runner.Trial) {
		for _, e := range epochs {
			c = append(c, runner.Trial{LR: lr, Task: runner.Task{Epochs: e}})
		}
		return c
	}
	var got [][]float64
	for _, shard := range runner.Deal([][]runner.Trial{chunk(1, 2), chunk(2, 3, 4), chunk(3, 5), chunk(4, 2), chunk(5, 0)}, 3) {
		lrs := []float64{}
		for _, c := range shard {
			lrs = append(lrs, c[0].LR)
		}
		got = append(got, lrs)
	}
	if want := "[[2] [3] [1 4 5]]"; fmt.Sprint(got) != want {
		t.Errorf("dealt as %v, want %s", got, want)
	}
}
