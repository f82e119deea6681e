package slurm_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/e2e/slurm/slurmtest"
	"github.com/xrun-dev/xrun/runner/tests"
)

// with gives a command another variable, in place of an earlier one.
func with(cmd *exec.Cmd, variables ...string) *exec.Cmd {
	cmd.Env = append(cmd.Env, variables...)
	return cmd
}

// Whoever stops the collector, results are kept, and the same command goes on. A terminal that ends leaves the jobs alone.
func TestACollectorIsStopped(t *testing.T) {
	c, _ := start(t, slurmtest.Options{})
	for _, how := range []struct {
		name string
		stop func(l lab, s started)
		code int
		left bool // the jobs go on
	}{
		{"ctrl-c", func(l lab, s started) { s.Process.Signal(os.Interrupt) }, 130, false},
		{"ctrl-c twice", func(l lab, s started) {
			s.Process.Signal(os.Interrupt)
			time.Sleep(200 * time.Millisecond)
			s.Process.Signal(os.Interrupt)
		}, 130, false},
		{"xrun stop", func(l lab, s started) { l.run(0, l.xrun("stop")) }, 130, false},
		{"hangup", func(l lab, s started) { s.Process.Signal(syscall.SIGHUP) }, 129, true},
		{"kill", func(l lab, s started) { s.Process.Kill() }, -1, true},
	} {
		t.Run(how.name, func(t *testing.T) {
			l := in(t, c, programs)
			want := l.alone()
			s := l.begin(with(l.onSlurm(), "PAUSE=1"))
			l.wait("there are points, and all jobs are known", func() bool { return l.points() > 0 && len(c.Queue()) == len(want) })
			how.stop(l, s)
			l.end(s, how.code)
			queue := c.Queue()
			if left := len(queue) > 0; left != how.left && how.name != "ctrl-c twice" {
				t.Errorf("jobs go on: %v, want %v: %q\n%s", left, how.left, queue, s.said)
			}
			submissions := l.submissions()
			stderr := l.run(0, with(l.onSlurm(), "PAUSE=0"))
			l.same(want)
			if n := l.submissions() - submissions; how.left && n > 0 {
				t.Errorf("%d arrays were submitted for jobs that went on:\n%s", n, stderr)
			} else if !how.left && n == 0 {
				t.Errorf("no array was submitted for jobs that were stopped:\n%s", stderr)
			}
			l.quiet()
		})
	}
}

// Limits of the sweep hold for jobs, and what failed can be tried again.
func TestLimitsAndFailures(t *testing.T) {
	c, _ := start(t, slurmtest.Options{})
	l := in(t, c, programs)
	want := l.alone()

	e2e.Write(t, l.path("fail.1"), "")
	stderr := l.run(3, l.onSlurm("--set", "run.max_failures=1"))
	if n := number(t, l.path("xrun.db"), "SELECT count(*) FROM run WHERE status = 'failed' AND error LIKE '%it fails%'"); n == 0 {
		t.Errorf("no trial failed with the program's last words:\n%s", stderr)
	}
	l.quiet()
	l.run(3, with(l.onSlurm(), "PAUSE=0"))
	if n := l.results(); n != len(want)*2/3 {
		t.Errorf("%d results of trials that do not fail, want %d", n, len(want)*2/3)
	}
	os.Remove(l.path("fail.1"))
	e2e.Write(t, l.path("die.1"), "") // its first process, which is retried
	l.run(0, with(l.onSlurm("--retry-failed", "--set", "run.retries=2"), "PAUSE=0"))
	l.same(want)

	l = in(t, c, programs)
	want = l.alone()
	l.run(3, with(l.onSlurm("--set", "run.budget='4s'"), "PAUSE=1"))
	if n := l.results(); n == len(want) {
		t.Error("the budget did not end the sweep")
	}
	l.quiet()
	l.run(0, with(l.onSlurm(), "PAUSE=0"))
	l.same(want)
}

// The jobs of a sweep with stages are started by jobs.
func TestADetachedSweepGoesOnByItself(t *testing.T) {
	c, _ := start(t, slurmtest.Options{})
	l := in(t, c, whole["seeds until"])
	want := l.alone()
	stderr := l.run(0, l.onSlurm("--detach"))
	if !strings.Contains(stderr, "xrun collect ") {
		t.Errorf("it does not say how the results are collected:\n%s", stderr)
	}
	l.wait("the sweep has ended", func() bool { return l.results() >= len(want) && len(c.Queue()) == 0 })
	stderr = l.run(0, l.xrun("collect"))
	if !strings.Contains(stderr, " is best") {
		t.Errorf("collect does not compare:\n%s", stderr)
	}
	l.same(want)
	for _, file := range e2e.Below(t, filepath.Join(l.directory(), "output")) {
		if text, err := os.ReadFile(filepath.Join(l.directory(), "output", file)); err == nil && bytes.Contains(text, []byte("hint:")) {
			t.Errorf("%s says\n%s", file, text)
		}
	}
}

// Training that needs longer than a job may take is saved before the end of the job, and goes on in the next.
func TestTrainingOutlastsItsJobs(t *testing.T) {
	c, _ := start(t, slurmtest.Options{})
	l := in(t, c, `name = "long"
[task]
command = ["sh", "save.sh", "{lr}", "{dir}"]
metrics = ["val_loss"]
epochs  = 30
[grid]
lr = [1, 2]
`)
	e2e.Write(t, l.path("save.sh"), `i=0
: >"$2/lines"
[ ! -e "$2/saved" ] || { cat "$2/saved"; cp "$2/saved" "$2/lines"; i=$(wc -l <"$2/saved"); }
trap 'cp "$2/lines" "$2/saved"; echo $i >>saves' USR1
while [ $i -lt 30 ]; do
  i=$((i+1))
  line="{\"epoch\": $i, \"val_loss\": $((5040 * $1 / i))}"
  echo "$line" >>"$2/lines"
  echo "$line"
  sleep "${PAUSE:-0}"
done
`)
	want := l.alone()
	l.run(0, with(l.onSlurm("--cluster", "time=1m", "--cluster", "lead=50s"), "PAUSE=1.8")) // the controller looks every 30 s
	l.same(want)
	if text, err := os.ReadFile(l.path("saves")); err != nil || l.submissions() < 2 {
		t.Errorf("it was saved at the epochs %q (%v), in %d arrays", strings.Fields(string(text)), err, l.submissions())
	}

	l = in(t, c, strings.NewReplacer("epochs  = 8", "epochs = 400", `"softmax"`, "\"mlp\"\nhidden = [64]", "n = 4", "n = 2").Replace(pruned))
	want = l.alone()
	s := l.begin(l.onSlurm())
	warned := 0
	for begin := time.Now(); len(s.done) == 0 && time.Since(begin) < patience; time.Sleep(500 * time.Millisecond) {
		for _, tasks := range l.tasks() {
			for _, task := range tasks {
				if warned < 6 && strings.Contains(task.Command, " task ") {
					warned++
					l.try("scancel", "--batch", "--signal=USR1", task.Job)
				}
			}
		}
	}
	l.end(s, 0)
	l.same(want)
	if n := number(t, l.path("xrun.db"), "SELECT count(*) FROM event WHERE kind = 'resumed' AND message LIKE 'goes on from epoch %'"); n == 0 {
		t.Errorf("no trial went on from a checkpoint, after %d warnings:\n%s", warned, s.said)
	}
}

// What a site says is shown whole, and nothing is lost by it.
func TestASiteRefuses(t *testing.T) {
	c, _ := start(t, slurmtest.Options{MaxArraySize: 4, Config: []string{"Prolog=" + prolog(t)}})
	l := in(t, c, programs)
	want := l.alone()
	xrun, err := exec.LookPath("xrun")
	if err != nil {
		t.Fatal(err)
	}
	refused := func(wants []string, cmd *exec.Cmd) {
		t.Helper()
		stderr := l.run(1, cmd)
		for _, text := range wants {
			if !strings.Contains(stderr, text) {
				t.Errorf("%v does not say %q:\n%s", cmd.Args, text, stderr)
			}
		}
	}
	native := in(t, c, whole["seeds until"])
	refused([]string{"executable file not found", "hint: ", "login node"}, with(native.onSlurm(), "PATH="+filepath.Dir(xrun)))
	refused([]string{"invalid partition specified: nope", "sbatch: error: Batch job submission failed", "hint: ask `sinfo`"}, l.onSlurm("--cluster", "partition=nope"))
	e2e.Write(t, l.path("file"), "")
	refused([]string{"make a directory for the jobs", "file"}, l.onSlurm("--cluster", "directory="+l.path("file")))

	// An index of MaxArraySize is refused; two jobs at most are queued.
	stderr := l.run(0, l.onSlurm())
	l.same(want)
	if n := l.submissions(); n != 1+4 { // of 3 each, and the refused one
		t.Errorf("%d arrays for 12 tasks, want 5:\n%s", n, stderr)
	}
	l.quiet()
	l = in(t, c, programs)
	s := l.begin(with(l.onSlurm("--cluster", "jobs=2"), "PAUSE=0"))
	for most := 0; len(s.done) == 0; time.Sleep(100 * time.Millisecond) {
		if most = max(most, len(c.Queue())); most > 2 {
			t.Errorf("%d jobs at once, want 2", most)
			break
		}
	}
	l.end(s, 0)
	l.same(want)

	// The answer to the second array is lost, but not the array.
	l = in(t, c, programs)
	sbatch, err := exec.LookPath("sbatch")
	if err != nil {
		t.Fatal(err)
	}
	e2e.Write(t, l.path("bin", "sbatch"), "#!/bin/sh\n[ -e once ] || { : >once; exec "+sbatch+" \"$@\"; }\n[ -e twice ] || { : >twice; "+sbatch+" \"$@\" >/dev/null; echo lost >&2; exit 1; }\nexec "+sbatch+" \"$@\"\n")
	if err := os.Chmod(l.path("bin", "sbatch"), 0o755); err != nil {
		t.Fatal(err)
	}
	stderr = l.run(0, with(l.onSlurm("--cluster", "jobs=6"), "PATH="+l.path("bin")+":"+os.Getenv("PATH"), "PAUSE=0.5"))
	l.same(want)
	if n := len(l.journals()); n != len(want) || !strings.Contains(stderr, "all the same") {
		t.Errorf("%d journals of %d trials:\n%s", n, len(want), stderr)
	}
	l.quiet()

	// A prolog that fails has the job held, and its node drained.
	l = in(t, c, programs)
	e2e.Write(t, failing, "")
	stderr = l.run(0, with(l.onSlurm(), "PAUSE=0"))
	l.same(want)
	if !strings.Contains(stderr, "it is released") {
		t.Errorf("no job was released that was held:\n%s", stderr)
	}
	for _, node := range c.Nodes() {
		if strings.HasPrefix(c.State(node), "drain") {
			c.Output("", "scontrol", "update", "NodeName="+node, "State=RESUME")
		}
	}

	// The controller is away while jobs are to be submitted, and before.
	l = in(t, c, programs)
	s = l.begin(with(l.onSlurm("--cluster", "jobs=3"), "PAUSE=0.5"))
	l.wait("there is a result", func() bool { return l.results() > 0 })
	c.Settle()
	c.KillController()
	time.Sleep(5 * time.Second)
	c.StartController()
	l.end(s, 0)
	l.same(want)
	c.KillController()
	l = in(t, c, programs)
	refused([]string{"hint: the controller of Slurm does not answer"}, l.onSlurm())
	c.StartController()
	l.run(0, with(l.onSlurm(), "PAUSE=0"))
	l.same(want)
}

// failing is a file that makes the prolog of the next job fail.
var failing = filepath.Join(os.TempDir(), fmt.Sprintf("xrun-prolog-%d", os.Getpid()))

// prolog is a script that fails once for each file.
func prolog(t *testing.T) string {
	tests.NeedExamples(t, "it starts a Slurm cluster")
	path := filepath.Join(t.TempDir(), "prolog")
	e2e.Write(t, path, "#!/bin/sh\nif rm "+failing+" 2>/dev/null; then exit 1; fi\nexit 0\n")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is damaged on the way is trained again.
func TestDamagedJournals(t *testing.T) {
	c, _ := start(t, slurmtest.Options{})
	l := in(t, c, pruned)
	want := l.alone()
	l.run(0, l.onSlurm("--cluster", "array=2"))
	l.same(want)
	submissions := l.submissions()
	for name, damage := range map[string]func(text []byte) []byte{
		"a value":        func(text []byte) []byte { return bytes.Replace(text, []byte(`"step":2`), []byte(`"step":3`), 1) },
		"the first line": func(text []byte) []byte { return text[1:] },
		"the end":        func(text []byte) []byte { return text[:len(text)*2/3] },
		"an end": func(text []byte) []byte {
			return bytes.Replace(text, []byte(`"status":"finished"`), []byte(`"status":"failed..."`), 1)
		},
	} {
		files := l.journals()
		slices.Sort(files)
		for _, file := range []string{files[0], files[len(files)-1]} {
			text, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(file, damage(text), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		l.forget()
		stderr := l.run(0, l.onSlurm())
		l.same(want)
		if l.submissions() == submissions && name == "the first line" {
			t.Errorf("%s is damaged, and nothing was trained again:\n%s", name, stderr)
		}
		submissions = l.submissions()
	}
	all, err := filepath.Glob(filepath.Join(l.directory(), "journals", "*", "*.data"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if err := os.Truncate(file, 10); err != nil {
			t.Fatal(err)
		}
	}
	l.forget()
	l.run(0, l.onSlurm())
	l.same(want)
}
