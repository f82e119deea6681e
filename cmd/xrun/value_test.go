package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/scoring"
	"github.com/xrun-dev/xrun/runner/trained"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

var (
	valueSweeps = flag.Int("value-sweeps", 8, "how many random sweep files TestTheValueOfARun runs")
	valueSeed   = flag.Uint64("value-seed", usualSeed, "that TestTheValueOfARun makes them of")
)

// usualSeed makes files that try everything.
const usualSeed = 4

// inProcess runs xrun in this process; it returns the exit code.
func inProcess(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{stdout: &out, stderr: &errs, env: os.Getenv, args: append([]string{"xrun"}, args...)}
	code = p.run(t.Context())
	return code, out.String(), errs.String()
}

// told runs xrun in this process, which has to succeed, and reads the JSON that it prints.
func told(t *testing.T, into any, args ...string) {
	t.Helper()
	code, out, errs := inProcess(t, args...)
	if code != 0 {
		t.Fatalf("xrun %s ends with %d: %s", strings.Join(args, " "), code, errs)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("xrun %s: %v in\n%s", strings.Join(args, " "), err, out)
	}
}

// queried reads the rows of a statement.
func queried[T any](t *testing.T, format string, args ...any) []T {
	t.Helper()
	var answer struct {
		Rows []T `json:"rows"`
	}
	told(t, &answer, "sql", "--json", "--limit", "0", fmt.Sprintf(format, args...))
	return answer.Rows
}

// pick is one of some words.
func pick[T any](random *rand.Rand, words ...T) T { return words[random.IntN(len(words))] }

// randomSweep is a sweep file in which what can choose, or end, an epoch is left to chance.
func randomSweep(random *rand.Rand, epochs int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	metrics := []string{"val_loss", "val_loss", "train_loss", "val_accuracy", "J"}
	line("seeds = %d\n[task]\ndataset = 'train.csv'\ntarget = 'y'\nvalidation = 'val.csv'\nmodel = '%s'\nepochs = %d\nbatch = %s",
		1+random.IntN(2), pick(random, "softmax", "softmax", "mlp"), epochs, pick(random, "4", "'full'"))
	line("[metric]\nname = '%s'", pick(random, metrics...))
	if random.IntN(3) > 0 {
		line("at = '%s'", pick(random, "best", "last", fmt.Sprintf("epoch:%d", 1+random.IntN(epochs))))
	}
	if random.IntN(4) == 0 {
		line("goal = '%s'", pick(random, "min", "max"))
	}
	line("[grid]\nlr = %s\noptimizer = %s", pick(random, "[0.05, 0.7]", "[0.5, 3.0, 40.0]", "[0.02, 1e6]"), pick(random, "['sgd']", "['sgd', 'adam']", "['schedule_free_adamw']"))
	if random.IntN(3) == 0 {
		line("lambda = [0, 0.1]\nregularizer = 'l2'")
	}
	if random.IntN(2) == 0 {
		line("[early_stop]\nmonitor = '%s'", pick(random, metrics[:3]...))
		switch random.IntN(3) {
		case 0:
			line("patience = %d\nmin_delta = %s\nbest_update = '%s'", 1+random.IntN(3), pick(random, "0.0", "0.05"), pick(random, "threshold", "any"))
		case 1:
			line("rule = 'gl'\nalpha = %s", pick(random, "1.0", "20.0"))
		case 2:
			line("rule = 'up'\nstrips = 1\nstrip = %d", 1+random.IntN(2))
		}
		if random.IntN(2) == 0 {
			line("start_from = %d", random.IntN(5))
		}
		if random.IntN(3) == 0 {
			line("target = %s", pick(random, "0.3", "0.6"))
		}
		if random.IntN(2) == 0 {
			line("divergence = { factor = %s }", pick(random, "1.5", "50"))
		}
	} else if random.IntN(2) == 0 {
		line("[prune]\nrule = '%s'\nfirst = %d", pick(random, "halving", "median"), 1+random.IntN(2))
	}
	return b.String()
}

// table writes rows of two noisy classes.
func table(random *rand.Rand, n int) string {
	text := "a,b,y\n"
	for range n {
		class := random.IntN(2)
		text += fmt.Sprintf("%.3f,%.3f,%s\n", random.NormFloat64()+float64(class), random.NormFloat64()-float64(class)/2, []string{"n", "p"}[class])
	}
	return text
}

// oddly gives a table a column of categories, and gaps.
func oddly(t *testing.T, random *rand.Rand, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i, line := range strings.Split(strings.TrimSpace(string(content)), "\n") {
		port := pick(random, "Cork", "Cork", "Oslo", "NA", fmt.Sprint("rare ", random.IntN(9)))
		if i == 0 {
			port = "port"
		} else if random.IntN(4) == 0 {
			line = line[strings.Index(line, ","):]
		}
		lines = append(lines, port+","+line)
	}
	e2e.Write(t, file, strings.Join(lines, "\n")+"\n")
}

// lossOf is the mean loss and the accuracy of an exported model over the rows of a file.
func lossOf(t *testing.T, m *trained.Model, file string) (loss, accuracy float64) {
	t.Helper()
	s, err := scoring.Open(m, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(s.All(io.Discard, scoring.CSV), s.Err()); err != nil {
		t.Fatal(err)
	}
	score, n := s.Score()
	if n == 0 {
		t.Fatalf("%s has no targets", file)
	}
	return score.Loss, score.Accuracy
}

// A told value of a run, nil where there is none.
type valueOfRun struct {
	Run    int64    `json:"run_id"`
	Status string   `json:"status"`
	Metric string   `json:"metric"`
	Value  *float64 `json:"value"`
	Epoch  *int     `json:"kept_epoch"`
}

func (v valueOfRun) String() string {
	if v.Epoch == nil {
		return "nothing kept"
	}
	if v.Value == nil {
		return fmt.Sprintf("%s NaN after epoch %d", v.Metric, *v.Epoch)
	}
	return fmt.Sprintf("%s %v after epoch %d", v.Metric, *v.Value, *v.Epoch)
}

// For any sweep file the value of a run is one number, whoever tells it, and the parameters that are exported have it.
func TestTheValueOfARun(t *testing.T) {
	t.Logf("%d sweeps of the seed %d", *valueSweeps, *valueSeed)
	random, odd := rand.New(rand.NewPCG(*valueSeed, 0)), rand.New(rand.NewPCG(*valueSeed, 1))
	kinds := map[string]int{}
	for ran := 0; ran < *valueSweeps; {
		dir := t.TempDir()
		t.Chdir(dir)
		e2e.Write(t, filepath.Join(dir, "train.csv"), table(random, 16))
		e2e.Write(t, filepath.Join(dir, "val.csv"), table(random, 9))
		epochs := 4 + random.IntN(8)
		text := randomSweep(random, epochs)
		if ran%2 == 1 { // with columns that have to be encoded
			text = strings.Replace(text, "[task]", "[task]\ncategories = ['port']\nmissing = { a = 'mean', port = 'indicator' }\nrare = 2\nclass_weight = 'balanced'", 1)
			for _, name := range []string{"train.csv", "val.csv"} {
				oddly(t, odd, filepath.Join(dir, name))
			}
		}
		e2e.Write(t, filepath.Join(dir, "s.toml"), text)
		code, _, errs := inProcess(t, "sweep", "s.toml", "--progress", "plain")
		if code == 2 && strings.Contains(errs, "can end a trial after epoch") {
			continue // it has no value for all trials, and is refused
		}
		if code == 2 && strings.Contains(errs, "is a ratio of errors") {
			continue
		}
		if code != 0 {
			t.Fatalf("exit code %d: %s\n%s", code, errs, text)
		}
		ran++
		for kind := range checkValues(t, text, errs) {
			kinds[kind]++
		}
		if t.Failed() {
			t.Fatalf("of the sweep\n%s", text)
		}
	}
	t.Logf("runs were %v", kinds)
	if *valueSweeps >= 8 && *valueSeed == usualSeed && (kinds["stopped"] == 0 || kinds["pruned"] == 0 || kinds["diverged"] == 0 || kinds["an epoch before the last"] == 0) {
		t.Errorf("the files did not try everything: %v", kinds)
	}
}

// checkValues compares what all commands tell of the runs of the sweep in this folder, and says which kinds of runs there were.
func checkValues(t *testing.T, text, progress string) map[string]bool {
	t.Helper()
	kinds := map[string]bool{}
	var compared struct {
		Metric string `json:"metric"`
		Points []struct {
			Seeds []struct {
				Run    int64    `json:"run_id"`
				Value  *float64 `json:"value"`
				Epoch  int      `json:"epoch"`
				Status string   `json:"status"`
			} `json:"seeds"`
		} `json:"points"`
	}
	told(t, &compared, "compare", "--json")
	view := queried[valueOfRun](t, "SELECT run_id, status, metric, value, kept_epoch FROM runs ORDER BY run_id")
	var list struct {
		Runs []valueOfRun `json:"runs"`
	}
	told(t, &list, "runs", "--limit", "0", "--json")
	listed := list.Runs
	slices.Reverse(listed)
	if fmt.Sprint(listed) != fmt.Sprint(view) || len(view) == 0 {
		t.Errorf("runs lists\n%v, and the view has\n%v", listed, view)
	}
	values := map[int64]valueOfRun{}
	for _, v := range view {
		values[v.Run] = v
		kinds[v.Status] = true
		keeps := v.Status == "finished" || v.Status == "stopped"
		if keeps != (v.Epoch != nil) && !(keeps && allNaN(t, v)) {
			t.Errorf("run %d is %s, with %v", v.Run, v.Status, v)
		}
	}
	for _, p := range compared.Points {
		for _, s := range p.Seeds {
			v := values[s.Run]
			same := v.Value == nil && s.Value == nil || v.Value != nil && s.Value != nil && *v.Value == *s.Value && *v.Epoch == s.Epoch
			if !same || v.Metric != compared.Metric {
				t.Errorf("run %d: compare says %v after epoch %d, and the view %v", s.Run, s.Value, s.Epoch, v)
			}
		}
	}
	checkExport(t, values)
	for run, v := range values {
		if v.Epoch == nil {
			continue
		}
		curve := queried[struct {
			Step  int      `json:"step"`
			Value *float64 `json:"value"`
		}](t, "SELECT step, value FROM curves WHERE run_id = %d AND metric = '%s' ORDER BY step", run, v.Metric)
		if last := curve[len(curve)-1].Step; *v.Epoch < last {
			kinds["an epoch before the last"] = true
		}
		at := curve[*v.Epoch]
		if at.Step != *v.Epoch || at.Value == nil || v.Value == nil || *at.Value != *v.Value {
			t.Errorf("run %d: %v, and its curve has %v", run, v, at)
			continue
		}
		if line := fmt.Sprintf(" epochs, %s %s\n", v.Metric, stats.Number(*v.Value)); !strings.Contains(progress, line) {
			t.Errorf("run %d: %v, and no line of the progress ends with%s%s", run, v, line, progress)
		}
		checkExported(t, run, v)
	}
	checkBest(t, compared.Metric, values)
	return kinds
}

// allNaN reports whether a run has recorded no number of its metric, so that none of its epochs can be the best.
func allNaN(t *testing.T, v valueOfRun) bool {
	t.Helper()
	n := queried[struct {
		N int `json:"n"`
	}](t, "SELECT count(value) AS n FROM curves WHERE run_id = %d AND metric = '%s' AND step > 0", v.Run, v.Metric)
	return n[0].N == 0
}

// checkExport compares the tables for other programs.
func checkExport(t *testing.T, values map[int64]valueOfRun) {
	t.Helper()
	code, out, errs := inProcess(t, "export", "csv", "--wide")
	if code != 0 {
		t.Fatal(errs)
	}
	table, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cell := func(record []string, name string) string { return record[slices.Index(table[0], name)] }
	for _, record := range table[1:] {
		run, _ := strconv.ParseInt(cell(record, "run_id"), 10, 64)
		v := values[run]
		value, epoch := "", ""
		if v.Epoch != nil {
			value, epoch = cell(record, "value"), strconv.Itoa(*v.Epoch)
			if x, err := strconv.ParseFloat(value, 64); err != nil || x != *v.Value {
				t.Errorf("run %d: %v, and its export has %s", run, v, value)
			}
		}
		if cell(record, "metric") != v.Metric || cell(record, "kept_epoch") != epoch || v.Epoch == nil && cell(record, "value") != "" {
			t.Errorf("run %d: %v, and its export has %s", run, v, record)
		}
	}
	_, out, _ = inProcess(t, "export", "jsonl")
	for line := range strings.Lines(out) {
		var v valueOfRun
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if v.String() != values[v.Run].String() {
			t.Errorf("run %d: %v in the view, and %v in JSON Lines", v.Run, values[v.Run], v)
		}
	}
}

// checkExported evaluates the parameters that a run has kept.
func checkExported(t *testing.T, run int64, v valueOfRun) {
	t.Helper()
	file := fmt.Sprintf("run%d.safetensors", run)
	if code, _, errs := inProcess(t, "best", "--run", strconv.FormatInt(run, 10), "-o", file); code != 0 {
		t.Fatal(errs)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := trained.Read(content)
	if err != nil {
		t.Fatal(err)
	}
	if x, err := strconv.ParseFloat(m.Facts["value"], 64); err != nil || x != *v.Value || m.Facts["metric"] != v.Metric || m.Facts["epoch"] != strconv.Itoa(*v.Epoch) {
		t.Errorf("run %d: %v, and its file says %s %s after epoch %s", run, v, m.Facts["metric"], m.Facts["value"], m.Facts["epoch"])
	}
	after := queried[struct {
		Metric string  `json:"metric"`
		Value  float64 `json:"value"`
	}](t, "SELECT metric, value FROM curves WHERE run_id = %d AND step = %d AND metric IN ('val_loss', 'val_accuracy', 'train_loss')", run, *v.Epoch)
	if len(after) != 3 {
		t.Fatalf("run %d has after epoch %d only %v", run, *v.Epoch, after)
	}
	valLoss, valAccuracy := lossOf(t, m, "val.csv")
	trainLoss, _ := lossOf(t, m, "train.csv")
	got := map[string]float64{"val_loss": valLoss, "val_accuracy": valAccuracy, "train_loss": trainLoss}
	for _, want := range after {
		if got[want.Metric] != want.Value {
			t.Errorf("run %d: %v, and its parameters have the %s %v, want %v", run, v, want.Metric, got[want.Metric], want.Value)
		}
	}
}

// checkBest compares what is said of the best run.
func checkBest(t *testing.T, metric string, values map[int64]valueOfRun) {
	t.Helper()
	some := false
	for _, v := range values {
		some = some || v.Value != nil
	}
	if !some {
		return
	}
	var best struct {
		Run    valueOfRun `json:"run"`
		Metric string     `json:"metric"`
		Value  *float64   `json:"value"`
		Epoch  *int       `json:"kept_epoch"`
	}
	told(t, &best, "best", "--json")
	v := values[best.Run.Run]
	if v.String() != best.Run.String() || v.String() != (valueOfRun{Metric: best.Metric, Value: best.Value, Epoch: best.Epoch}).String() || best.Metric != metric {
		t.Errorf("best says %v of run %d, which is %v, and the view %v", best.Value, best.Run.Run, best.Run, v)
	}
}

// Programs keep their parameters themselves, so sweeps with different metrics share their trials. What is told of a sweep is by
// the metric of that sweep, whichever ran the trials.
func TestTheValueOfARunThatSweepsShare(t *testing.T) {
	t.Chdir(t.TempDir())
	e2e.Write(t, "p.sh", `for e in 1 2 3; do echo "{\"epoch\":$e,\"val_loss\":0.$e$1,\"val_accuracy\":0.$e}"; done`)
	const file = "[task]\ncommand = ['sh', 'p.sh', '{lr}']\nmetrics = ['val_loss', 'val_accuracy']\n[grid]\nlr = [1, 2]\n[metric]\n"
	e2e.Write(t, "a.toml", file+"name = 'val_loss'\n")
	e2e.Write(t, "b.toml", file+"name = 'val_accuracy'\nat = 'epoch:2'\n")
	does(t, "sweep", "a.toml", "--progress", "none")
	does(t, "sweep", "b.toml", "--progress", "none")
	var best struct {
		Run    valueOfRun `json:"run"`
		Metric string     `json:"metric"`
	}
	told(t, &best, "best", "b", "--json")
	if best.Metric != "val_accuracy" || best.Run.String() != "val_accuracy 0.2 after epoch 2" {
		t.Errorf("best tells %s and %v", best.Metric, best.Run)
	}
	for sweep, want := range map[string][2]string{
		"a": {"val_loss 0.11 after epoch 1", "val_loss 0.12 after epoch 1"},
		"b": {"val_accuracy 0.2 after epoch 2", "val_accuracy 0.2 after epoch 2"},
	} {
		values := map[int64]valueOfRun{}
		out, _ := does(t, "export", "jsonl", sweep)
		for line := range strings.Lines(out) {
			var v valueOfRun
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			values[v.Run] = v
		}
		got := []string{values[1].String(), values[2].String()}
		slices.Sort(got) // either may have run first
		if len(values) != 2 || [2]string(got) != want {
			t.Errorf("the export of %s has %v, want %v", sweep, values, want)
		}
		out, _ = does(t, "export", "csv", "--wide", sweep)
		for _, v := range values {
			if cells := fmt.Sprintf(",%s,%v,%d,", v.Metric, *v.Value, *v.Epoch); !strings.Contains(out, cells) {
				t.Errorf("there is no %s in the export of %s\n%s", cells, sweep, out)
			}
		}
	}
}

// Sweeps that are compared may keep by different metrics: a value that is not after the epoch that the first one names is
// no fault of an earlier version.
func TestSweepsThatKeepOtherwise(t *testing.T) {
	t.Chdir(t.TempDir())
	const file = "[task]\ndataset = 'iris'\nmodel = 'softmax'\nepochs = 6\n[grid]\nlr = 0.5\n"
	e2e.Write(t, "a.toml", file)
	e2e.Write(t, "b.toml", file+"[metric]\nname = 'val_accuracy'\nat = 'epoch:3'\n")
	does(t, "sweep", "a.toml", "--progress", "none")
	does(t, "sweep", "b.toml", "--progress", "none")
	out, _ := does(t, "compare", "a", "b", "--metric", "val_loss")
	if !strings.Contains(out, "note: the value of 1 run is after the epoch that the [metric] of another sweep keeps: --at best takes the same for all\n") || strings.Contains(out, "earlier") {
		t.Errorf("both sweeps have\n%s", out)
	}
	if out, _ := does(t, "compare", "a", "b", "--metric", "val_loss", "--at", "best"); strings.Contains(out, "another sweep keeps") || !strings.Contains(out, "not kept") {
		t.Errorf("with --at best they have\n%s", out)
	}
}
