// Package tests is what the tests of several packages share: the flags, golden files, and how long
// a test may take.
//
//	go test ./PACKAGE -update                       writes the golden files anew
//	go test ./PACKAGE -run NAME -long -budget 10m   a torture test or a simulation at full length
//	go test ./PACKAGE -run NAME -seed 7             the same random choices again
package tests

import (
	"flag"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

var (
	update = flag.Bool("update", false, "write the golden files anew")
	long   = flag.Bool("long", false, "run torture tests and simulations at full length")
	budget = flag.Duration("budget", 5*time.Minute, "with -long: how long each torture test and each simulation goes on")
	seed   = flag.Uint64("seed", 0, "repeat the random choices of a test that printed this seed; 0 is new ones")
)

// Update reports whether golden files are to be written.
func Update() bool { return *update }

// Long reports whether tests run at full length.
func Long() bool { return *long }

// Either returns short in an ordinary run and full with -long.
func Either[T any](short, full T) T {
	if *long {
		return full
	}
	return short
}

// Golden compares got with a file; with -update it writes the file first.
func Golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant %s, which -update writes anew:\n%s", got, path, want)
	}
}

// Deadline is the time at which a test at full length ends. In an ordinary run it is past at once,
// so that a loop which asks for it after each round runs one.
func Deadline() time.Time {
	if !*long {
		return time.Now()
	}
	return time.Now().Add(*budget)
}

// Random returns random choices and prints the seed that repeats them.
func Random(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-run '^%s$' -seed %d repeats the random choices", t.Name(), s)
	return rand.New(rand.NewPCG(s, s))
}

// NeedExamples skips a test that needs a framework, a browser or a cluster, or that takes minutes,
// unless XRUN_TEST_EXAMPLES is set.
func NeedExamples(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("XRUN_TEST_EXAMPLES") == "" {
		t.Skipf("%s; XRUN_TEST_EXAMPLES=1 runs it", reason)
	}
}
