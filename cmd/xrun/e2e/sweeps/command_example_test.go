package sweeps

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// The example's sweep, without some of its axes, has to give what the script gives by itself.
func TestTheExampleOfACommand(t *testing.T) {
	t.Parallel()
	interpreter := e2e.Python(t, "json")
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "command"), os.DirFS(e2e.Path("sweeps", "examples", "command"))); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(e2e.Path("sweeps", "examples", "command.toml"))
	if err != nil {
		t.Fatal(err)
	}
	small := strings.NewReplacer("seeds  = 3", "seeds  = 1", "batch  = [8, 40]", "batch  = 8", "lambda = [0.0, 0.1]", "lambda = 0.1", "epochs  = 30", "epochs  = 10").Replace(string(text))
	e2e.Write(t, filepath.Join(dir, "command.toml"), small)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "command.toml", "--progress", "none"))
	ctx := t.Context()
	db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
	runs, err := db.Runs(ctx, store.RunQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 6 {
		t.Fatalf("%d runs, want 6", len(runs))
	}
	for _, r := range runs {
		momentum := map[string]string{"plain": "0", "momentum": "0.9"}[r.Optimizer]
		args := []string{"command/train.py", "--lr", jsonText(t, r.LR), "--lambda", "0.1", "--momentum", momentum, "--epochs", "10", "--seed", "0", "command/points.csv"}
		cmd := exec.Command(interpreter, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var own []float64
		for _, line := range strings.Split(string(out), "\n") {
			var report struct {
				Epoch int
				Loss  float64 `json:"val_loss"`
			}
			if json.Unmarshal([]byte(line), &report) == nil && report.Epoch == len(own)+1 {
				own = append(own, report.Loss)
			}
		}
		curve, err := db.Curve(ctx, r.ID, "val_loss")
		if err != nil {
			t.Fatal(err)
		}
		if len(own) != 10 || len(curve) != r.Epochs || !r.Status.Done() || r.Status == runner.StatusFinished && r.Epochs != 10 {
			t.Fatalf("run %d is %s after %d epochs with %d points; the script has %d", r.ID, r.Status, r.Epochs, len(curve), len(own))
		}
		for i, point := range curve {
			if point.Value != own[i] {
				t.Errorf("run %d has the val_loss %v after epoch %d, the script by itself %v", r.ID, point.Value, point.Epoch, own[i])
			}
		}
		if output, err := db.OutputOf(ctx, r.ID); err != nil || !strings.HasPrefix(string(output.Content), "120 rows to train on, 40 to validate, in process ") {
			t.Errorf("the output of run %d is %q, %v", r.ID, output.Content, err)
		}
		if r.Optimizer == "plain" && r.LR == 0.03 && own[9] > 0.3 { // of 7.6 at the beginning
			t.Errorf("nothing is learned: val_loss is %v", own[9])
		}
	}
}

func jsonText(t *testing.T, v float64) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The helper of the SDK is there without being installed, NaN is understood, and a report appears
// at once although Python does not print to a terminal.
func TestReportsFromPython(t *testing.T) {
	t.Parallel()
	e2e.Python(t, "json")
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), `[task]
command = ["python3", "train.py"]
metrics = ["val_loss"]
env = { MODE = "{mode}" }
[grid]
mode = ["helper", "print", "nan"]
[early_stop]
patience = 1
[run]
workers = 1
`)
	e2e.Write(t, filepath.Join(dir, "train.py"), `import json, os, sys, time
mode = os.environ["MODE"]
if mode == "helper":
    from xrun_plugin import report
    report(epoch=1, val_loss=1)
    report(epoch=2, val_loss=0.5)
else:
    print(json.dumps({"epoch": 1, "val_loss": 1.0}))
    print(json.dumps({"epoch": 2, "val_loss": float("nan") if mode == "nan" else 2.0}))
    time.sleep(1000)
`)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	want := []runner.Status{runner.StatusFinished, runner.StatusStopped, runner.StatusDiverged}
	for i, r := range e2e.Runs(t, filepath.Join(dir, "xrun.db")) {
		if r.Status != want[i] || r.Epochs != 2 {
			t.Errorf("run %d is %s after %d epochs: %s", r.ID, r.Status, r.Epochs, r.Error)
		}
	}
}
