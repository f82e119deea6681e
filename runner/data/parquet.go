package data

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	logical "github.com/parquet-go/parquet-go/format"
)

// parquetTable is a file of Parquet while it is read, by columns, as the file has them.
type parquetTable struct {
	source
	columns []string
	leaves  []*parquetLeaf // nil for a column that cannot be read
	refused []string       // why, by column; empty for others
	groups  []parquet.RowGroup
	file    io.ReaderAt
	size    int64
	chunks  []logical.RowGroup // what the footer says of groups
	row     int                // counted from 1
	rows    int64
}

// A parquetLeaf reads the values of one column.
type parquetLeaf struct {
	index  int
	cell   func(parquet.Value) cell
	wanted bool
	pages  parquet.Pages
	values parquet.ValueReader
	buffer []parquet.Value
	next   int
	now    parquet.Value
}

const parquetBatch = 1024

// openParquet reads what the columns of a file are. Its digest is that of the whole file.
func openParquet(file io.ReadSeeker, from source, sum hash.Hash) (t *parquetTable, err error) {
	if from.compressed {
		return nil, from.fail("unpack it: Parquet is compressed by itself", "is Parquet that is compressed with gzip")
	}
	at, ok := file.(io.ReaderAt)
	if !ok {
		return nil, from.fail("", "cannot be read from any place")
	}
	size, err := io.Copy(sum, &bounded{r: file, most: maxBytes})
	if err != nil {
		return nil, &Error{File: from.name, Message: err.Error(), cause: err}
	}
	t = &parquetTable{source: from}
	err = t.safely(func() error {
		if err := checkFooter(at, size); err != nil {
			return err
		}
		f, err := parquet.OpenFile(at, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err != nil {
			return err
		}
		bytes := int64(0)
		for _, group := range f.Metadata().RowGroups {
			for _, chunk := range group.Columns {
				if n := chunk.MetaData.TotalUncompressedSize; n < 0 || n > maxBytes {
					bytes = maxBytes
				} else {
					bytes += n
				}
			}
		}
		if bytes > maxBytes {
			return from.fail("", "the content is larger than the limit of %d GiB", int64(maxBytes)>>30)
		}
		t.groups = f.RowGroups()
		rows := int64(0)
		for _, group := range t.groups {
			if n := group.NumRows(); n < 0 || n > maxCells-rows {
				return from.fail("", "the table is larger than the limit of %d cells", maxCells)
			} else {
				rows += n
			}
		}
		t.file, t.size, t.chunks = at, size, f.Metadata().RowGroups
		leaf := 0
		for _, field := range f.Schema().Fields() {
			t.columns = append(t.columns, field.Name())
			cell, refused := cellsOf(field)
			t.refused = append(t.refused, refused)
			if refused == "" {
				t.leaves = append(t.leaves, &parquetLeaf{index: leaf, cell: cell, wanted: true})
			} else {
				t.leaves = append(t.leaves, nil)
			}
			leaf += leavesOf(field)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(t.columns) > maxColumns {
		return nil, t.fail(0, "", "", "%d columns are more than the limit of %d", len(t.columns), maxColumns)
	}
	return t, checkNames(t.columns, func(column, hint, format string, args ...any) *Error { return t.fail(0, column, hint, format, args...) })
}

// safely reads something of a file that may be damaged in any way.
func (t *parquetTable) safely(read func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = t.source.fail("", "is no whole file of Parquet: %v", fault)
		}
		if e := (*Error)(nil); err != nil && err != io.EOF && !errors.As(err, &e) {
			e = t.source.fail("", "is no whole file of Parquet: %v", err)
			e.hint = "it may have been cut off or damaged: copy it again"
			e.cause = err
			err = e
		}
	}()
	return read()
}

func leavesOf(n parquet.Node) int {
	if n.Leaf() {
		return 1
	}
	count := 0
	for _, field := range n.Fields() {
		count += leavesOf(field)
	}
	return count
}

// cellsOf is how values of a column become cells, or why they do not.
func cellsOf(n parquet.Node) (of func(parquet.Value) cell, refused string) {
	if !n.Leaf() || n.Repeated() {
		return nil, "has lists or tables in its cells"
	}
	kind, t := n.Type().Kind(), n.Type()
	means := logical.LogicalTypeValue(nil)
	if l := t.LogicalType(); l != nil {
		means = l.Value
	}
	integer := func(v parquet.Value) int64 {
		if v.Kind() == parquet.Int32 {
			return int64(v.Int32())
		}
		return v.Int64()
	}
	switch is := means.(type) {
	case *logical.DecimalType:
		return decimalCells(int(is.Scale)), ""
	case *logical.DateType:
		return func(v parquet.Value) cell { return dateCell(integer(v)*secondsOfDay, 0) }, ""
	case *logical.TimestampType:
		unit := int64(1e9)
		switch is.Unit.Value.(type) {
		case *logical.MilliSeconds:
			unit = 1e3
		case *logical.MicroSeconds:
			unit = 1e6
		}
		return func(v parquet.Value) cell { return dateOfTicks(integer(v), unit) }, ""
	case *logical.TimeType:
		return nil, "has times of day, which are no dates"
	case *logical.Float16Type:
		return nil, "has numbers of 16 bits, which are not read"
	case *logical.UUIDType:
		return func(v parquet.Value) cell { return cell{text: fmt.Sprintf("%x", v.ByteArray())} }, ""
	case *logical.IntType:
		if !is.IsSigned {
			return func(v parquet.Value) cell {
				u := v.Uint64()
				if v.Kind() == parquet.Int32 {
					u = uint64(v.Uint32())
				}
				if u > math.MaxInt64 {
					return cell{is: cellNumber, number: float64(u)}
				}
				return cell{is: cellInteger, whole: int64(u)}
			}, ""
		}
	}
	switch kind {
	case parquet.Boolean:
		return func(v parquet.Value) cell {
			if v.Boolean() {
				return cell{is: cellFlag, number: 1}
			}
			return cell{is: cellFlag}
		}, ""
	case parquet.Int32, parquet.Int64:
		return func(v parquet.Value) cell { return cell{is: cellInteger, whole: integer(v)} }, ""
	case parquet.Int96:
		return func(v parquet.Value) cell {
			w := v.Int96()
			const julian = 2440588 // of 1970-01-01
			nanos := int64(uint64(w[1])<<32 | uint64(w[0]))
			return dateCell((int64(w[2])-julian)*secondsOfDay+nanos/1e9, nanos%1e9)
		}, ""
	case parquet.Float:
		return func(v parquet.Value) cell { return cell{is: cellNumber, number: float64(v.Float())} }, ""
	case parquet.Double:
		return func(v parquet.Value) cell { return cell{is: cellNumber, number: v.Double()} }, ""
	case parquet.ByteArray:
		return func(v parquet.Value) cell {
			b := v.ByteArray()
			if !utf8.Valid(b) {
				return cell{text: strconv.Quote(string(b))}
			}
			return cell{text: trimmed(string(b))}
		}, ""
	}
	return nil, fmt.Sprintf("has values of the type %s, which is not read", t)
}

// dateOfTicks is a time that is counted in parts of a second.
func dateOfTicks(ticks, second int64) cell {
	return dateCell(ticks/second, ticks%second*(1e9/second))
}

// decimalCells reads decimal numbers: integers with a point at a fixed place.
func decimalCells(scale int) func(parquet.Value) cell {
	return func(v parquet.Value) cell {
		var digits string
		switch v.Kind() {
		case parquet.Int32:
			digits = strconv.Itoa(int(v.Int32()))
		case parquet.Int64:
			digits = strconv.FormatInt(v.Int64(), 10)
		default: // two's complement, the largest byte first
			b := v.ByteArray()
			n := new(big.Int).SetBytes(b)
			if len(b) > 0 && b[0] >= 0x80 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
			}
			digits = n.String()
		}
		x, err := strconv.ParseFloat(digits+"e"+strconv.Itoa(-scale), 64)
		if err != nil {
			return cell{text: digits}
		}
		return cell{is: cellNumber, number: x}
	}
}

func (t *parquetTable) names() []string { return t.columns }

// choose says which columns are read.
func (t *parquetTable) choose(wanted func(name string) bool) {
	for i, leaf := range t.leaves {
		if leaf != nil {
			leaf.wanted = wanted(t.columns[i])
		}
	}
}

func (t *parquetTable) next() error { return t.safely(t.advance) }

// reads reports whether any column is read.
func (t *parquetTable) reads() bool {
	return slices.ContainsFunc(t.leaves, func(l *parquetLeaf) bool { return l != nil && l.wanted })
}

// advance goes to the next row, in the next group where one has ended.
func (t *parquetTable) advance() error {
	for t.rows == 0 {
		if len(t.groups) == 0 || !t.reads() {
			return io.EOF
		}
		group := t.groups[0]
		t.groups, t.rows = t.groups[1:], group.NumRows()
		chunks, said := group.ColumnChunks(), t.chunks[0].Columns
		t.chunks = t.chunks[1:]
		for _, leaf := range t.leaves {
			if leaf != nil && leaf.wanted {
				err := checkPages(t.file, t.size, said[leaf.index].MetaData, t.rows)
				if err == errRunsOfFlags {
					e := t.source.fail("write the file with pages of version 1, or the column as integers", "%v", err)
					e.Column = t.columns[slices.Index(t.leaves, leaf)]
					return e
				}
				if err != nil {
					return err
				}
				if leaf.pages != nil {
					leaf.pages.Close()
				}
				leaf.pages, leaf.values, leaf.buffer, leaf.next = chunks[leaf.index].Pages(), nil, leaf.buffer[:0], 0
			}
		}
	}
	t.rows--
	t.row++
	for i, leaf := range t.leaves {
		if leaf == nil || !leaf.wanted {
			continue
		}
		if err := leaf.advance(); err == io.EOF {
			return t.fail(t.row, t.columns[i], "the file may have been cut off: copy it again", "the column has fewer rows than the file says")
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (l *parquetLeaf) advance() error {
	for l.next == len(l.buffer) {
		if l.values == nil {
			page, err := l.pages.ReadPage()
			if err != nil {
				return err
			}
			l.values = page.Values()
		}
		l.buffer = slices.Grow(l.buffer[:0], parquetBatch)[:parquetBatch]
		n, err := l.values.ReadValues(l.buffer)
		l.buffer, l.next = l.buffer[:n], 0
		if err == io.EOF {
			l.values = nil
		} else if err != nil {
			return err
		} else if n == 0 {
			return io.ErrNoProgress
		}
	}
	l.now = l.buffer[l.next]
	l.next++
	return nil
}

func (t *parquetTable) value(i int) cell {
	leaf := t.leaves[i]
	if leaf == nil || leaf.now.IsNull() {
		return cell{is: cellGap}
	}
	return leaf.cell(leaf.now)
}

func (t *parquetTable) at(int) int { return t.row }

// fail makes an error; a row is no line, so the message has it.
func (t *parquetTable) fail(row int, column, hint, format string, args ...any) *Error {
	e := t.source.fail(hint, format, args...)
	e.Column, e.Row = column, row
	return e
}
