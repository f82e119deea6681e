package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// The version changes with each change of another connection, and with nothing else; so does what the file system says.
func TestTheVersionFollowsChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xrun.db")
	writer := open(t, path)
	id := put(t, writer, grid(2))
	reader, err := OpenToServe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	version := func() int64 {
		t.Helper()
		n, err := reader.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before, stamp := version(), reader.Stamp()
	for range 3 {
		if _, err := reader.Results(t.Context(), id, "val_loss"); err != nil {
			t.Fatal(err)
		}
		if now := version(); now != before {
			t.Errorf("reading makes %d of the version %d", now, before)
		}
	}
	if reader.Stamp() != stamp {
		t.Error("reading changes what the file system says")
	}
	for range 3 {
		if err := writer.PutStage(t.Context(), id, nil, []SweepEvent{{Stage: int(before), Kind: EventOver, Message: "once more"}}); err != nil {
			t.Fatal(err)
		}
		now := version()
		if now == before || version() != now {
			t.Errorf("after a change the version is %d, as before, or not the same twice", now)
		}
		before = now
	}
	if reader.Stamp() == stamp {
		t.Error("changes leave what the file system says")
	}
	if reader.Outdated() {
		t.Error("changes make it outdated")
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Skip("an open file cannot be renamed here")
	}
	if !reader.Outdated() {
		t.Error("it is not outdated without its file")
	}
	other := open(t, filepath.Join(t.TempDir(), "other.db"))
	put(t, other, grid(1))
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other.Path(), path); err != nil {
		t.Fatal(err)
	}
	if !reader.Outdated() {
		t.Error("it is not outdated beside another file in its place")
	}
}

// What serves counts the trials of a sweep anew after each change, and nobody's use of the counts changes those that are kept.
func TestKeptCountsFollowChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xrun.db")
	writer, trials := open(t, path), grid(4)
	id := put(t, writer, trials)
	reader, err := OpenToServe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	counts := func(ended int) {
		t.Helper()
		for range 3 { // from the second time on they are kept
			sweep, err := reader.Sweep(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if sweep.Trials != len(trials) || sweep.Counts[runner.StatusFinished] != ended || sweep.Counts[""] != len(trials)-ended {
				t.Errorf("after %d runs the counts are %v of %d", ended, sweep.Counts, sweep.Trials)
			}
			clear(sweep.Counts)
		}
	}
	counts(0)
	recorder := writer.Recorder(id, Environment{}, nil)
	for i := range trials[:2] {
		run := begin(t, recorder, trials[i:i+1])[0]
		if err := recorder.Record(t.Context(), runner.Update{Ends: []runner.End{{Run: run, Status: runner.StatusFinished}}}); err != nil {
			t.Fatal(err)
		}
		if err := recorder.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		counts(i + 1)
	}
}
