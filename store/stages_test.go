package store

import (
	"path/filepath"
	"slices"
	"testing"
)

// A stage is entered once with its trials behind those of the sweep, and what was decided keeps its time; a merge takes both
// along.
func TestStages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xrun.db")
	s := open(t, path)
	trials := grid(6)
	id, err := s.PutSweep(t.Context(), Sweep{Name: "staged", Digest: "d", Text: []byte("[task]"), Metric: "loss", Goal: "min", At: "best"}, trials[:4])
	if err != nil {
		t.Fatal(err)
	}
	decided := []SweepEvent{{Stage: 1, Kind: EventGivenUp, Point: trials[0].Point(), Message: "worse"}, {Stage: 1, Kind: EventStage, Message: "two go on"}}
	var first []SweepEvent
	for range 2 {
		if err := s.PutStage(t.Context(), id, trials[4:], decided); err != nil {
			t.Fatal(err)
		}
		events, err := s.SweepEvents(t.Context(), id)
		if err != nil || len(events) != 2 || events[0].Point != trials[0].Point() || events[1].Message != "two go on" || events[0].At.IsZero() {
			t.Fatalf("%+v, %v", events, err)
		}
		if first != nil && !slices.Equal(events, first) {
			t.Errorf("entered twice: %+v, want %+v", events, first)
		}
		first = events
	}
	if got := query(t, path, `SELECT group_concat(position) || ' ' || (SELECT count(*) FROM trial) FROM (SELECT position FROM member ORDER BY position)`); got != "0,1,2,3,4,5 6" {
		t.Errorf("places and trials are %s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if found := audited(t, path); len(found) > 0 {
		t.Errorf("the database is not whole: %v", found)
	}
	from, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	other := filepath.Join(t.TempDir(), "other.db")
	into := open(t, other)
	for range 2 {
		if _, err := into.Merge(t.Context(), from); err != nil {
			t.Fatal(err)
		}
	}
	if events, err := into.SweepEvents(t.Context(), 1); err != nil || !slices.Equal(events, first) {
		t.Errorf("merged: %+v, %v; want %+v", events, err, first)
	}
	if err := into.Close(); err != nil {
		t.Fatal(err)
	}
	if got := query(t, other, `SELECT sweep || ' ' || stage || ' ' || kind || ' ' || message FROM sweep_events ORDER BY kind LIMIT 1`); got != "staged 1 given-up worse" {
		t.Errorf("the view has %s", got)
	}
	if found := audited(t, other); len(found) > 0 {
		t.Errorf("the merged database is not whole: %v", found)
	}
}
