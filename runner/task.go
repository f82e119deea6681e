package runner

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

// A Task says what is trained, on what, and for how long. One of three computes it: xrun itself
// (Native), a plugin (Objective) or a program of the user (Command).
type Task struct {
	// Model is linear, logistic, softmax, mlp, a test function, or the component of an Objective.
	// A Command has none.
	Model  string
	Epochs int // 0 leaves their number to a Command
	Training
	Native
	Objective *Choice  // the plugin in which model and data live; nil for others
	Command   *Command // the program that trains by itself; nil for others
	Metrics   []string // the metrics that Objective or Command reports
}

// Training says how xrun trains a Native task or an Objective.
type Training struct {
	DType        plugins.DType
	PenalizeBias bool     // regularizers apply to biases as well
	Report       []string // the metrics that are reported on request, those of rows with their part; see [Measures]
}

// Native is the part of a task whose gradients xrun computes itself: either Supervised or
// TestFunction is set.
type Native struct {
	// Batch is the number of examples a step, 0 for the whole training set. A noisy test
	// function averages as many draws.
	Batch int
	Supervised
	TestFunction
}

// Supervised is what a model of xrun's own learns from: a data set and its parts.
type Supervised struct {
	Dataset string // a built-in name, or a path
	Digest  string // SHA-256 of the data's content, hex
	// DataRevision is the revision of the rules by which the content is understood, 0 where they give the numbers that
	// they always gave.
	DataRevision int
	Target       string // the column to predict
	Kind         string // regression or classification
	Hidden       []int  // widths of an mlp's hidden layers
	Activation   string // relu or tanh; empty without hidden layers
	// Validation and Test are fractions of the data, 0 for none.
	Validation, Test float64
	// Folds, if not 0, cuts the data into that many parts, of which one is for validation. The
	// seed chooses the partition and the part, see [Supervised.Fold].
	Folds int
	// ValidationPath and TestPath are files with rows for these purposes; the digests are the
	// SHA-256 of their content, hex. Empty without one.
	ValidationPath, ValidationDigest string
	TestPath, TestDigest             string
	Standardize                      bool
	// Schema says how a table is read, and what its columns are.
	Schema data.Schema
	// ClassWeight is "balanced" where each class counts alike in the loss, however many rows it has; empty for rows that count alike.
	ClassWeight string
	Sampling    string // shuffle, replacement or sequential
	// Joined has the rows for validation train as well, so that nothing validates.
	Joined bool
}

// Validates reports whether there are rows for validation.
func (s Supervised) Validates() bool {
	return !s.Joined && (s.Validation > 0 || s.Folds > 0 || s.ValidationPath != "")
}

// Tests reports whether there are rows for testing.
func (s Supervised) Tests() bool { return s.Test > 0 || s.TestPath != "" }

// TestFunction is the shape of a test function, which Model names.
type TestFunction struct {
	Dimension int
	Condition float64 // the condition number of a quadratic; 0 for others
	Noise     float64 // standard deviation of a draw; 0 without noise
}

// loss is the loss whose mean the task minimizes.
func (t Task) loss() plugins.Loss {
	switch t.Kind {
	case string(data.Regression):
		return plugins.LossSquares
	case string(data.Classification):
		return plugins.LossLog
	}
	return plugins.LossFunction
}
