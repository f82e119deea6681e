package scoring

import (
	"encoding/csv"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/store/export"
)

// The formats of predictions.
const (
	CSV     = "csv"
	Parquet = "parquet"
)

// FormatOf is the format of a file by the ending of its name: Parquet for .parquet and .pq, and else CSV.
func FormatOf(file string) string {
	if slices.Contains([]string{".parquet", ".pq"}, strings.ToLower(filepath.Ext(file))) {
		return Parquet
	}
	return CSV
}

// A sheet takes the rows of predictions.
type sheet interface {
	Row(texts []string, numbers []float64) error
	Close() error
}

func newSheet(w io.Writer, format string, texts, numbers []string) (sheet, error) {
	if format == Parquet {
		return export.NewSheet(w, texts, numbers), nil
	}
	c := csvSheet{csv.NewWriter(w)}
	return c, c.w.Write(slices.Concat(texts, numbers))
}

type csvSheet struct{ w *csv.Writer }

func (c csvSheet) Row(texts []string, numbers []float64) error {
	record := slices.Clone(texts)
	for _, v := range numbers {
		record = append(record, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return c.w.Write(record)
}

func (c csvSheet) Close() error {
	c.w.Flush()
	return c.w.Error()
}
