package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// A Table is columns of text for a person.
type Table struct{ writer table.Writer }

// NewTable makes a Table with a heading for each column.
func NewTable(heads ...any) *Table {
	t := table.NewWriter()
	t.SetStyle(plainStyle)
	t.AppendHeader(heads)
	return &Table{t}
}

// Row adds a row.
func (t *Table) Row(cells ...any) { t.writer.AppendRow(cells) }

// Write renders the table.
func (t *Table) Write(w io.Writer) {
	for _, line := range strings.Split(t.writer.Render(), "\n") {
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}
