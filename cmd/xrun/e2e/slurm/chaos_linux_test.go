package slurm_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e/slurm/slurmtest"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store/journal"
)

// ends counts in all journals how often each trial has come to a result.
func (l lab) ends() map[string]int {
	l.Helper()
	n := map[string]int{}
	for _, file := range l.journals() {
		text, err := os.ReadFile(file)
		if err != nil {
			l.Fatal(err)
		}
		records, _, _ := journal.Parse(text)
		trials := map[string]string{}
		for _, r := range records {
			if r.Begin != nil {
				trials[r.Attempt] = r.Begin.Trial
			}
			if r.End != nil && runner.Status(r.End.Status).Done() {
				n[trials[r.Attempt]]++
			}
		}
	}
	return n
}

// twice counts the trials that have come to a result more than once.
func (l lab) twice() (n int) {
	for _, times := range l.ends() {
		if times > 1 {
			n++
		}
	}
	return n
}

// A task that runs twice at the same time, to its end, is recorded once; and so it is when a database is made anew from all journals.
func TestTwoCopiesOfATaskAreOneResult(t *testing.T) {
	c, _ := start(t, slurmtest.Options{})
	l := in(t, c, programs)
	want := l.alone()
	sweep := l.onSlurm("--set", "run.workers=2")
	sweep.Env = append(sweep.Env, "PAUSE=1")
	s := l.begin(sweep)
	l.wait("a task has begun", func() bool { return len(l.journals()) > 0 })
	name := filepath.Base(l.journals()[0])
	index, err := strconv.Atoi(name[len("0000-"):len("0000-000000")])
	if err != nil {
		t.Fatal(err)
	}
	copied := l.begin(l.byHand(0, 0, index)) // faster than the job, so that it is the one which counts
	l.end(copied, 0)
	l.end(s, 0)
	l.quiet()
	if l.twice() == 0 {
		t.Fatalf("no trial has come to its end twice: %v", l.ends())
	}
	l.same(want)
	l.forget()
	l.run(0, l.onSlurm())
	l.same(want)
	// Trained again, an old copy is no new result.
	before, ends := number(t, l.path("xrun.db"), "SELECT max(id) FROM run WHERE status = 'finished'"), l.ends()
	sweep = l.onSlurm("--rerun", "all")
	sweep.Env = append(sweep.Env, "PAUSE=0")
	l.run(0, sweep)
	l.same(want)
	if n := number(t, l.path("xrun.db"), fmt.Sprintf("SELECT count(*) FROM run WHERE status = 'finished' AND deleted_at IS NULL AND id > %d", before)); n != len(want) {
		t.Errorf("%d trials were trained again, want %d:\n%s", n, len(want), l.attempts())
	}
	for key, times := range l.ends() {
		if times == ends[key] {
			t.Errorf("trial %.8s was not trained again: an old copy was taken for it", key)
		}
	}
}

// forget deletes the database.
func (l lab) forget() {
	for _, file := range []string{"xrun.db", "xrun.db-wal", "xrun.db-shm"} {
		os.Remove(l.path(file))
	}
}

// A node whose daemon alone dies is given up while its job runs on: both copies come to an end.
func TestAZombieComesTooLate(t *testing.T) {
	c, _ := start(t, slurmtest.Options{CPUs: 1})
	l := in(t, c, strings.NewReplacer("[1, 2, 3, 4]", "[1]", "seeds = 3", "seeds = 2").Replace(programs)) // a node is left
	want := l.alone()
	sweep := l.onSlurm()
	sweep.Env = append(sweep.Env, "PAUSE=4")
	s := l.begin(sweep)
	l.wait("all tasks have begun", func() bool { return len(l.journals()) == 2 })
	lost := c.Nodes()[0]
	c.KillSlurmd(lost)
	c.GiveUp(lost)
	// The job of the lost node waits for another node, and ends after the zombie.
	l.end(s, 0)
	l.same(want)
	l.quiet()
	l.wait("no copy is left", func() bool { return len(l.tasks()) == 0 })
	if l.twice() == 0 {
		t.Errorf("no trial has come to its end twice: %v", l.ends())
	}
	t.Logf("%d journals, %d trials came to their end more than once, %d copies were recorded and dropped", len(l.journals()), l.twice(), l.dropped())
}

// A fault happens to a sweep. It returns what is left to mend.
type fault struct {
	name string
	do   func(l *chaos) (mend func())
}

// chaos is a lab with a collector at work.
type chaos struct {
	lab
	random  *rand.Rand
	command []string
	at      started
}

func (c *chaos) collect() started {
	return c.begin(with(c.onSlurm(c.command...), "PAUSE=0.8"))
}

// victim is a process of a job; nil if there is none.
func (c *chaos) victim() *slurmtest.Task {
	var all []slurmtest.Task
	for _, tasks := range c.tasks() {
		all = append(all, tasks...)
	}
	if len(all) == 0 {
		return nil
	}
	return &all[c.random.IntN(len(all))]
}

// node is any node.
func (c *chaos) node() string { return c.cluster.Nodes()[c.random.IntN(len(c.cluster.Nodes()))] }

var faults = []fault{
	{"a process of a task is killed", func(c *chaos) func() {
		if v := c.victim(); v != nil {
			syscall.Kill(v.PID, syscall.SIGKILL)
		}
		return nil
	}},
	{"the daemon of a node is killed, its jobs run on and again", func(c *chaos) func() {
		node := c.node()
		c.cluster.KillSlurmd(node)
		c.cluster.GiveUp(node)
		return func() { c.cluster.KillNode(node); c.cluster.StartNode(node) }
	}},
	{"a node is lost", func(c *chaos) func() {
		node := c.node()
		c.cluster.KillNode(node)
		c.cluster.GiveUp(node)
		return func() { c.cluster.StartNode(node) }
	}},
	{"the controller is killed", func(c *chaos) func() {
		c.cluster.Settle()
		c.cluster.KillController()
		return func() { c.cluster.StartController() }
	}},
	{"the collector is killed", func(c *chaos) func() {
		c.kill(c.at)
		c.at = c.collect()
		return nil
	}},
	{"the collector is killed while another one waits", func(c *chaos) func() {
		second := c.collect()
		c.wait("the second collector waits, or has nothing to do", func() bool {
			return strings.Contains(second.said.String(), "waiting: another process collects") || len(second.done) > 0 || len(c.at.done) > 0
		})
		c.kill(c.at)
		c.at = second
		return nil
	}},
	{"a task is requeued", func(c *chaos) func() {
		if v := c.victim(); v != nil {
			c.try("scontrol", "requeue", v.Job)
		}
		return nil
	}},
	{"a task is cancelled", func(c *chaos) func() {
		if v := c.victim(); v != nil {
			c.try("scancel", v.Job)
		}
		return nil
	}},
	{"a task hears that its time runs out", func(c *chaos) func() {
		if v := c.victim(); v != nil {
			c.try("scancel", "--batch", "--signal=USR1", v.Job)
		}
		return nil
	}},
	{"the database is lost with the collector", func(c *chaos) func() {
		c.kill(c.at)
		c.forget()
		c.at = c.collect()
		return nil
	}},
}

// Whatever happens, and in whatever order, a sweep comes to the bits of one to which nothing happens.
func TestChaos(t *testing.T) {
	c, _ := start(t, slurmtest.Options{})
	r := tests.Random(t)
	deadline := tests.Deadline()
	sweeps := map[string]string{
		"digits": strings.NewReplacer("n = 3", "n = 7", "epochs      = 12", "epochs      = 40").Replace(digits(t)),
		"pruned": strings.NewReplacer("epochs  = 8", "epochs  = 64", "n = 4", "n = 8").Replace(pruned), "programs": programs, "pruned programs": programs + halving,
	}
	names := []string{"digits", "pruned", "programs", "pruned programs"}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	if !tests.Long() {
		names = names[:2]
	}
	for round := 0; round == 0 || time.Now().Before(deadline); round++ {
		for _, name := range names {
			t.Run(fmt.Sprint(name, " ", round), func(t *testing.T) { shake(t, c, r, sweeps[name]) })
			if t.Failed() {
				return
			}
		}
	}
}

// shake trains a sweep while faults happen.
func shake(t *testing.T, cluster *slurmtest.Cluster, r *rand.Rand, sweep string) {
	c := &chaos{lab: in(t, cluster, sweep), random: r, command: []string{"--set", "run.retries=20", "--set", "run.checkpoint=" + []string{`"off"`, "1", `"1s"`}[r.IntN(3)], "--cluster", "silence=20s"}}
	want := c.alone()
	c.at = c.collect()
	var mends []func()
	mend := func() {
		for _, m := range slices.Backward(mends) {
			m()
		}
		mends = nil
	}
	lost := false // the controller is
	for range tests.Either(4, 12) {
		time.Sleep(time.Duration(r.IntN(2500)) * time.Millisecond)
		if len(c.at.done) > 0 {
			break
		}
		if len(mends) > 1 || lost {
			mend()
			lost = false
		}
		f := faults[r.IntN(len(faults))]
		t.Logf("%d results, %d jobs: %s", c.results(), len(cluster.Queue()), f.name)
		if m := f.do(c); m != nil {
			lost = strings.Contains(f.name, "controller")
			mends = append(mends, m)
		}
	}
	mend()
	select {
	case <-c.at.done:
	case <-time.After(2 * patience):
		t.Fatalf("the sweep does not end\n%s", c.at.said)
	}
	c.end(c.collect(), 0)
	c.same(want)
	t.Logf("%d journals, %d trials came to their end more than once, %d copies were recorded and dropped", len(c.journals()), c.twice(), c.dropped())
	for _, tasks := range c.tasks() { // zombies
		for _, task := range tasks {
			syscall.Kill(task.PID, syscall.SIGKILL)
		}
	}
	c.try("scancel", "--name=sbatch") // by which the cluster settled, if the controller was killed since
	c.quiet()
}
