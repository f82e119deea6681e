package trained

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
)

// file makes a safetensors file of float64 tensors.
func file(t testing.TB, tensors map[string][][]float64) []byte {
	t.Helper()
	header := map[string]any{}
	var elements []byte
	for _, name := range []string{"W", "b", "W1", "b1", "W2", "b2"} {
		rows, ok := tensors[name]
		if !ok {
			continue
		}
		from := len(elements)
		for _, row := range rows {
			for _, v := range row {
				elements = binary.LittleEndian.AppendUint64(elements, math.Float64bits(v))
			}
		}
		shape := []int{len(rows), len(rows[0])}
		if name[0] == 'b' {
			shape = []int{len(rows[0])}
		}
		header[name] = map[string]any{"dtype": "F64", "shape": shape, "data_offsets": []int{from, len(elements)}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(out, text...), elements...)
}

var (
	line = map[string][][]float64{"W": {{2, -1}}, "b": {{0.5}}}
	deep = map[string][][]float64{"W1": {{1, 0}, {0, 1}, {-1, -1}}, "b1": {{0, 0, 1}}, "W2": {{1, 0, 0}, {0, 1, 0}}, "b2": {{0, 0}}}
)

// predict is what a model says of one row.
func predict(t testing.TB, m *Model, x []float64) []float64 {
	t.Helper()
	p, err := m.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	p.Add(&data.Row{X: x})
	values, _ := p.Predict()
	return values
}

func TestPredictions(t *testing.T) {
	two := []string{"x", "y"}
	for name, c := range map[string]struct {
		tensors map[string][][]float64
		meta    Meta
		x, want []float64
	}{
		"linear":         {line, Meta{Model: "linear", Kind: "regression", Features: two}, []float64{3, 4}, []float64{2.5}},
		"linear, scaled": {line, Meta{Model: "linear", Kind: "regression", Features: two, Mean: []float64{1, 2}, Factor: []float64{2, 0}}, []float64{3, 4}, []float64{8.5}},
		"logistic":       {line, Meta{Model: "logistic", Kind: "classification", Features: two, Classes: two}, []float64{0, 0.5}, []float64{0.5, 0.5}},
		"softmax":        {map[string][][]float64{"W": {{1, 0}, {0, 1}}, "b": {{0, math.Log(3)}}}, Meta{Model: "softmax", Kind: "classification", Features: two, Classes: two}, []float64{1000, 1000}, []float64{0.25, 0.75}},
		"mlp, relu":      {deep, Meta{Model: "mlp", Kind: "classification", Activation: "relu", Features: two, Classes: two}, []float64{-5, math.Log(4)}, []float64{0.2, 0.8}},
		"mlp of numbers": {map[string][][]float64{"W1": {{1, 1}}, "b1": {{0}}, "W2": {{2}}, "b2": {{1}}}, Meta{Model: "mlp", Kind: "regression", Activation: "tanh", Features: two}, []float64{0, 0}, []float64{1}},
	} {
		content, err := Attach(file(t, c.tensors), c.meta)
		if err != nil {
			t.Fatal(err)
		}
		if len(content)%8 != 0 {
			t.Errorf("%s: the elements are not aligned", name)
		}
		m, err := Read(content)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		before := slices.Clone(c.x)
		got := predict(t, m, c.x)
		for i, want := range c.want {
			if len(got) != len(c.want) || math.Abs(got[i]-want) > 1e-12 {
				t.Errorf("%s: %v, want %v", name, got, c.want)
				break
			}
		}
		if !slices.Equal(c.x, before) {
			t.Error("the features were changed")
		}
	}
}

// A model of sparse data has no names of features, and keeps what they are counted from.
func TestModelsOfSparseData(t *testing.T) {
	content, err := Attach(file(t, line), Meta{Model: "linear", Kind: "regression", Target: "label", Sparse: true, Base: 1})
	if err != nil {
		t.Fatal(err)
	}
	m, err := Read(content)
	if err != nil {
		t.Fatal(err)
	}
	if in := m.Inputs(nil); in.Features != nil || in.Width != 2 || in.Base != 1 {
		t.Errorf("the inputs are %+v", in)
	}
	p, err := m.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	p.Add(&data.Row{Column: []int32{1}, Value: []float64{3}, Target: 0.5, Known: true})
	p.Add(&data.Row{})
	values, _ := p.Predict()
	if s, n := p.Score(); !slices.Equal(values, []float64{-2.5, 0.5}) || n != 1 || s.Loss != 4.5 {
		t.Errorf("predicted %v, %+v over %d rows", values, s, n)
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	good := Meta{Model: "linear", Kind: "regression", Features: []string{"x", "y"}}
	for name, content := range map[string]func() ([]byte, error){
		"no metadata":      func() ([]byte, error) { return file(t, line), nil },
		"too few features": func() ([]byte, error) { m := good; m.Features = m.Features[:1]; return Attach(file(t, line), m) },
		"too many scales": func() ([]byte, error) {
			m := good
			m.Mean, m.Factor = make([]float64, 3), make([]float64, 3)
			return Attach(file(t, line), m)
		},
		"another model": func() ([]byte, error) { m := good; m.Model = "quadratic"; return Attach(file(t, line), m) },
		"classes of none": func() ([]byte, error) {
			m := good
			m.Kind = "classification"
			m.Model = "softmax"
			return Attach(file(t, line), m)
		},
		"no activation": func() ([]byte, error) {
			m := good
			m.Model = "mlp"
			m.Kind = "classification"
			m.Classes = m.Features
			return Attach(file(t, deep), m)
		},
		"no layer":          func() ([]byte, error) { return Attach(file(t, nil), good) },
		"cut short":         func() ([]byte, error) { c, err := Attach(file(t, line), good); return c[:len(c)-4], err },
		"a header too long": func() ([]byte, error) { return bytes.Repeat([]byte{0xff}, 64), nil },
		"empty":             func() ([]byte, error) { return nil, nil },
	} {
		c, err := content()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m, err := Read(c); err == nil {
			t.Errorf("%s: read as %+v", name, m.Meta)
		}
	}
}

func FuzzRead(f *testing.F) {
	content, err := Attach(file(f, deep), Meta{Model: "mlp", Kind: "classification", Activation: "relu", Features: []string{"x", "y"}, Classes: []string{"a", "b"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add(file(f, line))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := Read(content)
		if err != nil {
			return
		}
		if !m.Sparse {
			predict(t, m, make([]float64, len(m.Features))) // whatever it reads can be used
		}
	})
}

// Coefficients on the original scale give, for a row of the table, what the parameters give for the row as training has it.
func TestCoefficients(t *testing.T) {
	content, err := Attach(file(t, line), Meta{Model: "linear", Kind: "regression", Features: []string{"x", "y"}, Mean: []float64{3, 100}, Factor: []float64{4, 0.5}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := Read(content)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Coefficients()
	if err != nil {
		t.Fatal(err)
	}
	// 2·4·(x − 3) − 1·0.5·(y − 100) + 0.5
	if !slices.Equal(c.Weights[0], []float64{8, -0.5}) || c.Intercepts[0] != 26.5 || !slices.Equal(c.Own[0], []float64{2, -1}) || c.OwnIntercepts[0] != 0.5 || !c.Standardized {
		t.Errorf("the coefficients are %+v", c)
	}
	if got := predict(t, m, []float64{5, 90}); got[0] != 26.5+40-45 {
		t.Errorf("predicted is %v, want 21.5", got)
	}

	half, two := 0.5, 2.0
	encoded := &data.Encoding{Columns: []data.EncodedColumn{{Name: "x", As: data.AsCategory, Levels: []string{"a"}}, {Name: "y", As: data.AsOrdinal, Levels: []string{"S", "M"}, Mean: &half, Factor: &two}}}
	content, err = Attach(file(t, line), Meta{Model: "linear", Kind: "regression", Features: encoded.Inputs(), Encoding: encoded})
	if err != nil {
		t.Fatal(err)
	}
	if m, err = Read(content); err != nil {
		t.Fatal(err)
	}
	if c, err = m.Coefficients(); err != nil || !slices.Equal(c.Inputs, []string{"x=a", "y"}) || !slices.Equal(c.Weights[0], []float64{2, -2}) || c.Intercepts[0] != 1.5 {
		t.Errorf("of an encoded table they are %+v, %v", c, err)
	}

	content, err = Attach(file(t, line), Meta{Model: "linear", Kind: "regression", Sparse: true, Base: 1})
	if err != nil {
		t.Fatal(err)
	}
	if m, err = Read(content); err != nil {
		t.Fatal(err)
	}
	if c, err = m.Coefficients(); err != nil || !slices.Equal(c.Inputs, []string{"1", "2"}) || c.Standardized {
		t.Errorf("of sparse data they are %+v, %v", c, err)
	}

	content, err = Attach(file(t, deep), Meta{Model: "mlp", Kind: "classification", Activation: "relu", Features: []string{"x", "y"}, Classes: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if m, err = Read(content); err != nil {
		t.Fatal(err)
	}
	if c, err := m.Coefficients(); err == nil {
		t.Errorf("an mlp has the coefficients %+v", c)
	}
}

// An encoding that does not make the inputs, or cannot encode, is refused when a file is read.
func TestEncodingsThatDoNotFit(t *testing.T) {
	one := 1.0
	for name, c := range map[string]data.EncodedColumn{
		"other inputs":        {Name: "z", As: data.AsNumber},
		"a future column":     {Name: "y", As: "word embedding"},
		"half a scale":        {Name: "y", As: data.AsNumber, Mean: &one},
		"a scaled category":   {Name: "y", As: data.AsCategory, Levels: []string{"a"}, Mean: &one, Factor: &one},
		"levels not in order": {Name: "y", As: data.AsCategory, Levels: []string{"b", "a"}},
		"an unfilled gap":     {Name: "y", As: data.AsNumber, Indicator: true},
	} {
		e := &data.Encoding{Columns: []data.EncodedColumn{{Name: "x", As: data.AsNumber}, c}}
		features := e.Inputs()
		if name == "other inputs" {
			features = []string{"x", "y"}
		}
		content, err := Attach(file(t, map[string][][]float64{"W": {make([]float64, len(features))}, "b": {{0}}}), Meta{Model: "linear", Kind: "regression", Features: features, Encoding: e})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := Read(content); err == nil {
			t.Errorf("%s: read as %+v", name, m.Meta)
		}
	}
}
