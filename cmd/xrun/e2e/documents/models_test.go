package documents

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/help"
	"github.com/xrun-dev/xrun/runner/tests"
)

// oddTable is a table with all that is encoded. A new one has gaps and categories that the others lack.
func oddTable(random *rand.Rand, rows int, fresh bool) string {
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	text := "id;age;port;size;when;flag;fare;alive;price\n"
	for i := range rows {
		age, port := strings.Replace(fmt.Sprintf("%.3f", 90*random.Float64()), ".", ",", 1), pick("Cork", "Cork", "Oslo", "Rome", "St. Ives, \"old\"")
		if random.IntN(5) == 0 {
			age = pick("", "NA", "?")
		}
		if random.IntN(6) == 0 {
			port = ""
		}
		if i%40 == 7 || fresh && i%4 == 1 {
			port = fmt.Sprint("rare ", i)
		}
		text += fmt.Sprintf("r%d;%s;%q;%s;%d-0%d-1%d;%s;%s;%s;%d\n", i, age, port, pick("S", "M", "L"), 1990+random.IntN(40), 1+random.IntN(9), random.IntN(10),
			pick("true", "false", "yes", "no"), strings.Replace(fmt.Sprint(random.NormFloat64()), ".", ",", 1), pick("yes", "no", "perhaps"), random.IntN(1000))
	}
	return strings.ReplaceAll(text, `\"`, `""`)
}

// The lines of numpy on the page of models predict what xrun predict does: with the products of numpy but for rounding, and
// with those of xrun's order to the bit, or to 4 units in the last place where numpy's exponential takes part.
func TestTheLinesOfNumpyPredict(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "imports numpy and safetensors")
	python := e2e.Python(t, "numpy, safetensors")
	page, ok := help.Find("models")
	if !ok {
		t.Fatal("there is no page on models")
	}
	blocks := map[string]string{}
	exact := ""
	for _, f := range fences(page.Text) {
		switch {
		case f.named != "":
			blocks[f.named] = f.text
		case strings.Contains(f.text, "Fraction"):
			exact = f.text
		}
	}
	plain := "def dense(h, w, b):\n    return h @ w.T + b\n"
	if exact == "" || strings.Count(blocks["predict.py"], plain) != 1 || blocks["encode.py"] == "" {
		t.Fatal("the page lacks predict.py with a dense, encode.py, or the exact dense")
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(23, 5))
	e2e.Write(t, filepath.Join(dir, "odd.csv"), oddTable(random, 240, false))
	e2e.Write(t, filepath.Join(dir, "new.csv"), oddTable(random, 60, true))
	for name, dense := range map[string]string{"numpy": plain, "exact": exact} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
		e2e.Write(t, filepath.Join(dir, name, "predict.py"), strings.Replace(blocks["predict.py"], plain, dense, 1))
		e2e.Write(t, filepath.Join(dir, name, "encode.py"), blocks["encode.py"])
	}
	odd := `dataset = "odd.csv"
separator = ";"
decimal = ","
categories = ["port"]
rare = 3
dates = ["when"]
ordinal = { size = ["S", "M", "L"] }
missing = { age = "indicator", port = "indicator" }
`
	for name, c := range map[string]struct {
		task string
		ulps float64 // of the exact chain
		near float64 // of numpy's products, beside 1
	}{
		"linear":          {odd + `target = "price"` + "\nmodel = \"linear\"\ndrop = [\"id\", \"alive\"]\n", 0, 1e-12},
		"mlp of numbers":  {odd + `target = "price"` + "\nkind = \"regression\"\nmodel = \"mlp\"\nhidden = [5, 3]\nactivation = \"relu\"\ndrop = [\"id\", \"alive\"]\n", 0, 1e-12},
		"softmax":         {odd + `target = "alive"` + "\nmodel = \"softmax\"\ndrop = [\"id\", \"price\"]\n", 4, 1e-12},
		"unstandardized":  {odd + `target = "alive"` + "\nmodel = \"softmax\"\nstandardize = false\ndrop = [\"id\", \"price\"]\n", 4, 1e-12},
		"mlp of classes":  {odd + `target = "alive"` + "\nmodel = \"mlp\"\nhidden = [4]\nactivation = \"tanh\"\ndrop = [\"id\", \"price\"]\n", 64, 1e-12},
		"logistic":        {"dataset = \"breast_cancer\"\nmodel = \"logistic\"\n", 4, 1e-12},
		"single":          {"dataset = \"breast_cancer\"\nmodel = \"logistic\"\ndtype = \"float32\"\n", math.Inf(1), 1e-5},
		"numbers, scaled": {"dataset = \"diabetes\"\nmodel = \"linear\"\n", 0, 1e-12},
		"numbers as they": {"dataset = \"wine\"\nmodel = \"softmax\"\nstandardize = false\n", 4, 1e-12},
	} {
		t.Run(name, func(t *testing.T) {
			base := strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", "")
			lr := "0.05"
			if strings.Contains(c.task, "standardize = false") {
				lr = "1e-6"
			}
			e2e.Write(t, filepath.Join(dir, base+".toml"), "name = \""+base+"\"\nseeds = 1\n[task]\nepochs = 8\n"+c.task+"[grid]\nlr = ["+lr+"]\nlambda = [0]\noptimizer = \"sgd\"\n")
			database, model := base+".db", base+".safetensors"
			e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", base+".toml", "--progress", "none", "--store", database))
			e2e.Run(t, 0, e2e.Xrun(t, dir, "best", "--store", database, "-o", model))
			rows := "new.csv"
			if !strings.Contains(c.task, "odd.csv") {
				rows = base + ".csv"
				e2e.Write(t, filepath.Join(dir, rows), builtinRows(t, dir, model, random))
			}
			e2e.Run(t, 0, e2e.Xrun(t, dir, "predict", model, rows, "-o", base+".out"))
			want := numbersOf(t, filepath.Join(dir, base+".out"), !strings.Contains(c.task, "linear") && !strings.Contains(c.task, "regression"))
			for how, limit := range map[string]func(a, b float64) bool{
				"numpy": func(a, b float64) bool { return math.Abs(a-b) <= c.near*max(1, math.Abs(b)) },
				"exact": func(a, b float64) bool { return units(a, b) <= c.ulps },
			} {
				command := exec.Command(python, filepath.Join(how, "encode.py"), model, rows)
				command.Dir = dir
				text, err := command.Output()
				if err != nil {
					t.Fatalf("%s: %v\n%s", how, err, text)
				}
				got := parsed(t, string(text))
				if len(got) != len(want) || len(want) < 30 {
					t.Fatalf("%s: %d rows, want %d", how, len(got), len(want))
				}
				worst := 0.0
				for i := range want {
					if !slices.EqualFunc(got[i], want[i], limit) {
						t.Fatalf("%s: row %d is %v, want %v", how, i, got[i], want[i])
					}
					for k := range want[i] {
						worst = max(worst, units(got[i][k], want[i][k]))
					}
				}
				t.Logf("%s: at most %.0f units in the last place", how, worst)
			}
		})
	}
}

// units is the distance of two numbers in units in the last place of the larger.
func units(a, b float64) float64 {
	if a == b {
		return 0
	}
	size := max(math.Abs(a), math.Abs(b))
	return math.Abs(a-b) / (math.Nextafter(size, math.Inf(1)) - size)
}

// builtinRows are rows of the inputs of a model of numbers, near the means of its training rows where it knows them.
func builtinRows(t *testing.T, dir, model string, random *rand.Rand) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, model))
	if err != nil {
		t.Fatal(err)
	}
	list := func(key string) []string {
		_, text, ok := strings.Cut(string(content), `"`+key+`":"[`)
		if !ok {
			return nil
		}
		text, _, _ = strings.Cut(text, `]"`)
		return strings.Split(strings.ReplaceAll(text, `\"`, ""), ",")
	}
	names, mean, factor := list("features"), list("mean"), list("factor")
	text := strings.Join(names, ",") + "\n"
	for range 40 {
		var cells []string
		for j := range names {
			v := 50 * random.NormFloat64()
			if mean != nil {
				m, _ := strconv.ParseFloat(mean[j], 64)
				f, _ := strconv.ParseFloat(factor[j], 64)
				v = m + v/50/f
			}
			cells = append(cells, strconv.FormatFloat(v, 'g', -1, 64))
		}
		text += strings.Join(cells, ",") + "\n"
	}
	return text
}

// numbersOf reads the numbers of a file of predictions, behind the class if there is one.
func numbersOf(t *testing.T, file string, classes bool) [][]float64 {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(content), "\n")
	if !classes {
		return parsed(t, body)
	}
	records, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range records {
		lines = append(lines, strings.Join(r[1:], ","))
	}
	return parsed(t, strings.Join(lines, "\n"))
}

func parsed(t *testing.T, text string) (rows [][]float64) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		var row []float64
		for _, cell := range strings.Split(line, ",") {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	return rows
}
