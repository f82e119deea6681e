// Package trained writes the kept parameters of a run to a self-contained file, and predicts with it.
//
// The file is in the safetensors format (https://github.com/huggingface/safetensors): 8 bytes with the length of the
// header, the header in JSON, the elements. The header's metadata describes the parameters. Its values are texts; lists
// are in JSON. Predictions and their losses are computed as in training.
// The package neither trains nor knows runs.
package trained

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

// Meta describes the parameters of a model.
type Meta struct {
	Model      string // linear, logistic, softmax or mlp
	Kind       string // regression or classification
	Activation string // of hidden layers
	Target     string
	Features   []string // in the order of the inputs; nil for sparse data, whose features have numbers only
	Sparse     bool
	Base       int      // what the features of files of sparse data are counted from, 0 or 1
	Classes    []string // in the order of the outputs; nil for a regression
	// Mean and Factor are of the training rows: the model's input is (x − Mean)·Factor. Nil for inputs as they are, and for
	// those that an Encoding makes, which has its own.
	Mean, Factor []float64
	// Encoding makes the inputs of the columns of a table, of which Features are then the names. Nil for inputs that are
	// columns of numbers.
	Encoding *data.Encoding
	// Schema says how the text of a table is read; with an Encoding it is the Encoding's.
	Schema data.Schema
	// ClassWeights is what a row of each class counts in the loss; nil where rows count alike.
	ClassWeights []float64
	// Metrics are those that the sweep is judged by beside losses, without the names of parts: "auc".
	Metrics []string
	// Facts describe the run for the reader: its name and its results.
	Facts map[string]string
}

const metadata = "__metadata__"

// Attach replaces the metadata of a safetensors file.
func Attach(content []byte, m Meta) ([]byte, error) {
	header, elements, err := split(content)
	if err != nil {
		return nil, err
	}
	texts := maps.Clone(m.Facts)
	if texts == nil {
		texts = map[string]string{}
	}
	texts["model"], texts["kind"], texts["target"] = m.Model, m.Kind, m.Target
	if m.Activation != "" {
		texts["activation"] = m.Activation
	}
	if m.Sparse {
		texts["sparse"], texts["base"] = "true", strconv.Itoa(m.Base)
	}
	lists := map[string]any{"features": m.Features, "classes": m.Classes, "mean": m.Mean, "factor": m.Factor, "encoding": m.Encoding, "metrics": m.Metrics, "class_weights": m.ClassWeights}
	if m.Encoding == nil && !m.Schema.IsZero() {
		lists["schema"] = m.Schema
	}
	for name, list := range lists {
		text, err := json.Marshal(list)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", name, err)
		}
		if string(text) != "null" {
			texts[name] = string(text)
		}
	}
	if header[metadata], err = json.Marshal(texts); err != nil {
		return nil, err
	}
	text, err := json.Marshal(header) // keys are sorted
	if err != nil {
		return nil, err
	}
	text = append(text, bytes.Repeat([]byte(" "), (8-len(text)%8)%8)...)
	out := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(text)+len(elements)), uint64(len(text)))
	return append(append(out, text...), elements...), nil
}

// maxHeader is the longest header that the format allows.
const maxHeader = 100 << 20

func split(content []byte) (header map[string]json.RawMessage, elements []byte, err error) {
	if len(content) < 8 {
		return nil, nil, errors.New("not a safetensors file: it is too short")
	}
	n := binary.LittleEndian.Uint64(content)
	if n > maxHeader || n > uint64(len(content)-8) {
		return nil, nil, fmt.Errorf("not a safetensors file: its header would have %d bytes, and the file has %d", n, len(content))
	}
	if err := json.Unmarshal(content[8:8+n], &header); err != nil {
		return nil, nil, fmt.Errorf("not a safetensors file: its header cannot be read: %w", err)
	}
	return header, content[8+n:], nil
}

// A Model is a trained model that can predict.
type Model struct {
	Meta
	DType  plugins.DType // of the parameters, and of all arithmetic with them
	layers []layer
}

// layer is z = W·x + b, W row after row.
type layer struct {
	weights, biases []float64
	in, out         int
}

// tensor is the entry of a tensor in the header.
type tensor struct {
	DType   string    `json:"dtype"`
	Shape   []int     `json:"shape"`
	Offsets [2]uint64 `json:"data_offsets"`
}

// Read reads a file that Attach has made.
func Read(content []byte) (*Model, error) {
	header, elements, err := split(content)
	if err != nil {
		return nil, err
	}
	m := &Model{Meta: Meta{Facts: map[string]string{}}}
	if header[metadata] == nil {
		return nil, errors.New("the file does not name its model; xrun best writes files that do")
	}
	if err := json.Unmarshal(header[metadata], &m.Facts); err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	m.Model, m.Kind, m.Target, m.Activation = m.Facts["model"], m.Facts["kind"], m.Facts["target"], m.Facts["activation"]
	m.Sparse = m.Facts["sparse"] == "true"
	if m.Facts["base"] == "1" {
		m.Base = 1
	}
	for name, into := range map[string]any{"features": &m.Features, "classes": &m.Classes, "mean": &m.Mean, "factor": &m.Factor,
		"encoding": &m.Encoding, "metrics": &m.Metrics, "class_weights": &m.ClassWeights, "schema": &m.Schema} {
		if text := m.Facts[name]; text != "" {
			if err := json.Unmarshal([]byte(text), into); err != nil {
				return nil, fmt.Errorf("read %s of the metadata: %w", name, err)
			}
		}
	}
	if m.Encoding != nil {
		m.Schema = m.Encoding.Schema
	}
	for number := 0; ; number++ {
		suffix := ""
		if number > 0 {
			suffix = fmt.Sprint(number)
		}
		if header["W"+suffix] == nil {
			if number == 0 {
				continue // the layers of an mlp are counted from 1
			}
			break
		}
		l, dtype, err := readLayer(header, elements, suffix)
		if err != nil {
			return nil, err
		}
		if m.DType != "" && m.DType != dtype {
			return nil, fmt.Errorf("tensor W%s is of %s, the one before it of %s", suffix, dtype, m.DType)
		}
		m.DType = dtype
		m.layers = append(m.layers, l)
	}
	return m, m.check()
}

func readLayer(header map[string]json.RawMessage, elements []byte, suffix string) (l layer, dtype plugins.DType, err error) {
	var shape []int
	if l.weights, shape, dtype, err = readTensor(header, elements, "W"+suffix); err != nil {
		return l, "", err
	}
	if len(shape) != 2 {
		return l, "", fmt.Errorf("tensor W%s has the shape %v, not two dimensions", suffix, shape)
	}
	l.out, l.in = shape[0], shape[1]
	var also plugins.DType
	if l.biases, _, also, err = readTensor(header, elements, "b"+suffix); err != nil {
		return l, "", err
	}
	if len(l.biases) != l.out {
		return l, "", fmt.Errorf("tensor b%s has %d elements, W%s has %d rows", suffix, len(l.biases), suffix, l.out)
	}
	if also != dtype {
		return l, "", fmt.Errorf("tensor b%s is of %s, W%s of %s", suffix, also, suffix, dtype)
	}
	return l, dtype, nil
}

func readTensor(header map[string]json.RawMessage, elements []byte, name string) ([]float64, []int, plugins.DType, error) {
	if header[name] == nil {
		return nil, nil, "", fmt.Errorf("tensor %s is missing", name)
	}
	var t tensor
	if err := json.Unmarshal(header[name], &t); err != nil {
		return nil, nil, "", fmt.Errorf("tensor %s: %w", name, err)
	}
	width := map[string]uint64{"F64": 8, "F32": 4}[t.DType]
	n := uint64(1)
	for _, d := range t.Shape {
		if d < 1 || uint64(d) > uint64(len(elements)) || n > uint64(len(elements)) {
			return nil, nil, "", fmt.Errorf("tensor %s has the shape %v, larger than the file", name, t.Shape)
		}
		n *= uint64(d)
	}
	from, to := t.Offsets[0], t.Offsets[1]
	if width == 0 || from > to || to > uint64(len(elements)) || to-from != n*width {
		return nil, nil, "", fmt.Errorf("tensor %s of %s has the shape %v and the bytes %d to %d, of %d in the file", name, t.DType, t.Shape, from, to, len(elements))
	}
	values := make([]float64, n)
	for i := range values {
		at := elements[from+uint64(i)*width:]
		if width == 8 {
			values[i] = math.Float64frombits(binary.LittleEndian.Uint64(at))
		} else {
			values[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(at)))
		}
	}
	return values, t.Shape, map[uint64]plugins.DType{8: plugins.Float64, 4: plugins.Float32}[width], nil
}

// check refuses parts that do not fit together.
func (m *Model) check() error {
	if len(m.layers) == 0 {
		return errors.New("the file has no layer")
	}
	for i, l := range m.layers[1:] {
		if l.in != m.layers[i].out {
			return fmt.Errorf("layer %d has %d inputs, and the one before it %d outputs", i+2, l.in, m.layers[i].out)
		}
	}
	outputs := 1
	if m.Kind == "classification" && m.Model != "logistic" {
		outputs = len(m.Classes)
	}
	inputs := m.layers[0].in
	if m.Encoding != nil {
		if err := m.Encoding.Check(); err != nil {
			return err
		}
	}
	switch {
	case !slices.Contains([]string{"linear", "logistic", "softmax", "mlp"}, m.Model):
		return fmt.Errorf("the model %q is not one that can predict", m.Model)
	case m.layers[len(m.layers)-1].out != outputs || m.Model == "logistic" && len(m.Classes) != 2:
		return fmt.Errorf("the last layer has %d outputs for %d classes", m.layers[len(m.layers)-1].out, len(m.Classes))
	case m.Sparse && (m.Features != nil || m.Mean != nil):
		return errors.New("the features of sparse data have no names and no scales")
	case !m.Sparse && len(m.Features) != inputs:
		return fmt.Errorf("there are names of %d features, and the model has %d inputs", len(m.Features), inputs)
	case m.Encoding != nil && (m.Sparse || m.Mean != nil || !slices.Equal(m.Encoding.Inputs(), m.Features)):
		return errors.New("the encoding of the table does not make the inputs of the model")
	case len(m.Mean) != len(m.Factor) || m.Mean != nil && len(m.Mean) != inputs:
		return fmt.Errorf("there are scales of %d features, and the model has %d inputs", len(m.Mean), inputs)
	case m.ClassWeights != nil && len(m.ClassWeights) != len(m.Classes):
		return fmt.Errorf("there are weights of %d classes, and the model has %d", len(m.ClassWeights), len(m.Classes))
	case len(m.layers) > 1 && m.Activation != "relu" && m.Activation != "tanh":
		return fmt.Errorf("the activation %q is unknown", m.Activation)
	}
	return nil
}
