package data

import (
	"slices"
	"testing"
)

// The same set in every format: two rows of two features, and a class.
func TestEveryEndingIsRead(t *testing.T) {
	table := npy("(2, 3)", 1, 2.5, 0, -3, 40, 1)
	contents := map[string]struct{ content, target string }{
		".csv":      {"a,b,y\n1,2.5,0\n-3,40,1\n", "y"},
		".tsv":      {"a\tb\ty\n1\t2.5\t0\n-3\t40\t1\n", "y"},
		".libsvm":   {"0 1:1 2:2.5\n1 1:-3 2:40\n", ""},
		".svm":      {"0 1:1 2:2.5\n1 1:-3 2:40\n", ""},
		".svmlight": {"0 1:1 2:2.5\n1 1:-3 2:40\n", ""},
		".npy":      {table, "column:-1"},
		".parquet":  {parquetOf(t, []string{"a", "b", "y"}, []any{1, 2.5, 0}, []any{-3, 40.0, 1}), "y"},
		".npz":      {npz(t, "X", npy("(2, 2)", 1, 2.5, -3, 40), "y", npy("(2,)", 0, 1)), ""},
	}
	for _, ending := range Endings() {
		file, ok := contents[ending]
		if !ok {
			t.Errorf("there is no file that ends in %s here: add the set in that format", ending)
			continue
		}
		for name, content := range map[string]string{"set" + ending: file.content, "set" + ending + ".gz": gzipped(t, file.content)} {
			if name == "set.parquet.gz" {
				continue // Parquet is compressed by itself
			}
			s, err := Open(write(t, name, content), Options{Target: file.target})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			x := values(s)
			if s.Encoded() {
				x = Prepare[float64](s, Split{Train: all(s)}, false).Train.X
			}
			if s.IsSparse() {
				x = s.Sparse.Value
			}
			if !slices.Equal(x, []float64{1, 2.5, -3, 40}) || !slices.Equal(s.Y, []float64{0, 1}) {
				t.Errorf("%s: X is %v, Y is %v", name, x, s.Y)
			}
		}
	}
}
