package mlflow

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// A program that logs with MLflow is a trial as one that prints its metrics is: it stops early at the same epoch, diverges, and has the same
// values, whether it counts its steps from 1 or from 0. Its nested and further runs do not count. No trial depends on the address at which it was heard.
func TestTrackingOfASweep(t *testing.T) {
	interpreter := clients(t, "math")[0]
	program, err := filepath.Abs(filepath.Join("testdata", "trial.py"))
	if err != nil {
		t.Fatal(err)
	}
	trained := map[string]map[string]string{}
	for _, kind := range []string{"printed", "logged", "from 0"} {
		dir := t.TempDir()
		extra, tracking := `, "--print"`, ""
		if kind != "printed" {
			extra, tracking = "", "tracking = \"mlflow\"\n"
		}
		if kind == "from 0" {
			extra = `, "--first", "0"`
		}
		e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(`seeds = 2
[task]
command = [%q, "-B", %q, "--lr", "{lr}", "--seed", "{seed}"%s]
metrics = ["val_loss", "accuracy"]
epochs = 40
%s[early_stop]
patience = 3
[grid]
lr = [0.1, 0.5, 1.0]
`, interpreter, program, extra, tracking))
		run := func() string {
			cmd := e2e.WithEnv(e2e.Xrun(t, dir, "sweep", "sweep.toml", "--workers", "2", "--progress", "plain"), "MLFLOW_RUN_ID=0123456789abcdef0123456789abcdef")
			out, _ := e2e.Run(t, 0, cmd)
			return out
		}
		run()
		db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
		runs, err := db.Runs(t.Context(), store.RunQuery{})
		if err != nil {
			t.Fatal(err)
		}
		trained[kind] = map[string]string{}
		for _, r := range runs {
			text := fmt.Sprintf("%s %d %v", r.Status, r.Epochs, r.Kept)
			for _, metric := range []string{"val_loss", "accuracy"} {
				curve, err := db.Curve(t.Context(), r.ID, metric)
				if err != nil {
					t.Fatal(err)
				}
				text += fmt.Sprintf(" %x", curve)
			}
			trained[kind][fmt.Sprint(r.LR, " ", r.Seed)] = text
			events, err := db.Events(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			if kind != "printed" {
				checkEvents(t, r, events)
				if note := filepath.Join(dir, "xrun.db.trials", string(r.Trial), "mlflow"); len(e2e.Below(t, note)) != 1 {
					t.Errorf("the artifacts of run %d are not in its folder", r.ID)
				}
			}
		}
		if again := run(); !regexp.MustCompile(`(?m)nothing|all .* done|0 .*to train|complete`).MatchString(again) || len(e2e.Runs(t, filepath.Join(dir, "xrun.db"))) != len(runs) {
			t.Errorf("the same sweep again says %s", again)
		}
		e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
	}
	if len(trained["logged"]) != 6 {
		t.Fatalf("%d runs are recorded, want 6", len(trained["logged"]))
	}
	stopped := 0
	for key, want := range trained["printed"] {
		for _, kind := range []string{"logged", "from 0"} {
			if got := trained[kind][key]; got != want {
				t.Errorf("lr and seed %s:\n%s %s\nprinted %s", key, kind, got, want)
			}
		}
		if strings.HasPrefix(want, string(runner.StatusStopped)) {
			stopped++
		}
	}
	if stopped == 0 {
		t.Errorf("no trial has stopped early: %v", trained)
	}
}

// checkEvents looks for what is told of a program that logs.
func checkEvents(t *testing.T, r store.Run, events []store.Event) {
	t.Helper()
	for _, e := range events {
		if e.Kind == "tracking" {
			if !strings.Contains(e.Message, "with MLflow: 2") || !strings.Contains(e.Message, "not recorded: 1") || !strings.Contains(e.Detail, `"why"`) {
				t.Errorf("run %d tells %s %s", r.ID, e.Message, e.Detail)
			}
			return
		}
	}
	t.Errorf("run %d tells nothing of what it has logged: %v", r.ID, events)
}

// A program that logs nothing fails, with what it had to log.
func TestTrackingWithoutMetrics(t *testing.T) {
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), `[task]
command = ["true"]
metrics = ["val_loss"]
tracking = "mlflow"
[grid]
x = [1]
`)
	e2e.Need(t, "true")
	_, err := e2e.Run(t, 2, e2e.Xrun(t, dir, "sweep", "sweep.toml")) // the axis is not used
	if !strings.Contains(err, "{x}") {
		t.Errorf("it says %s", err)
	}
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), `[task]
command = ["true", "{x}"]
metrics = ["val_loss"]
tracking = "mlflow"
[grid]
x = [1]
`)
	out, err := e2e.Run(t, 3, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "plain"))
	if !strings.Contains(out+err, "without a report") {
		t.Errorf("it says %s%s", out, err)
	}
	for problem, text := range map[string]string{
		`tracking = "wandb"`: `there is tracking = "mlflow"`,
		"metrics = { val_loss = 'loss ([0-9.]+)' }\ntracking = \"mlflow\"": "exclude each other",
		"tracking = 3": "tracking",
	} {
		if !strings.Contains(problem, "metrics") {
			problem += "\nmetrics = [\"val_loss\"]"
		}
		e2e.Write(t, filepath.Join(dir, "sweep.toml"), "[task]\ncommand = [\"true\", \"{x}\"]\n"+problem+"\n[grid]\nx = [1]\n")
		if _, err := e2e.Run(t, 2, e2e.Xrun(t, dir, "plan", "sweep.toml")); !strings.Contains(err, text) {
			t.Errorf("%s: it says %s", problem, err)
		}
	}
}
