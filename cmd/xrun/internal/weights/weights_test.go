package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/trained"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// model is a linear model with named inputs, or a softmax of two classes if it has two rows of weights.
func model(t *testing.T, inputs []string, weights ...[]float64) *trained.Model {
	t.Helper()
	var elements []byte
	for _, row := range append(weights, make([]float64, len(weights))) {
		for _, v := range row {
			elements = binary.LittleEndian.AppendUint64(elements, math.Float64bits(v))
		}
	}
	at := len(elements) - 8*len(weights)
	header, err := json.Marshal(map[string]any{
		"W": map[string]any{"dtype": "F64", "shape": []int{len(weights), len(inputs)}, "data_offsets": []int{0, at}},
		"b": map[string]any{"dtype": "F64", "shape": []int{len(weights)}, "data_offsets": []int{at, len(elements)}}})
	if err != nil {
		t.Fatal(err)
	}
	content := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	meta := trained.Meta{Model: "linear", Kind: "regression", Target: "y", Features: inputs}
	if len(weights) == 2 {
		meta.Model, meta.Kind, meta.Classes = "softmax", "classification", []string{"no", "yes"}
	}
	if content, err = trained.Attach(append(content, elements...), meta); err != nil {
		t.Fatal(err)
	}
	m, err := trained.Read(content)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Means are over the seeds that have an input, with the interval of a comparison; a level that only a later seed has stands
// beside its neighbours.
func TestMeansAreOverTheSeedsThatHaveAnInput(t *testing.T) {
	models := []*trained.Model{model(t, []string{"a", "c=x", "z"}, []float64{1, 5, 0}), model(t, []string{"a", "c=x", "c=y", "z"}, []float64{2, 7, 9, 0}),
		model(t, []string{"a", "c=w", "c=x", "z"}, []float64{4, -1, 0, 3})}
	table, err := New(models, 0)
	if err != nil {
		t.Fatal(err)
	}
	table.Seeds = []int64{0, 1, 2}
	var names []string
	for _, c := range table.outputs[0].rows {
		names = append(names, c.input)
	}
	if !slices.Equal(names, []string{"a", "c=w", "c=x", "c=y", "z"}) {
		t.Errorf("the inputs are %q", names)
	}
	for i, want := range [][]float64{{1, 2, 4}, {-1}, {5, 7, 0}, {9}, {0, 0, 3}} {
		c := table.outputs[0].rows[i]
		mean := stats.MeanT(want, 0.95)
		if c.value.Value != mean.Value || c.value.N != len(want) || len(want) > 1 && c.value.High != mean.High {
			t.Errorf("%s is %+v, want %+v", c.input, c.value, mean)
		}
	}
	if c := table.outputs[0].rows[4]; c.zeros != 2 || table.outputs[0].rows[0].zeros != 0 {
		t.Errorf("z is 0 in %d seeds", c.zeros)
	}
	folds, err := New(models, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := folds.outputs[0].rows[0].value, stats.Corrected(stats.MeanT([]float64{1, 2, 4}, 0.95), 0.5); got != want {
		t.Errorf("over folds a is %+v, want %+v", got, want)
	}
}

// CSV has every coefficient of every class, in the order of the inputs; text has the largest first.
func TestTablesOfClasses(t *testing.T) {
	table, err := New([]*trained.Model{model(t, []string{"a", "=1+1", "c"}, []float64{1, -3, 0.5}, []float64{-1, 3, 2})}, 0)
	if err != nil {
		t.Fatal(err)
	}
	table.Seeds, table.Runs, table.Single, table.Sweep = []int64{4}, []int64{7}, true, "s"
	var b bytes.Buffer
	if err := table.CSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows[1:] {
		got = append(got, strings.Join(r[:4], " "))
	}
	if want := []string{"no (intercept) 0 ", "no a 1 ", "no '=1+1 -3 ", "no c 0.5 ", "yes (intercept) 0 ", "yes a -1 ", "yes '=1+1 3 ", "yes c 2 "}; !slices.Equal(got, want) {
		t.Errorf("CSV is %q, want %q", got, want)
	}
	b.Reset()
	v := View{}
	v.Top = 2
	table.Text(&b, v)
	text := b.String()
	if !strings.Contains(text, "y no\ninput        coefficient\n(intercept)  0\n=1+1         -3\na            1\n1 smaller one is left out") || !strings.Contains(text, "not centred") {
		t.Errorf("the text is\n%s", text)
	}
	for _, format := range []string{"svg", "png", "pdf"} {
		var first, again bytes.Buffer
		if err := table.Draw(&first, format, v); err != nil {
			t.Fatal(err)
		}
		if err := table.Draw(&again, format, v); err != nil || first.Len() < 500 || !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Errorf("%s has %d bytes, and then %d: %v", format, first.Len(), again.Len(), err)
		}
	}
}

// A figure has the 30 largest, and any numbers.
func TestFiguresOfManyInputs(t *testing.T) {
	var names []string
	var weights []float64
	for i := range 100 {
		names, weights = append(names, "input "+strconv.Itoa(i)), append(weights, float64(i)*math.Pow(-1, float64(i)))
	}
	weights[50] = math.Inf(1)
	weights[51] = math.NaN()
	table, err := New([]*trained.Model{model(t, names, weights)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	table.Seeds = []int64{0}
	var b bytes.Buffer
	if err := table.Draw(&b, "svg", View{}); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, "input 99") || strings.Contains(text, "input 9<") || !strings.Contains(text, "70 smaller ones are left out") {
		t.Errorf("the figure is\n%s", text)
	}
}
