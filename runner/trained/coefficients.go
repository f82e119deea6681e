package trained

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/runner/data"
)

// Coefficients are the weights of a model without hidden layers, by output and input.
type Coefficients struct {
	Outputs []string // the classes of a softmax; one without a name for other models
	Inputs  []string // names; of sparse data, the numbers that its files have
	// Weights and Intercepts are on the original scale of the columns: an output is Intercept + Σ Weight·x for a row x of
	// the table. Categories and indicators are 0 or 1.
	Weights    [][]float64
	Intercepts []float64
	// Own and OwnIntercepts are the parameters themselves, which belong to the inputs as training had them, standardized or not.
	Own           [][]float64
	OwnIntercepts []float64
	// Standardized reports whether training had other scales than the columns.
	Standardized bool
}

// Coefficients reads the weights of a linear, logistic or softmax model.
func (m *Model) Coefficients() (c Coefficients, err error) {
	if len(m.layers) != 1 || m.Model == "mlp" {
		return c, fmt.Errorf("the model %s has hidden layers, and no coefficient belongs to an input alone", m.Model)
	}
	l := m.layers[0]
	if len(l.weights) != l.in*l.out {
		return c, errors.New("the weights do not fit the layer")
	}
	c.Outputs, c.Inputs = []string{""}, m.Features
	if m.Model == "softmax" {
		c.Outputs = m.Classes
	}
	if m.Sparse {
		c.Inputs = make([]string, l.in)
		for j := range c.Inputs {
			c.Inputs[j] = strconv.Itoa(j + m.Base)
		}
	}
	mean, factor := m.scales()
	c.Standardized = slices.ContainsFunc(factor, func(f float64) bool { return f != 1 })
	for k := range l.out {
		own := l.weights[k*l.in:][:l.in]
		weights, intercept := slices.Clone(own), l.biases[k]
		for j := range weights {
			if factor != nil {
				weights[j] = float64(own[j] * factor[j])
				intercept -= float64(weights[j] * mean[j])
			}
		}
		c.Own, c.Weights = append(c.Own, own), append(c.Weights, weights)
		c.OwnIntercepts, c.Intercepts = append(c.OwnIntercepts, l.biases[k]), append(c.Intercepts, intercept)
	}
	return c, nil
}

// scales are the means and factors of the inputs; nil for inputs as they are.
func (m *Model) scales() (mean, factor []float64) {
	if m.Encoding == nil {
		return m.Mean, m.Factor
	}
	for _, c := range m.Encoding.Columns {
		for i := range c.Inputs() {
			if c.As != data.AsCategory && i == 0 && c.Mean != nil && c.Factor != nil {
				mean, factor = append(mean, *c.Mean), append(factor, *c.Factor)
			} else {
				mean, factor = append(mean, 0), append(factor, 1)
			}
		}
	}
	return mean, factor
}
