package export

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store"
)

// value is one of all values that the runs of a sample have recorded.
type value struct {
	run    int64
	metric string
	step   int
	v      float64
}

// odd are values that are easily lost.
var odd = []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0, 1, 5e-324, math.MaxFloat64, 0.1, 1.0 / 3, -123456789.123456789}

const hostileName = `=HYPERLINK("http://x","../../a,b")` + "\n\x1b[31m/é"

// sample makes a store with a sweep of runs in every state, and returns what they have recorded.
func sample(tb testing.TB) (*store.Store, store.SweepInfo, []value) {
	tb.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(tb.TempDir(), "xrun.db"), store.Options{Version: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	statuses := []runner.Status{runner.StatusFinished, runner.StatusStopped, runner.StatusDiverged, runner.StatusPruned, runner.StatusFailed, runner.StatusInterrupted, runner.StatusFinished, runner.StatusRunning}
	var trials []runner.Trial
	for i := range statuses {
		t := runner.Trial{Task: runner.Task{Model: "linear", Epochs: 12, Training: runner.Training{DType: plugins.Float64},
			Native: runner.Native{Batch: 8 * (i % 2), Supervised: runner.Supervised{Dataset: "blobs", Digest: "d"}}},
			Optimizer: runner.Choice{Label: "adam", Component: "adam", Identity: "builtin:adam@1", Settings: plugins.Settings{"beta1": plugins.Real(0.9), "amsgrad": plugins.Flag(i%2 == 0), "steps": plugins.Integer(int64(i))}},
			LR:        1e-3, Seed: int64(i)}
		if i%2 == 0 {
			t.Regularizer, t.Lambda = &runner.Choice{Label: hostileName, Component: "l2", Identity: "builtin:l2@1"}, 1
		}
		trials = append(trials, t)
	}
	id, err := db.PutSweep(ctx, store.Sweep{Name: hostileName, Digest: "s", Metric: "val_loss", Goal: "min", At: "best"}, trials)
	if err != nil {
		tb.Fatal(err)
	}
	recorder := db.Recorder(id, store.Environment{Host: "test"}, nil)
	begun, err := recorder.Begin(ctx, trials)
	if err != nil {
		tb.Fatal(err)
	}
	metrics := []string{"val_loss", "train_loss", "val/acc: top-5 (%)", "@sum", "a", "b", "c", "d", "e"} // more than a row of the table holds
	var all []value
	for i, status := range statuses {
		run := begun[i].Run
		var u runner.Update
		for epoch := range 11 {
			names := metrics
			if epoch%2 == 1 {
				names = metrics[:2]
			}
			p := runner.Points{Run: run, Epoch: epoch, Metrics: names, Values: make([]float64, len(names))}
			for j := range names {
				p.Values[j] = odd[(i+epoch+j)%len(odd)]
				all = append(all, value{int64(run), names[j], epoch, p.Values[j]})
			}
			u.Points = append(u.Points, p)
		}
		if status != runner.StatusRunning {
			u.Ends = []runner.End{{Run: run, At: time.Now(), Status: status, Reason: "it is so", Epochs: 10, Cost: runner.Cost{Wall: 3 * time.Second, Steps: 120}}}
		}
		if err := recorder.Record(ctx, u); err != nil {
			tb.Fatal(err)
		}
	}
	if err := recorder.Flush(ctx); err != nil {
		tb.Fatal(err)
	}
	sweep, err := db.FindSweep(ctx, "")
	if err != nil {
		tb.Fatal(err)
	}
	return db, sweep, all
}

func source(tb testing.TB, db *store.Store, sweep store.SweepInfo) *Source {
	tb.Helper()
	ctx := context.Background()
	runs, err := db.Runs(ctx, store.RunQuery{Trials: sweep.ID, Best: true})
	if err != nil {
		tb.Fatal(err)
	}
	names, err := db.Names(ctx, sweep.ID)
	if err != nil {
		tb.Fatal(err)
	}
	return &Source{Store: db, Runs: runs, Types: names.Settings, Recorded: names.Metrics, Settings: []string{"optimizer.amsgrad", "optimizer.steps", "regularizer.component", "task.batch"}}
}

// sameBits takes all NaNs for the same.
func sameBits(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}

// compare holds values that were read back against those that were recorded.
func compare(t *testing.T, got, want []value, same func(a, b float64) bool) {
	t.Helper()
	order := func(a, b value) int {
		return firstOf(int(a.run-b.run), strings.Compare(a.metric, b.metric), a.step-b.step)
	}
	got, want = slices.Clone(got), slices.Clone(want)
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; order(g, w) != 0 || !same(g.v, w.v) {
			t.Fatalf("%+v, want %+v", g, w)
		}
	}
}

func firstOf(orders ...int) int {
	for _, o := range orders {
		if o != 0 {
			return o
		}
	}
	return 0
}

// python runs a script that needs modules; without them the test is skipped.
func python(t *testing.T, modules, script string, args ...string) string {
	t.Helper()
	tests.NeedExamples(t, "imports "+modules)
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on PATH")
	}
	if out, err := exec.Command(path, "-c", "import "+modules).CombinedOutput(); err != nil {
		t.Skipf("python3 cannot import %s: %s", modules, out)
	}
	cmd := exec.Command(path, append([]string{"-c", script}, args...)...)
	cmd.Env = append(os.Environ(), "CUDA_VISIBLE_DEVICES=")
	cmd.Stderr = &strings.Builder{}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, cmd.Stderr)
	}
	return string(out)
}

// readBack takes what a script prints: lines of run, metric, step and value, as a JSON list with the value's bits.
func readBack(t *testing.T, out string) (all []value) {
	t.Helper()
	for line := range strings.Lines(out) {
		var row struct {
			Run    int64
			Metric string
			Step   int
			Bits   string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var bits uint64
		if _, err := fmt.Sscanf(row.Bits, "%x", &bits); err != nil {
			t.Fatal(err)
		}
		all = append(all, value{row.Run, row.Metric, row.Step, math.Float64frombits(bits)})
	}
	return all
}

// emit is a function of Python that prints what readBack reads.
const emit = `
import json, struct, sys
def emit(run, metric, step, value):
    print(json.dumps({"run": int(run), "metric": metric, "step": int(step), "bits": struct.pack(">d", value).hex()}))
`

func written(t *testing.T, write func(context.Context, *strings.Builder) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func csvTable(t *testing.T, text string) (head map[string]int, rows [][]string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	head = map[string]int{}
	for i, name := range all[0] {
		head[Unprotected(name)] = i
	}
	if len(head) != len(all[0]) {
		t.Fatalf("columns are called alike: %q", all[0])
	}
	return head, all[1:]
}

func parse[T int64 | float64](t *testing.T, text string) (v T) {
	t.Helper()
	if _, err := fmt.Sscan(text, &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

func TestLongCSVHasEveryValueToTheBit(t *testing.T) {
	db, sweep, want := sample(t)
	text := written(t, func(ctx context.Context, w *strings.Builder) error { return source(t, db, sweep).LongCSV(ctx, w) })
	head, rows := csvTable(t, text)
	var got []value
	for _, row := range rows {
		got = append(got, value{parse[int64](t, row[head["run_id"]]), Unprotected(row[head["metric"]]), int(parse[int64](t, row[head["step"]])), parse[float64](t, row[head["value"]])})
	}
	compare(t, got, want, sameBits)
	first := rows[0]
	if name := first[head["regularizer"]]; name[0] != '\'' || Unprotected(name) != hostileName {
		t.Errorf("the regularizer is %q", name)
	}
	if first[head["lambda"]] != "1.0" || first[head["optimizer.amsgrad"]] != "true" || first[head["task.batch"]] != "full" || first[head["status"]] != "finished" {
		t.Errorf("the first row is %q", first)
	}
}

func TestStepsCSVHasAColumnForEveryMetric(t *testing.T) {
	db, sweep, want := sample(t)
	text := written(t, func(ctx context.Context, w *strings.Builder) error { return source(t, db, sweep).StepsCSV(ctx, w) })
	head, rows := csvTable(t, text)
	var got []value
	for _, row := range rows {
		for _, metric := range []string{"val_loss", "train_loss", "val/acc: top-5 (%)", "@sum", "a", "b", "c", "d", "e"} {
			if cell := row[head[metric]]; cell != "" {
				got = append(got, value{parse[int64](t, row[head["run_id"]]), metric, int(parse[int64](t, row[head["step"]])), parse[float64](t, cell)})
			}
		}
	}
	compare(t, got, want, sameBits)
}

func TestWideCSVHasWhatMetricsCameTo(t *testing.T) {
	db, sweep, _ := sample(t)
	s := source(t, db, sweep)
	s.Metrics = []string{"val_loss"}
	head, rows := csvTable(t, written(t, func(ctx context.Context, w *strings.Builder) error { return s.WideCSV(ctx, w) }))
	if len(rows) != len(s.Runs) {
		t.Fatalf("%d rows, want %d", len(rows), len(s.Runs))
	}
	if _, ok := head["train_loss.min"]; ok {
		t.Error("there are metrics that were not asked for")
	}
	for i, r := range s.Runs {
		found, err := db.Metrics(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(found, func(m store.MetricSummary) bool { return m.Metric == "val_loss" })
		for name, want := range map[string]float64{"val_loss.min": found[at].Min, "val_loss.max": found[at].Max, "val_loss.last": found[at].Last, "val_loss.min_step": float64(found[at].MinStep)} {
			if got := parse[float64](t, rows[i][head[name]]); !sameBits(got, want) {
				t.Errorf("%s of run %d is %v, want %v", name, r.ID, got, want)
			}
		}
	}
}

func TestJSONLinesHaveEverything(t *testing.T) {
	db, sweep, want := sample(t)
	text := written(t, func(ctx context.Context, w *strings.Builder) error { return source(t, db, sweep).JSONLines(ctx, w) })
	var got []value
	for line := range strings.Lines(text) {
		var run struct {
			RunID       int64 `json:"run_id"`
			Regularizer *string
			Settings    map[string]any
			Curves      map[string]struct {
				Step  []int
				Value []any
			}
		}
		if err := json.Unmarshal([]byte(line), &run); err != nil {
			t.Fatal(err)
		}
		if regularized := run.RunID%2 == 1; regularized != (run.Regularizer != nil) || regularized && *run.Regularizer != hostileName {
			t.Errorf("the regularizer of run %d is %v", run.RunID, run.Regularizer)
		}
		if _, ok := run.Settings["optimizer.amsgrad"].(bool); !ok {
			t.Errorf("settings are %v", run.Settings)
		}
		for metric, c := range run.Curves {
			for i, v := range c.Value {
				x, ok := v.(float64)
				switch {
				case ok:
				case v == nil:
					x = math.NaN()
				case v == "+Inf":
					x = math.Inf(1)
				case v == "-Inf":
					x = math.Inf(-1)
				default:
					t.Fatalf("a value is %v", v)
				}
				got = append(got, value{run.RunID, metric, c.Step[i], x})
			}
		}
	}
	compare(t, got, want, sameBits)
}

// A value that is not what was recorded does not get out unnoticed.
func TestDamageIsNoticed(t *testing.T) {
	db, sweep, _ := sample(t)
	s := source(t, db, sweep)
	path := db.Path()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sqlite3", path, "UPDATE point SET v0 = 42 WHERE run_id = 2 AND step = 1").CombinedOutput(); err != nil {
		t.Skipf("sqlite3: %v %s", err, out)
	}
	again, err := store.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	s.Store = again
	for name, write := range map[string]func(context.Context, *strings.Builder) error{
		"csv":         func(ctx context.Context, w *strings.Builder) error { return s.LongCSV(ctx, w) },
		"jsonl":       func(ctx context.Context, w *strings.Builder) error { return s.JSONLines(ctx, w) },
		"parquet":     func(ctx context.Context, w *strings.Builder) error { return s.ParquetPoints(ctx, w) },
		"tensorboard": func(ctx context.Context, w *strings.Builder) error { return s.TensorBoard(ctx, t.TempDir()) },
	} {
		err := write(t.Context(), &strings.Builder{})
		if damage, ok := errors.AsType[*store.DamageError](err); !ok || damage.Run != 2 {
			t.Errorf("%s: %v, want that run 2 is damaged", name, err)
		}
	}
}
