package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
)

// A checkpoint is all there is to a trial between two epochs. A trial that goes on from it gives
// the bits that it gives without the pause.
type checkpoint struct {
	epoch   int
	params  []byte    // the slot of the slab
	plugins SlotState // what optimizer and regularizer remember
	watch   stop.Watch
	plateau schedule.State
	best    any // []F, nil until an epoch is the best
	cost    Cost

	coefficients map[string]float64
}

// pause puts every trial that is still training aside after an epoch: all of them, or none if it
// cannot.
func (l *lockstep[F]) pause(ctx context.Context, epoch int) error {
	paused := map[*member]*checkpoint{}
	for _, slot := range append([]int(nil), l.active...) {
		m := l.members[slot]
		state, err := l.session.Save(ctx, slot)
		var slotError *SlotError
		if errors.As(err, &slotError) {
			l.fail(slotError)
			continue
		}
		if err != nil {
			return errors.Join(l.flush(ctx), err)
		}
		at := &checkpoint{epoch: epoch, params: append([]byte(nil), l.memory(slot)...), plugins: state, watch: *l.watches[slot], plateau: l.plateaus[slot], cost: l.cost(slot),
			coefficients: l.session.Coefficients(slot)}
		if l.best[slot] != nil {
			at.best = slices.Clone(l.best[slot])
		}
		paused[m] = at
	}
	for m, at := range paused {
		m.from, m.spent = at, at.cost
	}
	l.active, l.rates = nil, nil
	return l.flush(ctx)
}

// memory is the part of the slab that holds a slot's parameters.
func (l *lockstep[F]) memory(slot int) []byte {
	slab, _, stride := l.session.Slabs()
	size := l.task.DType.Size()
	return slab[slot*stride*size:][:l.layout.Dim()*size]
}

// resume puts the trials back to where they were paused, all after the same epoch.
func (l *lockstep[F]) resume(ctx context.Context) (epoch int, err error) {
	for slot, m := range l.members {
		at := m.from
		if at == nil {
			continue
		}
		copy(l.memory(slot), at.params)
		if err := l.session.Restore(ctx, slot, at.plugins); err != nil {
			return 0, err
		}
		watch := at.watch
		l.watches[slot], l.plateaus[slot] = &watch, at.plateau
		best, _ := at.best.([]F)
		l.best[slot] = slices.Clone(best)
		l.costs[slot] = at.cost
		if slot > 0 && at.epoch != epoch {
			return 0, fmt.Errorf("trials paused after the epochs %d and %d cannot go on together", epoch, at.epoch)
		}
		epoch = at.epoch
	}
	for range epoch { // the order of an epoch follows from those before it
		l.problem.next()
	}
	l.before = int64(epoch * l.problem.batches())
	l.steps = l.before
	return epoch, nil
}
