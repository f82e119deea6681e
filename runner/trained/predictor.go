package trained

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/models"
)

// Inputs are what the model takes from a file, and the columns to carry along.
func (m *Model) Inputs(carry []string) data.Inputs {
	return data.Inputs{Features: m.Features, Width: m.layers[0].in, Base: m.Base, Target: m.Target, Kind: data.Kind(m.Kind), Classes: m.Classes, Carry: carry, Schema: m.Schema, Encoding: m.Encoding}
}

func (m *Model) config() models.Config {
	c := models.Config{Name: m.Model, Kind: data.Kind(m.Kind), Inputs: m.layers[0].in, Classes: len(m.Classes), Sparse: m.Sparse, Activation: m.Activation, ClassWeights: m.ClassWeights}
	for _, l := range m.layers[:len(m.layers)-1] {
		c.Hidden = append(c.Hidden, l.out)
	}
	return c
}

// A Predictor predicts rows with the arithmetic of training, some at a time, and judges the predictions where the targets
// are known.
type Predictor interface {
	// Columns is the number of values for a row: one for each class, or one number.
	Columns() int

	// Add adds a row to those that wait, and reports whether no more may wait.
	Add(row *data.Row) (full bool)

	// Predict predicts the rows that wait: their values, row after row, and of a classification their likeliest classes.
	// The slices are valid until the next call.
	Predict() (values []float64, classes []int)

	// Score judges all predicted rows that had a target, and counts them. It has the bits of training if all had one.
	Score() (models.Score, int)
}

// Predictor makes a predictor.
func (m *Model) Predictor() (Predictor, error) {
	if m.DType == plugins.Float32 {
		return newPredictor[float32](m)
	}
	return newPredictor[float64](m)
}

type predictor[F plugins.Float] struct {
	*models.Predictor[F]
	model   *Model
	wait    data.Part[F]
	known   []bool
	values  []float64
	classes []int
}

func newPredictor[F plugins.Float](m *Model) (Predictor, error) {
	var params []F
	for _, l := range m.layers {
		params = data.Standardize(params, l.weights, nil, nil)
		params = data.Standardize(params, l.biases, nil, nil)
	}
	inner, err := models.NewPredictor(m.config(), params)
	if err != nil {
		return nil, err
	}
	p := &predictor[F]{model: m, Predictor: inner}
	p.values, p.classes = make([]float64, models.PieceRows*p.Columns()), make([]int, models.PieceRows)
	p.clear()
	return p, nil
}

// clear leaves no row waiting.
func (p *predictor[F]) clear() {
	w := p.wait
	p.wait = data.Part[F]{X: w.X[:0], Y: w.Y[:0], Labels: w.Labels[:0], D: p.model.layers[0].in, Classes: len(p.model.Classes)}
	if p.model.Sparse {
		p.wait.Sparse = data.CSR[F]{RowStart: []int{}, Column: w.Sparse.Column[:0], Value: w.Sparse.Value[:0]}
	}
	p.known = p.known[:0]
}

func (p *predictor[F]) Add(row *data.Row) (full bool) {
	w := &p.wait
	if s := &w.Sparse; p.model.Sparse {
		s.RowStart = append(s.RowStart, len(s.Value))
		s.Column = append(s.Column, row.Column...)
		s.Value = data.Standardize(s.Value, row.Value, nil, nil)
		s.RowEnd = append(s.RowEnd, len(s.Value))
	} else {
		w.X = data.Standardize(w.X, row.X, p.model.Mean, p.model.Factor)
	}
	w.Y, w.Labels = append(w.Y, F(row.Target)), append(w.Labels, int32(row.Target))
	p.known = append(p.known, row.Known)
	w.N++
	return w.N == models.PieceRows
}

func (p *predictor[F]) Predict() (values []float64, classes []int) {
	n := p.wait.N
	if n == 0 {
		return nil, nil
	}
	values, classes = p.values[:n*p.Columns()], p.classes[:n]
	p.Predictor.Predict(p.wait, p.known, values, classes)
	p.clear()
	return values, classes
}
