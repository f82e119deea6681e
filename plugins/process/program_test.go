//go:build unix

package process_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/runner"
)

// launch starts a shell script as the program of a trial.
func launch(t *testing.T, p *process.Programs, script string, env ...string) runner.Program {
	t.Helper()
	running, err := p.Start(runner.ProgramSpec{Name: "script", Args: []string{"sh", "-c", script}, Env: env, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(running.Kill)
	return running
}

// all is what a program reports until it ends.
func all(p runner.Program) (reports []runner.Report, end runner.ProgramEnd) {
	for r := range p.Reports() {
		reports = append(reports, r)
	}
	return reports, p.End()
}

func TestAProgramReportsAndPrints(t *testing.T) {
	p := &process.Programs{}
	defer p.Close()
	reports, end := all(launch(t, p, `echo "before {epoch: 1}"
		echo '{"epoch": 1, "loss": 0.5}'
		echo '{"epoch": 2, "loss": 0.25}' >&2
		printf '{"epoch": 3, "loss": NaN}\r\n'
		printf '{"epoch": 4}'; exit 3`))
	if len(reports) != 3 || reports[0].Epoch != 1 || reports[0].Values[0] != 0.5 || reports[1].Epoch != 3 || reports[2].Epoch != 4 {
		t.Errorf("reports: %v", reports)
	}
	if end.Err == nil || end.Err.Error() != "exited with status 3" {
		t.Errorf("it ended: %v", end.Err)
	}
	for _, line := range []string{"before {epoch: 1}\n", "{\"epoch\": 2, \"loss\": 0.25}\n"} { // what stderr says is no report
		if !strings.Contains(string(end.Output), line) || !strings.Contains(end.LastWords+"\n", line) {
			t.Errorf("there is no %q in the output\n%s\nwith the last words\n%s", line, end.Output, end.LastWords)
		}
	}
	if strings.Contains(string(end.Output), "epoch\": 1") {
		t.Errorf("a report is in the output:\n%s", end.Output)
	}
}

func TestAProgramHasTheWholeEnvironment(t *testing.T) {
	t.Setenv("SECRET_TOKEN", "its own business")
	t.Setenv("PYTHONPATH", "mine")
	p := &process.Programs{}
	defer p.Close()
	_, end := all(launch(t, p, `echo "$SECRET_TOKEN"; echo "$XRUN_SEED"; echo "$PYTHONPATH"; pwd; echo "$PWD"; cat; exit 0`, "XRUN_SEED=4"))
	lines := strings.Split(string(end.Output), "\n")
	if len(lines) != 6 || lines[0] != "its own business" || lines[1] != "4" || lines[3] == "" || lines[3] != lines[4] || end.Err != nil {
		t.Fatalf("it ended with %v and said\n%s", end.Err, end.Output)
	}
	mine, module, _ := strings.Cut(lines[2], ":")
	if _, err := os.Stat(filepath.Join(module, "xrun_plugin.py")); mine != "mine" || err != nil {
		t.Errorf("PYTHONPATH is %s: %v", lines[2], err)
	}
}

func TestALotOfOutputIsCut(t *testing.T) {
	p := &process.Programs{}
	defer p.Close()
	const lines = 60_000
	reports, end := all(launch(t, p, fmt.Sprintf(`i=0; while [ $i -lt %d ]; do echo "line $i"; i=$((i+1)); done; echo '{"epoch": 1}'`, lines)))
	if len(reports) != 1 {
		t.Errorf("reports: %v", reports)
	}
	whole := 0
	for i := range lines {
		whole += len(fmt.Sprintf("line %d\n", i))
	}
	if n := len(end.Output); n > 257<<10 || n < 255<<10 {
		t.Errorf("%d bytes of %d are kept", n, whole)
	}
	scanner := bufio.NewScanner(strings.NewReader(string(end.Output)))
	next, missing, kept := 0, 0, 0
	for scanner.Scan() {
		if n, err := fmt.Sscanf(scanner.Text(), "… %d bytes left out …", &missing); n == 1 && err == nil {
			next = -1
			continue
		}
		var i int
		if _, err := fmt.Sscanf(scanner.Text(), "line %d", &i); err != nil || next >= 0 && i != next {
			t.Fatalf("%q where line %d belongs", scanner.Text(), next)
		}
		next = i + 1
		kept += len(scanner.Text()) + 1
	}
	if next != lines || missing != whole-kept {
		t.Errorf("%d bytes are said to be missing and %d are; the last line is %d", missing, whole-kept, next-1)
	}
	if !strings.HasSuffix(end.LastWords, fmt.Sprintf("line %d", lines-1)) {
		t.Errorf("the last words are %q", end.LastWords)
	}
}

func TestALineWithoutAnEndIsOutput(t *testing.T) {
	p := &process.Programs{}
	defer p.Close()
	reports, end := all(launch(t, p, `printf '{"epoch": 1, "s": "'; head -c 1000000 /dev/zero | tr '\0' x; echo '"}'; echo '{"epoch": 2}'`))
	if len(reports) != 1 || reports[0].Epoch != 2 {
		t.Errorf("reports: %v", reports)
	}
	if n := len(end.Output); n > 257<<10 || n < 255<<10 || !strings.Contains(string(end.Output), " bytes left out ") {
		t.Errorf("%d bytes are kept", n)
	}
}

func TestAProgramIsAskedAndThenKilled(t *testing.T) {
	p := &process.Programs{}
	defer p.Close()
	polite := launch(t, p, `trap 'echo "saving"; exit 0' TERM; echo '{"epoch": 1}'; while :; do sleep 0.05; done`)
	<-polite.Reports()
	polite.Ask()
	if _, end := all(polite); end.Err != nil || !strings.Contains(string(end.Output), "saving\n") { // the shell may say that its child was ended, too
		t.Errorf("it ended with %v and said %q", end.Err, end.Output)
	}
	deaf := launch(t, p, `trap 'echo "no"' TERM; echo '{"epoch": 1}'; while :; do sleep 0.05; done`)
	<-deaf.Reports()
	deaf.Ask()
	select {
	case <-deaf.Reports():
		t.Fatal("it has ended though it ignores being asked")
	case <-time.After(200 * time.Millisecond):
	}
	deaf.Kill()
	_, end := all(deaf)
	if end.Err == nil || !strings.Contains(end.Err.Error(), "SIGKILL") || !strings.Contains(string(end.Output), "no") {
		t.Errorf("it ended with %v and said %q", end.Err, end.Output)
	}
	deaf.Ask() // of one that is gone
	deaf.Kill()
}

func TestAPausedProgramWaitsWithAllThatItHasStarted(t *testing.T) {
	p := &process.Programs{}
	defer p.Close()
	running := launch(t, p, `trap 'echo "asked"; exit 0' TERM
		sh -c 'while :; do :; done' & printf '{"epoch": %d}\n' $!; printf '{"epoch": %d}\n' $$; while :; do :; done`)
	// Neither starts more processes: one that is stopped between vfork and exec keeps its parent in
	// another state.
	pids := []int{(<-running.Reports()).Epoch, (<-running.Reports()).Epoch}
	if err := running.Pause(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		for begin := time.Now(); !strings.HasPrefix(lives(pid), "T"); time.Sleep(5 * time.Millisecond) {
			if time.Since(begin) > 10*time.Second {
				t.Fatalf("process %d is in state %q", pid, lives(pid))
			}
		}
	}
	running.Ask()
	running.Resume()
	if _, end := all(running); end.Err != nil || !strings.Contains(string(end.Output), "asked\n") {
		t.Errorf("it ended with %v and said %q", end.Err, end.Output)
	}
	for _, pid := range pids {
		gone(t, pid)
	}
}

func TestWhatAProgramLeavesBehindIsEnded(t *testing.T) {
	p := &process.Programs{}
	defer p.Close()
	reports, end := all(launch(t, p, `sleep 1000 & printf '{"epoch": %d}\n' $!`))
	if end.Err != nil || len(reports) != 1 {
		t.Fatalf("it ended with %v and %v", end.Err, reports)
	}
	gone(t, reports[0].Epoch)
}

// gone waits for a process to end.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 500 {
		if lives(pid) != "" {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		return
	}
	t.Errorf("process %d goes on: %s", pid, lives(pid))
	syscall.Kill(pid, syscall.SIGKILL)
}

// lives is the state of a process, empty if it has ended.
func lives(pid int) string {
	out, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	state := strings.TrimSpace(string(out))
	if strings.HasPrefix(state, "Z") {
		return ""
	}
	return state
}

func TestAKeeperEndsTheGroupsThatAreLeft(t *testing.T) {
	group := func() *exec.Cmd {
		cmd := exec.Command("sh", "-c", "sleep 1000 & wait")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); cmd.Wait() })
		return cmd
	}
	left, ended := group(), group()
	process.Keep(strings.NewReader(fmt.Sprintf("+%d\n+%d\nnonsense\n+1\n+0\n-%d\n+-5\n\n", left.Process.Pid, ended.Process.Pid, ended.Process.Pid)))
	if err := left.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the group that is left ended with %v", err)
	}
	if lives(ended.Process.Pid) == "" {
		t.Error("the group that had ended, as far as the keeper knew, was killed")
	}
}

func TestProgramsThatCannotStart(t *testing.T) {
	p := &process.Programs{Keeper: []string{"/nowhere/xrun"}} // which is no reason
	defer p.Close()
	for _, spec := range []runner.ProgramSpec{{}, {Args: []string{"no-such-program-anywhere"}}, {Args: []string{"./missing"}, Dir: t.TempDir()}, {Args: []string{"sh"}, Dir: "/nowhere"}} {
		if _, err := p.Start(spec); err == nil {
			t.Errorf("%v has started", spec)
		}
	}
	if _, end := all(launch(t, p, "echo fine")); string(end.Output) != "fine\n" {
		t.Errorf("without a keeper a program says %q", end.Output)
	}
}
