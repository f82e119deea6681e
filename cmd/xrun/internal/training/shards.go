package training

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// Shards is how a sweep is dealt to shards.
type Shards struct {
	Trials int         `json:"trials"`
	Chunks int         `json:"chunks"` // of all shards
	Most   int         `json:"trials_of_a_chunk"`
	Shards []ShardPlan `json:"shards"`
	// Uneven and UnevenLeft are how much more work the largest shard has than the mean, as parts of it; 0 without work.
	Uneven     float64 `json:"uneven"`
	UnevenLeft float64 `json:"uneven_left"`
}

// A ShardPlan is what one of several machines would train. Work is in epochs, as many as trials take at most.
type ShardPlan struct {
	Shard     string  `json:"shard"`
	Store     string  `json:"store"` // its database
	Trials    int     `json:"trials"`
	Chunks    int     `json:"chunks"`
	Work      int     `json:"work"`
	Share     float64 `json:"share"` // of the work of all shards
	Known     int     `json:"known"` // trials that have a result in a known database, and none to be made again
	Left      int     `json:"left"`  // trials that `xrun sweep --shard` would train
	LeftWork  int     `json:"left_work"`
	LeftShare float64 `json:"left_share"`
}

// FindShards finds how a sweep is dealt to n shards, and what is left of each: given its database, which is the given one or
// that of the shard's own name, and the known databases.
func FindShards(ctx context.Context, spec *sweeps.Spec, n int, given string, want Wishes) (*Shards, error) {
	if n < 1 || n > MostShards {
		return nil, advice.Usage(fmt.Errorf("--shards %d is not from 1 to %d", n, MostShards), "it is the number of machines")
	}
	if want.Share.Shard != (Shard{}) {
		return nil, advice.Usage(fmt.Errorf("--shards and --shard"), "--shards shows how the sweep is dealt, --shard what one of them trains")
	}
	if err := refuseParts("--shards", spec); err != nil {
		return nil, err
	}
	trials := spec.Trials()
	if err := want.Check(trials, "the sweep"); err != nil {
		return nil, err
	}
	others, err := want.Share.read(ctx, spec)
	if err != nil {
		return nil, err
	}
	cut := newSplit(spec, n)
	all := &Shards{Trials: len(cut.shard), Chunks: cut.all, Most: runner.ShardChunk}
	if spec.Task.Command != nil {
		all.Most = 1
	}
	var work, left int
	for number := 1; number <= n; number++ {
		share := Share{Shard: Shard{number, n}, Known: want.Share.Known}
		path, err := filepath.Abs(share.Store(given, spec))
		if err != nil {
			return nil, err
		}
		p, err := share.plan(ctx, spec, path, trials, want, cut, others)
		if err != nil {
			return nil, err
		}
		all.Shards = append(all.Shards, p)
		work, left = work+p.Work, left+p.LeftWork
	}
	for i := range all.Shards {
		p := &all.Shards[i]
		if work > 0 {
			p.Share = float64(p.Work) / float64(work)
			all.Uneven = max(all.Uneven, p.Share*float64(n)-1)
		}
		if left > 0 {
			p.LeftShare = float64(p.LeftWork) / float64(left)
			all.UnevenLeft = max(all.UnevenLeft, p.LeftShare*float64(n)-1)
		}
	}
	return all, nil
}

// plan is what a shard would train, with its database at a path.
func (s Share) plan(ctx context.Context, spec *sweeps.Spec, path string, trials []runner.Trial, want Wishes, cut *split, others []known) (ShardPlan, error) {
	own := ""
	db, err := store.OpenReadOnly(ctx, path)
	switch {
	case err == nil:
		defer db.Close()
		own = db.Path()
		if trials, err = Trials(ctx, db, spec); err != nil {
			return ShardPlan{}, err
		}
	case !question.Missing(err):
		return ShardPlan{}, err
	}
	part := s.partOf(own, trials, want, cut, others)
	open := part.open
	if own != "" {
		state, err := Survey(ctx, db, spec, open, want)
		if err != nil {
			return ShardPlan{}, err
		}
		open = state.Open
	}
	return ShardPlan{Shard: s.Shard.String(), Store: path, Trials: len(part.Trials), Chunks: part.Chunks, Work: workOf(part.Trials),
		Known: len(part.Other), Left: len(open), LeftWork: workOf(open)}, nil
}

func workOf(trials []runner.Trial) (sum int) {
	for _, t := range trials {
		sum += t.Work()
	}
	return sum
}
