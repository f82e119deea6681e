package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/xrun-dev/xrun/runner"
)

// A Tally is the row of a run about its points.
type Tally struct {
	Token  string // identifies the attempt in every database
	Points int64
	Hash   string // of all points, in any order
	Ended  bool   // false: there may be more
}

// A DamageError is a run whose points differ from the recorded ones.
type DamageError struct {
	Run  int64
	What string
}

func (e *DamageError) Error() string { return fmt.Sprintf("run %d is damaged: %s", e.Run, e.What) }

// Hint says what to do.
func (e *DamageError) Hint() string {
	return "xrun db check lists all damage; xrun db delete " + strconv.FormatInt(e.Run, 10) + " has the trial run again"
}

// A Reader reads runs one after the other. It is for one goroutine.
type Reader struct {
	store *Store
	sets  map[int64]*readSet
	tally string // the query
}

// A readSet is the names of a metric set by slot.
type readSet struct {
	names  [slots]string
	hashes [slots]uint64
	used   int
}

// Reader makes a reader of runs.
func (s *Store) Reader(ctx context.Context) (*Reader, error) {
	return s.reader(ctx, `SELECT r.token, r.points, r.hash, r.status FROM present_run r WHERE r.id = ?`)
}

// ReaderOfAll makes a reader of runs, also of those that are deleted and not purged yet.
func (s *Store) ReaderOfAll(ctx context.Context) (*Reader, error) {
	return s.reader(ctx, `SELECT r.token, r.points, r.hash, r.status FROM run r WHERE r.id = ?`)
}

func (s *Store) reader(ctx context.Context, query string) (*Reader, error) {
	settled, err := s.settled(ctx, query)
	if err != nil {
		return nil, err
	}
	return &Reader{store: s, sets: map[int64]*readSet{}, tally: settled}, nil
}

// Tally reads the number and the hash of the points of a run.
func (r *Reader) Tally(ctx context.Context, runID int64) (Tally, error) {
	var t Tally
	found := false
	err := r.store.each(ctx, "read run", r.tally, []any{runID}, func(scan scanner) error {
		found = true
		var hash int64
		var status string
		err := scan(&t.Token, &t.Points, &hash, &status)
		t.Hash, t.Ended = fmt.Sprintf("%016x", uint64(hash)), runner.Status(status) != runner.StatusRunning
		return err
	})
	if err == nil && !found {
		err = &notFoundError{What: "run", Name: strconv.FormatInt(runID, 10)}
	}
	return t, err
}

// Points calls row for the metrics of every epoch of a run, in the order of epochs, bit for bit as they were
// recorded. An epoch comes in parts if it has many metrics or was recorded in parts. Both slices are valid until row
// returns. Unless the run is still running, Points compares all values with the hash of the run, and returns a
// [*DamageError] after the last row if they differ.
func (r *Reader) Points(ctx context.Context, runID int64, row func(step int, metrics []string, values []float64) error) (Tally, error) {
	const query = `SELECT step, set_id, special, v0, v1, v2, v3, v4, v5, v6, v7 FROM point WHERE run_id = ? ORDER BY step, set_id`
	tally, err := r.Tally(ctx, runID)
	if err != nil {
		return tally, err
	}
	var points int64
	var hash uint64
	var packed sql.RawBytes
	var stored [slots]real
	var values [slots]float64
	var step, set int64
	into := []any{&step, &set, &packed}
	for i := range stored {
		into = append(into, &stored[i])
	}
	err = r.store.each(ctx, "read points", query, []any{runID}, func(scan scanner) error {
		if err := scan(into...); err != nil {
			return err
		}
		metrics, err := r.set(ctx, set)
		if err != nil {
			return err
		}
		for i := range metrics.used {
			v := stored[i].float()
			if packed != nil {
				exact, ok, err := special(packed, i)
				if err != nil {
					return &DamageError{runID, err.Error()}
				}
				if ok {
					v = exact
				}
			}
			values[i] = v
			points++
			hash += pointHash(metrics.hashes[i], int(step), v)
		}
		return row(int(step), metrics.names[:metrics.used], values[:metrics.used])
	})
	if err != nil || !tally.Ended {
		return tally, err
	}
	if text := fmt.Sprintf("%016x", hash); points != tally.Points || text != tally.Hash {
		if _, err := r.Tally(ctx, runID); err != nil {
			return tally, err // it was deleted meanwhile
		}
		return tally, &DamageError{runID, fmt.Sprintf("%d values with the hash %s were recorded, and there are %d with %s", tally.Points, tally.Hash, points, text)}
	}
	return tally, nil
}

// set reads a metric set once.
func (r *Reader) set(ctx context.Context, id int64) (*readSet, error) {
	if known, ok := r.sets[id]; ok {
		return known, nil
	}
	const query = `SELECT s.slot, m.name FROM metric_slot s JOIN metric m ON m.id = s.metric_id WHERE s.set_id = ? ORDER BY s.slot`
	set := &readSet{}
	err := r.store.each(ctx, "read metrics", query, []any{id}, func(scan scanner) error {
		var slot int
		var name string
		err := scan(&slot, &name)
		if err == nil && slot != set.used {
			err = fmt.Errorf("slot %d of metric set %d is missing", set.used, id)
		}
		if err == nil {
			set.names[slot], set.hashes[slot] = name, newSeries(0, name).name
			set.used++
		}
		return err
	})
	r.sets[id] = set
	return set, err
}
