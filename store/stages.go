package store

import (
	"context"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// The kinds of events of sweeps. Shares are of sweeps that several machines train, the others of sweeps whose seeds are added
// in stages.
const (
	EventShare   = "share"    // which of the sweep's trials were to be trained in a database; of stage 0
	EventStage   = "stage"    // what was decided after a stage
	EventGivenUp = "given-up" // a point gets no further seeds
	EventOver    = "over"     // no point does
)

// A SweepEvent is something that was decided after a stage of a sweep, where it follows from the results, or about the sweep as
// a whole. It is recorded for people.
type SweepEvent struct {
	At      time.Time
	Stage   int // from 1; 0 for the sweep as a whole
	Kind    string
	Point   runner.Key // that was given up; else empty
	Message string
}

// PutStage enters the trials of a stage of a sweep that it lacks, in their order, and what was decided after the stages
// before, in one transaction. An event that is known keeps its time.
func (s *Store) PutStage(ctx context.Context, sweepID int64, trials []runner.Trial, events []SweepEvent) error {
	const (
		members = `SELECT count(*) FROM member WHERE sweep_id = ?`
		known   = `SELECT count(*) FROM sweep_event WHERE sweep_id = ?`
		insert  = `INSERT INTO sweep_event (sweep_id, at, stage, kind, point_key, message) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	)
	if len(trials) == 0 && len(events) == 0 {
		return nil
	}
	entries := make([]entry, len(trials))
	for i, t := range trials {
		entries[i] = entry{trial: t, key: t.Key(), point: t.Point()}
	}
	now := time.Now()
	return s.writer.do(ctx, "enter stage", func(_ context.Context, tx *tx) error {
		if err := putTrials(tx, entries); err != nil {
			return err
		}
		var before [2]int
		count := func(into *[2]int) error {
			if err := tx.one(members, []any{sweepID}, &into[0]); err != nil {
				return err
			}
			return tx.one(known, []any{sweepID}, &into[1])
		}
		if err := count(&before); err != nil {
			return err
		}
		if err := putMembers(tx, sweepID, entries); err != nil {
			return err
		}
		for _, e := range events {
			at := e.At
			if at.IsZero() {
				at = now
			}
			if _, err := tx.exec(insert, sweepID, at.UnixMicro(), e.Stage, e.Kind, string(e.Point), e.Message); err != nil {
				return err
			}
		}
		var after [2]int
		if err := count(&after); err != nil || after == before {
			return err
		}
		return sealSweep(tx, sweepID)
	})
}

// SweepEvents lists what was decided about a sweep, or after its stages, in the order in which it was recorded.
func (s *Store) SweepEvents(ctx context.Context, sweepID int64) (events []SweepEvent, err error) {
	const query = `SELECT at, stage, kind, point_key, message FROM sweep_event WHERE sweep_id = ? ORDER BY id`
	err = s.each(ctx, "read events", query, []any{sweepID}, func(scan scanner) error {
		var e SweepEvent
		var at int64
		var point string
		err := scan(&at, &e.Stage, &e.Kind, &point, &e.Message)
		e.At, e.Point = moment(at), runner.Key(point)
		events = append(events, e)
		return err
	})
	return events, err
}

// GivenUpIn lists the sweeps whose stages have given up a point at some time. A trial that is tried again may have changed
// that since.
func (s *Store) GivenUpIn(ctx context.Context, point runner.Key) (sweeps []int64, err error) {
	const query = `SELECT DISTINCT e.sweep_id FROM sweep_event e JOIN sweep w ON w.id = e.sweep_id
		WHERE e.kind = ? AND e.point_key = ? AND w.deleted_at IS NULL ORDER BY e.sweep_id`
	err = s.each(ctx, "read events", query, []any{EventGivenUp, string(point)}, func(scan scanner) error {
		var id int64
		err := scan(&id)
		sweeps = append(sweeps, id)
		return err
	})
	return sweeps, err
}
