package sweeps

import (
	"context"
	"fmt"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

const (
	regression     = "regression"
	classification = "classification"
)

// task reads [task] and looks its data up.
func (d *decoder) task(ctx context.Context, e *document.Entry) {
	s := d.open(e, taskTable)
	if s.node.Find("command") != nil {
		d.command(ctx, s.of(commandTaskTable))
		return
	}
	if s.node.Find("plugin") != nil {
		d.objective(ctx, s.of(pluginTaskTable))
		return
	}
	s = s.choose()
	s.only()
	if e == nil {
		s.missingTable("task", "dataset and model")
	}
	t := &d.spec.Task
	t.Model = s.model()
	t.Epochs = s.integer("epochs")
	t.DType = plugins.DType(s.choice("dtype"))
	_, isFunction := runner.Function(t.Model)
	if isFunction || t.Model == "" {
		s.function(t)
	}
	if isFunction {
		t.Report = s.measures(*t)
		return
	}
	s.rows(t)
	t.PenalizeBias = s.flag("penalize_bias")
	s.batch(t)
	if t.Model == "mlp" || t.Model == "" {
		s.hidden(t)
	}
	s.data(ctx, t)
	t.Report = s.measures(*t)
	d.addNamed(t)
	if s.table.find("class_weight", t.Model) == nil {
		return
	}
	if v, given := s.get("class_weight"); given {
		t.ClassWeight = v.Text
		if t.Kind == regression && t.Model == "mlp" { // other models of classes are refused already
			s.report(s.place("class_weight"), document.Problem{Message: fmt.Sprintf("%s of %s is a number, and has no classes to weigh", t.Target, t.Dataset), Help: "leave `class_weight` out"})
		}
	}
}

// rows reads how data is divided and how its columns become inputs.
func (s section) rows(t *runner.Task) {
	t.Validation, t.ValidationPath = s.part("validation")
	t.Test, t.TestPath = s.part("test")
	t.Folds = s.folds()
	if t.Folds > 0 {
		t.Validation = 0
	}
	if sum := t.Validation + t.Test; sum >= 1 {
		s.report(s.place("test"), document.Problem{Message: fmt.Sprintf("validation and test take %g of the data and leave nothing to train on", sum)})
	}
	t.Standardize = s.flag("standardize")
	t.Schema = s.dataSchema()
	s.divide(t)
}

// function reads what describes a test function. Without a model, all keys are checked all the same.
func (s section) function(t *runner.Task) {
	f, known := runner.Function(t.Model)
	t.Dimension = s.integer("dimension")
	if err := f.CheckDimension(t.Dimension); known && t.Dimension > 0 && err != nil {
		s.reportError(s.place("dimension"), err)
	}
	if f.Conditioned || !known {
		t.Condition = s.real("condition")
	}
	if f.Noisy || !known {
		t.Noise = s.real("noise")
	}
	if f.Noisy {
		t.Batch = s.integer("batch") // draws that a step averages
	}
}

// missingTable reports a table that every sweep needs.
func (s section) missingTable(name, keys string) {
	s.problems = append(s.problems, document.Problem{File: s.File, Line: 1, Col: 1, Message: fmt.Sprintf("missing table [%s]", name),
		Help: fmt.Sprintf("add [%s] with %s", name, keys)})
}

func (s section) model() string {
	e := s.node.Find("model")
	if e == nil {
		s.missing("model", "models: "+document.List(models)+"; or plugin = \"./my-objective\", where model and data live in a plugin; or command = [\"python\", \"train.py\"], a program of your own")
		return ""
	}
	return s.choice("model")
}

func (s section) batch(t *runner.Task) {
	e := s.node.Find("batch")
	t.Sampling = s.choice("sampling")
	if e == nil || e.Value.Kind != document.Text {
		t.Batch = s.integer("batch")
		return
	}
	if e.Value.Text != "full" {
		s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`batch` is %q, but wants a number of examples or \"full\"", document.Clip(e.Value.Text))})
		return
	}
	t.Batch, t.Sampling = 0, ""
	if e := s.node.Find("sampling"); e != nil {
		s.report(e.At, document.Problem{Message: "`sampling` means nothing with batch = \"full\""})
	}
}

// hidden reads the widths and the activation of an mlp's hidden layers.
func (s section) hidden(t *runner.Task) {
	t.Hidden = []int{32}
	if e := s.node.Find("hidden"); e != nil {
		width := s.key("hidden").Setting
		switch e.Value.Kind {
		case document.Array:
			t.Hidden = nil
			for _, n := range e.Value.Items {
				if v, ok := s.check(width, "hidden", n); ok {
					t.Hidden = append(t.Hidden, int(v.Integer))
				}
			}
		case document.Integer:
			if v, ok := s.check(width, "hidden", e.Value); ok {
				t.Hidden = []int{int(v.Integer)}
			}
		default:
			s.wrongType("hidden", "a list of widths", e.Value)
		}
	}
	t.Activation = s.choice("activation")
	if len(t.Hidden) == 0 {
		t.Activation = ""
		if e := s.node.Find("activation"); e != nil {
			s.report(e.At, document.Problem{Message: "`activation` means nothing without hidden layers"})
		}
	}
}

// data looks the data set up and says whether the model can learn from it.
func (s section) data(ctx context.Context, t *runner.Task) {
	kind, model := "", t.Model
	if t.Objective != nil { // its component may be called anything
		model = ""
	}
	if model == "mlp" || model == "" {
		kind = s.choice("kind")
	}
	target := s.text("target")
	name := s.text("dataset")
	if name == "" {
		if t.Model != "" && s.node.Find("dataset") == nil {
			s.missing("dataset", "a built-in data set, or the path of a file")
		}
		s.unsure = true
		return
	}
	if isFile(name) {
		name = s.resolve(name)
		switch model {
		case "linear":
			kind = regression
		case "logistic", "softmax":
			kind = classification
		}
	}
	found, err := s.catalog.Dataset(ctx, Source{Name: name, Target: target, Kind: kind, Validation: t.ValidationPath, Test: t.TestPath, Schema: t.Schema})
	if err != nil {
		at := s.place("dataset")
		if e := s.node.Find(aboutOf(err)); e != nil {
			at = e.Value.At
		}
		s.reportError(at, err)
		s.unsure = true
		return
	}
	for _, w := range found.Warnings {
		s.warn(s.place("dataset"), document.Problem{Message: w})
	}
	t.Dataset, t.Digest, t.Target, t.Kind = found.Name, found.Digest, found.Target, found.Kind
	t.ValidationDigest, t.TestDigest = found.ValidationDigest, found.TestDigest
	t.DataRevision = found.Revision
	switch given := s.node.Find("standardize") != nil; {
	case found.Sparse && !given:
		t.Standardize = false
	case found.Sparse && t.Standardize:
		s.report(s.place("standardize"), document.Problem{Message: fmt.Sprintf("%s is sparse: with features shifted to mean 0, none of its zeros would be left", found.Name),
			Help: "leave `standardize` out, and scale the values in the file where that matters"})
	}
	if t.Standardize {
		t.DataRevision = max(t.DataRevision, found.ScaledRevision)
	}
	if found.Sparse && t.Objective != nil {
		s.report(s.place("dataset"), document.Problem{Message: fmt.Sprintf("%s is sparse, and plugins are given dense data", found.Name), Help: "a plugin may read the file itself, without the feature data"})
	}
	s.fill(*t, found)
	s.agree(model, found)
}

// isFile reports whether a name is a file rather than a built-in data set. The files of MNIST have no dot.
func isFile(name string) bool {
	return isPath(name) || strings.Contains(name, ".") || strings.Contains(strings.ToLower(name), "-idx")
}

func (s section) agree(model string, data Dataset) {
	var problem string
	switch {
	case model == "linear" && data.Kind != regression:
		problem = fmt.Sprintf("linear predicts a number, but %s of %s is one of %d classes", data.Target, data.Name, data.Classes)
	case (model == "logistic" || model == "softmax") && data.Kind != classification:
		problem = fmt.Sprintf("%s predicts a class, but %s of %s is a number", model, data.Target, data.Name)
	case model == "logistic" && data.Classes != 2:
		problem = fmt.Sprintf("logistic tells two classes apart, but %s of %s has %d", data.Target, data.Name, data.Classes)
	case data.Kind == classification && data.Classes < 2:
		problem = fmt.Sprintf("%s of %s has only one class: there is nothing to learn", data.Target, data.Name)
	default:
		return
	}
	fits := "softmax or mlp"
	if data.Kind == regression {
		fits = "linear or mlp"
	}
	s.report(s.place("model"), document.Problem{Message: problem, Help: fmt.Sprintf("models for %s: %s", data.Kind, fits)})
}
