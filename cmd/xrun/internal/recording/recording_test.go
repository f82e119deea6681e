package recording

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/journal"
)

// A script is an attempt as its own process writes it.
type script struct {
	token string
	lines [][]byte // in order; the end is the last one unless it was killed
	want  map[int]map[string]float64
	ended bool
	name  string
	seed  int64
}

func lineOf(t *testing.T, r journal.Record) []byte {
	t.Helper()
	line, err := journal.Line(r)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func recordOf(t *testing.T, line []byte) journal.Record {
	t.Helper()
	r, err := journal.NewReader(bytes.NewReader(line)).Next()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// write makes the lines of an attempt with random values; some are not finite, some steps have several lines.
func write(t *testing.T, random *rand.Rand, token, name string, seed int64, killed bool) *script {
	t.Helper()
	s := &script{token: token, want: map[int]map[string]float64{}, ended: !killed, name: name, seed: seed}
	config := map[string]json.RawMessage{"lr": json.RawMessage("0.1"), "seed": json.RawMessage(fmt.Sprint(seed))}
	s.lines = append(s.lines, lineOf(t, journal.Record{Attempt: token, Begin: &journal.Begin{Name: name, At: 1.8e9, Config: config, Order: []string{"lr", "seed"}}}))
	tally := journal.Tally{}
	for step := 1; step <= 1+random.IntN(20); step++ {
		s.want[step] = map[string]float64{}
		for _, metrics := range [][]string{{"train_loss", "other"}, {"val_loss"}}[random.IntN(2):] {
			var values journal.Values
			for _, metric := range metrics {
				v := random.NormFloat64()
				if metric == "other" && random.IntN(8) == 0 {
					v = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[random.IntN(3)]
				}
				values = append(values, journal.Value{Metric: metric, Value: v})
				s.want[step][metric] = v
			}
			line := lineOf(t, journal.Record{Attempt: token, Log: values, Step: step})
			tally.Add(recordOf(t, line))
			s.lines = append(s.lines, line)
		}
		if random.IntN(4) == 0 {
			s.lines = append(s.lines, lineOf(t, journal.Record{Attempt: token, Output: "hello\n"}))
		}
	}
	if !killed {
		s.lines = append(s.lines, lineOf(t, journal.Record{Attempt: token, End: &journal.End{Status: "finished", At: 1.8e9 + 5, Count: tally.Count(), Hash: tally.Hash()}}))
	}
	return s
}

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), path, store.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// valuesOf reads a run.
func valuesOf(t *testing.T, db *store.Store, run int64) map[int]map[string]float64 {
	t.Helper()
	reader, err := db.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[int]map[string]float64{}
	_, err = reader.Points(t.Context(), run, func(step int, metrics []string, values []float64) error {
		if got[step] == nil {
			got[step] = map[string]float64{}
		}
		for i, metric := range metrics {
			if _, twice := got[step][metric]; twice {
				t.Errorf("run %d has %s of step %d twice", run, metric, step)
			}
			got[step][metric] = values[i]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func alike(a, b map[int]map[string]float64) bool {
	return maps.EqualFunc(a, b, func(x, y map[string]float64) bool {
		return maps.EqualFunc(x, y, func(v, w float64) bool { return math.Float64bits(v) == math.Float64bits(w) })
	})
}

func elsewhere(t *testing.T, db *store.Store, content []byte) (*Recording, *bytes.Buffer) {
	t.Helper()
	buffer := bytes.NewBuffer(content)
	r := New(db, buffer)
	r.Environment = Elsewhere
	return r, buffer
}

// Whatever the order in which journals are read, cut off, repeated, mixed and read again: each attempt that its end counts whole is recorded
// once, with the values that it has logged.
func TestEveryAttemptIsRecordedOnce(t *testing.T) {
	for seed := range uint64(25) {
		random := rand.New(rand.NewPCG(seed, 20))
		path := filepath.Join(t.TempDir(), "xrun.db")
		var scripts []*script
		for i := range 1 + random.IntN(4) {
			scripts = append(scripts, write(t, random, fmt.Sprintf("TOKEN%d-%d", seed, i), "runs", int64(i), random.IntN(4) == 0))
		}
		// One journal holds the lines of all of them, mixed, each in its order.
		var mixed []byte
		next := make([]int, len(scripts))
		for left := true; left; {
			left = false
			for i, s := range scripts {
				for n := random.IntN(4); n > 0 && next[i] < len(s.lines); n-- {
					mixed = append(mixed, s.lines[next[i]]...)
					next[i]++
				}
				left = left || next[i] < len(s.lines)
			}
		}
		// It is read in parts by recorders that are killed: the store is closed without an end.
		for range random.IntN(4) {
			db := open(t, path)
			r, buffer := elsewhere(t, db, nil)
			for at := 0; at < len(mixed); {
				n := min(1+random.IntN(200), len(mixed)-at)
				buffer.Write(mixed[at : at+n])
				at += n
				if _, err := r.Take(t.Context()); err != nil {
					t.Fatal(err)
				}
				if random.IntN(6) == 0 {
					break
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		// Then whole, twice, and each attempt from a journal of its own as well.
		contents := [][]byte{mixed, mixed}
		for _, s := range scripts {
			contents = append(contents, bytes.Join(s.lines, nil))
		}
		db := open(t, path)
		for _, content := range contents {
			r, _ := elsewhere(t, db, content)
			if _, err := r.Take(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(r.Abandon(t.Context(), time.Unix(1_800_000_009, 0)), r.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		runs, err := db.Runs(t.Context(), store.RunQuery{})
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) != len(scripts) {
			t.Fatalf("seed %d: %d scripts became %d runs", seed, len(scripts), len(runs))
		}
		for _, run := range runs {
			s := scripts[slices.IndexFunc(scripts, func(s *script) bool { return s.seed == run.Seed })]
			if s.ended != (run.Status == runner.StatusFinished) || !s.ended && run.Status != runner.StatusInterrupted {
				t.Errorf("seed %d: the run of %s, which ended: %v, is %s (%s)", seed, s.token, s.ended, run.Status, run.Reason)
			}
			if got := valuesOf(t, db, run.ID); !alike(got, s.want) {
				t.Errorf("seed %d: the run of %s has\n%v, want\n%v", seed, s.token, got, s.want)
			}
		}
		audit, err := db.Verify(t.Context(), func(int64) {})
		if err != nil || len(audit.Findings) > 0 {
			t.Errorf("seed %d: the database is damaged: %v, %v", seed, audit.Findings, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A line that is damaged or missing is never passed over in silence: the run is interrupted until a whole copy comes.
func TestWhatIsMissingIsSaid(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	s := write(t, random, "TOKEN", "runs", 1, false)
	db := open(t, filepath.Join(t.TempDir(), "xrun.db"))
	defer db.Close()
	take := func(content []byte) Run {
		t.Helper()
		r, _ := elsewhere(t, db, content)
		if _, err := r.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.Abandon(t.Context(), time.Now()), r.Flush(t.Context())); err != nil {
			t.Fatal(err)
		}
		return r.Runs()[0]
	}
	torn := slices.Clone(s.lines)
	torn[1] = append(slices.Clone(torn[1][:len(torn[1])/2]), '\n')
	if run := take(bytes.Join(torn, nil)); run.Complete || run.Status != runner.StatusInterrupted {
		t.Errorf("with a torn line the run is %+v", run)
	}
	found, err := db.Run(t.Context(), 1)
	if err != nil || !strings.Contains(found.Reason, "not complete") {
		t.Errorf("the reason is %q, %v", found.Reason, err)
	}
	events, err := db.Events(t.Context(), 1)
	if err != nil || !slices.ContainsFunc(events, func(e store.Event) bool {
		return strings.Contains(e.Message, "1 line of its journal could not be read")
	}) {
		t.Errorf("no event says that a line is lost: %v, %v", events, err)
	}
	if run := take(bytes.Join(s.lines, nil)); !run.Complete || run.Status != runner.StatusFinished {
		t.Errorf("the whole copy became %+v", run)
	}
	if got := valuesOf(t, db, 1); !alike(got, s.want) {
		t.Errorf("the run has\n%v, want\n%v", got, s.want)
	}
	if run := take(bytes.Join(s.lines, nil)); !run.Before {
		t.Errorf("a second copy became %+v", run)
	}
}

// Runs are told apart and brought together by their config.
func TestIdentityOfScripts(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "xrun.db"))
	defer db.Close()
	n := 0
	record := func(config string) Run {
		t.Helper()
		n++
		var given map[string]json.RawMessage
		if err := json.Unmarshal([]byte(config), &given); err != nil {
			t.Fatal(err)
		}
		token := fmt.Sprint("T", n)
		values := journal.Values{{Metric: "val_loss", Value: float64(n)}}
		content := slices.Concat(lineOf(t, journal.Record{Attempt: token, Begin: &journal.Begin{Name: "s", At: journal.Seconds(n), Config: given}}),
			lineOf(t, journal.Record{Attempt: token, Log: values, Step: 1}))
		tally := journal.Tally{}
		tally.Add(recordOf(t, lineOf(t, journal.Record{Attempt: token, Log: values, Step: 1})))
		content = append(content, lineOf(t, journal.Record{Attempt: token, End: &journal.End{Status: "finished", At: journal.Seconds(n + 1), Count: 1, Hash: tally.Hash()}})...)
		r, _ := elsewhere(t, db, content)
		if _, err := r.Take(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r.Runs()[0]
	}
	for i, c := range []struct {
		config string
		seed   int64
	}{
		{`{"lr": 0.1, "optimizer": "adam"}`, 1},
		{`{"lr": 0.1, "optimizer": "adam"}`, 2},
		{`{"optimizer": "adam", "lr": 1e-1}`, 3},
		{`{"lr": 0.2, "optimizer": "adam"}`, 1},
		{`{"lr": 0.1, "optimizer": "adam", "random_state": 7}`, 7},
		{`{"lr": 0.1, "optimizer": "adam", "seed": 2}`, 2}, // counts instead of the second
		{`{"lr": 0.1, "optimizer": "adam"}`, 4},
		{`{"lr": 0.1, "optimizer": "adam", "seed": "two"}`, 1}, // no whole number: an axis of its own
	} {
		if run := record(c.config); run.Seed != c.seed || !run.Complete {
			t.Errorf("%d: %s has the seed %d, want %d (%+v)", i, c.config, run.Seed, c.seed, run)
		}
	}
	replaced, err := db.CountEvents(t.Context(), store.EventReplaced, 1)
	if err != nil || replaced != 1 {
		t.Errorf("%d runs have replaced another one, want 1 (%v)", replaced, err)
	}
	results, err := db.Results(t.Context(), 1, "val_loss")
	if err != nil || len(results) != 7 {
		t.Errorf("%d results count, want 7 (%v)", len(results), err)
	}
}

func TestTheMetricOfRuns(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""}, {[]string{"system_memory_mb"}, ""}, {[]string{"train_loss", "val_loss", "val_accuracy"}, "val_loss"}, {[]string{"train_loss", "eval/loss"}, "eval/loss"},
		{[]string{"loss", "accuracy"}, "loss"}, {[]string{"train_loss", "val_acc"}, "val_acc"}, {[]string{"reward", "length"}, "reward"}, {[]string{"b", "a"}, "a"},
		{[]string{"test_loss", "train_loss"}, "train_loss"},
	} {
		if got := chosenMetric(c.names); got != c.want {
			t.Errorf("of %v %q is chosen, want %q", c.names, got, c.want)
		}
	}
}

// On a network file system the database is a local file, made of the journals, and a whole copy comes home.
func TestNetworkFileSystems(t *testing.T) {
	share, state := t.TempDir(), t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	networkOf = func(folder string) string {
		if strings.HasPrefix(folder, share) {
			return "NFS"
		}
		return ""
	}
	defer func() { networkOf = store.NetworkFileSystem }()
	home := filepath.Join(share, "xrun.db")
	random := rand.New(rand.NewPCG(4, 4))
	var kept []string
	for i := range 3 {
		s := write(t, random, fmt.Sprint("TOKEN", i), "runs", int64(i), false)
		if err := os.MkdirAll(Folder(home), 0o777); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(Folder(home), s.token+".journal")
		if err := os.WriteFile(file, bytes.Join(s.lines, nil), 0o666); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, file)
		if i == 2 { // the local file is lost: it is made again from the copy, and the journals
			if err := os.RemoveAll(state); err != nil {
				t.Fatal(err)
			}
		}
		place, err := Find(home)
		if err != nil || !strings.HasPrefix(place.Database, state) || place.At() != home {
			t.Fatalf("the place is %+v, %v", place, err)
		}
		if err := place.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		db := open(t, place.Database)
		for _, journal := range kept {
			if _, err := Import(t.Context(), db, journal, true); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(place.PutBack(t.Context(), db), db.Close()); err != nil {
			t.Fatal(err)
		}
		copied, err := store.OpenReadOnly(t.Context(), home)
		if err != nil {
			t.Fatal(err)
		}
		runs, err := copied.Runs(t.Context(), store.RunQuery{})
		if err != nil || len(runs) != i+1 {
			t.Errorf("after %d scripts the copy has %d runs (%v)", i+1, len(runs), err)
		}
		if err := copied.Close(); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(share)
	if err != nil || len(left) != 2 {
		t.Errorf("the share has %v, want the database and its journals", left)
	}
}
