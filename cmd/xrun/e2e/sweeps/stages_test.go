//go:build linux

package sweeps

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// Points of this sweep are given up after several stages, one of them because it diverges. The test is one that needs more
// seeds than the moderated one, which closes the question at once.
const stagedSweep = `name = "staged"
%s

[task]
dataset = "iris"
model   = "softmax"
epochs  = 6

[grid]
lr        = %s
optimizer = ["sgd", "adam"]

[compare]
test = "paired-t"

[run]
workers = %d
`

const (
	stagedSeeds = "[seeds]\nuntil = \"decided\"\nmax = 8"
	stagedRates = "[0.01, 0.1, 0.2, 1e30]"
)

// staged is what a database holds of the sweep: the trials of its stages with all their bits, and what was decided, without
// times.
func staged(t *testing.T, dir string) (bits map[runner.Key]string, decided []string) {
	t.Helper()
	path := filepath.Join(dir, "xrun.db")
	db := e2e.OpenStore(t, path)
	sweep, err := db.FindSweep(t.Context(), "staged")
	if err != nil {
		t.Fatal(err)
	}
	events, err := db.SweepEvents(t.Context(), sweep.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		decided = append(decided, fmt.Sprintf("%d %s %s %s", e.Stage, e.Kind, e.Point, e.Message))
	}
	slices.Sort(decided)
	results, err := db.Results(t.Context(), sweep.ID, sweep.Metric)
	if err != nil {
		t.Fatal(err)
	}
	all := e2e.Recorded(t, path)
	bits = map[runner.Key]string{}
	for _, r := range results {
		if bits[r.Trial] = all[r.Trial]; bits[r.Trial] == "" {
			t.Errorf("trial %s has no result", r.Trial.Short())
		}
	}
	intact(t, path)
	return bits, decided
}

// members are the trials of a sweep in their order.
func members(t *testing.T, dir string) (keys []runner.Key) {
	t.Helper()
	db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
	sweep, err := db.FindSweep(t.Context(), "staged")
	if err != nil {
		t.Fatal(err)
	}
	results, err := db.Results(t.Context(), sweep.ID, sweep.Metric)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		keys = append(keys, r.Trial)
	}
	return keys
}

// A sweep that adds seeds in stages comes to the same trials, bits and decisions in any way.
func TestStagesComeToTheSame(t *testing.T) {
	write := func(t *testing.T, seeds, rates string, workers int) string {
		dir := t.TempDir()
		e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(stagedSweep, seeds, rates, workers))
		return dir
	}
	sweep := func(t *testing.T, dir string) (stdout, stderr string) {
		t.Helper()
		return e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	}
	alone := write(t, stagedSeeds, stagedRates, 1)
	sweep(t, alone)
	want, decided := staged(t, alone)
	order := members(t, alone)
	counts := map[string]int{}
	for _, line := range decided {
		counts[strings.Fields(line)[1]]++
	}
	if counts[store.EventGivenUp] < 3 || counts[store.EventStage] < 2 || counts[store.EventOver] != 1 || len(want) >= 8*8 || len(want) <= 3*8 {
		t.Fatalf("%d trials, decided %q", len(want), decided)
	}
	same := func(t *testing.T, dir string, ordered bool) {
		t.Helper()
		got, said := staged(t, dir)
		e2e.Same(t, got, want)
		if !slices.Equal(said, decided) {
			t.Errorf("decided\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(decided, "\n"))
		}
		if ordered && !slices.Equal(members(t, dir), order) {
			t.Error("the trials are in another order")
		}
	}
	t.Run("two workers", func(t *testing.T) {
		dir := write(t, stagedSeeds, stagedRates, 2)
		sweep(t, dir)
		same(t, dir, true)
		if _, stderr := sweep(t, dir); !strings.Contains(stderr, "nothing to train: ") {
			t.Errorf("run again it says\n%s", stderr)
		}
		same(t, dir, true)
	})
	t.Run("another order", func(t *testing.T) {
		dir := write(t, stagedSeeds, "[1e30, 0.2, 0.1, 0.01]", 2)
		sweep(t, dir)
		got, _ := staged(t, dir)
		e2e.Same(t, got, want)
	})
	t.Run("a database that holds later seeds", func(t *testing.T) {
		dir := write(t, "seeds = 12", stagedRates, 2)
		e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none", "--set", `name="plain"`))
		e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(stagedSweep, stagedSeeds, stagedRates, 1))
		before := len(e2e.Runs(t, filepath.Join(dir, "xrun.db")))
		if _, stderr := sweep(t, dir); !strings.Contains(stderr, "nothing to train: ") {
			t.Errorf("it says\n%s", stderr)
		}
		same(t, dir, true)
		if after := len(e2e.Runs(t, filepath.Join(dir, "xrun.db"))); after != before {
			t.Errorf("%d runs, %d before", after, before)
		}
	})
	t.Run("by the flag", func(t *testing.T) {
		dir := write(t, "seeds = 3", stagedRates, 2)
		e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none", "--until", "decided"))
		got, _ := staged(t, dir) // to at most 30 seeds
		if len(got) < len(want) {
			t.Errorf("%d trials, %d with at most 8 seeds", len(got), len(want))
		}
	})
	t.Run("killed again and again", func(t *testing.T) {
		dir := write(t, stagedSeeds, stagedRates, 1)
		path := filepath.Join(dir, "xrun.db")
		for kill, more := 0, 1; kill < 4; kill++ {
			cmd := e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for begin := time.Now(); results(t, path) < more && time.Since(begin) < 20*time.Second; {
				time.Sleep(2 * time.Millisecond)
			}
			cmd.Process.Signal([]syscall.Signal{syscall.SIGKILL, syscall.SIGINT}[kill%2])
			cmd.Wait()
			more = results(t, path) + len(want)/5
		}
		sweep(t, dir)
		same(t, dir, true)
	})
	t.Run("two processes", func(t *testing.T) {
		dir := write(t, stagedSeeds, stagedRates, 1)
		atOnce(t, dir, "none")
		same(t, dir, true)
		e2e.Once(t, e2e.Runs(t, filepath.Join(dir, "xrun.db")))
	})
	t.Run("merged", func(t *testing.T) {
		dir := t.TempDir()
		e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "merge", filepath.Join(alone, "xrun.db")))
		same(t, dir, true)
	})
	t.Run("a budget", func(t *testing.T) {
		dir := write(t, stagedSeeds+fmt.Sprintf("\nbudget = %d", len(want)-1), stagedRates, 2)
		stdout, stderr := sweep(t, dir)
		if text := fmt.Sprintf("would exceed the budget of %d trials", len(want)-1); !strings.Contains(stderr, text) || !strings.Contains(stdout, text) {
			t.Errorf("it does not say %q:\n%s\n%s", text, stdout, stderr)
		}
		got, _ := staged(t, dir)
		if len(got) >= len(want) || len(got) == 0 {
			t.Errorf("%d trials", len(got))
		}
		maps.DeleteFunc(got, func(key runner.Key, text string) bool { return want[key] == text })
		if len(got) > 0 {
			t.Errorf("%d trials have other bits", len(got))
		}
	})
}
