//go:build unix

package runner_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/stop"
)

// numbers is a table of small whole numbers, most of them 0, with the class in front of each row.
func numbers(rows, columns, classes int) [][]int {
	rng, all := rand.New(rand.NewPCG(1, 2)), make([][]int, rows)
	for i := range all {
		class := rng.IntN(classes)
		all[i] = append(all[i], class)
		for j := range columns {
			v := 0
			if rng.IntN(4) == 0 || j%classes == class {
				v = rng.IntN(200)
			}
			all[i] = append(all[i], v)
		}
	}
	return all
}

func writeFile(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func asCSV(table [][]int) []byte {
	var b strings.Builder
	b.WriteString("label")
	for j := range table[0][1:] {
		fmt.Fprintf(&b, ",%d", j)
	}
	for _, row := range table {
		b.WriteString("\n" + strings.ReplaceAll(strings.Trim(fmt.Sprint(row), "[]"), " ", ","))
	}
	return []byte(b.String())
}

func asLIBSVM(table [][]int) []byte {
	var b strings.Builder
	for _, row := range table {
		fmt.Fprint(&b, row[0])
		for j, v := range row[1:] {
			if v != 0 {
				fmt.Fprintf(&b, " %d:%d", j+1, v)
			}
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

func asNPZ(t *testing.T, table [][]int) []byte {
	t.Helper()
	var x, y []byte
	for _, row := range table {
		y = append(y, byte(row[0]))
		for _, v := range row[1:] {
			x = binary.LittleEndian.AppendUint32(x, uint32(v))
		}
	}
	var file bytes.Buffer
	z := zip.NewWriter(&file)
	for _, a := range []struct {
		name, header string
		values       []byte
	}{
		{"X.npy", fmt.Sprintf("{'descr': '<i4', 'fortran_order': False, 'shape': (%d, %d), }\n", len(table), len(table[0])-1), x},
		{"y.npy", fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }\n", len(table)), y},
	} {
		w, err := z.Create(a.name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(append(append([]byte("\x93NUMPY\x01\x00"), byte(len(a.header)), 0), a.header...))
		w.Write(a.values)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func asIDX(table [][]int) (images, labels []byte) {
	images = binary.BigEndian.AppendUint32([]byte{0, 0, 8, 3}, uint32(len(table)))
	images = binary.BigEndian.AppendUint32(images, uint32(len(table[0])-1))
	images = binary.BigEndian.AppendUint32(images, 1)
	labels = binary.BigEndian.AppendUint32([]byte{0, 0, 8, 1}, uint32(len(table)))
	for _, row := range table {
		labels = append(labels, byte(row[0]))
		for _, v := range row[1:] {
			images = append(images, byte(v))
		}
	}
	return images, labels
}

// taskFrom is a task on a file, and on files for validation and test where they are given.
func taskFrom(t *testing.T, model, path string, o data.Options) runner.Task {
	t.Helper()
	set, err := data.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	task := runner.Task{Model: model, Epochs: 6, Training: runner.Training{DType: plugins.Float64},
		Native: runner.Native{Batch: 16, Supervised: runner.Supervised{Dataset: path, Digest: set.Digest, Target: set.Target, Kind: string(set.Kind), Standardize: !set.IsSparse(), Sampling: "shuffle"}}}
	if set.Validation != nil {
		task.ValidationPath, task.ValidationDigest = o.Validation, set.Validation.Digest
	}
	if set.Test != nil {
		task.TestPath, task.TestDigest = o.Test, set.Test.Digest
	}
	return task
}

// curve is what a metric was in each epoch.
func curve(t *testing.T, l *log, key runner.Key, metric string) (values []float64) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(l.points[key]), "\n") {
		for _, field := range strings.Fields(line) {
			if text, ok := strings.CutPrefix(field, metric+"="); ok {
				var bits uint64
				if _, err := fmt.Sscanf(text, "%x", &bits); err != nil {
					t.Fatal(err)
				}
				values = append(values, math.Float64frombits(bits))
			}
		}
	}
	return values
}

// The same numbers, in whichever format, train to the same bits; where they are sparse, to the
// same numbers but for how sums are rounded.
func TestEveryFormatTrains(t *testing.T) {
	table := numbers(120, 12, 3)
	dir := t.TempDir()
	images, labels := asIDX(table)
	writeFile(t, filepath.Join(dir, "train-labels-idx1-ubyte"), labels)
	files := map[string]string{
		"npz":    writeFile(t, filepath.Join(dir, "d.npz"), asNPZ(t, table)),
		"idx":    writeFile(t, filepath.Join(dir, "train-images-idx3-ubyte"), images),
		"libsvm": writeFile(t, filepath.Join(dir, "d.libsvm"), asLIBSVM(table)),
	}
	csv := writeFile(t, filepath.Join(dir, "d.csv"), asCSV(table))
	trial := func(path string, o data.Options, standardize bool) runner.Trial {
		task := taskFrom(t, "softmax", path, o)
		task.Validation, task.Standardize = 0.25, standardize
		return runner.Trial{Task: task, LR: 1e-5, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), Seed: 3}
	}
	for name, file := range files {
		sparse := name == "libsvm"
		want, got := trial(csv, data.Options{Target: "label"}, !sparse), trial(file, data.Options{}, !sparse)
		recorded := execute(t, runner.Options{}, []runner.Trial{want, got})
		for _, metric := range []string{"train_loss", "val_loss", "val_accuracy"} {
			a, b := curve(t, recorded, want.Key(), metric), curve(t, recorded, got.Key(), metric)
			near := func(x, y float64) bool { return x == y || sparse && math.Abs(x-y) <= 1e-12*(1+math.Abs(y)) }
			if len(a) != 7 || !slices.EqualFunc(b, a, near) {
				t.Errorf("%s: %s is %v, want %v", name, metric, b, a)
			}
		}
		if losses := curve(t, recorded, got.Key(), "train_loss"); losses[6] >= losses[0] {
			t.Errorf("%s: nothing was learned, the loss went from %v to %v", name, losses[0], losses[6])
		}
	}
}

// Sparse trials are as independent of their company as dense ones.
func TestResultsOnSparseDataDependOnTheTrialAlone(t *testing.T) {
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "d.libsvm"), asLIBSVM(numbers(90, 30, 2)))
	for name, change := range map[string]func(*runner.Task){
		"logistic": func(*runner.Task) {},
		"float32":  func(t *runner.Task) { t.DType, t.Sampling = plugins.Float32, "replacement" },
		"full":     func(t *runner.Task) { t.Batch, t.Sampling = 0, "" },
		"mlp":      func(t *runner.Task) { t.Model, t.Hidden, t.Activation = "mlp", []int{5}, "tanh" },
	} {
		task := taskFrom(t, "logistic", path, data.Options{})
		task.Validation = 0.2
		change(&task)
		trials := grid(t, task)
		want := execute(t, runner.Options{}, trials)
		backwards := slices.Clone(trials)
		slices.Reverse(backwards)
		got := execute(t, runner.Options{Workers: 3}, backwards)
		for i := 0; i < len(trials); i += 4 {
			key := trials[i].Key()
			alone := execute(t, runner.Options{}, trials[i:i+1])
			if alone.text(key) != want.text(key) || got.text(key) != want.text(key) {
				t.Errorf("%s: trial %s gives other bits alone or in reverse", name, key.Short())
			}
		}
	}
}

// Five folds leave each trial 24 of the 120 rows of iris that do not test, a third of each class.
func TestFoldsTrain(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	task.Validation, task.Folds, task.Test = 0, 5, 0.2
	var trials []runner.Trial
	for seed := range int64(10) {
		trials = append(trials, runner.Trial{Task: task, LR: 0.1, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), Seed: seed})
	}
	got := execute(t, runner.Options{Workers: 2}, trials)
	// Before training all classes are as likely, and the first is the guess.
	var tests []float64
	for _, trial := range trials {
		accuracies := curve(t, got, trial.Key(), "val_accuracy")
		if rows := accuracies[0] * 24; rows != 8 {
			t.Errorf("seed %d: %v of 24 rows are of class 0, want 8", trial.Seed, rows)
		}
		tests = append(tests, curve(t, got, trial.Key(), "test_loss")[4])
	}
	if slices.Equal(tests[:5], tests[5:]) {
		t.Error("the second partition tests as the first does")
	}
	for i, trial := range trials[:3] {
		alone := execute(t, runner.Options{}, trials[i:i+1])
		if key := trial.Key(); alone.text(key) != got.text(key) {
			t.Errorf("seed %d gives other bits alone", trial.Seed)
		}
	}
}

func TestSeedsAreFoldsOfPartitions(t *testing.T) {
	task := runner.Supervised{Folds: 5}
	for _, c := range []struct {
		seed      int64
		index     int
		partition int64
	}{{0, 0, 0}, {4, 4, 0}, {5, 0, 1}, {12, 2, 2}, {-1, 4, -1}, {-5, 0, -1}, {-6, 4, -2}, {math.MinInt64, 2, math.MinInt64/5 - 1}} {
		fold, partition := task.Fold(c.seed)
		if fold != (data.Fold{Index: c.index, Of: 5}) || partition != c.partition {
			t.Errorf("seed %d is fold %v of partition %d, want %d of %d", c.seed, fold, partition, c.index, c.partition)
		}
	}
}

func TestRowsForValidationAndTestHaveFilesOfTheirOwn(t *testing.T) {
	dir, table := t.TempDir(), numbers(90, 10, 2)
	write := func(name string, rows [][]int) string { return writeFile(t, filepath.Join(dir, name), asLIBSVM(rows)) }
	train, validation, test := write("a.libsvm", table[:60]), write("b.libsvm", table[60:80]), write("c.libsvm", table[80:])
	o := data.Options{Validation: validation, Test: test}
	task := taskFrom(t, "logistic", train, o)
	trial := runner.Trial{Task: task, LR: 1e-4, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil),
		Stop: stop.Rule{Monitor: "val_loss", Goal: stop.Min, Patience: 9, Delta: stop.Absolute}}
	got := execute(t, runner.Options{}, []runner.Trial{trial})
	for metric, rows := range map[string][][]int{"val_accuracy": table[60:80], "test_accuracy": table[80:]} {
		zeros := 0.0
		for _, row := range rows {
			if row[0] == 0 {
				zeros++
			}
		}
		if before := curve(t, got, trial.Key(), metric); len(before) != 7 || before[0] != zeros/float64(len(rows)) {
			t.Errorf("%s is %v, want 7 values, %v before training", metric, before, zeros/float64(len(rows)))
		}
	}
	moved := trial
	moved.Task.ValidationPath, moved.Task.Dataset = write("d.libsvm", table[60:80]), write("e.libsvm", table[:60])
	if moved.Key() != trial.Key() {
		t.Error("where the data lies changes the key")
	}
	for name, change := range map[string]func(*runner.Task){
		"validation": func(t *runner.Task) { t.ValidationDigest = "other" }, "test": func(t *runner.Task) { t.TestDigest = "other" },
		"folds": func(t *runner.Task) { t.Folds = 5 }, "no test": func(t *runner.Task) { t.TestPath, t.TestDigest = "", "" },
	} {
		other := trial
		change(&other.Task)
		if other.Key() == trial.Key() {
			t.Errorf("%s: the key is the same", name)
		}
	}
	write("b.libsvm", table[59:80])
	changed := execute(t, runner.Options{}, []runner.Trial{trial})
	if e := changed.ends[trial.Key()]; e.Status != runner.StatusFailed || !strings.Contains(e.Error, "b.libsvm changed while the sweep ran") {
		t.Errorf("the trial ended as %s with %q", e.Status, e.Error)
	}
}
