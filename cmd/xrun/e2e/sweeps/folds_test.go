//go:build linux

package sweeps

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

const foldSweep = `schema = 1
seeds  = %d

[task]
dataset    = "digits"
model      = "softmax"
epochs     = %d
validation = { folds = 5 }
test       = 0.1

[grid]
lr = [0.003, 0.03]

[run]
workers = 1
`

// A sweep over folds, killed after its first results, goes on to the bits of one that was not;
// another five seeds are another partition, and leave what there is.
func TestASweepOverFoldsGoesOn(t *testing.T) {
	t.Parallel()
	const epochs = 12
	whole, dir := t.TempDir(), t.TempDir()
	for path, seeds := range map[string]int{whole: 10, dir: 5} {
		e2e.Write(t, filepath.Join(path, "sweep.toml"), fmt.Sprintf(foldSweep, seeds, epochs))
	}
	e2e.Run(t, 0, e2e.Xrun(t, whole, "sweep", "sweep.toml", "--progress", "none"))
	want := e2e.Recorded(t, filepath.Join(whole, "xrun.db"))

	path := filepath.Join(dir, "xrun.db")
	for try := 0; ; try++ { // a fast machine may be done before it is killed
		cmd := e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for begin := time.Now(); results(t, path) == 0; time.Sleep(time.Millisecond) {
			if time.Since(begin) > time.Minute {
				t.Fatal("no trial has a result after a minute")
			}
		}
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
		before := results(t, path)
		if before < 10 {
			break
		}
		if try == 20 {
			t.Fatalf("all %d trials had results when the sweep was killed, %d times", before, try)
		}
		for _, file := range glob(t, path+"*") {
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	if got := len(e2e.Recorded(t, path)); got != 10 {
		t.Errorf("%d trials of 5 folds, want 10", got)
	}
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(foldSweep, 10, epochs))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	e2e.Same(t, e2e.Recorded(t, path), want)
	e2e.Once(t, e2e.Runs(t, path))
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}
