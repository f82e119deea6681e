package runner

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
)

// Checkpointing says how often the whole state of running trials is recorded, so that they go on
// from there when the process is cut off. The zero value never records it.
type Checkpointing struct {
	Epochs int           // epochs between checkpoints; 0 for none by epochs
	Every  time.Duration // time between checkpoints; 0 for none by time
}

// enabled reports whether checkpoints are wanted at all, also of trials that are interrupted.
func (c Checkpointing) enabled() bool { return c.Epochs > 0 || c.Every > 0 }

// saveShare limits the cost of checkpoints by time: the wait for the next one is at least saveShare
// times what the last one took.
const saveShare = 20

// checkpoint is the whole state of a trial between two epochs. A trial that goes on from it gives
// the bits that it gives without the pause.
type checkpoint struct {
	epoch   int
	params  []byte    // the slot of the slab
	plugins SlotState // what optimizer and regularizer remember
	watch   stop.State
	keeper  KeeperState
	best    []byte // elements of the slab: the parameters of the epoch that counts, where they are kept apart
	plateau schedule.State
	cost    Cost
	curve   []float64 // of the place

	coefficients map[string]float64
	told         bool // of the member

	kept   bool // by the recorder
	loaded bool // from the recorder, of an earlier process
}

// pause puts every trial that is still training aside after an epoch.
func (l *lockstep[F]) pause(ctx context.Context, epoch int) error {
	paused, err := l.save(ctx, epoch)
	if err != nil {
		return errors.Join(l.flush(ctx), err)
	}
	l.putBack(paused)
	for _, slot := range l.active {
		if m := l.members[slot]; m.unsaved {
			m.spent, m.place.coefficients = l.cost(slot), l.penalizer.Coefficients(slot)
		}
	}
	l.active, l.rates = nil, nil
	return l.flush(ctx)
}

// due reports whether it is time for a checkpoint after an epoch.
func (l *lockstep[F]) due(epoch int) bool {
	c := l.worker.options.Checkpoint
	if len(l.active) == 0 {
		return false
	}
	return c.Epochs > 0 && epoch%c.Epochs == 0 || c.Every > 0 && time.Since(l.saved) >= max(c.Every, saveShare*l.saving)
}

// keep hands a checkpoint of every trial that is still training to the recorder.
func (l *lockstep[F]) keep(ctx context.Context, epoch int) error {
	began := time.Now()
	saved, err := l.save(ctx, epoch)
	if err == nil {
		l.putBack(saved)
		err = l.checkpoint(saved)
	}
	err = errors.Join(l.flush(ctx), err)
	l.saved, l.saving = time.Now(), time.Since(began)
	return err
}

// save takes a checkpoint of every trial that is still training and can be saved, in the order of the slots. A component
// that cannot tell its state is no reason to fail, as no result depends on checkpoints: its trial goes on without them,
// and after a pause from its last one or from the beginning.
func (l *lockstep[F]) save(ctx context.Context, epoch int) ([]held, error) {
	var all []held
	for _, slot := range l.active {
		m := l.members[slot]
		if m.unsaved {
			continue
		}
		state, err := l.memory.Save(ctx, slot)
		var slotError *SlotError
		if errors.As(err, &slotError) {
			m.unsaved = true
			message, detail, _ := strings.Cut(slotError.Error(), "\n")
			l.update.Events = append(l.update.Events, Event{Run: m.run, At: time.Now(), Kind: "warning", Epoch: epoch,
				Message: "goes on without checkpoints, as its state cannot be saved: " + message, Detail: detail})
			continue
		}
		if err != nil {
			return nil, err
		}
		at := &checkpoint{epoch: epoch, params: little(l.params(slot)), plugins: state, watch: l.watches[slot].State, keeper: l.keepers[slot].KeeperState, plateau: l.plateaus[slot], cost: l.cost(slot),
			curve: slices.Clone(m.place.curve), coefficients: l.penalizer.Coefficients(slot), told: m.told}
		if l.kept[slot] != nil {
			at.best = little(l.kept[slot])
		}
		all = append(all, held{m, at})
	}
	return all, nil
}

// held is a member with its checkpoint.
type held struct {
	member *member
	at     *checkpoint
}

// putBack makes members go on from their checkpoints if they are cut off.
func (l *lockstep[F]) putBack(all []held) {
	for _, h := range all {
		h.member.place.from, h.member.spent = h.at, h.at.cost
	}
}

// checkpoint adds checkpoints to what goes to the recorder.
func (l *lockstep[F]) checkpoint(all []held) error {
	for _, h := range all {
		c, err := h.at.of(h.member)
		if err != nil {
			return err
		}
		l.update.Checkpoints = append(l.update.Checkpoints, c)
	}
	return nil
}

// resume restores the trials from where they were paused, all after the same epoch.
func (l *lockstep[F]) resume(ctx context.Context) (epoch int, err error) {
	for slot, m := range l.members {
		at := m.place.from
		if at == nil {
			continue
		}
		if err := l.restore(ctx, slot, at); err != nil {
			if at.loaded && ctx.Err() == nil {
				err = &staleError{member: m, err: err}
			}
			return 0, err
		}
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

// restore restores one trial.
func (l *lockstep[F]) restore(ctx context.Context, slot int, at *checkpoint) error {
	size := len(bytesOf(l.params(slot)))
	if len(at.params) != size || at.best != nil && len(at.best) != size {
		return fmt.Errorf("the checkpoint has %d bytes of parameters, the model has %d", len(at.params), size)
	}
	fromLittle(l.params(slot), at.params)
	if err := l.memory.Restore(ctx, slot, at.plugins); err != nil {
		return err
	}
	trial := l.members[slot].trial
	l.watches[slot], l.keepers[slot], l.plateaus[slot] = trial.Stop.Resume(at.watch), trial.Keep.Resume(at.keeper), at.plateau
	l.kept[slot] = nil
	if at.best != nil {
		l.kept[slot] = make([]F, l.layout.Dim())
		fromLittle(l.kept[slot], at.best)
	}
	l.costs[slot] = at.cost
	return nil
}

// A staleError is a checkpoint of an earlier process that a trial cannot go on from.
type staleError struct {
	member *member
	err    error
}

func (e *staleError) Error() string { return e.err.Error() }
func (e *staleError) Unwrap() error { return e.err }

// A savedCheckpoint is the content of a Checkpoint, in the encoding of package gob: it keeps the bits of
// numbers, NaN included, and passes over fields that it does not know.
type savedCheckpoint struct {
	Version      int
	Params       []byte // in the machine's byte order: a run goes on with the same arithmetic only
	Plugins      [][]byte
	Watch        stop.State
	Keeper       KeeperState
	Best         []byte
	Plateau      schedule.State
	Cost         Cost
	Monitor      string // of Curve; empty without pruning
	Curve        []float64
	Coefficients map[string]float64
	Told         bool
}

// checkpointVersion changes when an older content would be misunderstood.
const checkpointVersion = 2

// of encodes the checkpoint of a member.
func (at *checkpoint) of(m *member) (Checkpoint, error) {
	s := savedCheckpoint{Version: checkpointVersion, Params: at.params, Plugins: at.plugins, Watch: at.watch, Keeper: at.keeper, Plateau: at.plateau, Best: at.best,
		Cost: at.cost, Curve: at.curve, Coefficients: at.coefficients, Told: at.told}
	if len(at.curve) > 0 {
		s.Monitor = m.place.monitor
	}
	var content bytes.Buffer
	if err := gob.NewEncoder(&content).Encode(s); err != nil {
		return Checkpoint{}, fmt.Errorf("encode checkpoint: %w", err)
	}
	at.kept = true
	return Checkpoint{Run: m.run, Epoch: at.epoch, Content: content.Bytes()}, nil
}

// goOn makes a member go on from a checkpoint of an earlier process.
func (m *member) goOn(from *Checkpoint) error {
	var s savedCheckpoint
	if err := gob.NewDecoder(bytes.NewReader(from.Content)).Decode(&s); err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	switch {
	case s.Version != checkpointVersion:
		return fmt.Errorf("the checkpoint has version %d, this xrun reads version %d", s.Version, checkpointVersion)
	case m.place.monitor != "" && (s.Monitor != m.place.monitor || len(s.Curve) != from.Epoch):
		return fmt.Errorf("the checkpoint lacks the earlier values of %s, which pruning needs", m.place.monitor)
	case from.Epoch < 1 || from.Epoch > m.recorded:
		return fmt.Errorf("the checkpoint is from epoch %d, the run has %d epochs", from.Epoch, m.recorded)
	}
	m.place.from = &checkpoint{epoch: from.Epoch, params: s.Params, plugins: s.Plugins, watch: s.Watch, keeper: s.Keeper, plateau: s.Plateau, best: s.Best,
		cost: s.Cost, coefficients: s.Coefficients, told: s.Told, kept: true, loaded: true}
	m.spent, m.told = s.Cost, s.Told
	if m.place.monitor != "" {
		m.place.curve, m.place.from.curve = s.Curve, s.Curve
	}
	return nil
}

// byEpoch groups members by the epoch they go on from, and leaves out those that are past one already.
func byEpoch(members []*member, until int) [][]*member {
	var groups [][]*member
	index := map[int]int{}
	for _, m := range members {
		epoch := m.from()
		if epoch >= until {
			continue
		}
		i, ok := index[epoch]
		if !ok {
			i = len(groups)
			index[epoch] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], m)
	}
	return groups
}

// bestOf is the best value of a curve up to an epoch; NaN without one.
func (p *Pruning) bestOf(curve []float64, epoch int) float64 {
	best := math.NaN()
	for _, v := range curve[:min(epoch, len(curve))] {
		best = p.better(best, v)
	}
	return best
}
