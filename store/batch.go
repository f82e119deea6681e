package store

import (
	"cmp"
	"slices"

	"github.com/xrun-dev/xrun/runner"
)

// An openRun is a run of this process that has not ended.
type openRun struct {
	id    int64
	trial int64

	lastEpoch int  // owned by the Store's recorders, under their lock; -1 before the first
	attempt   bool // see [Attempt]: further metrics of the last epoch may follow, and it is told what it replaces

	// Owned by the writer.
	again   bool // replaces a result
	lost    bool // interrupted by another process: its updates no longer count
	touched bool // has points in the batch
	epochs  int
	points  int64
	hash    uint64
	series  []*series
	layout  *metricSet // the set that gave series their order; nil for none
}

// pending is an update whose runs have been looked up.
type pending struct {
	points []recorded
	events []runner.Event
	ends   []ending

	checkpoints []checkpointed
}

type recorded struct {
	run *openRun
	runner.Points
}

type ending struct {
	run *openRun
	runner.End
	artifacts []*artifact
}

// A batch is what the next transaction records.
type batch struct {
	updates []*pending
	rows    int
	urgent  bool // a run changes its state
}

func (b *batch) add(u *pending) {
	b.updates = append(b.updates, u)
	b.rows += len(u.points)
	b.urgent = b.urgent || len(u.ends) > 0
}

func (b *batch) empty() bool { return len(b.updates) == 0 }

func (b *batch) reset() {
	clear(b.updates)
	b.updates, b.rows, b.urgent = b.updates[:0], 0, false
}

// recall sets the runs of the batch back to their state in the file.
func (b *batch) recall(tx *tx) error {
	seen := map[*openRun]bool{}
	for _, u := range b.updates {
		for _, p := range u.points {
			if seen[p.run] {
				continue
			}
			seen[p.run] = true
			r := p.run
			r.touched, r.epochs, r.points, r.hash, r.series, r.layout = false, 0, 0, 0, nil, nil
			if _, err := r.recall(tx); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeBatch records the batch: points with their summaries and hashes, events, ends.
func (w *writer) writeBatch(tx *tx) error {
	points := make([]recorded, 0, w.batch.rows)
	for _, u := range w.batch.updates {
		points = append(points, u.points...)
	}
	// In the order of the table: neighbours fill pages faster and more densely.
	slices.SortStableFunc(points, func(a, b recorded) int { return cmp.Compare(a.run.id, b.run.id) })
	var touched []*openRun
	inserts := map[int]*bulk{}
	for _, p := range points {
		if !p.run.touched {
			p.run.touched = true
			touched = append(touched, p.run)
		}
		if err := w.writePoints(tx, inserts, p); err != nil {
			return err
		}
	}
	for width := 1; width <= slots; width++ {
		if b := inserts[width]; b != nil {
			if err := b.flush(); err != nil {
				return err
			}
		}
	}
	if err := w.writeRuns(tx, touched); err != nil {
		return err
	}
	for _, u := range w.batch.updates {
		if err := writeEvents(tx, u.events); err != nil {
			return err
		}
		for _, c := range u.checkpoints {
			if err := w.writeCheckpoint(tx, c); err != nil {
				return err
			}
		}
		for _, e := range u.ends {
			if err := w.writeEnd(tx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// pointInserts are indexed by the number of values in a row.
var pointInserts = [slots + 1]string{
	1: `INSERT INTO point (run_id, step, set_id, special, v0) VALUES`,
	2: `INSERT INTO point (run_id, step, set_id, special, v0, v1) VALUES`,
	3: `INSERT INTO point (run_id, step, set_id, special, v0, v1, v2) VALUES`,
	4: `INSERT INTO point (run_id, step, set_id, special, v0, v1, v2, v3) VALUES`,
	5: `INSERT INTO point (run_id, step, set_id, special, v0, v1, v2, v3, v4) VALUES`,
	6: `INSERT INTO point (run_id, step, set_id, special, v0, v1, v2, v3, v4, v5) VALUES`,
	7: `INSERT INTO point (run_id, step, set_id, special, v0, v1, v2, v3, v4, v5, v6) VALUES`,
	8: `INSERT INTO point (run_id, step, set_id, special, v0, v1, v2, v3, v4, v5, v6, v7) VALUES`,
}

// writePoints inserts one epoch of a run, and adds it to the run's summaries and hash.
func (w *writer) writePoints(tx *tx, inserts map[int]*bulk, p recorded) error {
	if p.run.lost {
		return nil
	}
	set, err := w.metrics.resolve(tx, p.Metrics)
	if err != nil {
		return err
	}
	p.run.observe(set, p.Epoch, p.Values)
	row := make([]any, 0, 4+slots)
	for i, id := range set.rows {
		values := p.Values[i*slots : min((i+1)*slots, len(p.Values))]
		b := inserts[len(values)]
		if b == nil {
			b = tx.bulk(pointInserts[len(values)], 4+len(values), "")
			inserts[len(values)] = b
		}
		var bits []byte
		row = append(row[:0], p.run.id, p.Epoch, id, nil)
		for slot, v := range values {
			bits = appendSpecial(bits, slot, v)
			row = append(row, v)
		}
		if bits != nil {
			row[3] = bits
		}
		if err := b.add(row...); err != nil {
			return err
		}
	}
	return nil
}

func (r *openRun) observe(set *metricSet, epoch int, values []float64) {
	for i, v := range values {
		r.see(r.find(set, i), epoch, v)
	}
}

// see adds one value of an epoch to the run's summaries and hash.
func (r *openRun) see(s *series, epoch int, v float64) {
	r.epochs = max(r.epochs, epoch)
	r.points++
	s.observe(epoch, v)
	r.hash += pointHash(s.name, epoch, v)
}

// find is the running summary of the set's metric i.
func (r *openRun) find(set *metricSet, i int) *series {
	if r.layout == nil && r.series == nil {
		r.layout = set
		for j, id := range set.ids {
			r.series = append(r.series, newSeries(id, set.names[j]))
		}
	}
	if r.layout == set {
		return r.series[i]
	}
	for _, s := range r.series {
		if s.metric == set.ids[i] {
			return s
		}
	}
	s := newSeries(set.ids[i], set.names[i])
	r.series = append(r.series, s)
	return s
}

// writeRuns updates the rows of runs and their summaries. A run that another process has interrupted is lost: its
// points of this batch are deleted.
func (w *writer) writeRuns(tx *tx, touched []*openRun) error {
	const (
		update = `UPDATE run SET epochs = ?, points = ?, hash = ? WHERE id = ? AND owner_id = ? AND status = 'running'`
		upsert = `INSERT INTO summary (run_id, metric_id, first, last, min, min_step, max, max_step, mean, count) VALUES`
		merge  = `ON CONFLICT DO UPDATE SET last = excluded.last, min = excluded.min, min_step = excluded.min_step,
			max = excluded.max, max_step = excluded.max_step, mean = excluded.mean, count = excluded.count`
		undo = `DELETE FROM point WHERE run_id = ? AND step > (SELECT epochs FROM run WHERE id = ?)`
	)
	summaries := tx.bulk(upsert, 10, merge)
	for _, r := range touched {
		r.touched = false
		if r.lost {
			continue
		}
		result, err := tx.exec(update, r.epochs, r.points, int64(r.hash), r.id, w.owner.id)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			r.lost = true
			if _, err := tx.exec(undo, r.id, r.id); err != nil {
				return err
			}
			continue
		}
		for _, s := range r.series {
			if err := summaries.add(r.id, s.metric, s.First, s.Last, s.Min, s.MinStep, s.Max, s.MaxStep, s.mean(), s.Count); err != nil {
				return err
			}
		}
	}
	return summaries.flush()
}

func writeEvents(tx *tx, events []runner.Event) error {
	const insert = `INSERT INTO event (run_id, at, kind, epoch, message, detail) VALUES (?, ?, ?, ?, ?, ?)`
	for _, e := range events {
		if _, err := tx.exec(insert, int64(e.Run), e.At.UnixMicro(), e.Kind, e.Epoch, e.Message, e.Detail); err != nil {
			return err
		}
	}
	return nil
}
