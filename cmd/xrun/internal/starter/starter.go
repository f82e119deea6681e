// Package starter writes a first sweep file for a data set.
package starter

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner/data"
)

// Draft is a sweep file for a data set, which it opens. path is the future place of the file. What is odd about a table
// stands in the file and is written to warnings.
func Draft(path, dataset, target string, warnings io.Writer) (string, error) {
	d := &draft{name: dataset}
	var err error
	switch file := asPath(dataset); {
	case slices.Contains(data.Names(), dataset):
		d.set, err = data.Open(dataset, data.Options{Target: target})
	case data.IsTable(file):
		err = d.table(file, target)
	default:
		d.set, d.fits, err = examine(file, target, data.Schema{})
	}
	if err != nil {
		return "", err
	}
	if err := d.divide(); err != nil {
		return "", err
	}
	if !slices.Contains(data.Names(), dataset) {
		if d.name, err = relative(filepath.Dir(path), dataset); err != nil {
			return "", err
		}
	}
	for _, w := range d.warnings {
		fmt.Fprintln(warnings, "warning: "+w)
	}
	return d.text(), nil
}

// A draft is what a sweep file is written from.
type draft struct {
	name     string
	set      *data.Set
	fits     string // what numbers in the target were taken for; empty for others
	reading  *reading
	warnings []string
	share    float64 // of the rows, to validate
	training int     // the rows that are left
}

// divide finds a share that sets a row aside.
func (d *draft) divide() error {
	for _, d.share = range []float64{0.2, 0.35, 0.5} {
		validations, _ := data.PartSizes(d.set.Strata(), d.share, 0)
		if d.training = d.set.Len() - validations; validations > 0 && d.training > 0 {
			return nil
		}
	}
	problem, hint := data.NoRow("validation", d.share, d.set.Strata())
	return advice.Usage(fmt.Errorf("%s: %s", d.set.Name, problem), hint)
}

// text is the sweep file.
func (d *draft) text() string {
	model, loss, fits := "softmax", "cross-entropy", "softmax, mlp"
	switch {
	case d.set.Kind == data.Regression:
		model, loss, fits = "linear", "half the squared error", "linear, mlp"
	case len(d.set.Classes) == 2:
		model, fits = "logistic", "logistic, softmax, mlp"
	}
	fits = cmp.Or(d.fits, "or another of: "+fits)
	dataset, seen := key("dataset", quoted(d.name), ""), ""
	switch {
	case d.reading != nil:
		seen = d.seen()
		dataset += d.reading.keys()
	case !slices.Contains(data.Names(), d.name):
		dataset += key("target", quoted(d.set.Target), "the column to predict")
	}
	batch := key("batch", "32", `examples a step; "full" is gradient descent`)
	if d.training < 32 {
		batch = key("batch", `"full"`, "all examples in each step: they are few")
	}
	metric := fmt.Sprintf("name = \"val_loss\"                 # %s on the validation data, lower is better\n", loss)
	weight := ""
	if rarest, says := d.imbalance(); says != "" {
		name, means := "balanced_accuracy", "the mean over the classes of the share that is right"
		if len(d.set.Classes) == 2 {
			name, means = "auc", "how often a row of one class is ranked before one of the other"
		}
		weight = key("class_weight", `"balanced"`, says)
		weight += key("report", `["`+name+`"]`, "accuracy says little here: always the commonest class has "+percent(1-rarest))
		metric = fmt.Sprintf("name = %-26s # %s; higher is better\n", `"val_`+name+`"`, means)
	}
	return fmt.Sprintf(starter, seen, d.set.Len(), d.set.Dim(), dataset+key("model", quoted(model), fits)+weight,
		key("validation", fmt.Sprint(d.share), "the share that trials are judged by"), batch, metric)
}

// By what classes are told to be so unequal that accuracy says little.
const (
	unequal    = 0.25 // the rows of the rarest class for each of the commonest
	rarestRows = 2    // of the rarest class among those that validate, so that it can be judged
)

// imbalance says how unequal classes are; says is empty where they are not. others is the share of all but the commonest.
func (d *draft) imbalance() (others float64, says string) {
	rows := d.set.Strata()
	rarest, commonest := slices.Min(rows), slices.Max(rows)
	if d.reading == nil || len(d.set.Classes) < 2 || float64(rarest) >= unequal*float64(commonest) || d.share*float64(rarest) < rarestRows {
		return 0, ""
	}
	class := d.set.Classes[slices.Index(rows, rarest)]
	return 1 - float64(commonest)/float64(d.set.Len()), fmt.Sprintf("each class counts alike: %s has %s of the rows", shown(class), percent(float64(rarest)/float64(d.set.Len())))
}

// key is a line of [task].
func key(name, value, because string) string {
	if because == "" {
		return fmt.Sprintf("%-10s = %s\n", name, value)
	}
	return fmt.Sprintf("%-10s = %-20s # %s\n", name, value, comment(because))
}

const starter = `# A sweep trains a model under every combination in [grid] and says which point is best.
# xrun plan shows what would be trained, xrun sweep --quick takes a fast first look.
# For completion in editors: xrun schema > xrun.schema.json, and a first line #:schema ./xrun.schema.json

schema = 1
seeds  = 3                        # each trial so many times: other start, other order, other split
# divergence = false              # otherwise a training loss 1000 times that at the start ends a trial

%s[task]                            # %d examples of %d features
%s%sepochs     = 30                   # passes through the training data, at most
%s
[metric]
%s
[grid]                            # every combination
lr     = { log = [1e-3, 1.0], n = 4 }       # in equal ratios; also a list
lambda = [0.0, 0.1, 1.0]                    # strength of the penalty; 0 is none
# batch = [16, 64]                          # any key of [task] can be an axis, instead of its value there
# zip   = [["lr", "batch"]]                 # axes that move together

# [[skip]]                        # leaves trials out
# where = "optimizer == 'sgd' and lr < 3e-3"

# [[extra]]                       # a point outside the grid; or csv = "points.csv"
# lr        = 0.2
# lambda    = 0.01
# optimizer = "adam"

[optimizers.sgd]                  # settings of each: xrun plugin info sgd
momentum = 0.9
# grid   = { nesterov = [false, true] }     # an axis of this optimizer alone
[optimizers.adam]

[regularizers.l2]                 # penalty λ/(2m)·Σθ² with m training examples

[early_stop]                      # within a trial
patience   = 5                    # epochs without an improvement …
min_delta  = 1e-4                 # … of at least this much
`

// asPath is the path of a file, told apart from the names of built-in sets.
func asPath(dataset string) string {
	if !strings.ContainsAny(dataset, `/\`) {
		return "./" + dataset
	}
	return dataset
}

// examine opens a file. fits says what numbers in the target were taken for; it is empty for others.
func examine(path, target string, schema data.Schema) (set *data.Set, fits string, err error) {
	set, err = data.Open(path, data.Options{Target: target, Kind: data.Regression, Schema: schema})
	if err != nil { // no numbers
		set, err = data.Open(path, data.Options{Target: target, Kind: data.Classification, Schema: schema})
		return set, "", err
	}
	if !numbered(set.Y) {
		return set, `the target is a quantity; or "mlp" with kind = "regression"`, nil
	}
	if set, err = data.Open(path, data.Options{Target: target, Kind: data.Classification, Schema: schema}); err != nil {
		return nil, "", err
	}
	return set, fmt.Sprintf(`the target seems to number %d classes; or "mlp", and "linear" if it is a quantity`, len(set.Classes)), nil
}

// numbered reports whether numbers look like those of classes: few whole ones with several rows each, most of those between the
// least and the greatest among them.
func numbered(y []float64) bool {
	const mostClasses, rowsOfEach, leastRows = 20, 5, 2
	count := map[float64]int{}
	for _, v := range y {
		count[v]++
		if len(count) > mostClasses || v != math.Trunc(v) {
			return false
		}
	}
	for _, n := range count {
		if n < leastRows {
			return false
		}
	}
	return len(y) >= rowsOfEach*len(count) && slices.Max(y)-slices.Min(y) < 2*float64(len(count))
}

// relative is a path as a sweep file in a folder writes it.
func relative(folder, path string) (string, error) {
	from, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return "", err
	}
	if rel = filepath.ToSlash(rel); !strings.Contains(rel, "/") {
		rel = "./" + rel
	}
	return rel, nil
}
