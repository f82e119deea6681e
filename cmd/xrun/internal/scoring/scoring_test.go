package scoring

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/trained"
)

// modelOf is a logistic model of a table with an age that is filled, a port with rare values, and a flag.
func modelOf(t *testing.T, weights ...float64) *trained.Model {
	t.Helper()
	fill, mean, factor, missing := 40.0, 30.0, 0.1, data.MissingLevel
	e := &data.Encoding{Schema: data.Schema{Categories: []string{"port"}, Rare: 2, Missing: map[string]string{data.EveryColumn: data.MissingIndicator}},
		Columns: []data.EncodedColumn{
			{Name: "age", As: data.AsNumber, Fill: &fill, Indicator: true, Mean: &mean, Factor: &factor},
			{Name: "port", As: data.AsCategory, Levels: []string{data.MissingLevel, "Cork", "Oslo"}, Rare: true, FillLevel: &missing},
			{Name: "crew", As: data.AsFlag},
		}}
	var elements []byte
	for _, v := range append(weights, 0.25) {
		elements = binary.LittleEndian.AppendUint64(elements, math.Float64bits(v))
	}
	header, err := json.Marshal(map[string]any{
		"W": map[string]any{"dtype": "F64", "shape": []int{1, len(weights)}, "data_offsets": []int{0, 8 * len(weights)}},
		"b": map[string]any{"dtype": "F64", "shape": []int{1}, "data_offsets": []int{8 * len(weights), len(elements)}}})
	if err != nil {
		t.Fatal(err)
	}
	content := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	content, err = trained.Attach(append(content, elements...), trained.Meta{Model: "logistic", Kind: "classification", Target: "alive", Features: e.Inputs(), Classes: []string{"no", "yes"},
		Encoding: e, Metrics: []string{"auc"}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := trained.Read(content)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// predicted is what is written of the rows of a file, and what is said of them.
func predicted(t *testing.T, m *trained.Model, file, format string, carry ...string) (out []byte, said string) {
	t.Helper()
	s, err := Open(m, file, carry)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var b bytes.Buffer
	if err := s.All(&b, format); err != nil {
		t.Fatal(err)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), s.Summary()
}

const people = `id,crew,port,age,alive
a,yes,Cork,50,yes
b,no,Rome,,no
c,true,,20.5,yes
d,false,Oslo,NA,
`

// Rows are encoded by hand here: age standardized, its gap, the four inputs of the port, the flag.
func TestTablesAreEncodedAsTrainingDid(t *testing.T) {
	m := modelOf(t, 1, -2, 0.5, 1.5, -0.25, 3, 0.125)
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte(people), 0o644); err != nil {
		t.Fatal(err)
	}
	out, said := predicted(t, m, file, CSV, "id")
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	z := []float64{2 + 1.5 + 0.125, 1 - 2 + 3, -0.95 + 0.5 + 0.125, 1 - 2 - 0.25}
	if len(lines) != 5 || lines[0] != "id,alive,p(no),p(yes)" {
		t.Fatalf("written is\n%s", out)
	}
	for i, line := range lines[1:] {
		cells := strings.Split(line, ",")
		want := 1 / (1 + math.Exp(-z[i]-0.25))
		var got float64
		if err := json.Unmarshal([]byte(cells[3]), &got); err != nil {
			t.Fatal(err)
		}
		if math.Abs(got-want) > 1e-14 || cells[0] != string("abcd"[i]) {
			t.Errorf("row %d is %s, want p(yes) %v", i, line, want)
		}
	}
	for _, want := range []string{"gaps: age 2 (as 40), port 1 (as (missing))", "categories without an input of their own: port 1 (as rare)", "4 rows predicted; over 3 rows with a target: loss ", ", auc "} {
		if !strings.Contains(said, want) {
			t.Errorf("said is %q, which lacks %q", said, want)
		}
	}
}

// Parquet has the values of CSV, read and written: to the bit, with null for what is empty.
func TestParquetHasThePredictionsOfCSV(t *testing.T) {
	m := modelOf(t, 1, -2, 0.5, 1.5, -0.25, 3, 0.125)
	dir := t.TempDir()
	text, binary := filepath.Join(dir, "people.csv"), filepath.Join(dir, "people.parquet")
	if err := os.WriteFile(text, []byte(people), 0o644); err != nil {
		t.Fatal(err)
	}
	type person struct {
		ID    string   `parquet:"id"`
		Crew  bool     `parquet:"crew"`
		Port  *string  `parquet:"port"`
		Age   *float64 `parquet:"age"`
		Alive *string  `parquet:"alive"`
	}
	of := func(s string) *string { return &s }
	number := func(v float64) *float64 { return &v }
	if err := parquet.WriteFile(binary, []person{{"a", true, of("Cork"), number(50), of("yes")}, {"b", false, of("Rome"), nil, of("no")}, {"c", true, nil, number(20.5), of("yes")},
		{"d", false, of("Oslo"), nil, nil}}); err != nil {
		t.Fatal(err)
	}
	want, said := predicted(t, m, text, CSV, "id", "port")
	got, saidOf := predicted(t, m, binary, CSV, "id", "port")
	if !bytes.Equal(got, want) || said != saidOf {
		t.Errorf("of Parquet it is\n%s%s\nwant\n%s%s", got, saidOf, want, said)
	}
	written, _ := predicted(t, m, text, FormatOf("out.PARQUET"), "id", "port")
	type prediction struct {
		ID    *string `parquet:"id"`
		Port  *string `parquet:"port"`
		Alive *string `parquet:"alive"`
		No    float64 `parquet:"p(no)"`
		Yes   float64 `parquet:"p(yes)"`
	}
	rows, err := parquet.Read[prediction](bytes.NewReader(written), int64(len(written)))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range rows {
		port := ""
		if r.Port != nil {
			port = *r.Port
		}
		no, _ := json.Marshal(r.No)
		yes, _ := json.Marshal(r.Yes)
		lines = append(lines, strings.Join([]string{*r.ID, port, *r.Alive, string(no), string(yes)}, ","))
	}
	if body := strings.Split(strings.TrimSpace(string(want)), "\n")[1:]; !slices.Equal(lines, body) {
		t.Errorf("written as Parquet are\n%q, want\n%q", lines, body)
	}
}

// A model of numbers, which no encoding makes, predicts Parquet as well.
func TestNumbersOfParquet(t *testing.T) {
	weights := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, math.Float64bits(2)), math.Float64bits(0.5))
	header := `{"W":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]},"b":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}}`
	content := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	content, err := trained.Attach(append(content, weights...), trained.Meta{Model: "linear", Kind: "regression", Target: "y", Features: []string{"x"}, Mean: []float64{1}, Factor: []float64{4}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := trained.Read(content)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.parquet")
	type row struct {
		Y int32   `parquet:"y"`
		X float32 `parquet:"x"`
	}
	if err := parquet.WriteFile(file, []row{{1, 1}, {2, 1.25}}); err != nil {
		t.Fatal(err)
	}
	out, said := predicted(t, m, file, CSV)
	if string(out) != "y\n0.5\n2.5\n" || !strings.Contains(said, "over 2 rows with a target: loss 0.125, rmse 0.5") {
		t.Errorf("predicted is\n%s%s", out, said)
	}
}

// A column that lacks is an error, unless training's rule fills its gaps: then each row counts as one.
func TestColumnsThatLack(t *testing.T) {
	m := modelOf(t, 1, -2, 0.5, 1.5, -0.25, 3, 0.125)
	file := filepath.Join(t.TempDir(), "few.csv")
	if err := os.WriteFile(file, []byte("crew,age\nyes,50\nno,60\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, said := predicted(t, m, file, CSV)
	if !strings.Contains(said, "few.csv lacks 1 column, whose rows count as gaps: port\ngaps: port 2 (as (missing))\n2 rows predicted") {
		t.Errorf("said is %q", said)
	}
	if err := os.WriteFile(file, []byte("port,age\nCork,50\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(m, file, nil); err == nil || !strings.Contains(err.Error(), "lacks 1 column that the model was trained on: crew") {
		t.Errorf("the error is %v", err)
	}
}
