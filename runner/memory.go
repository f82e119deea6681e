package runner

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/models"
)

// Available finds how many bytes the process may still take, and what limits it: "the machine has 3.2 GB left". May say
// math.Inf(1) where it is unknown.
type Available func() (bytes float64, limit string)

// mostBytes is more than any machine has: what is larger fails also where the memory is unknown, and its size fits an int.
const mostBytes = 1 << 46

// Needs is the memory, in bytes, that a trial with a model of xrun's own takes at least: its parameters, their gradient,
// those that it keeps, and those that training starts from. The working memory of optimizers and
// mini-batches comes on top. Sizes are floats, so none overflows.
func (t Trial) Needs(inputs, classes int) float64 { return t.NeedsOf(1, inputs, classes) }

// NeedsOf is the memory, in bytes, that a cohort of so many such trials takes at least (see [Cohorts]).
func (t Trial) NeedsOf(trials, inputs, classes int) float64 {
	if t.Task.Objective != nil || t.Task.Command != nil {
		return 0
	}
	shared, each := t.Task.needs(models.Config{Name: t.Task.Model, Kind: data.Kind(t.Task.Kind), Inputs: inputs, Classes: classes, Hidden: t.Task.Hidden, Dimension: t.Task.Dimension})
	return shared + float64(each*float64(trials))
}

// needs is what a cohort takes once and for each slot.
func (task Task) needs(c models.Config) (shared, each float64) {
	parameters := float64(float64(task.DType.Size()) * c.Parameters())
	shared = parameters // where training starts
	if task.Noise > 0 {
		shared += float64(float64(task.DType.Size()) * float64(max(task.Batch, 1)) * float64(task.Dimension))
	}
	return shared, float64(3 * parameters)
}

// A MemoryError says that a trial does not fit into memory.
type MemoryError struct {
	Needs, Has float64 // bytes
	Limit      string
	What       string // needs it
}

func (e *MemoryError) Error() string {
	text := fmt.Sprintf("%s needs at least %s of memory", e.What, Bytes(e.Needs))
	if e.Limit != "" {
		text += ", and " + e.Limit
	}
	return text
}

// Bytes writes an amount of memory for people.
func Bytes(n float64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	i := 0
	for ; n >= 999.5 && i < len(units)-1; i++ {
		n /= 1000
	}
	if i == 0 || n >= 100 {
		return fmt.Sprintf("%.0f %s", n, units[i])
	}
	return fmt.Sprintf("%.2g %s", n, units[i])
}

// room shares the memory among the workers: what one is about to take is not there for the others.
type room struct {
	memory Available // may be nil

	mu    sync.Mutex
	taken float64
	free  float64 // beside what is taken, when nothing was
	limit string
}

// take reserves memory for a cohort. It waits for other cohorts where the memory would be enough without them.
func (r *room) take(ctx context.Context, what string, bytes float64, stop <-chan struct{}) error {
	for {
		r.mu.Lock()
		if r.taken == 0 {
			r.free, r.limit = mostBytes, ""
			if r.memory != nil {
				if free, limit := r.memory(); free < r.free {
					r.free, r.limit = free, limit
				}
			}
		}
		free, taken, limit := r.free, r.taken, r.limit
		if bytes <= free-taken {
			r.taken += bytes
			r.mu.Unlock()
			return nil
		}
		r.mu.Unlock()
		if bytes > free || math.IsNaN(bytes) {
			return &MemoryError{Needs: bytes, Has: free, Limit: limit, What: what}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-stop:
			return ErrStopped
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r *room) release(bytes float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken -= bytes; r.taken < 1 {
		r.taken = 0
	}
}

// fits returns an error if the prepared rows of a data set have no place.
func (r *room) fits(t Task, set *data.Set, dtype plugins.DType) error {
	if set.IsSparse() || r.memory == nil {
		return nil
	}
	bytes := float64(float64(dtype.Size()) * float64(set.Len()) * float64(set.Dim()))
	if free, limit := r.memory(); bytes > free {
		return &MemoryError{Needs: bytes, Has: free, Limit: limit, What: "data set " + t.Dataset}
	}
	return nil
}
