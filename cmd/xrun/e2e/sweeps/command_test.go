//go:build linux

package sweeps

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
)

// The program of this sweep starts one of its own, says so in a file, and goes on when another file
// is there, which is none of those that its trials are known by.
const waitingSweep = `[task]
command = ["sh", "wait.sh", "{n}"]
metrics = ["val_loss"]
grace   = "20s"
[grid]
n = [1, 2, 3]
[run]
workers = 2
`

const waitingScript = `if [ $1 = 1 ]; then
	echo '{"epoch": 1, "val_loss": 1}'
	exit 0
fi
%s
sleep 1000 &
echo '{"epoch": 1, "val_loss": 2}'
echo $! $$ >pids.$1.new && mv pids.$1.new pids.$1
until [ -e go ]; do sleep 0.02; done
echo '{"epoch": 2, "val_loss": 2}'
until [ -e on ]; do sleep 0.02; done
`

// waiting starts the sweep and returns when its first trial has a result and the first reports of the others are recorded. extra
// is what their script does first.
func waiting(t *testing.T, extra string) (cmd *exec.Cmd, dir string, pids []int) {
	t.Helper()
	dir = t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), waitingSweep)
	e2e.Write(t, filepath.Join(dir, "wait.sh"), fmt.Sprintf(waitingScript, extra))
	cmd = e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "plain")
	stderr, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	recorded := func() bool {
		if results(t, filepath.Join(dir, "xrun.db")) < 1 {
			return false
		}
		return attempts(t, dir)["running 1"] == 2
	}
	for begin := time.Now(); len(pids) < 4 || !recorded(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("the programs are not there after a minute:\n%s", said(dir))
		}
		pids = nil
		for _, n := range []string{"2", "3"} {
			text, _ := os.ReadFile(filepath.Join(dir, "pids."+n))
			for _, field := range strings.Fields(string(text)) {
				pid, err := strconv.Atoi(field)
				if err != nil {
					t.Fatal(err)
				}
				pids = append(pids, pid)
			}
		}
	}
	return cmd, dir, pids
}

// said is what xrun has said so far.
func said(dir string) string {
	text, _ := os.ReadFile(filepath.Join(dir, "stderr"))
	return string(text)
}

// answered waits until xrun has said what it does about an interrupt.
func answered(t *testing.T, dir string) {
	t.Helper()
	for begin := time.Now(); !strings.Contains(said(dir), "once more stops at once"); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("the interrupt is not answered:\n%s", said(dir))
		}
	}
}

// attempts counts those in a directory's database by status and epochs.
func attempts(t *testing.T, dir string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, r := range e2e.Runs(t, filepath.Join(dir, "xrun.db")) {
		counts[fmt.Sprint(r.Status, " ", r.Epochs)]++
	}
	return counts
}

func TestKillingXrunEndsItsProgramsAndTheirs(t *testing.T) {
	t.Parallel()
	cmd, dir, pids := waiting(t, "")
	keepers := e2e.Children(t, cmd.Process.Pid)
	cmd.Process.Signal(syscall.SIGKILL)
	cmd.Wait()
	for _, pid := range append(pids, keepers...) {
		e2e.Gone(t, pid)
	}
	e2e.Write(t, filepath.Join(dir, "go"), "")
	e2e.Write(t, filepath.Join(dir, "on"), "")
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	all := e2e.Runs(t, filepath.Join(dir, "xrun.db"))
	e2e.Once(t, all)
	if n := e2e.Done(all); n != 3 || len(all) != 5 {
		t.Errorf("%d results of %d attempts, want 3 of 5: %v", n, len(all), attempts(t, dir))
	}
}

func TestTheFirstInterruptAsksProgramsAfterTheirNextReport(t *testing.T) {
	t.Parallel()
	cmd, dir, pids := waiting(t, `trap 'echo "asked"; exit 0' TERM`)
	cmd.Process.Signal(os.Interrupt)
	answered(t, dir) // an impatient xrun would have asked them by now, and they would have ended before they report again
	e2e.Write(t, filepath.Join(dir, "go"), "")
	if code := e2e.Ending(cmd.Wait()); code != 130 {
		t.Errorf("it ended with %d:\n%s", code, said(dir))
	}
	for _, pid := range pids {
		e2e.Gone(t, pid)
	}
	if got := attempts(t, dir); got["finished 1"] != 1 || got["interrupted 2"] != 2 {
		t.Errorf("attempts: %v", got)
	}
	for _, r := range e2e.Runs(t, filepath.Join(dir, "xrun.db")) {
		if r.Status != runner.StatusInterrupted {
			continue
		}
		if out, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "show", fmt.Sprint(r.ID), "--output")); !strings.Contains(out, "asked\n") {
			t.Errorf("the output of run %d is %q", r.ID, out)
		}
	}
}

func TestTheSecondInterruptKillsPrograms(t *testing.T) {
	t.Parallel()
	cmd, dir, pids := waiting(t, `trap 'echo "asked"' TERM`)
	cmd.Process.Signal(os.Interrupt)
	answered(t, dir)
	cmd.Process.Signal(os.Interrupt)
	if code := e2e.Ending(cmd.Wait()); code != 130 {
		t.Errorf("it ended with %d:\n%s", code, said(dir))
	}
	for _, pid := range pids {
		e2e.Gone(t, pid)
	}
	if got := attempts(t, dir); got["finished 1"] != 1 || got["interrupted 1"] != 2 {
		t.Errorf("attempts: %v", got)
	}
}
