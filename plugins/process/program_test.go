//go:build unix

package process_test

import (
	"bufio"
	"errors"
	"fmt"
	"math"
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

// all is what a program reports until it ends, without lines that only look like reports.
func all(p runner.Program) (reports []runner.Report, end runner.ProgramEnd) {
	for r := range p.Reports() {
		if r.Doubt == nil {
			reports = append(reports, r)
		}
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

func TestReportsAmongProgressBars(t *testing.T) {
	p := &process.Programs{}
	defer p.Close()
	reports, end := all(launch(t, p, `printf '\r 1/4 bar\r\033[1m 4/4\033[0m bar {"epoch": 1, "a": 1}\n'
		printf '{"epoch": 2}\r'; printf '50 pct\r100 pct\r\n'
		printf '\033[1m{\033[0m\033[34m"epoch"\033[0m: 3}\r\n'
		printf 'text {"epoch": 4} between {"epoch": 5} after\n'
		printf '\r10 it\r20 it\r30 it' >&2; printf '\033]0;title\007red\n' >&2; exit 1`))
	var epochs []int
	for _, r := range reports {
		epochs = append(epochs, r.Epoch)
	}
	if fmt.Sprint(epochs) != "[1 2 3 4 5]" {
		t.Errorf("reports of the epochs %v", epochs)
	}
	for _, line := range []string{" 4/4 bar \n", "100 pct\n", "text  between  after\n", "30 it\033]0;title\007red\n"} {
		if !strings.Contains(string(end.Output), line) {
			t.Errorf("there is no %q in %q", line, end.Output)
		}
	}
	if n := strings.Count(string(end.Output), "\n"); n != 4 {
		t.Errorf("%d lines are kept: %q", n, end.Output)
	}
	if !strings.Contains(end.LastWords, "30 itred") || strings.ContainsAny(end.LastWords, "\033\r") {
		t.Errorf("the last words are %q", end.LastWords)
	}
}

func TestFramesWithoutAnEndCostNoMemory(t *testing.T) {
	p := &process.Programs{}
	defer p.Close()
	_, end := all(launch(t, p, `i=0; while [ $i -lt 20000 ]; do printf '\rframe %d of a long bar' $i; i=$((i+1)); done; printf '\n{"epoch": 1}\n'`))
	if string(end.Output) != "frame 19999 of a long bar\n" || end.LastWords != "frame 19999 of a long bar" {
		t.Errorf("%d bytes are kept, the last words are %q", len(end.Output), end.LastWords)
	}
}

func TestPatternsFindWhatAProgramPrints(t *testing.T) {
	p := &process.Programs{}
	defer p.Close()
	running, err := p.Start(runner.ProgramSpec{Args: []string{"sh", "-c", `echo "Epoch 1: loss 0.5" >&2; printf 'loss 9\rEpoch 2: loss 0.25\r\nEpoch 3'`}, Metrics: []string{"loss", "acc"},
		Patterns: []runner.Pattern{{Metric: "epoch", Text: `Epoch (\d+)`}, {Metric: "loss", Text: `loss (\S+)`}, {Metric: "acc", Text: `acc (\S+)`}}})
	if err != nil {
		t.Fatal(err)
	}
	reports, end := all(running)
	if len(reports) != 2 || reports[0].Epoch+reports[1].Epoch != 3 || reports[0].Values[0]+reports[1].Values[0] != 0.75 { // two streams have no order
		t.Errorf("reports: %+v", reports)
	}
	if !strings.Contains(string(end.Output), "Epoch 2: loss 0.25\n") {
		t.Errorf("the output is %q", end.Output)
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
	module, mine, _ := strings.Cut(lines[2], ":")
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

// A progress bar of dots, or a program that never ends a line, makes lines of any length.
func TestReportsInLinesOfAnyLength(t *testing.T) {
	p := &process.Programs{}
	defer p.Close()
	for name, c := range map[string]struct {
		script string
		want   int
	}{
		"behind":         {`head -c 300000 /dev/zero | tr '\0' .; echo '{"epoch": 1, "a": 1}'; head -c 100000 /dev/zero | tr '\0' x; echo '{"epoch": 2, "a": 2}'`, 2},
		"before":         {`printf '{"epoch": 1, "a": 1}'; head -c 300000 /dev/zero | tr '\0' .; echo; echo '{"epoch": 2, "a": 2}'`, 2},
		"without an end": {`awk 'BEGIN { for (i = 1; i <= 6000; i++) printf "{\"epoch\": %d, \"a\": %d, \"more\": {\"b\": [1, 2]}} ", i, i }'`, 6000},
	} {
		reports, end := all(launch(t, p, c.script))
		if len(reports) != c.want {
			t.Errorf("%s: %d reports, want %d", name, len(reports), c.want)
		}
		for i, r := range reports {
			if r.Doubt != nil || r.Epoch != i+1 || len(r.Values) != 1 || r.Values[0] != float64(i+1) {
				t.Fatalf("%s: report %d is %+v", name, i+1, r)
			}
		}
		if strings.Contains(string(end.Output), "epoch") {
			t.Errorf("%s: reports are left in the output", name)
		}
	}
	// One that is too long itself is a doubt.
	var doubts []string
	for r := range launch(t, p, `printf '{"epoch": 1, "s": "'; head -c 200000 /dev/zero | tr '\0' x; echo '"}'`).Reports() {
		if r.Doubt != nil {
			doubts = append(doubts, r.Doubt.Why)
		}
	}
	if len(doubts) != 1 || !strings.Contains(doubts[0], "not closed within") {
		t.Errorf("doubts: %q", doubts)
	}
	// Patterns do not find half of a number.
	running, err := p.Start(runner.ProgramSpec{Args: []string{"awk", `BEGIN { for (i = 1; i <= 6000; i++) printf "a=%d.123456789 ", i }`}, Metrics: []string{"a"},
		Patterns: []runner.Pattern{{Metric: "a", Text: `a=(\S+)`}}})
	if err != nil {
		t.Fatal(err)
	}
	reports, _ := all(running)
	for _, r := range reports {
		if v := r.Values[0]; math.Abs(v-math.Floor(v)-0.123456789) > 1e-9 {
			t.Errorf("a is %v", v)
		}
	}
	if len(reports) == 0 || reports[len(reports)-1].Values[0] != 6000.123456789 {
		t.Errorf("reports: %+v", reports)
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

func TestATrialHasAFolder(t *testing.T) {
	base := filepath.Join(t.TempDir(), "x.trials")
	p := &process.Programs{Fresh: map[string]bool{"b": true}}
	defer p.Close()
	do := func(name, script string) {
		t.Helper()
		running, err := p.Start(runner.ProgramSpec{Args: []string{"sh", "-c", script, "sh", filepath.Join(base, name)}, Folder: filepath.Join(base, name)})
		if err != nil {
			t.Fatal(err)
		}
		if _, end := all(running); end.Err != nil {
			t.Fatalf("%s: %v %s", script, end.Err, end.Output)
		}
	}
	is := func(want ...string) {
		t.Helper()
		var names []string
		files, _ := filepath.Glob(filepath.Join(base, "*", "*"))
		for _, file := range files {
			name, _ := filepath.Rel(base, file)
			names = append(names, filepath.ToSlash(name))
		}
		if fmt.Sprint(names) != fmt.Sprint(want) {
			t.Errorf("the files are %v, want %v", names, want)
		}
	}
	do("a", "test -d $1")
	if _, err := os.Stat(base); !os.IsNotExist(err) {
		t.Errorf("an empty folder is left: %v", err)
	}
	do("a", "echo 1 > $1/model")
	do("a", "test -s $1/model && echo 2 > $1/log") // what an earlier attempt left
	is("a/log", "a/model")
	if err := os.MkdirAll(filepath.Join(base, "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, "b", "old"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	do("b", "echo > $1/new") // which runs although it has a result
	do("b", "test -f $1/new")
	is("a/log", "a/model", "b/new", "b.1/old")
}

func TestWhyAProgramCannotStart(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("crlf", "#!/bin/sh\r\necho hi\r\n", 0o755)
	write("env", "#!/usr/bin/env python3\r\nprint(1)\r\n", 0o755)
	write("interpreter", "#!  /nowhere/perl -w\n", 0o755)
	write("mode", "#!/bin/sh\n", 0o644)
	write("format", "echo hi\n", 0o755)
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := &process.Programs{}
	defer p.Close()
	for name, want := range map[string][2]string{
		"./crlf":        {`the first line of ./crlf names "/bin/sh\r", which does not exist`, `sed -i 's/\r$//' ./crlf`},
		"./env":         {`the first line of ./env names "python3\r", which does not exist`, "as on Windows"},
		"./interpreter": {`the first line of ./interpreter names "/nowhere/perl", which does not exist`, "install it"},
		"./mode":        {"./mode is not executable", "chmod +x ./mode"},
		"./format":      {"./format is no program for this machine", "#!/bin/sh"},
		"./folder":      {"./folder is a folder", ""},
		"./missing":     {"there is no file " + filepath.Join(dir, "missing"), "the folder of the sweep file"},
		"crlf":          {"there is no program crlf on PATH", "./crlf"},
	} {
		_, err := p.Start(runner.ProgramSpec{Args: []string{name}, Dir: dir})
		var why *process.StartError
		if !errors.As(err, &why) || !strings.Contains(why.Message, want[0]) || !strings.Contains(why.Help, want[1]) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if _, err := p.Start(runner.ProgramSpec{Args: []string{"sh"}, Dir: "/nowhere"}); err == nil || !strings.Contains(err.Error(), "/nowhere is not there") {
		t.Errorf("without its folder: %v", err)
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
