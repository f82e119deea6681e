package starter

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/sweeps"
)

// A madeTable is a table with random oddities.
type madeTable struct {
	name, target string
	content      []byte
	sound        bool // nothing in it can be refused
}

// gapWords are what stands for no value.
var gapWords = []string{"", "NA", "nan", "NULL", "?", "n/a"}

// madeColumn is the cells of a column, and whether it can be a target.
func madeColumn(r *rand.Rand, rows int, comma string) (cells []string, target bool) {
	one := func(f func() string) {
		for range rows {
			cells = append(cells, f())
		}
	}
	of := func(words ...string) func() string { return func() string { return words[r.IntN(len(words))] } }
	number := func() string { return strings.Replace(fmt.Sprintf("%.2f", 50+20*r.NormFloat64()), ".", comma, 1) }
	switch r.IntN(16) {
	case 0, 1, 2:
		one(number)
		target = true
	case 3:
		one(func() string { return fmt.Sprint(r.IntN(5)) })
		target = true
	case 4:
		one(of("red", "green", "blue", "a \"quoted\", one", "wei\u00df"))
		target = true
	case 5:
		one(of("yes", "no"))
		target = true
	case 6:
		one(of("True", "False"))
		target = true
	case 7:
		one(of("low", "medium", "high"))
	case 8:
		one(func() string { return fmt.Sprintf("20%02d-%02d-%02d", r.IntN(30), 1+r.IntN(12), 1+r.IntN(28)) })
	case 9:
		for i := range rows {
			cells = append(cells, fmt.Sprint(i+r.IntN(2)*0))
		}
	case 10:
		for i := range rows {
			cells = append(cells, fmt.Sprintf("text number %d", i))
		}
	case 11:
		one(of("the same"))
	case 12:
		one(of("7"))
	case 13:
		one(of(""))
	case 14:
		one(func() string { return fmt.Sprintf("level %d", min(60, int(5*r.ExpFloat64()))) })
	case 15: // numbers with a few words
		one(func() string {
			if r.IntN(30) == 0 {
				return "unknown"
			}
			return number()
		})
	}
	if r.IntN(3) == 0 && !target {
		word, share := gapWords[r.IntN(len(gapWords))], r.Float64()/2
		for i := range cells {
			if r.Float64() < share {
				cells[i] = word
			}
		}
	}
	return cells, target
}

var columnNames = []string{"id", "age", "Price", "customer_id", "patient", "target", "y", "class", "name with spaces", `a "quoted" name`, "größe", "a.b", "x#1", "label", "when",
	"[task]", "k = v", "survived", "tab\there", "Straße", "user", "index", "zip", "*", "auto", "outcome", "very long name of a column that goes on and on and on and on and on"}

var strange = slices.Index(columnNames, "tab\there")

func madeOf(r *rand.Rand) madeTable {
	rows := []int{1, 2, 3, 6, 12, 30, 40, 60, 90, 150}[r.IntN(10)]
	comma, separator := ".", ','
	t := madeTable{name: "table.csv", sound: rows >= 30}
	switch r.IntN(4) {
	case 0:
		separator, comma = ';', ","
	case 1:
		separator, t.name = '\t', "table.tsv"
	case 2:
		separator = '|'
	}
	var header []string
	var columns [][]string
	targets := 0
	for _, at := range r.Perm(len(columnNames))[:min(1+r.IntN(40), 2+r.IntN(9))] {
		cells, target := madeColumn(r, rows, comma)
		if at == strange && r.IntN(8) > 0 {
			continue
		}
		if target {
			targets++
		}
		header, columns = append(header, columnNames[at]), append(columns, cells)
		t.sound = t.sound && at != strange
	}
	t.sound = t.sound && targets >= 2
	if len(header) == 0 {
		return madeOf(r)
	}
	if r.IntN(20) == 0 {
		header[0], t.sound = header[len(header)-1], false
	}
	if r.IntN(25) == 0 {
		header[0], t.sound = "", false
	}
	if r.IntN(6) == 0 {
		t.target, t.sound = header[r.IntN(len(header))], false
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = separator, r.IntN(3) == 0
	w.Write(header)
	for i := range rows {
		var record []string
		for _, c := range columns {
			record = append(record, c[i])
		}
		w.Write(record)
		if r.IntN(40) == 0 {
			w.Write(record)
		}
		if r.IntN(800) == 0 {
			w.Write(append(record, "one too many"))
			t.sound = false
		}
	}
	w.Flush()
	t.content = b.Bytes()
	switch r.IntN(6) {
	case 0:
		if text, err := charmap.ISO8859_1.NewEncoder().Bytes(t.content); err == nil {
			t.content = text
		}
	case 1:
		if text, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(t.content); err == nil {
			t.content = text
		}
	case 2:
		t.content = append([]byte("\ufeff"), t.content...)
	}
	return t
}

// ends takes how trials end.
type ends struct {
	mu  sync.Mutex
	all []runner.End
}

func (e *ends) Begin(_ context.Context, trials []runner.Trial) ([]runner.Begun, error) {
	begun := make([]runner.Begun, len(trials))
	for i := range begun {
		begun[i] = runner.Begun{Run: runner.RunID(i + 1), Recorded: -1}
	}
	return begun, nil
}

func (e *ends) Record(_ context.Context, u runner.Update) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, u.Ends...)
	return nil
}

// planned reads a sweep file as xrun plan does, and trains one of its trials for two epochs.
func planned(t *testing.T, path string) (*sweeps.Spec, error) {
	spec, err := training.Load(t.Context(), path, sweeps.Changes{}, training.NewStillCatalog(path, "test"))
	if err != nil {
		return nil, err
	}
	trial := spec.Trials()[0]
	trial.Task.Epochs = 2
	var e ends
	err = runner.Execute(t.Context(), runner.Options{Recorder: &e, Load: training.OpenDataset, Plugins: func(runner.Share) (runner.Plugins, error) {
		return &host.Local{Components: builtin.Manifest("test").Components}, nil
	}}, []runner.Trial{trial})
	if err == nil && (len(e.all) != 1 || e.all[0].Status != runner.StatusFinished && e.all[0].Status != runner.StatusDiverged) {
		err = fmt.Errorf("it ends with %+v", e.all)
	}
	return spec, err
}

// Of whatever table, init writes a file that is planned and trained as it stands, or says exactly why not.
func TestOfWhateverTableInitWritesAFileThatTrains(t *testing.T) {
	r, dir := tests.Random(t), t.TempDir()
	refused := map[string]int{}
	made := tests.Either(200, 2000)
	for i := range made {
		table := madeOf(r)
		file, sweep := filepath.Join(dir, table.name), filepath.Join(dir, "sweep.toml")
		if err := os.WriteFile(file, table.content, 0o600); err != nil {
			t.Fatal(err)
		}
		var warnings bytes.Buffer
		text, err := Draft(sweep, file, table.target, &warnings)
		if err != nil {
			says, ofFile := strings.CutPrefix(err.Error(), file+":")
			if table.sound || !ofFile || says == "" {
				t.Errorf("table %d: %v\n%q", i, err, clipped(table.content))
			}
			refused[says[:min(60, len(says))]]++
			continue
		}
		if err := os.WriteFile(sweep, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := planned(t, sweep); err != nil {
			t.Errorf("table %d: %v\n%q\n%s", i, err, clipped(table.content), text)
		}
		if t.Failed() {
			return
		}
	}
	total := 0
	for message, n := range refused {
		t.Logf("%d times: %s", n, message)
		total += n
	}
	if total > made/2 {
		t.Errorf("%d of %d tables are refused: few are tested", total, made)
	}
}

func clipped(text []byte) []byte { return text[:min(len(text), 600)] }
