package models

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner/data"
)

// A Config describes a model.
type Config struct {
	Name    string    // one of Names
	Kind    data.Kind // required for an mlp; other models take their only kind, or ""
	Inputs  int       // features of the data
	Classes int       // of the data; 0 for a regression
	Sparse  bool      // whether the features of the data are sparse
	// Hidden are the widths of an mlp's hidden layers, first to last, and Activation what
	// follows each of them, "relu" or "tanh".
	Hidden     []int
	Activation string
	// ClassWeights is what a row of each class counts: losses are means of weighted losses over the rows. Nil where rows count
	// alike.
	ClassWeights []float64
	// PenalizeBias makes regularizers apply to biases as well. Default: they do not.
	PenalizeBias bool
	// Dimension is the number of parameters of a test function. Condition, at least 1, is the
	// condition number of a quadratic one.
	Dimension int
	Condition float64
	// Noise is the standard deviation of the rows that a noisy function gets as mini-batches.
	Noise float64
}

// kinds are the kinds of target by model.
var kinds = map[string][]data.Kind{
	"linear":   {data.Regression},
	"logistic": {data.Classification},
	"softmax":  {data.Classification},
	"mlp":      {data.Regression, data.Classification},
}

func (c Config) check() error {
	if f, ok := FunctionNamed(c.Name); ok {
		return c.checkFunction(f)
	}
	allowed, known := kinds[c.Name]
	switch {
	case !known:
		return &configError{c.Name, "is unknown", "the models are " + strings.Join(Names(), ", ")}
	case c.Kind == "" && len(allowed) > 1:
		return &configError{c.Name, "needs to know the kind of target", fmt.Sprintf("choose %q or %q", data.Regression, data.Classification)}
	case c.Kind != "" && !slices.Contains(allowed, c.Kind):
		return &configError{c.Name, fmt.Sprintf("cannot learn a target of kind %q", c.Kind), "linear and mlp learn numbers; logistic, softmax and mlp learn classes"}
	case c.Inputs < 1:
		return &configError{c.Name, "needs at least one feature", ""}
	case c.Name == "logistic" && c.Classes != 2:
		return &configError{c.Name, fmt.Sprintf("tells two classes apart, but the data has %d", c.Classes), "softmax takes any number of classes"}
	case c.classifies() && c.Classes < 2:
		return &configError{c.Name, fmt.Sprintf("needs two classes or more, but the data has %d", c.Classes), ""}
	case c.ClassWeights != nil && (!c.classifies() || len(c.ClassWeights) != c.Classes):
		return &configError{c.Name, fmt.Sprintf("has weights for %d classes, but the data has %d", len(c.ClassWeights), c.Classes), ""}
	}
	return c.checkHidden()
}

func (c Config) checkHidden() error {
	if c.Name != "mlp" {
		if len(c.Hidden) > 0 {
			return &configError{c.Name, "has no hidden layers", "an mlp has"}
		}
		return nil
	}
	for _, width := range c.Hidden {
		if width < 1 {
			return &configError{c.Name, fmt.Sprintf("has a hidden layer of width %d", width), ""}
		}
	}
	if c.Activation != "relu" && c.Activation != "tanh" {
		return &configError{c.Name, fmt.Sprintf("has the activation %q", c.Activation), "choose relu or tanh"}
	}
	return nil
}

// classifies reports whether the model's outputs are classes.
func (c Config) classifies() bool {
	return c.Name == "softmax" || c.Name == "logistic" || c.Name == "mlp" && c.Kind == data.Classification
}

// configError is a mistake in a Config.
type configError struct {
	Model   string
	Problem string
	hint    string
}

func (e *configError) Error() string { return fmt.Sprintf("model %q %s", e.Model, e.Problem) }

// Hint says what to do; it may be empty.
func (e *configError) Hint() string { return e.hint }

// Parameters is how many parameters the model has. It is a float, so that no configuration overflows it.
func (c Config) Parameters() float64 {
	if _, ok := FunctionNamed(c.Name); ok {
		return float64(c.Dimension)
	}
	outputs := 1
	if c.classifies() && c.Name != "logistic" {
		outputs = c.Classes
	}
	in, sum := float64(c.Inputs), 0.0
	for _, width := range c.Hidden {
		sum += float64((in + 1) * float64(width))
		in = float64(width)
	}
	return sum + float64((in+1)*float64(outputs))
}
