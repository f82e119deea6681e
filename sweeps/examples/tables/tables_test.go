package tables

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/tests"
)

// The files in this folder are what the program makes.
func TestTheSmallTablesAreWhatIsMade(t *testing.T) {
	total := 0
	for _, table := range Small() {
		var b bytes.Buffer
		if err := table.Write(&b); err != nil {
			t.Fatal(err)
		}
		tests.Golden(t, table.Name, b.String())
		total += b.Len()
	}
	if total > 300_000 {
		t.Errorf("they have %d bytes, too many to keep", total)
	}
}

// The wide table is the same in both formats, and a hundredth of its cells is not 0.
func TestTheWideTableIsTheSameInBothFormats(t *testing.T) {
	dir := t.TempDir()
	if err := Make(dir, All()[2:]); err != nil {
		t.Fatal(err)
	}
	dense, err := data.Open(filepath.Join(dir, "wide.csv"), data.Options{Target: "kind"})
	if err != nil {
		t.Fatal(err)
	}
	sparse, err := data.Open(filepath.Join(dir, "wide.libsvm"), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if dense.Len() != WideRows || sparse.Len() != WideRows || dense.Dim() != WideColumns || sparse.Dim() != WideColumns {
		t.Fatalf("%d×%d and %d×%d", dense.Len(), dense.Dim(), sparse.Len(), sparse.Dim())
	}
	if !slices.Equal(dense.Y, sparse.Y) {
		t.Error("the classes differ")
	}
	filled := 0
	for i := range WideRows {
		row := make([]float64, WideColumns)
		for k := sparse.Sparse.RowStart[i]; k < sparse.Sparse.RowEnd[i]; k++ {
			row[sparse.Sparse.Column[k]] = sparse.Sparse.Value[k]
		}
		for j, v := range row {
			if got := dense.X.At(i*WideColumns + j); got != v {
				t.Fatalf("row %d, column %d: %v and %v", i, j, got, v)
			}
			if v != 0 {
				filled++
			}
		}
	}
	if filled != WideRows*WideColumns/100 {
		t.Errorf("%d cells are not 0, want a hundredth of %d", filled, WideRows*WideColumns)
	}
}
