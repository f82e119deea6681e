package imports

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// trackioRuns writes 20 runs of a project, and with an argument two more and a value of the first. Then it says what Trackio reads.
const trackioRuns = `
import os
os.environ["TRACKIO_DIR"] = os.path.join(os.getcwd(), "files")
os.environ["HF_HUB_OFFLINE"] = "1"
import trackio
from datetime import datetime
from trackio.sqlite_storage import SQLiteStorage

more = len(sys.argv) > 1
project = "größe of_runs.1"
for i in range(20, 22) if more else range(20):
    lr, opt, seed = [0.1, 1/3, 0.003][i // 10], ["adam", "sgd ☃"][i // 5 % 2], i % 5
    trackio.init(project=project, name="run %d ä\n" % i, config={"lr": lr, "optimizer": {"name": opt, "nesterov": i % 2 == 0}, "seed": seed, "layers": [64, 32], "größe b": 2.5, "none": None},
                 embed=False, auto_log_gpu=False, auto_log_cpu=False)
    for step in range(5):
        x = lr * (step + 1) + seed / 7 + len(opt)
        row = {"val_loss": x, "train/é": x / 3, "nested": {"deep": step}, "text": "hello", "flag": True}
        if i == 3: row["val_loss"] = float("nan")
        if i == 4: row["train/é"] = float("-inf")
        if i == 6: row["x"] = float("inf")
        if i == 7 and step == 3:
            break # it has ended early
        trackio.log(row, step=step * 10 if i == 8 else None)
    trackio.log_system({"cpu": 0.5})
    trackio.finish()

if more:
    first = SQLiteStorage.get_run_records(project)[0]
    SQLiteStorage.bulk_log(project, first["name"], [{"val_loss": 0.125}], steps=[7], run_id=first["id"])

runs = []
for record in SQLiteStorage.get_run_records(project):
    config = SQLiteStorage.get_run_config(project, run_id=record["id"])
    rows = SQLiteStorage.get_logs(project, record["name"], run_id=record["id"])
    curves = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, dict):
                name, value = "nested.deep", value["deep"]
            if name in ("step", "timestamp", "text", "flag"):
                continue
            curves.setdefault(name, []).append((row["step"], value))
    begun = datetime.fromisoformat(config["_Created"]).timestamp()
    settings = {"lr": config["lr"], "optimizer": config["optimizer"]["name"], "optimizer.nesterov": config["optimizer"]["nesterov"], "seed": config["seed"], "layers": "[64,32]", "größe b": 2.5}
    status = "diverged" if any(not math.isfinite(x) for s, x in curves["val_loss"] if s > 0) else "finished"
    runs.append(told(record["id"], status, settings, curves, name=record["name"].replace("\n", "\ufffd"), started=begun,
                     wall=datetime.fromisoformat(rows[-1]["timestamp"]).timestamp() - begun))
say(runs)
`

func TestTrackio(t *testing.T) {
	t.Parallel()
	python := interpreter(t, trackersPython, "trackio")
	source, dir := t.TempDir(), t.TempDir()
	want := toldBy(t, python, source, trackioRuns)
	if len(want) != 20 {
		t.Fatalf("Trackio has %d runs", len(want))
	}
	folder := filepath.Join(source, "files")
	before := content(t, folder)
	const sweep = "größeof_runs1"
	path := filepath.Join(folder, sweep+".db")
	out, errs := importing(t, dir, "trackio", path)
	said(t, out, "20 runs of ", "compared by val_loss, the smaller the better")
	said(t, errs, "optimizer.name is taken for optimizer", "not taken: 20 rows of system metrics", "values that are no numbers", "runs with values of the last 5 minutes: 20")
	same(t, dir, sweep, want)
	judged(t, dir, sweep, "has the best mean")
	out, _ = importing(t, dir, "trackio", folder)
	said(t, out, "20 runs were there already")
	cmd := e2e.WithEnv(e2e.Xrun(t, dir, "import", "trackio", "größe of_runs.1"), "TRACKIO_DIR="+folder)
	out, _ = e2e.Run(t, 0, cmd)
	said(t, out, "20 runs were there already")
	untouched(t, folder, before)

	want = toldBy(t, python, source, trackioRuns, "more")
	out, _ = importing(t, dir, "trackio", path)
	said(t, out, ": 3 runs of ", "19 runs were there already") // one has grown
	same(t, dir, sweep, want)
	judged(t, dir, sweep, "has the best mean")

	elsewhere := filepath.Join(t.TempDir(), "copy.db")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e2e.Write(t, elsewhere, string(text))
	out, _ = importing(t, dir, "trackio", elsewhere)
	said(t, out, "22 runs were there already")
}

// trackioWrites logs values until its input ends.
const trackioWrites = `
import os, threading, time
os.environ["TRACKIO_DIR"] = os.getcwd()
os.environ["HF_HUB_OFFLINE"] = "1"
import trackio
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
trackio.init(project="live", name="one", config={"lr": 0.5}, embed=False, auto_log_gpu=False, auto_log_cpu=False)
n = 0
while not ended.is_set() and n < 100000:
    trackio.log({"loss": n})
    n += 1
    time.sleep(0.01)
    if n == 200:
        print("ready", flush=True)
trackio.finish()
print(n, flush=True)
`

// A project that is being written is read without harm.
func TestTrackioWhileItWrites(t *testing.T) {
	t.Parallel()
	python := interpreter(t, trackersPython, "trackio")
	source, dir := t.TempDir(), t.TempDir()
	path := filepath.Join(source, "live.db")
	n := whileWriting(t, python, source, trackioWrites, func() { importing(t, dir, "trackio", path) })
	importing(t, dir, "trackio", path)
	got := imported(t, dir, "live")
	for _, run := range got {
		if fmt.Sprint(run.Epochs) != n {
			t.Errorf("it has %d epochs, and Trackio logged %s values", run.Epochs, n)
		}
	}
	if len(got) != 1 {
		t.Errorf("there are %d runs", len(got))
	}
	judged(t, dir, "live")
}

// Ten thousand runs are the twenty that Trackio wrote, and copies of them with other identifiers and values.
func TestTrackioTenThousand(t *testing.T) {
	t.Parallel()
	python := interpreter(t, trackersPython, "trackio")
	source, dir := t.TempDir(), t.TempDir()
	toldBy(t, python, source, trackioRuns)
	const sweep = "größeof_runs1"
	path := filepath.Join(source, "files", sweep+".db")
	copies(t, python, path,
		`INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) `+manyCopies+
			`SELECT run_id || '-' || n, timestamp, run_name || n, step, CAST(json_set(CAST(metrics AS TEXT), '$."train/é"', n / 1000.0) AS BLOB) FROM metrics, c WHERE length(run_id) = 32`,
		`INSERT INTO configs (run_id, run_name, config, created_at) `+manyCopies+
			`SELECT run_id || '-' || n, run_name || n, CAST(json_set(CAST(config AS TEXT), '$.lr', n % 50 / 100.0) AS BLOB), created_at FROM configs, c WHERE length(run_id) = 32`)
	out, _ := measured(t, 1024, dir, "trackio", path)
	said(t, out, "10000 runs of ")
	measured(t, 1024, dir, "trackio", path)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "compare", sweep))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
}

// Damaged files, and columns with what does not belong there, end in an error or are counted.
func TestTrackioHostile(t *testing.T) {
	t.Parallel()
	python := interpreter(t, trackersPython, "trackio")
	source := t.TempDir()
	toldBy(t, python, source, trackioRuns)
	path := filepath.Join(source, "files", "größeof_runs1.db")
	hostile(t, "trackio", path, 30)
	dir := t.TempDir()
	copies(t, python, path, `UPDATE metrics SET metrics = x'00ff' WHERE id = 1`, `UPDATE metrics SET metrics = replace(hex(zeroblob(100000)), '0', '[') WHERE id = 2`,
		`UPDATE metrics SET step = 'one' WHERE id = 3`, `UPDATE metrics SET timestamp = 17 WHERE id = 4`, `UPDATE metrics SET run_name = x'ff00' WHERE id < 6`,
		`UPDATE metrics SET metrics = '{"val_loss": 1e999, "b": -1e-999}' WHERE id = 5`,
		`UPDATE metrics SET run_id = 1.5 WHERE id = 6`, `UPDATE configs SET config = '{' WHERE id = 2`,
		`UPDATE configs SET config = replace(hex(zeroblob(4000)), '00', '{"a":') || '1' || replace(hex(zeroblob(4000)), '00', '}') WHERE id = 3`)
	_, errs := importing(t, dir, "trackio", path)
	said(t, errs, "not taken: 3 rows that cannot be read", "not taken: 1 configurations that cannot be read")
	e2e.Run(t, 0, e2e.Xrun(t, dir, "compare"))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
}
