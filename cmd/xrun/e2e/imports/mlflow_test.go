package imports

import (
	"bufio"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// mlflowRuns logs 20 runs, or two more with an argument, and says what MLflow's own client reads of them.
const mlflowRuns = `
import os
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
import logging, mlflow
logging.getLogger("mlflow").setLevel(logging.ERROR)
uri, more = sys.argv[1], len(sys.argv) > 2
mlflow.set_tracking_uri(uri)
mlflow.set_experiment("digits – größe")
client = mlflow.MlflowClient()

def train(lr, optimizer, seed, epochs=4):
    mlflow.log_params({"learning_rate": lr, "optimizer": optimizer, "seed": seed, "net/width": 64, "bias": True, "note": "a, b", "none": None, "größe": "1e3"})
    for e in range(epochs):
        mlflow.log_metric("val_loss", abs(lr - 0.1) + (optimizer == "sgd") * 0.2 + seed / 1000 + 1 / (e + 3), step=e)
        mlflow.log_metric("train/loss", lr / 3 ** e, step=e)

if more:
    again, = client.search_runs([mlflow.get_experiment_by_name("digits – größe").experiment_id], "params.learning_rate = '0.1' and params.optimizer = 'adam' and params.seed = '1'")
    client.log_metric(again.info.run_id, "test_accuracy", 0.75)  # after its end
    client.log_param(again.info.run_id, "late", 3)
    still, = client.search_runs([mlflow.get_experiment_by_name("digits – größe").experiment_id], "attributes.run_name = 'running'")
    client.log_param(still.info.run_id, "width", 32)
    for seed in 4, 5:
        with mlflow.start_run(run_name="more %d" % seed):
            train(0.1, "adam", seed)
else:
    for lr in 0.01, 0.1, 1.0:
        for optimizer in "adam", "sgd":
            for seed in 1, 2, 3:
                with mlflow.start_run(run_name="lr %s %s" % (lr, optimizer), description="described" if seed == 1 else None):
                    train(lr, optimizer, seed)
                    if lr == 1.0 and seed == 3:
                        mlflow.log_metric("odd", float("nan"), step=1)
                        mlflow.log_metric("odd", float("-inf"), step=2)
                    if seed == 2:
                        for i in range(3):
                            mlflow.log_metric("counted", i)  # without a step
                        mlflow.log_metric("late", 1, step=5)
                        mlflow.log_metric("late", 2, step=3)
                        mlflow.log_metric("late", 3, step=5)
    with mlflow.start_run(run_name="parent"):
        with mlflow.start_run(nested=True, run_name="child"):
            train(0.5, "adam", 1)
    failed = mlflow.start_run(run_name="failed")
    mlflow.log_params({"learning_rate": 3.0, "optimizer": "adam", "seed": 1})
    mlflow.end_run("FAILED")
    killed = mlflow.start_run(run_name="killed")
    mlflow.log_params({"learning_rate": 4.0, "optimizer": "adam", "seed": 1})
    mlflow.end_run("KILLED")
    gone = client.create_run(mlflow.get_experiment_by_name("digits – größe").experiment_id)
    client.delete_run(gone.info.run_id)
    running = client.create_run(mlflow.get_experiment_by_name("digits – größe").experiment_id, run_name="running")
    client.log_param(running.info.run_id, "learning_rate", 7.0)
    client.log_metric(running.info.run_id, "val_loss", float("inf"), step=1)

def setting(text):
    for kind in int, float:
        try:
            return kind(text)
        except ValueError:
            pass
    return {"True": True, "False": False}.get(text, text)

def value(m):  # MLflow's databases have the largest numbers for infinities
    return math.copysign(math.inf, m.value) if abs(m.value) == sys.float_info.max else m.value

def curve(history):
    history = sorted(history, key=lambda m: (m.step, m.timestamp))
    if len(history) > 1 and len({m.step for m in history}) == 1:
        return [[i, value(m)] for i, m in enumerate(history)]
    return sorted({m.step: [m.step, value(m)] for m in history}.values())

statuses = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "failed", "RUNNING": "interrupted"}
runs = []
for run in client.search_runs([mlflow.get_experiment_by_name("digits – größe").experiment_id], max_results=1000):
    if run.info.run_name == "parent":
        continue
    settings = {k: setting(v) for k, v in run.data.params.items() if v != "None"}
    for name, meaning in ("learning_rate", "lr"), ("optimizer", "optimizer.component"):
        if name in settings:
            settings[meaning] = settings.pop(name)
    wall = None if run.info.end_time is None else (run.info.end_time - run.info.start_time) / 1000
    runs.append(told(run.info.run_id, statuses[run.info.status], settings, {k: curve(client.get_metric_history(run.info.run_id, k)) for k in run.data.metrics},
                     name=run.info.run_name, started=run.info.start_time / 1000, wall=wall))
say(runs)
`

// mlflowServing starts MLflow's server, and ends it with all that it has started when its input ends.
const mlflowServing = `
import os, signal, socket, subprocess, sys, time, urllib.request
program, store = sys.argv[1:]
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
env = dict(os.environ, MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", MLFLOW_ALLOW_FILE_STORE="true")
server = subprocess.Popen([program, "server", "--backend-store-uri", store, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
                          env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    until = time.monotonic() + 180
    while server.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen("http://127.0.0.1:%d/health" % port, timeout=5).read()
        except OSError:
            time.sleep(0.2)
            continue
        print("http://127.0.0.1:%d" % port, flush=True)
        sys.stdin.read()
        break
finally:
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
`

// mlflowServer serves a store until the test ends.
func mlflowServer(t *testing.T, store string) (address string) {
	t.Helper()
	program, err := exec.LookPath("mlflow")
	if err != nil {
		t.Skip("mlflow is not on PATH: its server is not asked")
	}
	python := e2e.Python(t, "subprocess")
	cmd := exec.Command(python, "-c", mlflowServing, program, store)
	cmd.Dir = t.TempDir()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	if line == "" {
		t.Skipf("%s server does not run: MLflow may be there without its server", program)
	}
	return strings.TrimSpace(line)
}

func TestMLflowDatabase(t *testing.T) {
	python := interpreter(t, trackersPython, "mlflow, sqlalchemy")
	dir := t.TempDir()
	file := filepath.Join(dir, "mlflow.db")
	mlflowImports(t, python, dir, file, "sqlite:///"+filepath.ToSlash(file))
	t.Run("from a server", func(t *testing.T) {
		address := mlflowServer(t, "sqlite:///"+filepath.ToSlash(file))
		out, _ := importing(t, dir, "mlflow", address, "--store", "served.db")
		said(t, out, "24 runs", "as the sweep digits – größe")
		one, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "export", "csv", "digits – größe", "--long"))
		two, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "export", "csv", "digits – größe", "--long", "--store", "served.db"))
		if len(one) < 1000 || values(one) != values(two) {
			t.Errorf("the server says otherwise than the file:\n%s\n%s", values(one), values(two))
		}
	})
}

// values are the rows of a long table, without the numbers of runs and keys of trials, in order.
func values(csv string) string {
	var rows []string
	for row := range strings.Lines(csv) {
		_, rest, _ := strings.Cut(row, ",")
		_, rest, _ = strings.Cut(rest, ",")
		rows = append(rows, rest)
	}
	slices.Sort(rows)
	return strings.Join(rows, "")
}

func TestMLflowFolder(t *testing.T) {
	python := interpreter(t, trackersPython, "mlflow")
	dir := t.TempDir()
	folder := filepath.Join(dir, "mlruns")
	mlflowImports(t, python, dir, folder, "file://"+filepath.ToSlash(folder))
}

// mlflowImports imports what MLflow writes to a store, and what it adds.
func mlflowImports(t *testing.T, python, dir, source, uri string) {
	t.Helper()
	runs := toldBy(t, python, dir, mlflowRuns, uri)
	if len(runs) != 22 {
		t.Fatalf("there are %d runs", len(runs))
	}
	before := content(t, source)
	out, err := importing(t, dir, "mlflow", source)
	untouched(t, source, before)
	said(t, out, "22 runs of ", "as the sweep digits – größe", "compared by val_loss, the smaller the better")
	said(t, err, "learning_rate is taken for lr", "not taken: 1 deleted runs", "not taken: 1 runs without values that only group others", "1 run was still running there", "values that a later one of the same step replaces")
	same(t, dir, "digits – größe", runs)
	judged(t, dir, "digits – größe", "adam lr 0.1 has the best mean")
	out, _ = importing(t, dir, "mlflow", source)
	said(t, out, "1 run of ", "21 runs were there already") // the one that runs may have gone on
	same(t, dir, "digits – größe", runs)
	runs = toldBy(t, python, dir, mlflowRuns, uri, "more")
	out, _ = importing(t, dir, "mlflow", source)
	said(t, out, "4 runs of ", "20 runs were there already") // two new ones, one that has got a value, one that runs
	same(t, dir, "digits – größe", runs)
	// Flags say how it is read.
	out, _ = importing(t, dir, "mlflow", source, "--name", "other", "--map", "learning_rate=lambda", "--map", "seed=-", "--map", "optimizer=kind", "--metric", "train/loss", "--goal", "max")
	said(t, out, "24 runs of ", "compared by train/loss, the larger the better")
	settings, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "sql", "SELECT DISTINCT path FROM settings JOIN runs USING (trial_key) WHERE sweep = 'other' ORDER BY path"))
	said(t, settings, "kind", "lambda")
	if strings.Contains(settings, "learning_rate") {
		t.Errorf("a setting has two meanings:\n%s", settings)
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
	// A sweep file that goes on with it.
	e2e.Run(t, 0, e2e.Xrun(t, dir, "init", "--from", source, "next.toml"))
	text, errRead := os.ReadFile(filepath.Join(dir, "next.toml"))
	if errRead != nil {
		t.Fatal(errRead)
	}
	said(t, string(text), "lr        = [0.01, 0.1, 0.5, 1.0, 3.0, 4.0, 7.0]", `optimizer = ["adam", "sgd"]`, "--learning_rate\", \"{lr}", "seeds  = 5", `name = "val_loss"`, `name   = "digits – größe-next"`)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "plan", "next.toml", "--top", "1"))
}

func TestMLflowManyRuns(t *testing.T) {
	python := interpreter(t, trackersPython, "mlflow, sqlalchemy")
	dir := t.TempDir()
	file := filepath.Join(dir, "mlflow.db")
	toldBy(t, python, dir, mlflowRuns, "sqlite:///"+filepath.ToSlash(file))
	python = e2e.Python(t, "sqlite3")
	out, err := exec.Command(python, "-c", mlflowCopies, file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const limit = 600
	stdout, _ := measured(t, limit, dir, "mlflow", file)
	said(t, stdout, "10022 runs of ")
	judged(t, dir, "digits – größe", "the best of more points looks better")
}

// mlflowCopies copies a run 10,000 times, with other numbers, settings and values.
const mlflowCopies = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
run, = db.execute("SELECT run_uuid FROM runs WHERE status = 'FINISHED' AND run_uuid IN (SELECT run_uuid FROM metrics WHERE key = 'val_loss') LIMIT 1").fetchone()
def copies(table, change):
    columns = [c[1] for c in db.execute("PRAGMA table_info(%s)" % table)]
    rows = [dict(zip(columns, r)) for r in db.execute("SELECT * FROM %s WHERE run_uuid = ?" % table, (run,))]
    if table == "metrics":  # twenty epochs
        rows = [dict(r, step=s, timestamp=r["timestamp"] + s) for r in rows if r["step"] == 0 for s in range(20)]
    if table == "latest_metrics":
        rows = [dict(r, step=19) for r in rows]
    def all():
        for i in range(10000):
            for r in rows:
                yield tuple(dict(r, run_uuid="%032x" % i, **change(i, r)).values())
    db.executemany("INSERT INTO %s VALUES (%s)" % (table, ",".join("?" * len(columns))), all())
copies("runs", lambda i, r: {"name": "copy %d" % i, "start_time": r["start_time"] + i, "end_time": r["end_time"] + i})
copies("params", lambda i, r: {"value": {"learning_rate": str(0.001 * (1 + i // 50)), "seed": str(i % 50)}.get(r["key"], r["value"])})
copies("metrics", lambda i, r: {"value": r["value"] + (i // 50) * 1e-3 + (i % 7) * 1e-4 + 1 / (r["step"] + 1)})
copies("latest_metrics", lambda i, r: {"value": r["value"]})
db.commit()
`

// What is no store, or a damaged one, is an error with its place, or is read as far as it goes; nothing crashes.
func TestMLflowHostile(t *testing.T) {
	python := interpreter(t, trackersPython, "mlflow, sqlalchemy")
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "mlflow.db"), filepath.Join(dir, "mlruns")
	toldBy(t, python, dir, mlflowRuns, "sqlite:///"+filepath.ToSlash(file))
	toldBy(t, python, dir, mlflowRuns, "file://"+filepath.ToSlash(folder))
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	taken := func(name string, args ...string) {
		t.Helper()
		cmd := e2e.Xrun(t, dir, append([]string{"import", "mlflow", "--store", name + ".xrun.db"}, args...)...)
		out, err := cmd.CombinedOutput()
		if code := e2e.Ending(err); code > 2 && code != 5 || strings.Contains(string(out), "goroutine ") {
			t.Errorf("%s ends with %d:\n%s", name, code, out)
		}
		if _, err := os.Stat(filepath.Join(dir, name+".xrun.db")); err == nil {
			e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check", "--store", name+".xrun.db"))
		}
	}
	draw := rand.New(rand.NewPCG(22, 1))
	for i := range 12 {
		bad := slices.Clone(good)
		switch i % 3 {
		case 0:
			bad = bad[:draw.IntN(len(bad))]
		case 1:
			for range 200 {
				bad[100+draw.IntN(len(bad)-100)] ^= byte(1 + draw.IntN(255))
			}
		case 2:
			at := draw.IntN(len(bad) - 5000)
			clear(bad[at : at+5000])
		}
		name := fmt.Sprintf("bad%d", i)
		e2e.Write(t, filepath.Join(dir, name), string(bad))
		taken(name, name)
	}
	var all []string
	if err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.Contains(path, "artifacts") {
			all = append(all, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		path := all[draw.IntN(len(all))]
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		e2e.Write(t, path, []string{"", "\xff\x00: [", strings.Repeat("[", 100000), "name: {a: *b}\n", "1 nan\n9999999999999999999999 1 2\n", string(was) + "x"}[i%6])
		taken(fmt.Sprintf("file%d", i), folder)
		e2e.Write(t, path, string(was))
	}
	if err := os.Symlink(folder, filepath.Join(folder, "loop")); err == nil {
		taken("loop", folder)
	}
	for _, name := range []string{dir, filepath.Join(dir, "nothing"), "postgresql://h/db", "http://127.0.0.1:1", "https://", "sqlite:///nothing.db"} {
		taken("none", name)
	}
}
