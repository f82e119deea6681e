// Package e2e is what the end-to-end tests share: the xrun and the example plugins that they run, built once,
// and how a test runs them and looks at what they recorded. The tests are in the packages below it.
package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store"
)

// Xrun is the program as its user starts it, in a directory, with arithmetic that is the same
// everywhere.
func Xrun(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	Depend()
	cmd := exec.CommandContext(t.Context(), "xrun", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XRUN_STORE=", "XRUN_PLUGIN_PATH=", "XDG_DATA_HOME="+filepath.Join(dir, "none"))
	return cmd
}

// Run runs xrun to its end, which has to have the given exit code.
func Run(t *testing.T, code int, cmd *exec.Cmd) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if got := Ending(cmd.Run()); got != code {
		t.Fatalf("%v ended with %d, want %d\n%s%s", cmd.Args, got, code, &out, &err)
	}
	return out.String(), err.String()
}

// Ending is the exit code of a process, −1 when a signal ended it.
func Ending(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -2
	}
	return 0
}

func Write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func OpenStore(t *testing.T, path string) *store.Store {
	t.Helper()
	db, err := store.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Recorded is everything that a database holds of the trials of its newest sweep, by trial: each
// value bit for bit, but no times, attempts and ids.
func Recorded(t *testing.T, path string) map[runner.Key]string {
	t.Helper()
	ctx := context.Background()
	db := OpenStore(t, path)
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

// Same fails the test unless two databases hold the same of the same trials.
func Same(t *testing.T, got, want map[runner.Key]string) {
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

// Runs lists all attempts in a database.
func Runs(t *testing.T, path string) []store.Run {
	t.Helper()
	runs, err := OpenStore(t, path).Runs(t.Context(), store.RunQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// Done counts the results in a database that may still be written.
func Done(runs []store.Run) int {
	n := 0
	for _, r := range runs {
		if r.Status.Done() {
			n++
		}
	}
	return n
}

// Once fails the test when a trial has two results.
func Once(t *testing.T, runs []store.Run) {
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

// WithEnv gives a command one more variable.
func WithEnv(cmd *exec.Cmd, variable string) *exec.Cmd {
	cmd.Env = append(cmd.Env, variable)
	return cmd
}

// Pasted runs the lines that a command printed, in a shell as somebody would who pastes them.
func Pasted(t *testing.T, dir, lines string) string {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell to paste commands into")
	}
	cmd := Xrun(t, dir)
	cmd.Path, cmd.Args = shell, []string{"sh", "-eu", "-c", lines}
	cmd.Env = append(cmd.Env, "GOFLAGS=", "GOWORK=", "XRUN_PROGRESS=none")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\nwhen these were pasted:\n%s", err, &out, lines)
	}
	return out.String()
}

// Checks is commands that a person is told to run, as a test runs them: with -long as they stand, otherwise
// without those checks of a plugin that take longest, which in Python without numpy are minutes.
func Checks(commands string) string {
	return strings.ReplaceAll(commands, "xrun plugin check ", tests.Either("xrun plugin check --short ", "xrun plugin check "))
}

// Need skips a test where a program is missing.
func Need(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not on PATH", name)
	}
}

// Python is an interpreter that runs and has some modules; without one the test is skipped.
func Python(t *testing.T, modules string) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on PATH")
	}
	if text, err := exec.Command(path, "-c", "import "+modules).CombinedOutput(); err != nil {
		t.Skipf("python3 cannot import %s: %v\n%s", modules, err, text)
	}
	return path
}

// Tracker is a folder of which python3 is the Python of .ci/trackers.txt; without it, or without a module in it, the test is skipped.
func Tracker(t *testing.T, module string) (folder string) {
	t.Helper()
	const name = "xrun-trackers-python"
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not on PATH: it is the Python with the packages of .ci/trackers.txt", name)
	}
	if text, err := exec.Command(path, "-c", "import "+module).CombinedOutput(); err != nil {
		t.Skipf("%s cannot import %s: %v\n%s", name, module, err, text)
	}
	folder = t.TempDir()
	script := filepath.Join(folder, "python3")
	Write(t, script, fmt.Sprintf("#!/bin/sh\nexec %q \"$@\"\n", path))
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// Digest is the SHA-256 of a file.
func Digest(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Below lists the files in a directory, by their paths from there.
func Below(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var rel string
			rel, err = filepath.Rel(dir, path)
			files = append(files, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
