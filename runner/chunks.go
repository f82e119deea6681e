package runner

import (
	"cmp"
	"slices"
)

// ShardChunk is how many trials a chunk holds at most when a sweep is dealt to shards. Pieces of a cohort that go to
// different machines share no arithmetic. 128 softmax regressions on digits took 1.2 times the processor time in cohorts of
// 16 that they took in cohorts of 64, 1.5 times in cohorts of 8 and 2.3 times in cohorts of 2; networks of 32 hidden units took
// at most 1.6 times in any (one core, 50 and 20 epochs, with plugins and SQLite). Larger chunks balance worse: the cohorts of
// sweeps/examples/digits.toml are 15 of 35 trials, so that the largest of ten shards would have a third more than the mean,
// where with these chunks it has a tenth more. Another size deals every sweep anew: all machines need the same.
const ShardChunk = 16

// Work is what a trial takes at most, in epochs; 1 where a program has their number.
func (t Trial) Work() int { return max(1, t.Task.Epochs) }

// keyedTrial is a trial with its key, which takes a digest to find.
type keyedTrial struct {
	key Key
	Trial
}

// Chunks cuts trials into parts of at most size that can be trained apart from each other. The trials of a chunk can be trained
// in lockstep; those of programs, which have a process each, are alone. The chunks depend on nothing but the set of
// trials: not on their order, nor on the number of workers. They are in the order of the first keys of their cohorts, and
// trials in the order of their keys.
func Chunks(trials []Trial, size int) [][]Trial {
	cohorts := map[string][]keyedTrial{}
	for _, t := range trials {
		key := t.cohortKey()
		cohorts[key] = append(cohorts[key], keyedTrial{t.Key(), t})
	}
	var sorted [][]keyedTrial
	for _, all := range cohorts {
		slices.SortFunc(all, func(a, b keyedTrial) int { return cmp.Compare(a.key, b.key) })
		sorted = append(sorted, all)
	}
	slices.SortFunc(sorted, func(a, b []keyedTrial) int { return cmp.Compare(a[0].key, b[0].key) })
	var chunks [][]Trial
	for _, all := range sorted {
		most := max(1, size)
		if all[0].Task.Command != nil {
			most = 1
		}
		n := (len(all) + most - 1) / most
		for i := range n { // of equal sizes, up to one trial
			part := all[len(all)*i/n : len(all)*(i+1)/n]
			chunk := make([]Trial, len(part))
			for j := range part {
				chunk[j] = part[j].Trial
			}
			chunks = append(chunks, chunk)
		}
	}
	return chunks
}

// Deal deals chunks to n shards: those with the most work first, each to the shard that has the least so far, the first of
// several. A shard is empty if there are fewer chunks. The shards depend on the chunks and their order alone.
func Deal(chunks [][]Trial, n int) [][][]Trial {
	type part struct {
		chunk []Trial
		work  int
	}
	parts := make([]part, len(chunks))
	for i, chunk := range chunks {
		parts[i].chunk = chunk
		for _, t := range chunk {
			parts[i].work += t.Work()
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return b.work - a.work })
	shards, work := make([][][]Trial, n), make([]int, n)
	for _, p := range parts {
		least := 0
		for i := range work {
			if work[i] < work[least] {
				least = i
			}
		}
		shards[least] = append(shards[least], p.chunk)
		work[least] += p.work
	}
	return shards
}
