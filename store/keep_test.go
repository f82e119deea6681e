package store

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// filled is a database with runs of all sorts: finished ones with large parameters, one with special values, one that was
// interrupted and has a checkpoint.
func filled(t *testing.T, path string) (*Store, int64, []runner.Trial) {
	t.Helper()
	s := open(t, path)
	trials := grid(4)
	id := put(t, s, trials)
	r := s.Recorder(id, Environment{BLAS: "gonum"}, []PluginUse{{Role: "optimizer", Name: "adam", Digest: "builtin:adam@1"}})
	for i, trial := range trials {
		run := take(t, r, trial)
		epochs(t, r, run.Run, 0, 5+i)
		if i == 3 {
			record(t, r, cut(run.Run, 4, bytes.Repeat([]byte("checkpoint"), inlineLimit)))
			continue
		}
		last := end(run.Run, runner.StatusFinished)
		last.Ends[0].Kept, last.Ends[0].Parameters = &runner.Kept{Epoch: 3, Value: manyValues(3)[1]}, bytes.Repeat([]byte{byte(i), 1}, inlineLimit*i/2+1)
		last.Ends[0].Coefficients, last.Ends[0].Constants = map[string]float64{"l2": 0.25}, map[string]float64{"val_accuracy": 0.75}
		last.Events = []runner.Event{{Run: run.Run, At: time.Now(), Kind: "retry", Message: "again"}}
		record(t, r, last)
	}
	flush(t, r)
	return s, id, trials
}

func verify(t *testing.T, s *Store) Audit {
	t.Helper()
	audit, err := s.Verify(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return audit
}

// Every kind of damage that can be seen is found, and named with its run.
func TestDamageIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		sql  string
		file string // that is spoiled
		want string
	}{
		"none":                    {},
		"a bit of a value":        {sql: `UPDATE point SET v1 = v1 + 1e-12 WHERE run_id = 2 AND step = 4 AND v2 IS NOT NULL`, want: "run 2: "},
		"a lost epoch":            {sql: `DELETE FROM point WHERE run_id = 1 AND step = 2`, want: "run 1: "},
		"a special value":         {sql: `UPDATE point SET special = NULL WHERE run_id = 3 AND special IS NOT NULL`, want: "run 3: "},
		"a summary":               {sql: `UPDATE summary SET min_step = min_step, mean = mean + 1 WHERE run_id = 1 AND metric_id = 1`, want: "run 1: the summary of metric 1"},
		"a lost summary":          {sql: `DELETE FROM summary WHERE run_id = 4 AND metric_id = 2`, want: "run 4: 1 metrics have no summary"},
		"parameters in the file":  {sql: `UPDATE artifact SET content = x'00' WHERE run_id = 1`, want: "run 1: its best is damaged"},
		"parameters beside it":    {file: "*.safetensors", want: "run 2: its best is damaged"},
		"a checkpoint beside it":  {file: "*.checkpoint", want: "run 4: its checkpoint is damaged"},
		"a reference to no trial": {sql: `PRAGMA foreign_keys = 0; UPDATE run SET trial_id = 99 WHERE id = 2`, want: "names a row of trial that is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := filled(t, filepath.Join(t.TempDir(), "xrun.db"))
			if c.sql != "" {
				db, err := openPool(s.Path(), strings.Replace(commonSettings, "_foreign_keys=1", "_foreign_keys=0", 1), 1)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				if _, err := db.Exec(c.sql); err != nil {
					t.Fatal(err)
				}
			}
			if c.file != "" {
				names, err := filepath.Glob(s.Path() + ".artifacts/" + c.file)
				if err != nil || len(names) == 0 {
					t.Fatalf("there is no %s, %v", c.file, err)
				}
				for _, name := range names {
					if err := os.WriteFile(name, []byte("damage"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			audit := verify(t, s)
			if c.want == "" {
				if len(audit.Findings) > 0 || audit.Runs != 4 || audit.Files != 4 || audit.Points != 10*(6+7+8+9) {
					t.Errorf("of a sound file: %+v", audit)
				}
				return
			}
			if len(audit.Findings) == 0 || !strings.Contains(audit.Findings[0].String(), c.want) {
				t.Errorf("found %v, want %q", audit.Findings, c.want)
			}
		})
	}
}

// A backup is whole while a sweep writes, and stands on its own.
func TestABackupStandsOnItsOwn(t *testing.T) {
	dir := t.TempDir()
	s, id, trials := filled(t, filepath.Join(dir, "xrun.db"))
	r := s.Recorder(id, Environment{BLAS: "gonum"}, nil)
	again := take(t, r, trials[3])
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := again.Recorded + 1; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			r.Record(t.Context(), runner.Update{Points: []runner.Points{{Run: again.Run, Epoch: n, Metrics: manyMetrics, Values: manyValues(n)}}})
			r.Flush(t.Context())
		}
	}()
	for _, name := range []string{"one.db", "two.db", "with # and %41.db"} {
		if err := s.Backup(t.Context(), filepath.Join(dir, "copies", name)); err == nil {
			t.Error("a folder that is not there is made")
		}
		to := filepath.Join(t.TempDir(), name)
		if err := s.Backup(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the copy has the mode %v, %v", info.Mode(), err)
		}
		copied, err := OpenReadOnly(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		if audit := verify(t, copied); len(audit.Findings) > 0 || audit.Runs != 4 {
			t.Errorf("the copy: %+v", audit)
		}
		copied.Close()
		if err := s.Backup(t.Context(), to); err == nil {
			t.Error("a copy is overwritten")
		}
	}
	close(stop)
	<-ended
}

// What is merged twice is there once, bit for bit, with all that belongs to it.
func TestMergingIsIdempotent(t *testing.T) {
	dir := t.TempDir()
	from, _, trials := filled(t, filepath.Join(dir, "from.db"))
	if err := from.Close(); err != nil {
		t.Fatal(err)
	}
	source, err := OpenReadOnly(t.Context(), filepath.Join(dir, "from.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	os.Mkdir(filepath.Join(dir, "to"), 0o700)
	to := open(t, filepath.Join(dir, "to", "to.db"))
	put(t, to, grid(7)[2:]) // some of the trials, at other ids
	for round, want := range []Merged{{Sweeps: 0, Trials: 2, Runs: 4}, {Known: 4}} {
		got, err := to.Merge(t.Context(), source)
		if err != nil || got != want {
			t.Errorf("round %d: %+v, %v, want %+v", round+1, got, err, want)
		}
	}
	if audit := verify(t, to); len(audit.Findings) > 0 || audit.Runs != 4 || audit.Files != 4 {
		t.Errorf("after merging: %+v", audit)
	}
	const hashes = `SELECT group_concat(x) FROM (SELECT t.key || r.token || r.hash || r.points || r.status || r.epochs AS x FROM run r JOIN trial t ON t.id = r.trial_id ORDER BY t.key)`
	if a, b := query(t, source.Path(), hashes), query(t, to.Path(), hashes); a != b {
		t.Errorf("merged runs are\n%s\nwant\n%s", b, a)
	}
	const settings = `SELECT group_concat(x) FROM (SELECT s.trial_key || s.path || s.value AS x FROM settings s JOIN run r JOIN trial t ON t.id = r.trial_id AND t.key = s.trial_key ORDER BY 1)`
	if a, b := query(t, source.Path(), settings), query(t, to.Path(), settings); a != b {
		t.Error("the settings of merged trials differ")
	}
	// An interrupted run goes on from its checkpoint here as it would there.
	var sweep int64 = 1
	if got := take(t, to.Recorder(sweep, Environment{BLAS: "gonum"}, nil), trials[3]); got.From == nil || got.From.Epoch != 4 {
		t.Errorf("the merged checkpoint is taken up as %+v", got)
	}
}

// A deleted result is none, and the newest of several counts.
func TestDeletedRunsAreOutOfSight(t *testing.T) {
	s, id, trials := filled(t, filepath.Join(t.TempDir(), "xrun.db"))
	r := s.Recorder(id, Environment{BLAS: "gonum"}, nil)
	if got := take(t, r, trials[0]); got.Run != 0 {
		t.Fatalf("a trial with a result is begun as %+v", got)
	}
	if err := s.DeleteRuns(t.Context(), []int64{1}); err != nil {
		t.Fatal(err)
	}
	results, err := s.Results(t.Context(), id, "val_loss")
	if err != nil || results[0].Status != "" {
		t.Errorf("the deleted result is seen as %+v, %v", results[0], err)
	}
	again := take(t, r, trials[0])
	if again.Run == 0 || again.Run == 1 || again.Recorded != -1 {
		t.Fatalf("the trial is begun again as %+v", again)
	}
	if err := s.DeleteRuns(t.Context(), []int64{int64(again.Run)}); err == nil || !strings.Contains(err.Error(), "is running") {
		t.Errorf("a running run is deleted: %v", err)
	}
	epochs(t, r, again.Run, 0, 2)
	record(t, r, end(again.Run, runner.StatusFinished))
	flush(t, r)
	if err := s.RestoreRuns(t.Context(), []int64{1}); err != nil {
		t.Fatal(err)
	}
	if results, err = s.Results(t.Context(), id, "val_loss"); err != nil || results[0].RunID != int64(again.Run) {
		t.Errorf("of two results run %d counts, %v", results[0].RunID, err)
	}
	if len(verify(t, s).Findings) > 0 {
		t.Error("the file is not whole")
	}
}

// A rerun's result takes the place of the old one, in one transaction.
func TestARerunReplacesItsResult(t *testing.T) {
	s, id, trials := filled(t, filepath.Join(t.TempDir(), "xrun.db"))
	r := s.Recorder(id, Environment{BLAS: "gonum"}, nil)
	r.Rerun([]runner.Key{trials[1].Key()})
	again := take(t, r, trials[1])
	if again.Run == 0 {
		t.Fatal("the trial is not run again")
	}
	epochs(t, r, again.Run, 0, 2)
	flush(t, r)
	if got := query(t, s.Path(), `SELECT group_concat(id) FROM run WHERE deleted_at IS NULL AND status = 'finished'`); got != "1,2,3" {
		t.Errorf("before its end the results are runs %s", got)
	}
	record(t, r, end(again.Run, runner.StatusFinished))
	flush(t, r)
	if got := query(t, s.Path(), `SELECT group_concat(id) FROM run WHERE deleted_at IS NULL AND status = 'finished'`); got != "1,3,5" {
		t.Errorf("after its end the results are runs %s", got)
	}
}

// A run is removed for good a part at a time, with everything that was its own.
func TestPurgeRemovesARunInParts(t *testing.T) {
	s, _, _ := filled(t, filepath.Join(t.TempDir(), "xrun.db"))
	if err := s.DeleteRuns(t.Context(), []int64{3}); err != nil {
		t.Fatal(err)
	}
	if l, err := s.Purge(t.Context(), time.Now().Add(-time.Hour), false); err != nil || l.Runs != 0 {
		t.Errorf("what was deleted just now is removed: %+v, %v", l, err)
	}
	old := time.Now().Add(-2 * settling)
	for _, name := range files(t, s) {
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	before := len(files(t, s))
	l, err := s.Purge(t.Context(), time.Now().Add(time.Second), false)
	if err != nil || l.Runs != 1 || l.Files != 1 || len(files(t, s)) != before-1 {
		t.Errorf("removed %+v, %v, of %d files %d are left", l, err, before, len(files(t, s)))
	}
	for _, table := range []string{"point", "summary", "event", "artifact", "coefficient", "constant", "run_plugin"} {
		if n := query(t, s.Path(), `SELECT count(*) FROM `+table+` WHERE run_id = 3`); n != "0" {
			t.Errorf("%s has %s rows of a run that is removed", table, n)
		}
	}
	if audit := verify(t, s); len(audit.Findings) > 0 || audit.Runs != 3 {
		t.Errorf("%+v", audit)
	}
}
