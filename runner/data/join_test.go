package data

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What trains after a join is what trained and what validated before it, whether the rows are of one file or of two, dense
// or sparse. Test rows are left alone.
func TestJoinedRowsAreThoseOfBothParts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	table := write("a.csv", "x,y\n0.5,a\n1.5,b\n2.5,a\n3.5,b\n4.5,a\n5.5,b\n6.5,a\n7.5,b\n")
	other := write("b.csv", "x,y\n100,b\n200.25,a\n")
	sparse := write("a.svm", "1 1:0.5\n-1 2:1.5\n1 1:2.5 2:3\n-1 2:3.5\n")
	more := write("b.svm", "1 2:100\n-1 1:200.25\n1\n")
	for name, c := range map[string]struct {
		file string
		o    Options
		from float64 // the share that validates
	}{
		"one file":         {table, Options{Target: "y"}, 0.25},
		"two files":        {table, Options{Target: "y", Validation: other}, 0},
		"two sparse files": {sparse, Options{Validation: more}, 0},
	} {
		set, err := Open(c.file, c.o)
		if err != nil {
			t.Fatal(err)
		}
		split, err := set.Split(rand.New(rand.NewPCG(1, 2)), c.from, 0.25)
		if err != nil {
			t.Fatal(err)
		}
		before := Prepare[float64](set, split, false)
		both, joined := set.Join(split)
		after := Prepare[float64](both, joined, false)
		if after.Validation.N != 0 || after.Train.N != before.Train.N+before.Validation.N {
			t.Errorf("%s: %d rows train and %d validate, of %d and %d", name, after.Train.N, after.Validation.N, before.Train.N, before.Validation.N)
		}
		rows := func(parts ...Part[float64]) (all [][]float64) {
			for _, p := range parts {
				for i := range p.N {
					row := []float64{float64(p.Labels[i])}
					if p.IsSparse() {
						columns, values := p.Sparse.Row(i)
						for k, v := range values {
							row = append(row, float64(columns[k]), v)
						}
					} else {
						row = append(row, p.X[i*p.D:][:p.D]...)
					}
					all = append(all, row)
				}
			}
			slices.SortFunc(all, slices.Compare)
			return all
		}
		same := func(a, b [][]float64) bool { return slices.EqualFunc(a, b, slices.Equal[[]float64]) }
		if !same(rows(before.Train, before.Validation), rows(after.Train)) || !same(rows(before.Test), rows(after.Test)) || before.Test.N == 0 {
			t.Errorf("%s: the rows are\n%v\nwant\n%v", name, rows(after.Train), rows(before.Train, before.Validation))
		}
	}
}
