package store

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// manyMetrics need two rows a point.
var manyMetrics = []string{"train_loss", "val_loss", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"}

func manyValues(n int) []float64 {
	values := make([]float64, len(manyMetrics))
	for i := range values {
		values[i] = math.Sin(float64(n*len(values) + i))
	}
	switch n % 4 {
	case 1:
		values[3] = math.NaN()
	case 2:
		values[9] = math.Copysign(0, -1)
	case 3:
		values[1] = math.Inf(1)
	}
	return values
}

// epochs records the epochs from the first to the last of a run.
func epochs(t *testing.T, r *Recorder, run runner.RunID, first, last int) {
	for n := first; n <= last; n++ {
		record(t, r, runner.Update{Points: []runner.Points{{Run: run, Epoch: n, Metrics: manyMetrics, Values: manyValues(n)}}})
	}
}

func cut(run runner.RunID, at int, content []byte) runner.Update {
	u := end(run, runner.StatusInterrupted)
	u.Ends[0].Coefficients, u.Ends[0].Constants = map[string]float64{"l2": 0.5}, map[string]float64{"val_accuracy": 0.75}
	u.Checkpoints = []runner.Checkpoint{{Run: run, Epoch: at, Content: content}}
	return u
}

// files lists what lies beside the database under a digest.
func files(t *testing.T, s *Store) []string {
	t.Helper()
	names, err := filepath.Glob(s.Path() + ".artifacts/*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func take(t *testing.T, r *Recorder, trial runner.Trial) runner.Begun {
	t.Helper()
	runs, err := r.Begin(t.Context(), []runner.Trial{trial})
	if err != nil {
		t.Fatal(err)
	}
	return runs[0]
}

// A run that is taken up from its checkpoint ends as one that was never cut off: the same row, the same
// points, summaries and hash.
func TestAnInterruptedRunIsTakenUpFromItsCheckpoint(t *testing.T) {
	s := fresh(t)
	trials := grid(2)
	r := s.Recorder(put(t, s, trials), Environment{BLAS: "gonum"}, nil)
	whole, cutOff := take(t, r, trials[0]), take(t, r, trials[1])
	epochs(t, r, whole.Run, 0, 30)
	record(t, r, end(whole.Run, runner.StatusFinished))

	epochs(t, r, cutOff.Run, 0, 9)
	record(t, r, runner.Update{Checkpoints: []runner.Checkpoint{{Run: cutOff.Run, Epoch: 5, Content: bytes.Repeat([]byte("old"), inlineLimit)}}})
	flush(t, r)
	if len(files(t, s)) != 1 {
		t.Errorf("a large checkpoint lies in %q", files(t, s))
	}
	content := bytes.Repeat([]byte("new"), inlineLimit)
	record(t, r, cut(cutOff.Run, 8, content))
	flush(t, r)
	if now := files(t, s); len(now) != 1 {
		t.Errorf("a checkpoint replaces the one before: %q", now)
	}
	status, err := s.Status(t.Context(), []runner.Key{trials[1].Key()})
	if st := status[trials[1].Key()]; err != nil || st.Checkpoint != 8 || st.Status != runner.StatusInterrupted {
		t.Errorf("the status is %+v, %v", st, err)
	}
	again := take(t, r, trials[1])
	if again.Run != cutOff.Run || again.Recorded != 9 || again.From == nil || again.From.Epoch != 8 || !bytes.Equal(again.From.Content, content) {
		t.Fatalf("the run goes on as %d after epoch %d, from %v", again.Run, again.Recorded, again.From != nil)
	}
	epochs(t, r, again.Run, 10, 30)
	last := end(again.Run, runner.StatusFinished)
	last.Ends[0].Coefficients, last.Ends[0].Constants = map[string]float64{"l2": 0.5}, map[string]float64{"val_accuracy": 0.75}
	record(t, r, last)
	flush(t, r)
	if left := files(t, s); len(left) > 0 {
		t.Errorf("after the end there are %q", left)
	}
	for _, same := range []string{
		`SELECT count(DISTINCT hash) || ' ' || count(DISTINCT points) || ' ' || count(DISTINCT epochs) || ' ' || count(*) || ' ' || max(attempt) FROM run`,
		`SELECT count(DISTINCT quote(first) || quote(last) || quote(min) || min_step || quote(max) || max_step || quote(mean) || count) || ' 1 1 2 1'
			FROM summary GROUP BY metric_id ORDER BY 1 DESC LIMIT 1`,
	} {
		if got := query(t, s.Path(), same); got != "1 1 1 2 1" {
			t.Errorf("%s: %s", same, got)
		}
	}
}

// What other plugins than xrun's own computed on another machine is not gone on from, nor is what another version kept, or what is
// damaged.
func TestARunThatCannotBeTakenUpBeginsAgain(t *testing.T) {
	content := bytes.Repeat([]byte("state"), inlineLimit)
	for name, c := range map[string]struct {
		environment Environment
		plugin      string
		spoil       func(file string) error
	}{
		"another machine, with a plugin": {Environment{CPU: "other"}, "0123", nil},
		"another version":                {Environment{XrunVersion: "2"}, "builtin:adam@1", nil},
		"no file":                        {Environment{}, "0123", os.Remove},
		"a damaged file":                 {Environment{}, "0123", func(file string) error { return os.WriteFile(file, []byte("damage"), 0o600) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			trials := grid(1)
			trials[0].Optimizer.Identity = c.plugin
			id := put(t, s, trials)
			uses := []PluginUse{{Role: "optimizer", Name: "adam", Digest: c.plugin}}
			r := s.Recorder(id, Environment{}, uses)
			first := take(t, r, trials[0])
			epochs(t, r, first.Run, 0, 3)
			record(t, r, cut(first.Run, 3, content))
			flush(t, r)
			if c.spoil != nil {
				if err := c.spoil(files(t, s)[0]); err != nil {
					t.Fatal(err)
				}
			}
			second := take(t, s.Recorder(id, c.environment, uses), trials[0])
			if second.Run == first.Run || second.Recorded != -1 || second.From != nil {
				t.Errorf("it goes on as %+v", second)
			}
			if got := query(t, s.Path(), fmt.Sprintf(`SELECT attempt FROM run WHERE id = %d`, second.Run)); got != "2" {
				t.Errorf("the new run is attempt %s", got)
			}
		})
	}
}

// The arithmetic of xrun's own components is the same on every machine.
func TestARunIsTakenUpOnAnotherMachine(t *testing.T) {
	s := fresh(t)
	trials := grid(1)
	id := put(t, s, trials)
	uses := []PluginUse{{Role: "optimizer", Name: "adam", Digest: "builtin:adam@1"}, {Role: "regularizer", Name: "l2", Digest: "builtin:l2@1"}}
	r := s.Recorder(id, Environment{CPU: "one", Arch: "amd64"}, uses)
	first := take(t, r, trials[0])
	epochs(t, r, first.Run, 0, 3)
	record(t, r, cut(first.Run, 3, []byte("state")))
	flush(t, r)
	if second := take(t, s.Recorder(id, Environment{CPU: "other", Arch: "arm64"}, uses), trials[0]); second.Run != first.Run || second.From == nil || second.From.Epoch != 3 {
		t.Errorf("it goes on as %+v", second)
	}
}

// A process that takes a run up while another lives does not get it, and one that died leaves it.
func TestACheckpointOutlivesItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xrun.db")
	one, two := open(t, path), open(t, path)
	trials := grid(1)
	id := put(t, one, trials)
	r := one.Recorder(id, Environment{}, nil)
	run := take(t, r, trials[0])
	epochs(t, r, run.Run, 0, 4)
	record(t, r, runner.Update{Checkpoints: []runner.Checkpoint{{Run: run.Run, Epoch: 4, Content: []byte("four")}}})
	flush(t, r)
	other := two.Recorder(id, Environment{}, nil)
	if got := take(t, other, trials[0]); got.Run != 0 {
		t.Fatalf("a living process's run is taken as %+v", got)
	}
	if err := one.owner.release(); err != nil { // all that its death would leave to be seen
		t.Fatal(err)
	}
	got := take(t, other, trials[0])
	if got.Run != run.Run || got.From == nil || string(got.From.Content) != "four" {
		t.Fatalf("a dead process's run goes on as %+v", got)
	}
	// The first is not dead at all: what it still says does not count.
	epochs(t, r, run.Run, 5, 6)
	r.Flush(t.Context())
	epochs(t, other, got.Run, 5, 7)
	record(t, other, end(got.Run, runner.StatusFinished))
	flush(t, other)
	if got := query(t, path, `SELECT status || ' ' || epochs || ' ' || points FROM run`); got != fmt.Sprint("finished 7 ", 8*len(manyMetrics)) {
		t.Errorf("the run is %s", got)
	}
}
