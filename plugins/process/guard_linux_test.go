package process_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/runner"
)

// The test binary is its own guard.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "guard" {
		process.Guard(os.Args[2:])
	}
	os.Exit(m.Run())
}

// guarding are programs that have guards.
func guarding(t *testing.T) *process.Programs {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process.Programs{Guard: []string{self, "guard"}}
	t.Cleanup(p.Close)
	return p
}

// leaving starts processes in sessions of their own, with no variables, and with nobody who waits for them; each
// reports its number.
const leaving = `setsid sh -c 'printf "{\"epoch\": %d}\n" $$; exec sleep 600' &
	env -i PATH="$PATH" setsid sh -c 'printf "{\"epoch\": %d}\n" $$; exec sleep 600' &
	(setsid sh -c '(setsid sh -c "printf \"{\\\"epoch\\\": %d}\\n\" \$\$; exec sleep 600" &)' &)
	printf '{"epoch": %d}\n' $$
`

// told waits until the test has heard of all of them.
const told = `until [ -e "$XRUN_TEST" ]; do sleep 0.02; done; `

func TestWhatAProgramStartsInOtherSessionsIsEnded(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("there is no setsid to make sessions with")
	}
	for _, c := range []struct {
		name, then string
		end        func(p runner.Program)
		want       string
	}{
		{"it exits", told + "exit 7", func(runner.Program) {}, "exited with status 7"},
		{"it ends well", told + "true", func(runner.Program) {}, ""},
		{"it is killed", "sleep 600", runner.Program.Kill, "was killed by SIGKILL (killed)"},
		{"it dies of a signal", told + "kill -USR2 $$; sleep 600", func(runner.Program) {}, "was killed by SIGUSR2 (user defined signal 2)"},
		{"it is asked to end", "sleep 600", runner.Program.Ask, "was killed by SIGTERM (terminated)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tell := filepath.Join(t.TempDir(), "tell")
			running := launch(t, guarding(t), leaving+c.then, "XRUN_TEST="+tell)
			var pids []int
			for range 4 {
				report, ok := <-running.Reports()
				if !ok {
					t.Fatalf("it ended after %d reports: %v %s", len(pids), running.End().Err, running.End().Output)
				}
				pids = append(pids, report.Epoch)
			}
			if err := os.WriteFile(tell, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			c.end(running)
			begin := time.Now()
			_, end := all(running)
			if got := fmt.Sprint(end.Err); got != c.want && (c.want != "" || end.Err != nil) {
				t.Errorf("it ended with %q, want %q; it said %s", got, c.want, end.Output)
			}
			for _, pid := range pids { // they have ended when the program has
				if state := lives(pid); state != "" {
					t.Errorf("process %d goes on in state %s, %v after the end", pid, state, time.Since(begin))
					gone(t, pid)
				}
			}
		})
	}
}

func TestAGuardedProgramIsLikeOthers(t *testing.T) {
	p := guarding(t)
	plain := &process.Programs{}
	defer plain.Close()
	var said []string
	for _, programs := range []*process.Programs{plain, p} {
		reports, end := all(launch(t, programs, `echo "before"; echo '{"epoch": 1, "loss": 0.5}'; echo "$0 $XRUN_TEST" >&2; ls /proc/self/fd; trap; exit 3`, "XRUN_TEST=here"))
		if len(reports) != 1 || end.Err == nil || end.Err.Error() != "exited with status 3" {
			t.Errorf("it reports %v and ends with %v", reports, end.Err)
		}
		lines := strings.Split(string(end.Output), "\n")
		slices.Sort(lines) // of two streams
		said = append(said, strings.Join(lines, "\n"))
	}
	if said[0] != said[1] || !strings.Contains(said[1], "sh here") { // also which descriptors it has
		t.Errorf("guarded it says\n%s\nwant\n%s", said[1], said[0])
	}
	for _, spec := range []runner.ProgramSpec{{}, {Args: []string{"no-such-program-anywhere"}}, {Args: []string{"./missing"}, Dir: t.TempDir()}, {Args: []string{"sh"}, Dir: "/nowhere"}, {Args: []string{"/dev/null"}}} {
		_, err := p.Start(spec)
		_, want := plain.Start(spec)
		if err == nil || want == nil {
			t.Errorf("%v has started", spec)
			continue
		}
		if err.Error() != want.Error() {
			t.Errorf("%v: the error is %q, want %q", spec, err, want)
		}
	}
	paused := launch(t, p, `trap 'exit 0' TERM; printf '{"epoch": %d}\n' $$; while :; do :; done`)
	pid := (<-paused.Reports()).Epoch
	if err := paused.Pause(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); !strings.HasPrefix(lives(pid), "T"); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("process %d is in state %q", pid, lives(pid))
		}
	}
	paused.Ask()
	paused.Resume()
	if _, end := all(paused); end.Err != nil {
		t.Errorf("after a pause it ends with %v", end.Err)
	}
}

// xrun may be killed before its guard can receive a signal: a guard whose parent is another process starts nothing.
func TestAGuardThatXrunHasLeftStartsNothing(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	touch, err := exec.LookPath("touch")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		parent int
		starts bool
	}{{os.Getpid(), true}, {os.Getppid(), false}} {
		mark := filepath.Join(t.TempDir(), "started")
		report, err := os.Create(filepath.Join(t.TempDir(), "report"))
		if err != nil {
			t.Fatal(err)
		}
		defer report.Close()
		cmd := exec.Command(self, "guard", fmt.Sprint(c.parent), "0", touch, "touch", mark)
		cmd.ExtraFiles = []*os.File{report}
		cmd.Run()
		if _, err := os.Stat(mark); (err == nil) != c.starts {
			t.Errorf("with parent %d, where it is %d, the program has started: %t, want %t", c.parent, os.Getpid(), err == nil, c.starts)
		}
	}
}
