package store

import (
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// A run that has ended is recorded anew under its token: with other values, another trial, or after it was deleted, which it stays. Its number stays, nothing
// of what it was is left, and its seals fit.
func TestAttemptIsRecordedAnew(t *testing.T) {
	s := fresh(t)
	trials := grid(3)
	sweep := put(t, s, nil)
	r := s.Recorder(sweep, Environment{}, nil)
	again := func(trial runner.Trial, values ...float64) runner.RunID {
		t.Helper()
		found, err := r.BeginAttempt(t.Context(), Attempt{Token: "a", Trial: trial, Start: time.Now(), Anew: true})
		if err != nil {
			t.Fatal(err)
		}
		if found.Standing != AttemptOpen || found.Recorded != -1 {
			t.Fatalf("it is %+v, want it open and empty", found)
		}
		for i, v := range values {
			record(t, r, epoch(found.Run, i, v))
		}
		record(t, r, runner.Update{Events: []runner.Event{{Run: found.Run, At: time.Now(), Kind: "note", Message: "m"}}})
		return found.Run
	}
	finish := func(id runner.RunID) {
		record(t, r, end(id, runner.StatusFinished))
		flush(t, r)
	}
	is := func(want, q string) {
		t.Helper()
		if got := query(t, s.Path(), q); got != want {
			t.Errorf("%s is %q, want %q", q, got, want)
		}
	}
	first := again(trials[0], 1, 2, 3)
	finish(first)
	other := begin(t, r, func() []runner.Trial { put(t, s, trials[2:]); return trials[2:] }())
	finish(other[0])
	for _, c := range []struct {
		trial  runner.Trial
		values []float64
		before func()
		count  string // of results that are not deleted
	}{
		{trials[0], []float64{4, 5}, func() {}, "2"},
		{trials[1], []float64{6}, func() {}, "2"},
		{trials[1], []float64{6, 7, 8, 9}, func() { s.DeleteRuns(t.Context(), []int64{int64(first)}) }, "1"}, // it stays so
		{trials[0], nil, func() { again(trials[1], 1, 2) }, "2"},                                             // while it runs, as another trial
	} {
		c.before()
		id := again(c.trial, c.values...)
		finish(id)
		if id != first {
			t.Errorf("it is run %d, want %d", id, first)
		}
		is(c.count, `SELECT count(*) FROM run WHERE deleted_at IS NULL AND status = 'finished'`)
		is(string(c.trial.Key()), `SELECT t.key FROM run r JOIN trial t ON t.id = r.trial_id WHERE r.token = 'a'`)
		is("2", `SELECT count(*) FROM trial`)
		is("2", `SELECT count(*) FROM member`)
		is(map[bool]string{true: "1", false: "0"}[len(c.values) > 0], `SELECT count(*) FROM summary WHERE run_id = 1`)
		is("1", `SELECT count(*) FROM event WHERE run_id = 1`)
		curve, err := s.Curve(t.Context(), int64(first), "loss")
		if c.count == "2" && err != nil || len(curve) != len(c.values) {
			t.Errorf("it has %v, want %v: %v", curve, c.values, err)
		}
		if audit, err := s.Verify(t.Context(), func(int64) {}); err != nil || len(audit.Findings) > 0 {
			t.Errorf("the audit is %+v: %v", audit, err)
		}
	}
}

// A run that another living process records is not taken from it.
func TestAttemptOfAnotherProcessIsNotRecordedAnew(t *testing.T) {
	s := fresh(t)
	other := open(t, s.Path())
	sweep := put(t, s, nil)
	a := Attempt{Token: "a", Trial: grid(1)[0], Start: time.Now(), Anew: true}
	if _, err := other.Recorder(sweep, Environment{}, nil).BeginAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Recorder(sweep, Environment{}, nil).BeginAttempt(t.Context(), a); err != nil || found.Standing != AttemptTaken {
		t.Errorf("it is %+v, want it taken: %v", found, err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Recorder(sweep, Environment{}, nil).BeginAttempt(t.Context(), a); err != nil || found.Standing != AttemptOpen {
		t.Errorf("it is %+v, want it open: %v", found, err)
	}
}
