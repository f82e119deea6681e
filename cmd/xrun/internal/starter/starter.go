// Package starter writes a first sweep file for a data set.
package starter

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/runner/data"
)

// Draft is a sweep file for a data set, which it opens. path is the future place of the file.
func Draft(path, dataset, target string) (string, error) {
	set, kind, err := examine(dataset, target)
	if err != nil {
		return "", err
	}
	name, lines := dataset, ""
	if !slices.Contains(data.Names(), dataset) {
		if name, err = relative(filepath.Dir(path), dataset); err != nil {
			return "", err
		}
		lines = fmt.Sprintf("target     = %-20s # the column to predict\n", strconv.Quote(set.Target))
	}
	model, loss, fits := "softmax", "cross-entropy", "softmax, mlp"
	switch {
	case set.Kind == data.Regression:
		model, loss, fits = "linear", "half the squared error", "linear, mlp"
	case len(set.Classes) == 2:
		model, fits = "logistic", "logistic, softmax, mlp"
	}
	fits = "or another of: " + fits
	if kind != "" {
		fits = kind
	}
	return fmt.Sprintf(starter, set.Len(), set.Dim(), strconv.Quote(name), lines, strconv.Quote(model), fits, loss), nil
}

const starter = `# A sweep trains a model under every combination in [grid] and says which point is best.
# xrun plan shows what would be trained, xrun sweep --quick takes a fast first look.
# For completion in editors: xrun schema > xrun.schema.json, and a first line #:schema ./xrun.schema.json

schema = 1
seeds  = 3                        # each trial so many times: other start, other order, other split
# divergence = false              # otherwise a training loss 1000 times that at the start ends a trial

[task]                            # %d examples of %d features
dataset    = %s
%smodel      = %-20s # %s
validation = 0.2                  # the share that trials are judged by
epochs     = 30                   # passes through the training data, at most
batch      = 32                   # examples a step; "full" is gradient descent

[metric]
name = "val_loss"                 # %s on the validation data, lower is better

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

// examine opens a data set. The last column of a table in CSV or TSV counts as its target. reading says what numbers in the target
// of a file were taken for; it is empty for others.
func examine(dataset, target string) (set *data.Set, reading string, err error) {
	if slices.Contains(data.Names(), dataset) {
		set, err = data.Open(dataset, data.Options{Target: target})
		return set, "", err
	}
	path := dataset
	if !strings.ContainsAny(path, `/\`) {
		path = "./" + path
	}
	if target == "" {
		target = lastColumn(path)
	}
	set, err = data.Open(path, data.Options{Target: target, Kind: data.Regression})
	if err != nil { // no numbers
		set, err = data.Open(path, data.Options{Target: target, Kind: data.Classification})
		return set, "", err
	}
	if !numbered(set.Y) {
		return set, `the target is a quantity; or "mlp" with kind = "regression"`, nil
	}
	if set, err = data.Open(path, data.Options{Target: target, Kind: data.Classification}); err != nil {
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

// lastColumn is the name of the last column of an uncompressed table; empty for others.
func lastColumn(path string) string {
	comma := map[string]rune{".csv": ',', ".tsv": '\t'}[strings.ToLower(filepath.Ext(path))]
	if comma == 0 {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return "" // opening the data set gives a better error
	}
	defer f.Close()
	const longest = 1 << 20
	text := make([]byte, longest)
	n, _ := f.Read(text)
	r := csv.NewReader(strings.NewReader(string(text[:n])))
	r.Comma = comma
	fields, err := r.Read()
	if err != nil || len(fields) == 0 {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(fields[len(fields)-1], "\ufeff"))
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
