package data

import (
	"cmp"
	"slices"
	"strconv"
)

// classify orders the distinct labels and replaces each label by its index. Labels that are all
// numbers are ordered by value, others by spelling; "1" and "1.0" are two labels.
func classify(labels []string) (classes []string, indices []float64) {
	classes = slices.Clone(labels)
	slices.Sort(classes)
	classes = slices.Clip(slices.Compact(classes))
	values, numeric := make(map[string]float64, len(classes)), true
	for _, label := range classes {
		v, err := strconv.ParseFloat(label, 64)
		values[label] = v
		numeric = numeric && err == nil
	}
	if numeric {
		slices.SortStableFunc(classes, func(a, b string) int { return cmp.Compare(values[a], values[b]) })
	}
	index := make(map[string]float64, len(classes))
	for i, label := range classes {
		index[label] = float64(i)
	}
	indices = make([]float64, len(labels))
	for i, label := range labels {
		indices[i] = index[label]
	}
	return classes, indices
}
