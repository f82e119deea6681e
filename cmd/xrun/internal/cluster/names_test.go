package cluster

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// The manual of sbatch: %% is a %, and a backslash ends what % means.
func TestSlurmWritesToPathsAsTheyAre(t *testing.T) {
	for folder, want := range map[string]string{
		"/a/b c":  "--output=/a/b c/xrun-n-%a.txt",
		"/a/100%": "--output=/a/100%%/xrun-n-%a.txt",
		`/a\b/%j`: `--output=/a\\b/%j/xrun-n.txt`,
	} {
		if got := outputTo(folder, "xrun-n", "-%a"); got != want {
			t.Errorf("%s: %s, want %s", folder, got, want)
		}
	}
}

func TestFoldersOfSweeps(t *testing.T) {
	for _, name := range []string{"small", "a/b", "100 %", strings.Repeat("中", 200), strings.Repeat("x", 300)} {
		got := folderOf(name)
		if len(got) > longestName || !utf8.ValidString(got) || strings.ContainsAny(got, "/% ") || got == "" {
			t.Errorf("%.20q is the folder %q", name, got)
		}
	}
}

// A trial that another process has trained meanwhile needs no further job, whatever its own has come to.
func TestResultsOfOthersCount(t *testing.T) {
	dir := Dir(t.TempDir())
	if err := dir.Make(); err != nil {
		t.Fatal(err)
	}
	trials := made(2)
	path := filepath.Join(t.TempDir(), "xrun.db")
	db, recorder := recorderOf(t, path, trials)
	defer db.Close()
	c := NewCollector(dir, recorder)
	c.expect(trials)
	begun, err := recorder.Begin(t.Context(), trials[:1])
	if err != nil {
		t.Fatal(err)
	}
	other := runner.Update{Ends: []runner.End{{Run: begun[0].Run, Status: runner.StatusFinished}}}
	if err := recorder.Record(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	pretend(t, dir, taskName(0, 0), trials, 3)
	if _, err := c.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, trial := range trials {
		if got := c.trials[trial.Key()].status; got != runner.StatusFinished {
			t.Errorf("trial %d is %q, want finished", i, got)
		}
	}
	runs, err := db.Runs(t.Context(), store.RunQuery{})
	if err != nil || len(runs) != 2 {
		t.Errorf("%d runs, %v, want 2", len(runs), err)
	}
}
