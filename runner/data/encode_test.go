package data

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/tests"
)

// encoded are the inputs that scikit-learn makes of a table.
type encodedTable struct {
	Table string
	Cases []struct {
		Missing     string
		Rare        int
		Standardize bool
		Train       []int
		Inputs      int
		X           []float64
	}
}

// testdata/encoded.py makes them, and each number is that of scikit-learn but for rounding.
func TestInputsAreThoseOfScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/encoded.json")
	if err != nil {
		t.Fatal(err)
	}
	agree(t, text)
}

func TestInputsAreThoseOfTheInstalledScikitLearn(t *testing.T) {
	tests.NeedExamples(t, "runs scikit-learn")
	cmd := exec.Command(pythonWith(t, "pandas, sklearn"), "encoded.py", "print")
	cmd.Dir = "testdata"
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	agree(t, text)
}

// pythonWith is an interpreter that has some modules; without one the test is skipped.
func pythonWith(t *testing.T, modules string) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on PATH")
	}
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import "+modules).CombinedOutput(); err != nil {
		t.Skipf("python3 cannot import %s: %v: %s", modules, err, out)
	}
	return python
}

func agree(t *testing.T, text []byte) {
	t.Helper()
	var want encodedTable
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	path := write(t, "t.csv", want.Table)
	for _, c := range want.Cases {
		s, err := Open(path, Options{Target: "y", Schema: Schema{Categories: []string{AllCategories}, Rare: c.Rare, Dates: []string{"sold"},
			Ordinal: map[string][]string{"size": {"S", "M", "L", "XL"}}, Missing: map[string]string{EveryColumn: c.Missing}}})
		if err != nil {
			t.Fatal(err)
		}
		e := s.Encode(c.Train, c.Standardize)
		names := e.Inputs()
		if len(names) != c.Inputs || s.Dim() < c.Inputs {
			t.Errorf("%s, rare %d: %d inputs, at most %d, want %d: %q", c.Missing, c.Rare, len(names), s.Dim(), c.Inputs, names)
			continue
		}
		x := encodedPart[float64](s, e, all(s)).X
		for k, got := range x {
			name := names[k%c.Inputs]
			if exact := strings.Contains(name, "="); exact && got != c.X[k] || math.Abs(got-c.X[k]) > 1e-12*max(1, math.Abs(c.X[k])) {
				t.Errorf("%s, rare %d: row %d, %s is %v, want %v", c.Missing, c.Rare, k/c.Inputs, name, got, c.X[k])
				break
			}
		}
	}
}

// A row of texts has the inputs that it had in training.
func TestARowIsEncodedAsInTraining(t *testing.T) {
	text, err := os.ReadFile("testdata/encoded.json")
	if err != nil {
		t.Fatal(err)
	}
	var table encodedTable
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(table.Table), "\n")
	names := strings.Split(lines[0], ",")
	path := write(t, "t.csv", table.Table)
	for _, rule := range []string{MissingMedian, MissingMostFrequent, MissingIndicator} {
		s, err := Open(path, Options{Target: "y", Schema: Schema{Categories: []string{"port", "tail"}, Rare: 6, Dates: []string{"sold"},
			Ordinal: map[string][]string{"size": {"S", "M", "L", "XL"}}, Missing: map[string]string{EveryColumn: rule}}})
		if err != nil {
			t.Fatal(err)
		}
		fitted := s.Encode(table.Cases[0].Train, true)
		written, err := json.Marshal(fitted)
		if err != nil {
			t.Fatal(err)
		}
		var e Encoding // as a file of trained parameters has it
		if err := json.Unmarshal(written, &e); err != nil {
			t.Fatal(err)
		}
		want := encodedPart[float64](s, fitted, all(s))
		var tally Tally
		for i, line := range lines[1:] {
			cells := strings.Split(line, ",")
			got, err := e.Row(nil, func(column string) (string, bool) { return cells[slices.Index(names, column)], true }, &tally)
			if err != nil || !slices.Equal(got, want.X[i*want.D:][:want.D]) {
				t.Fatalf("%s, row %d: %v, %v; want %v", rule, i, got, err, want.X[i*want.D:][:want.D])
			}
		}
		for j := range s.columns {
			if c := &s.columns[j]; tally.Gaps[c.name] != c.gaps {
				t.Errorf("%s: %d gaps of %s are counted, want %d", rule, tally.Gaps[c.name], c.name, c.gaps)
			}
		}
		if tally.Unknown["port"] == 0 || tally.Unknown["tail"] != 0 {
			t.Errorf("%s: categories without inputs are counted as %v", rule, tally.Unknown)
		}
	}
	e := Encoding{Columns: []EncodedColumn{{Name: "a", As: AsNumber}}}
	wrong := (*Error)(nil)
	if _, err := e.Row(nil, func(string) (string, bool) { return "-", true }, &Tally{}); !errors.As(err, &wrong) || wrong.Column != "a" {
		t.Errorf("a gap without a rule: the error is %v", err)
	}
}

// Only training rows are looked at: what others hold changes no input of theirs.
func TestOnlyTrainingRowsAreFittedOn(t *testing.T) {
	read := func(last string) *Encoding {
		s, err := Open(write(t, "t.csv", "a,b,y\n1,x,0\n3,z,1\n,x,1\n"+last), Options{Target: "y", Schema: Schema{Categories: []string{"b"}, Missing: map[string]string{EveryColumn: MissingMean}}})
		if err != nil {
			t.Fatal(err)
		}
		return s.Encode([]int{0, 1, 2}, true)
	}
	one, other := read("100,q,0\n"), read("-7,,1\n")
	a, _ := json.Marshal(one)
	b, _ := json.Marshal(other)
	if string(a) != string(b) {
		t.Errorf("the encodings differ:\n%s\n%s", a, b)
	}
	if got, want := one.Inputs(), []string{"a", "b=x", "b=z"}; !slices.Equal(got, want) {
		t.Errorf("inputs are %q, want %q", got, want)
	}
	if *one.Columns[0].Fill != 2 {
		t.Errorf("gaps are filled with %v, want 2", *one.Columns[0].Fill)
	}
}

// Short numbers are read as all others are, to the bit.
func TestShortNumbersAreReadAsLongOnes(t *testing.T) {
	random := tests.Random(t)
	texts := []string{"0", "-0", "+0.0", ".5", "5.", ".", "-", "+", "", "1.2.3", "1e5", "0x1", "1_0", "999999999999999", "0.000000000000001", "9007199254740993", "000000000000000.1"}
	for range 20000 {
		text := strconv.FormatInt(random.Int64N(1e15), 10)
		if at := random.IntN(len(text) + 1); random.IntN(2) == 0 {
			text = text[:at] + "." + text[at:]
		}
		texts = append(texts, []string{"", "-", "+"}[random.IntN(3)]+text[:1+random.IntN(len(text))])
	}
	for _, text := range texts {
		want, err := strconv.ParseFloat(text, 64)
		got, ok := decimal(text)
		if wanted := err == nil && !strings.ContainsAny(text, "_xX"); ok != wanted || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%q is %v, %v; want %v, %v", text, got, ok, want, err)
		}
	}
}

// Lines without quotes are split without the reader of encoding/csv, with the same cells, lines and errors.
func TestPlainLinesAreReadAsAllOthers(t *testing.T) {
	random := tests.Random(t)
	pieces := []string{"1", "a", ",", ",", "\n", "\r\n", "\"", "\"x\ny\"", "é", " ", "\n\n", "\"\"", "1,2,3\n", "4,5,6\n", "\"q\",2,3\n"}
	for range tests.Either(3000, 100000) {
		var content strings.Builder
		content.WriteString("a,b,c\n")
		for range random.IntN(30) {
			content.WriteString(pieces[random.IntN(len(pieces))])
		}
		type row struct {
			line int
			text string
		}
		read := func(plain bool) (rows []row) {
			table, err := openTable(strings.NewReader(content.String()), source{name: "t.csv", format: formatCSV}, sha256.New())
			if err != nil {
				return []row{{0, err.Error()}}
			}
			for {
				err := error(nil)
				if plain {
					err = table.next()
				} else if err = table.read(); err == nil && len(table.record) != 3 {
					err = table.ofRow(table.fail(table.at(0), "", "", "the row has %d cells, but the header names 3 columns", len(table.record)))
				}
				e := (*Error)(nil)
				switch {
				case err == io.EOF:
					return rows
				case errors.As(err, &e):
					if rows = append(rows, row{e.Line, e.Message}); !e.ofRow {
						return rows
					}
				default:
					rows = append(rows, row{table.at(2), fmt.Sprintf("%q", table.record)})
				}
			}
		}
		if got, want := read(true), read(false); !slices.Equal(got, want) {
			t.Fatalf("%q is read as\n%v\nwant\n%v", content.String(), got, want)
		}
	}
}

// A category that is spelled as the input of rare ones shares it, and a column whose training rows have no value has one input.
func TestInputsHaveDifferentNames(t *testing.T) {
	path := write(t, "t.csv", "a,b,y\n(rare),,0\n(rare),,1\nx,,0\n(rare),q,1\n")
	s, err := Open(path, Options{Target: "y", Schema: Schema{Categories: []string{"a", "b"}, Rare: 2, Missing: map[string]string{"b": MissingMostFrequent}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Encode([]int{0, 1, 2}, false).Inputs(), []string{"a=(rare)", "b=(missing)"}; !slices.Equal(got, want) {
		t.Errorf("the inputs are %q, want %q", got, want)
	}
}
