// Package starter writes a first sweep file for a data set.
package starter

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/runner/data"
)

// Draft is a sweep file for a data set, which it opens. path is the future place of the file.
func Draft(path, dataset, target string) (string, error) {
	set, err := examine(dataset, target)
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
	return fmt.Sprintf(starter, set.Len(), set.Dim(), strconv.Quote(name), lines, strconv.Quote(model), fits, loss), nil
}

const starter = `# A sweep trains a model under every combination in [grid] and says which point is best.
# xrun plan shows what would be trained, xrun sweep --quick takes a fast first look.
# For completion in editors: xrun schema > xrun.schema.json, and a first line #:schema ./xrun.schema.json

schema = 1
seeds  = 3                        # each trial so many times: other start, other order, other split

[task]                            # %d examples of %d features
dataset    = %s
%smodel      = %-20s # or another of: %s
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
divergence = { factor = 1e3 }     # a loss so many times that at the start ends it as well
`

// examine opens a data set. The last column of a table in CSV or TSV counts as its target. The target counts as a
// number if it has too many values for classes.
func examine(dataset, target string) (*data.Set, error) {
	if slices.Contains(data.Names(), dataset) {
		return data.Open(dataset, data.Options{Target: target})
	}
	path := dataset
	if !strings.ContainsAny(path, `/\`) {
		path = "./" + path
	}
	if target == "" {
		target = lastColumn(path)
	}
	const mostClasses = 20
	set, err := data.Open(path, data.Options{Target: target, Kind: data.Regression})
	distinct := map[float64]bool{}
	if err == nil {
		whole := true
		for _, y := range set.Y {
			distinct[y] = true
			whole = whole && y == float64(int64(y))
		}
		if !whole || len(distinct) > mostClasses {
			return set, nil
		}
	}
	return data.Open(path, data.Options{Target: target, Kind: data.Classification})
}

// lastColumn is the name of the last column of an uncompressed table; empty for others.
func lastColumn(path string) string {
	comma := map[string]string{".csv": ",", ".tsv": "\t"}[strings.ToLower(filepath.Ext(path))]
	if comma == "" {
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
	header, _, _ := strings.Cut(string(text[:n]), "\n")
	fields := strings.Split(strings.TrimRight(header, "\r"), comma)
	return strings.Trim(strings.TrimSpace(fields[len(fields)-1]), `"`)
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
