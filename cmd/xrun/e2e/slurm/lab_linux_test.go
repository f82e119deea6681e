package slurm_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/e2e/slurm/slurmtest"
	"github.com/xrun-dev/xrun/store"
)

func TestMain(m *testing.M) { e2e.Main(m, nil) }

// A lab is a folder with sweep.toml and a cluster that trains it.
type lab struct {
	*testing.T
	cluster *slurmtest.Cluster
	dir     string
}

// in makes a lab in a folder of its own.
func in(t *testing.T, c *slurmtest.Cluster, sweep string) lab {
	t.Helper()
	l := lab{t, c, t.TempDir()}
	e2e.Write(t, filepath.Join(l.dir, "sweep.toml"), sweep)
	e2e.Write(t, filepath.Join(l.dir, "train.sh"), program)
	return l
}

func (l lab) path(elements ...string) string {
	return filepath.Join(append([]string{l.dir}, elements...)...)
}

// pause is how long the program takes for an epoch in a job. Alone it takes no time.
const pause = "0.2"

// program is a task that has results at once, or takes its time. It fails or dies if a file says so.
const program = `i=0
[ ! -e "fail.$2" ] || { echo it fails; exit 1; }
while [ $i -lt 6 ]; do
  i=$((i+1))
  echo "{\"epoch\": $i, \"val_loss\": $((5040 * $1 / i + $2))}"
  sleep "${PAUSE:-0}"
  if rm "die.$2" 2>/dev/null; then kill -9 $$; fi
done
`

// programs is a sweep of the program.
const programs = `name = "programs"
seeds = 3
[task]
command = ["sh", "train.sh", "{width}", "{seed}"]
metrics = ["val_loss"]
epochs  = 6
[grid]
width = [1, 2, 3, 4]
`

const halving = "[prune]\nrule = \"halving\"\neta = 2\n"

// xrun is xrun in the folder, with the cluster at hand.
func (l lab) xrun(args ...string) *exec.Cmd {
	l.Helper()
	cmd := e2e.Xrun(l.T, l.dir, args...)
	cmd.Env = append(cmd.Env, l.cluster.Env()...)
	cmd.Env = append(cmd.Env, "PAUSE="+pause, "XDG_CONFIG_HOME="+l.path("none"))
	return cmd
}

// fast is a cluster that is asked often, since nobody else is on it.
var fast = []string{"--progress", "plain", "--on", "slurm", "--cluster", "poll=1s", "--cluster", "grace=5s", "--cluster", "silence=1m"}

// onSlurm is the command that trains the sweep on the cluster.
func (l lab) onSlurm(more ...string) *exec.Cmd {
	l.Helper()
	return l.xrun(slices.Concat([]string{"sweep", "sweep.toml"}, fast, more)...)
}

// alone is what the sweep comes to on this machine.
func (l lab) alone() map[string]string {
	l.Helper()
	cmd := l.xrun("sweep", "sweep.toml", "--progress", "none", "--store", "alone.db")
	cmd.Env = append(cmd.Env, "PAUSE=0")
	l.run(0, cmd)
	all := bits(l.T, l.path("alone.db"))
	if len(all) == 0 {
		l.Fatal("the sweep has no results on this machine")
	}
	return all
}

// same fails the test unless the database holds what the sweep comes to on this machine, each trial once, and is whole.
func (l lab) same(want map[string]string) {
	l.Helper()
	path := l.path("xrun.db")
	got := bits(l.T, path)
	if len(got) != len(want) {
		l.Errorf("%d trials have ended, want %d", len(got), len(want))
	}
	wrong := 0
	for key, text := range want {
		if got[key] != text {
			if wrong++; wrong < 4 {
				l.Errorf("trial %.8s has other bits:\n%s\nwant\n%s", key, got[key], text)
			}
		}
	}
	e2e.Once(l.T, e2e.Runs(l.T, path))
	if n := number(l.T, path, "SELECT count(*) FROM run WHERE status = 'running'"); n > 0 {
		l.Errorf("%d runs are running still", n)
	}
	l.run(0, l.xrun("db", "check"))
}

// bits is what a database holds of each trial that has come to a result or was pruned: all but times, attempts and ids. The hash of a run is over all its points.
func bits(t *testing.T, path string) map[string]string {
	t.Helper()
	db := raw(t, path)
	defer db.Close()
	rows, err := db.Query(`SELECT t.key, concat_ws(' ', r.status, quote(r.reason), r.error, r.epochs, r.kept_epoch, printf('%.17g', r.value), r.steps, r.gradient_evals, r.points, r.hash,
		(SELECT group_concat(concat_ws(' ', a.name, a.digest, a.epoch)) FROM (SELECT * FROM artifact WHERE run_id = r.id ORDER BY name) a),
		(SELECT group_concat(concat_ws(' ', c.part, printf('%.17g', c.value))) FROM (SELECT * FROM coefficient WHERE run_id = r.id ORDER BY part) c),
		(SELECT group_concat(concat_ws(' ', c.metric, printf('%.17g', c.value))) FROM (SELECT * FROM constant WHERE run_id = r.id ORDER BY metric) c),
		(SELECT group_concat(m.name || printf(' %.17g %.17g %.17g %d %.17g %d %.17g %d', s.first, s.last, s.min, s.min_step, s.max, s.max_step, s.mean, s.count))
			FROM (SELECT * FROM summary WHERE run_id = r.id ORDER BY metric_id) s JOIN metric m ON m.id = s.metric_id),
		(SELECT group_concat(concat_ws(' ', e.kind, e.epoch, e.message)) FROM (SELECT * FROM event WHERE run_id = r.id AND kind NOT IN ('resumed', 'retry') ORDER BY epoch, kind, message) e))
		FROM run r JOIN trial t ON t.id = r.trial_id WHERE r.deleted_at IS NULL AND r.status NOT IN ('interrupted', 'failed') ORDER BY t.key, r.id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var key, text string
		if err := rows.Scan(&key, &text); err != nil {
			t.Fatal(err)
		}
		if all[key] != "" {
			t.Errorf("trial %.8s has ended twice:\n%s\n%s", key, all[key], text)
		}
		all[key] = text
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// raw opens a database without the store, which has to have been the first in this process: it says how SQLite locks files.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	locking.Do(func() {
		first, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "first.db"), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		first.Close()
	})
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

var locking sync.Once

// number is the answer to a query for one; 0 while there is no database.
func number(t *testing.T, path, query string) (n int) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		return 0
	}
	db := raw(t, path)
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil && !strings.Contains(err.Error(), "no such table") && !strings.Contains(err.Error(), "locked") {
		t.Fatal(err)
	}
	return n
}

// started is a command that runs.
type started struct {
	*exec.Cmd
	said *output
	done chan error
}

// output is what a command has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// begin starts a command.
func (l lab) begin(cmd *exec.Cmd) started {
	l.Helper()
	s := started{cmd, &output{}, make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = s.said, s.said
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	go func() { s.done <- cmd.Wait() }()
	l.Cleanup(func() {
		cmd.Process.Kill()
		if l.Failed() {
			l.Logf("%v said\n%s", cmd.Args, s.said)
		}
	})
	return s
}

// end waits for the end of a command, which has to have the given exit code.
func (l lab) end(s started, code int) {
	l.Helper()
	select {
	case err := <-s.done:
		if got := e2e.Ending(err); got != code {
			l.Fatalf("%v ended with %d, want %d\n%s", s.Args, got, code, s.said)
		}
	case <-time.After(patience):
		s.Process.Signal(syscall.SIGQUIT) // it tells what it is at
		<-s.done
		l.Fatalf("%v does not end within %v\n%s", s.Args, patience, s.said)
	}
}

// run runs a command to its end, which has to have the given exit code, and returns what it said.
func (l lab) run(code int, cmd *exec.Cmd) string {
	l.Helper()
	s := l.begin(cmd)
	l.end(s, code)
	return s.said.String()
}

// kill kills a command and waits for its end.
func (l lab) kill(s started) {
	l.Helper()
	s.Process.Signal(syscall.SIGKILL)
	<-s.done
}

// wait waits for something.
func (l lab) wait(what string, ok func() bool) {
	l.Helper()
	until(l.T, l.cluster, what, ok)
}

// results counts the results in the database.
func (l lab) results() int {
	return number(l.T, l.path("xrun.db"), "SELECT count(*) FROM run WHERE status IN ('finished', 'stopped', 'diverged') AND deleted_at IS NULL")
}

// points counts the points in the database.
func (l lab) points() int { return number(l.T, l.path("xrun.db"), "SELECT count(*) FROM point") }

// directory is that of the sweep's jobs.
func (l lab) directory() string {
	l.Helper()
	all, err := filepath.Glob(l.path("xrun.db.cluster", "*", "sweep.json"))
	if err != nil || len(all) != 1 {
		l.Fatalf("%d directories of jobs, %v", len(all), err)
	}
	return filepath.Dir(all[0])
}

// journals are those of the sweep.
func (l lab) journals() []string {
	all, _ := filepath.Glob(l.path("xrun.db.cluster", "*", "journals", "*", "*.journal"))
	return all
}

// submissions counts the arrays that were submitted.
func (l lab) submissions() int {
	all, _ := filepath.Glob(l.path("xrun.db.cluster", "*", "jobs", "*.json"))
	return len(all)
}

// tasks are the processes of this lab's jobs: those of xrun task and what they have started.
func (l lab) tasks() map[string][]slurmtest.Task {
	all := map[string][]slurmtest.Task{}
	for node, tasks := range l.cluster.Tasks() {
		for _, task := range tasks {
			if strings.Contains(task.Command, l.dir) {
				all[node] = append(all[node], task)
			}
		}
	}
	return all
}

// dropped is how many attempts were recorded and dropped, since another one finished first.
func (l lab) dropped() int {
	return number(l.T, l.path("xrun.db"), "SELECT count(*) FROM run WHERE status = 'interrupted' AND reason = 'another attempt finished first'")
}

// quiet fails the test unless no job is left.
func (l lab) quiet() {
	l.Helper()
	l.wait("no job is left", func() bool { return len(l.cluster.Queue()) == 0 })
}

// byHand trains a task of the sweep, as a job does.
func (l lab) byHand(wave, from, index int) *exec.Cmd {
	l.Helper()
	cmd := l.xrun("task", l.directory(), strconv.Itoa(wave), strconv.Itoa(from))
	cmd.Env = append(cmd.Env, "SLURM_ARRAY_TASK_ID="+strconv.Itoa(index))
	return cmd
}

// attempts lists all runs of the database, for a test that failed.
func (l lab) attempts() string {
	var b strings.Builder
	for _, r := range e2e.Runs(l.T, l.path("xrun.db")) {
		fmt.Fprintf(&b, "%d %s %s %q\n", r.ID, r.Trial.Short(), r.Status, r.Reason)
	}
	return b.String()
}

// try runs a command of Slurm that may come too late.
func (l lab) try(name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), l.cluster.Env()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		l.Logf("%s %v: %v: %s", name, args, err, out)
	}
}
