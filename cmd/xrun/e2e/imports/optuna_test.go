package imports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// optunaStudy makes a study of 18 trials that end, one that runs, and one that waits. Then it says what optuna.load_study reads.
const optunaStudy = `
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
kind, more = sys.argv[1], int(sys.argv[2])
storage = "sqlite:///study.db" if kind == "sqlite" else optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("study.log"))

def objective(t):
    lr = t.suggest_float("lr", 1e-4, 1, log=True)
    seed = t.suggest_int("seed", 0, 4)
    opt = t.suggest_categorical("optimizer", ["adam", "sgd", "ädam \u2603"])
    drop = t.suggest_categorical("drop", [None, True, 0.25, 3, "3"])
    odd = t.suggest_float("größe/ä b", -1, 1)
    if t.number == 3:
        raise ValueError("boom")
    v = (math.log10(lr) + 2) ** 2 + seed / 100
    for e in range(5):
        v += 1 / (e + 1)
        t.report(float("nan") if t.number == 4 and e == 1 else float("-inf") if t.number == 5 and e == 2 else v, e)
        if t.number == 6 and e == 2:
            raise optuna.TrialPruned()
    if t.number == 7:
        return float("inf")
    return v

study = optuna.create_study(storage=storage, study_name="tune ä/☃", direction="minimize", load_if_exists=True, sampler=optuna.samplers.RandomSampler(seed=more))
if more == 0:
    study.optimize(objective, n_trials=18, catch=(ValueError,))
    t = study.ask(); t.suggest_float("lr", 1e-4, 1, log=True); t.report(0.5, 0)
    study.add_trial(optuna.trial.create_trial(params={"lr": 0.125}, distributions={"lr": optuna.distributions.FloatDistribution(1e-4, 1, log=True)}, value=3.25, intermediate_values={2: 1.5, 1: 2.5}))
    study.enqueue_trial({"lr": 0.5})
else:
    study.add_trials([optuna.trial.create_trial(params={"lr": 0.25}, distributions={"lr": optuna.distributions.FloatDistribution(1e-4, 1, log=True)}, value=0.5 * i) for i in range(more)])

status = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "interrupted"}
runs = []
for t in optuna.load_study(study_name="tune ä/☃", storage=storage).trials:
    if t.state.name == "WAITING":
        continue
    curves = {"intermediate": sorted(t.intermediate_values.items())} if t.intermediate_values else {}
    # Optuna takes the last report of a pruned trial for its value
    if t.state.name == "PRUNED" or t.values is not None:
        if t.values is not None:
            curves["value"] = [(max(t.intermediate_values, default=0), t.values[0])]
    s = status[t.state.name]
    if t.values is not None and math.isinf(t.values[0]):
        s = "diverged"
    done = t.datetime_complete is not None
    runs.append(told(t.number, s, {k: "None" if v is None else v for k, v in t.params.items()}, curves, started=t.datetime_start.timestamp(),
                     wall=(t.datetime_complete - t.datetime_start).total_seconds() if done else None))
say(runs)
`

func TestOptuna(t *testing.T) {
	t.Parallel()
	const sweep = "tune ä/☃"
	for kind, file := range map[string]string{"sqlite": "study.db", "journal": "study.log"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			python := interpreter(t, trackersPython, "optuna, sqlalchemy")
			source, dir := t.TempDir(), t.TempDir()
			want := toldBy(t, python, source, optunaStudy, kind, "0")
			if len(want) != 20 {
				t.Fatalf("Optuna has %d runs", len(want))
			}
			before := content(t, source)
			path := filepath.Join(source, file)
			out, errs := importing(t, dir, "optuna", path)
			said(t, out, "20 runs of ", "compared by value, the smaller the better")
			said(t, errs, "not taken: 1 waiting trials", "1 run was still running there")
			same(t, dir, sweep, want)
			judged(t, dir, sweep, "has the best mean")
			out, _ = importing(t, dir, "optuna", path)
			said(t, out, ": 1 run of ", "19 runs were there already") // the one that runs is taken anew
			same(t, dir, sweep, want)
			untouched(t, source, before)

			want = toldBy(t, python, source, optunaStudy, kind, "2")
			out, _ = importing(t, dir, "optuna", path)
			said(t, out, ": 3 runs of ", "19 runs were there already")
			same(t, dir, sweep, want)
			judged(t, dir, sweep, "has the best mean")

			elsewhere := filepath.Join(t.TempDir(), "copy")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			e2e.Write(t, elsewhere, string(text))
			out, _ = importing(t, dir, "optuna", elsewhere)
			said(t, out, "21 runs were there already")
		})
	}
}

// optunaWrites makes trials until its input ends.
const optunaWrites = `
import optuna, threading
optuna.logging.set_verbosity(optuna.logging.ERROR)
storage = "sqlite:///study.db" if sys.argv[1] == "sqlite" else optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("study.log"))
study = optuna.create_study(storage=storage, study_name="live")
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
n = 0
while not ended.is_set() and n < 100000:
    study.optimize(lambda t: t.suggest_float("lr", 0, 1), n_trials=1)
    n += 1
    if n == 5:
        print("ready", flush=True)
print(n, flush=True)
`

// A storage that is being written is read without harm, and the import after the last trial has all of them.
func TestOptunaWhileItWrites(t *testing.T) {
	t.Parallel()
	for kind, file := range map[string]string{"sqlite": "study.db", "journal": "study.log"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			python := interpreter(t, trackersPython, "optuna, sqlalchemy")
			source, dir := t.TempDir(), t.TempDir()
			n := whileWriting(t, python, source, optunaWrites, func() { importing(t, dir, "optuna", filepath.Join(source, file)) }, kind)
			importing(t, dir, "optuna", filepath.Join(source, file))
			if got := imported(t, dir, "live"); fmt.Sprint(len(got)) != n {
				t.Errorf("%d runs are imported, and Optuna made %s", len(got), n)
			}
			judged(t, dir, "live")
		})
	}
}

// whileWriting starts a script, calls a function several times once the script says ready, ends its input, and returns its last line.
func whileWriting(t *testing.T, python, dir, script string, f func(), args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.py")
	e2e.Write(t, path, pythonTools+script)
	cmd := exec.CommandContext(t.Context(), python, append([]string{path}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TF_CPP_MIN_LOG_LEVEL=3", "PYTHONWARNINGS=ignore")
	var errs bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &errs, time.Minute
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
	var text strings.Builder
	buffer := make([]byte, 4096)
	for called := false; ; {
		n, err := out.Read(buffer)
		text.Write(buffer[:n])
		if !called && strings.Contains(text.String(), "ready\n") {
			called = true
			for range 5 {
				f()
			}
			in.Close()
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s%s", err, &text, &errs)
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	return lines[len(lines)-1]
}

// copies makes the runs of a SQLite file many, by SQL. Another process does it: here SQLite has the settings of xrun.
func copies(t *testing.T, interpreter, path string, statements ...string) {
	t.Helper()
	text, err := json.Marshal(statements)
	if err != nil {
		t.Fatal(err)
	}
	python(t, interpreter, t.TempDir(), `
import sqlite3
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA synchronous = off")
for text in json.loads(sys.argv[2]):
    db.execute(text)
db.commit()
db.close()
`, path, string(text))
}

const manyCopies = `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 499) `

// Ten thousand trials are the twenty that Optuna wrote, and copies of them with other numbers and values.
func TestOptunaTenThousand(t *testing.T) {
	t.Parallel()
	python := interpreter(t, trackersPython, "optuna, sqlalchemy")
	source := t.TempDir()
	toldBy(t, python, source, optunaStudy, "sqlite", "0")
	toldBy(t, python, source, optunaStudy, "journal", "0")
	t.Run("sqlite", func(t *testing.T) {
		path, dir := filepath.Join(source, "study.db"), t.TempDir()
		copies(t, python, path,
			`INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete) `+manyCopies+
				`SELECT trial_id + 1000 * n, number + 1000 * n, study_id, state, datetime_start, datetime_complete FROM trials, c WHERE trial_id < 1000`,
			`INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) `+manyCopies+
				`SELECT trial_id + 1000 * n, param_name, CASE param_name WHEN 'lr' THEN param_value * (1 + n % 50 / 100.0) ELSE param_value END, distribution_json FROM trial_params, c WHERE trial_id < 1000`,
			`INSERT INTO trial_values (trial_id, objective, value, value_type) `+manyCopies+
				`SELECT trial_id + 1000 * n, objective, value + n / 1000.0, value_type FROM trial_values, c WHERE trial_id < 1000`,
			`INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) `+manyCopies+
				`SELECT trial_id + 1000 * n, step, intermediate_value + n / 1000.0, intermediate_value_type FROM trial_intermediate_values, c WHERE trial_id < 1000`)
		out, _ := measured(t, 1024, dir, "optuna", path)
		said(t, out, "10000 runs of ")
		measured(t, 1024, dir, "optuna", path)
		e2e.Run(t, 0, e2e.Xrun(t, dir, "compare", "1"))
		e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
	})
	t.Run("journal", func(t *testing.T) {
		path, dir := filepath.Join(source, "study.log"), t.TempDir()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		out := bytes.NewBuffer(text)
		const each = 21 // trials
		for n := 1; n < 500; n++ {
			for _, line := range lines {
				// Python writes numbers that JSON does not have.
				var op map[string]json.RawMessage
				if err := json.Unmarshal([]byte(strings.NewReplacer("NaN", `"NaN"`, "-Infinity", `"-Inf"`, "Infinity", `"+Inf"`).Replace(string(line))), &op); err != nil {
					t.Fatal(err)
				}
				if code := string(op["op_code"]); code == "0" || code == "3" {
					continue
				}
				if id, ok := op["trial_id"]; ok {
					var old int
					if err := json.Unmarshal(id, &old); err != nil {
						t.Fatal(err)
					}
					op["trial_id"] = json.RawMessage(fmt.Sprint(old + n*each))
				}
				var x float64
				if json.Unmarshal(op["param_value_internal"], &x) == nil && string(op["param_name"]) == `"lr"` {
					op["param_value_internal"] = json.RawMessage(fmt.Sprintf("%v", x*(1+float64(n)/1000)))
				}
				if json.Unmarshal(op["intermediate_value"], &x) == nil && !math.IsInf(x, 0) {
					op["intermediate_value"] = json.RawMessage(fmt.Sprintf("%v", x+float64(n)/1000))
				}
				changed, err := json.Marshal(op)
				if err != nil {
					t.Fatal(err)
				}
				out.Write(append(changed, '\n'))
			}
		}
		e2e.Write(t, path, out.String())
		stdout, _ := measured(t, 1024, dir, "optuna", path)
		said(t, stdout, "10000 runs of ")
		measured(t, 1024, dir, "optuna", path)
	})
}

// What is no storage, or a damaged one, is an error that says where, or what is whole is imported.
func TestOptunaHostile(t *testing.T) {
	t.Parallel()
	python := interpreter(t, trackersPython, "optuna, sqlalchemy")
	source := t.TempDir()
	toldBy(t, python, source, optunaStudy, "sqlite", "0")
	toldBy(t, python, source, optunaStudy, "journal", "0")
	hostile(t, "optuna", filepath.Join(source, "study.db"), 30)
	hostile(t, "optuna", filepath.Join(source, "study.log"), 30)
	for name, text := range map[string]string{
		"trials that do not exist": `{"op_code": 0, "study_name": "s", "directions": [1]}` + "\n" + `{"op_code": 6, "trial_id": 7, "state": 1}` + "\n",
		"a huge number":            `{"op_code": 0, "study_name": "s", "directions": [1]}` + "\n" + `{"op_code": 4, "study_id": 99999999999999999999}` + "\n",
		"deep":                     strings.Repeat(`{"a":`, 200000) + "\n",
		"no line feed":             strings.Repeat("{", 1<<20),
		"another state":            `{"op_code": 0, "study_name": "s", "directions": [1]}` + "\n" + `{"op_code": 4, "study_id": 0, "state": 9}` + "\n",
		"another direction":        `{"op_code": 0, "study_name": "s", "directions": [17]}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e2e.Write(t, filepath.Join(dir, "file"), text)
			ends(t, dir, "optuna", "file", 2)
		})
	}
}
