// Package slurm_test holds the tests that need a Slurm cluster. Those in this file are of the cluster itself: what xrun relies on.
package slurm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e/slurm/slurmtest"
	"github.com/xrun-dev/xrun/runner/tests"
)

// patience is the longest that a test waits for a job.
const patience = 2 * time.Minute

// start starts a cluster, and makes a directory for what its jobs write.
func start(t *testing.T, o slurmtest.Options) (*slurmtest.Cluster, string) {
	t.Helper()
	tests.NeedExamples(t, "it starts a Slurm cluster")
	t.Parallel()
	dir := t.TempDir() // before the cluster, so that it is removed after the last job has ended
	return slurmtest.Start(t, o), dir
}

// submit hands in a script, and returns the job's id.
func submit(t *testing.T, c *slurmtest.Cluster, dir, script string, flags ...string) string {
	t.Helper()
	out := c.Output("#!/bin/sh\n"+script, "sbatch", append([]string{"--parsable", "--chdir=" + dir, "--output=output.%j"}, flags...)...)
	id, _, _ := strings.Cut(strings.TrimSpace(out), ";") // the cluster's name may follow
	return id
}

// until waits for what jobs do.
func until(t *testing.T, c *slurmtest.Cluster, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatalf("wait until %s: not within %v; the queue is %q", what, patience, c.Queue())
		}
	}
}

// lines are those that jobs have written to a file so far.
func lines(dir, name string) []string {
	text, _ := os.ReadFile(filepath.Join(dir, name))
	return strings.Fields(string(text))
}

// It takes longest, so it is first. A limit of a minute and a signal 50 seconds before it: the script hears it some seconds after its start.
func TestTheSignalBeforeTheTimeLimitReachesTheScript(t *testing.T) {
	c, dir := start(t, slurmtest.Options{Nodes: 1})
	submit(t, c, dir, `trap 'echo USR1 >>heard; scontrol requeue $SLURM_JOB_ID; exit' USR1
echo started >>heard
[ -z "$SLURM_RESTART_COUNT" ] || exit
while :; do sleep 0.1; done`, "--time=1", "--signal=B:USR1@50", "--requeue")
	want := []string{"started", "USR1", "started"}
	until(t, c, "the script ran again", func() bool { return len(lines(dir, "heard")) >= len(want) })
	if got := lines(dir, "heard"); !slices.Equal(got, want) {
		t.Errorf("the script wrote %v, want %v", got, want)
	}
}

func TestAnArrayRunsOnAllNodes(t *testing.T) {
	c, dir := start(t, slurmtest.Options{GPUs: 2})
	id := submit(t, c, dir, "sleep 0.5; echo $SLURM_ARRAY_TASK_ID:$SLURMD_NODENAME:$CUDA_VISIBLE_DEVICES >$SLURM_ARRAY_TASK_ID.txt", "--array=0-9", "--gres=gpu:1")
	until(t, c, "the queue is empty", func() bool { return len(c.Queue()) == 0 })
	var nodes, devices []string
	for i := range 10 {
		got := lines(dir, fmt.Sprint(i, ".txt"))
		if len(got) != 1 {
			t.Fatalf("task %d of job %s wrote %q", i, id, got)
		}
		fields := strings.Split(got[0], ":")
		if fields[0] != strconv.Itoa(i) {
			t.Errorf("task %d wrote %q", i, got[0])
		}
		nodes, devices = append(nodes, fields[1]), append(devices, fields[2])
	}
	for _, all := range []*[]string{&nodes, &devices} {
		slices.Sort(*all)
		*all = slices.Compact(*all)
	}
	if want := c.Nodes(); !slices.Equal(nodes, want) {
		t.Errorf("the tasks ran on %v, want %v", nodes, want)
	}
	if want := []string{"0", "1"}; !slices.Equal(devices, want) {
		t.Errorf("the tasks had devices %v, want %v", devices, want)
	}
}

// The task of a lost node runs elsewhere; that of another node goes on. A process that is killed alone is a failure.
func TestTheTaskOfALostNodeRunsAgain(t *testing.T) {
	c, dir := start(t, slurmtest.Options{CPUs: 1})
	script := "echo $SLURMD_NODENAME >>started.$SLURM_ARRAY_TASK_ID; env -i sleep 600 & wait; echo $SLURMD_NODENAME >>ended.$SLURM_ARRAY_TASK_ID"
	id := submit(t, c, dir, script, "--array=0-1", "--requeue")
	started := func(index int) []string { return lines(dir, fmt.Sprint("started.", index)) }
	until(t, c, "both tasks run", func() bool { return len(started(0)) == 1 && len(started(1)) == 1 })
	lost, other := started(0)[0], started(1)[0]
	until(t, c, "there are two processes of each", func() bool {
		all := c.Tasks()
		return len(all[lost]) == 2 && len(all[other]) == 2
	})
	for _, task := range c.Tasks()[lost] {
		if task.Job != id+"_0" {
			t.Errorf("process %+v on %s, want job %s_0", task, lost, id)
		}
	}
	c.KillNode(lost)
	if left := c.Tasks()[lost]; len(left) > 0 {
		t.Fatalf("on the lost node still run %+v", left)
	}
	began := time.Now()
	until(t, c, "the task runs again", func() bool { return len(started(0)) == 2 })
	t.Logf("the task of the lost node ran again after %v", time.Since(began).Round(time.Second/10))
	if again := started(0)[1]; again == lost {
		t.Errorf("the task ran again on the lost node %s", lost)
	}
	if got := started(1); len(got) != 1 {
		t.Errorf("the task of the other node ran on %v", got)
	}
	c.StartNode(lost)
	until(t, c, "the node is idle", func() bool { return c.State(lost) == "idle" })

	// The script of the other task first, which is the older process.
	c.KillTask(c.Tasks()[other][0].PID)
	until(t, c, "the killed task is gone", func() bool {
		return !slices.ContainsFunc(c.Queue(), func(line string) bool { return strings.HasPrefix(line, id+"_1 ") })
	})
	if out := c.Output("", "scontrol", "show", "job", id+"_1"); !strings.Contains(out, "JobState=FAILED") || !strings.Contains(out, "ExitCode=0:9") {
		t.Errorf("a task whose script was killed is not a failure:\n%s", out)
	}

	// Without its daemon a node is lost to the controller alone: the task runs twice.
	silent := started(0)[1]
	c.KillSlurmd(silent)
	c.GiveUp(silent)
	until(t, c, "the task runs once more", func() bool { return len(started(0)) == 3 })
	if left := c.Tasks()[silent]; len(left) != 2 || left[0].Job != id+"_0" {
		t.Errorf("on the node without a daemon run %+v, want the two processes of %s_0", left, id)
	}
}

func TestTasksOutliveTheController(t *testing.T) {
	c, dir := start(t, slurmtest.Options{})
	script := "echo $$ >>started.$SLURM_ARRAY_TASK_ID; while [ ! -e go ]; do sleep 0.1; done; echo $$ >>ended.$SLURM_ARRAY_TASK_ID"
	submit(t, c, dir, script, "--array=0-2")
	each := func(name string, want int) func() bool {
		return func() bool {
			for i := range 3 {
				if len(lines(dir, fmt.Sprint(name, ".", i))) != want {
					return false
				}
			}
			return true
		}
	}
	until(t, c, "all tasks run", each("started", 1))
	c.Settle()
	c.KillController()
	c.StartController()
	if queue := c.Queue(); len(queue) != 3 {
		t.Errorf("after its start the controller knows of %q, want 3 tasks", queue)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	until(t, c, "the queue is empty", func() bool { return len(c.Queue()) == 0 })
	if !each("started", 1)() || !each("ended", 1)() {
		t.Errorf("%v, want each task started and ended once", glob(t, dir))
	}
}

// glob is the content of all files in a directory.
func glob(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[file.Name()] = string(text)
	}
	return all
}

// A cancelled task has a while to end by itself. One that does not is killed.
func TestCancelTerminatesAndThenKills(t *testing.T) {
	c, dir := start(t, slurmtest.Options{})
	script := `trap 'echo TERM >>$SLURM_ARRAY_TASK_ID.txt; [ $SLURM_ARRAY_TASK_ID = 1 ] || exit' TERM
echo started >>$SLURM_ARRAY_TASK_ID.txt
while :; do sleep 0.1; done`
	id := submit(t, c, dir, script, "--array=0-2")
	file := func(index int) []string { return lines(dir, fmt.Sprint(index, ".txt")) }
	until(t, c, "all tasks run", func() bool { return len(file(0)) == 1 && len(file(1)) == 1 && len(file(2)) == 1 })
	c.Output("", "scancel", "--full", id+"_0", id+"_1")
	running := func(index int) bool {
		for _, on := range c.Tasks() {
			if slices.ContainsFunc(on, func(task slurmtest.Task) bool { return task.Job == fmt.Sprint(id, "_", index) }) {
				return true
			}
		}
		return false
	}
	until(t, c, "the cancelled tasks have ended", func() bool { return !running(0) && !running(1) })
	for index, want := range [][]string{{"started", "TERM"}, {"started", "TERM"}, {"started"}} {
		if got := file(index); !slices.Equal(got, want) {
			t.Errorf("task %d wrote %v, want %v", index, got, want)
		}
	}
	if !running(2) {
		t.Error("the task that was not cancelled has ended")
	}
}
