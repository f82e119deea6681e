package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// xrun is the program as its user starts it, in a directory, with arithmetic that is the same
// everywhere.
func xrun(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "xrun", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XRUN_BLAS=gonum", "XRUN_STORE=", "XRUN_PLUGIN_PATH=", "XDG_DATA_HOME="+filepath.Join(dir, "none"))
	return cmd
}

// run runs xrun to its end, which has to have the given exit code.
func run(t *testing.T, code int, cmd *exec.Cmd) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if got := ending(cmd.Run()); got != code {
		t.Fatalf("%v ended with %d, want %d\n%s%s", cmd.Args, got, code, &out, &err)
	}
	return out.String(), err.String()
}

// ending is the exit code of a process, −1 when a signal ended it.
func ending(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -2
	}
	return 0
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func openStore(t *testing.T, path string) *store.Store {
	t.Helper()
	db, err := store.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// recorded is everything that a database holds of the trials of its newest sweep, by trial: each
// value bit for bit, but no times, attempts and ids.
func recorded(t *testing.T, path string) map[runner.Key]string {
	t.Helper()
	ctx := context.Background()
	db := openStore(t, path)
	sweep, err := db.FindSweep(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	results, err := db.Results(ctx, sweep.ID, sweep.Metric)
	if err != nil {
		t.Fatal(err)
	}
	all := map[runner.Key]string{}
	for _, r := range results {
		run, err := db.Run(ctx, r.RunID)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s lr %v λ %v seed %d: %s %q %q, %d epochs, kept %v %v, %d steps\n", run.Optimizer, run.LR, run.Lambda, run.Seed,
			run.Status, run.Reason, run.Error, run.Epochs, run.Keeps, run.Kept, run.Cost.Steps)
		metrics, err := db.Metrics(ctx, r.RunID)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range metrics {
			s := m.Summary
			fmt.Fprintf(&b, "%s first %x last %x min %x at %d max %x at %d mean %x of %d:", m.Metric, math.Float64bits(s.First), math.Float64bits(s.Last),
				math.Float64bits(s.Min), s.MinStep, math.Float64bits(s.Max), s.MaxStep, math.Float64bits(s.Mean), s.Count)
			curve, err := db.Curve(ctx, r.RunID, m.Metric)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range curve {
				fmt.Fprintf(&b, " %d=%x", p.Epoch, math.Float64bits(p.Value))
			}
			b.WriteByte('\n')
		}
		kept, err := db.ArtifactOf(ctx, r.RunID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "kept epoch %d: %x\n", kept.Epoch, kept.Digest)
		all[r.Trial] = b.String()
	}
	return all
}

// same fails the test unless two databases hold the same of the same trials.
func same(t *testing.T, got, want map[runner.Key]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d trials, want %d", len(got), len(want))
	}
	for key, text := range want {
		if got[key] != text {
			t.Errorf("trial %s has other bits:\n%.400s\nwant\n%.400s", key.Short(), got[key], text)
		}
	}
}

// runsOf lists all attempts in a database.
func runsOf(t *testing.T, path string) []store.Run {
	t.Helper()
	runs, err := openStore(t, path).Runs(t.Context(), store.RunQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// done counts the results in a database that may still be written.
func done(runs []store.Run) int {
	n := 0
	for _, r := range runs {
		if r.Status.Done() {
			n++
		}
	}
	return n
}

// once fails the test when a trial has two results.
func once(t *testing.T, runs []store.Run) {
	t.Helper()
	var keys []runner.Key
	for _, r := range runs {
		if !r.Status.Done() {
			continue
		}
		if slices.Contains(keys, r.Trial) {
			t.Errorf("trial %s was trained to the end twice", r.Trial.Short())
		}
		keys = append(keys, r.Trial)
	}
}
