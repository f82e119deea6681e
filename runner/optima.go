package runner

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/reference"
)

// optima shares the reference optima of an execution among its workers: each is found once.
type optima struct {
	mu    sync.Mutex
	known map[string]*found
	// digests of training sets, by the split they are
	digests map[string]string
}

// found is an optimum that is known, or that a worker is finding.
type found struct {
	done  chan struct{}
	value float64
	err   error
}

// errStore is the failure of the store to read or write an optimum.
var errStore = errors.New("keep a reference optimum")

// find looks an optimum up, in the execution, then in the store, or solves the problem. split
// names the training set.
func (o *optima) find(ctx context.Context, store Optima, p reference.Problem, split string) (float64, error) {
	o.mu.Lock()
	if o.known == nil {
		o.known, o.digests = map[string]*found{}, map[string]string{}
	}
	if o.digests[split] == "" {
		o.digests[split] = digestOf(p.Train)
	}
	key := optimumKey(o.digests[split], p)
	f := o.known[key]
	if f == nil {
		f = &found{done: make(chan struct{})}
		o.known[key] = f
		o.mu.Unlock()
		f.value, f.err = lookUp(ctx, store, p, key)
		close(f.done)
		return f.value, f.err
	}
	o.mu.Unlock()
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

func lookUp(ctx context.Context, store Optima, p reference.Problem, key string) (float64, error) {
	if store != nil {
		o, ok, err := store.Optimum(ctx, key)
		if err != nil {
			return 0, fmt.Errorf("%w: %w", errStore, err)
		}
		if ok {
			return o.Value, nil
		}
	}
	s, err := reference.Solve(ctx, p)
	if err != nil {
		return 0, err
	}
	if store != nil {
		problem := fmt.Sprintf("%s, %d × %d, l1 %g, l2 %g", p.Model, p.Train.N, p.Train.D, p.L1, p.L2)
		if p.Weights != nil {
			problem += ", classes weighted"
		}
		if err := store.PutOptimum(ctx, Optimum{Key: key, Value: s.Value, Violation: s.Violation, Problem: problem}); err != nil {
			return 0, fmt.Errorf("%w: %w", errStore, err)
		}
	}
	return s.Value, nil
}

// optimumKey names a problem by its content.
func optimumKey(train string, p reference.Problem) string {
	text := fmt.Appendf(nil, "xrun optimum 1\n%s\n%s\n%x %x\n", p.Model, train, math.Float64bits(p.L1), math.Float64bits(p.L2))
	for _, w := range p.Weights {
		text = fmt.Appendf(text, "%x\n", math.Float64bits(w))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// digestOf is the SHA-256 of a training set as it is trained on.
func digestOf(t data.Part[float64]) string {
	h := sha256.New()
	put := func(v any) {
		if err := binary.Write(h, binary.LittleEndian, v); err != nil {
			panic(err) // a hash takes every fixed-size value
		}
	}
	put([]int64{int64(t.N), int64(t.D), int64(t.Classes)})
	put(t.X)
	put(t.Y)
	put(t.Labels)
	if t.IsSparse() {
		for i := range t.N {
			columns, values := t.Sparse.Row(i)
			put(int64(len(columns)))
			put(columns)
			put(values)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
