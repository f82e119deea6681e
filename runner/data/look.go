package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// A Summary says what the file of a table looks like, whatever it holds: for a person who has not said yet how it is read.
type Summary struct {
	Name       string
	Schema     Schema // the separator, decimal sign and encoding that were found, where they are not the default
	Columns    []ColumnSummary
	Rows       int
	Uneven     int // rows with another number of cells than the header
	UnevenLine int // the first of them
	Duplicates int // rows that are equal to one above
	Notes      []string
	// Sample are whole rows in the order of the file: all of a small table, and about [sampleRows] of a large one.
	Sample [][]string
}

// What a column looks like beyond the kinds of an encoding.
const (
	LooksText  = "text"
	LooksEmpty = "empty" // there are gaps only
)

// A ColumnSummary says what a column looks like.
type ColumnSummary struct {
	Name     string
	Looks    string         // one of [AsNumber], [AsFlag], [AsDate], [LooksText] and [LooksEmpty]
	Gaps     int            // cells without a value
	Distinct int            // values; about so many where there are more than some thousands
	Levels   map[string]int // rows by value; nil where there are more than [lookedLevels] values
	Examples []string       // the first values that differ
	Numbers  int            // cells that are numbers
	Min, Max float64        // of the numbers
	Whole    bool           // every number is an integer
	Odd      string         // the first cell that is no number
	OddLine  int
}

// Limits of what is kept of a table while it is looked at.
const (
	lookedLevels = 1000
	mostExamples = 3
	sampleRows   = 10_000
	sampleCells  = 1 << 20
	sniffed      = 1 << 16 // bytes by which the separator is told
)

// Look reads a table in CSV, TSV or Parquet once, whatever it holds. It fails only where there is no table: the file cannot be
// read, is of another format, or names no columns.
func Look(path string) (*Summary, error) {
	from, file, err := openSource(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if !IsTable(path) {
		return nil, from.fail("", "is no table whose columns have names")
	}
	s := &Summary{Name: path}
	if from.format == formatParquet {
		return s, s.lookParquet(file, from)
	}
	text, err := s.decoded(file, from)
	if err != nil {
		return nil, err
	}
	return s, s.lookText(text, from)
}

// lookText looks at a table in text.
func (s *Summary) lookText(text *lenient, from source) error {
	buffered := bufio.NewReaderSize(text, sniffed)
	start, _ := buffered.Peek(sniffed)
	comma := separatorOf(start, from.format)
	if own := (map[format]rune{formatCSV: ',', formatTSV: '\t'})[from.format]; comma != own {
		s.Schema.Separator = string(comma)
	}
	r := csv.NewReader(buffered)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = comma, true, -1, true
	header, err := r.Read()
	if err != nil {
		message := "the file is empty"
		if err != io.EOF {
			message = err.Error()
		}
		return &Error{File: s.Name, Message: message, hint: "the first line names the columns"}
	}
	header = slices.Clone(header)
	header[0] = strings.TrimSpace(header[0])
	nameIndex(header)
	s.look(header, func() ([]string, int, error) {
		record, err := r.Read()
		if err != nil {
			return nil, 0, err
		}
		line, _ := r.FieldPos(0)
		return record, line, nil
	})
	switch {
	case text.windows:
		s.Schema.Encoding = encodingWindows1252
	case text.other:
		s.Schema.Encoding = encodingLatin1
	}
	return nil
}

// lookParquet looks at a table in Parquet.
func (s *Summary) lookParquet(file *os.File, from source) error {
	table, err := openRecords(file, from, sha256.New())
	if err != nil {
		return err
	}
	record := make([]string, len(table.names()))
	s.look(table.names(), func() ([]string, int, error) {
		if err := table.next(); err != nil {
			return nil, 0, err
		}
		for i := range record {
			record[i] = ""
			if c := table.value(i); !c.isGap() {
				record[i] = c.spelling()
			}
		}
		return record, table.at(0), nil
	})
	return nil
}

// IsTable reports whether a file is a table whose columns have names, by its own name.
func IsTable(path string) bool {
	from, known := sourceOf(path)
	return known && (from.format == formatCSV || from.format == formatTSV || from.format == formatParquet)
}

// look reads the rows. next gives the cells of the next one and its line.
func (s *Summary) look(header []string, next func() ([]string, int, error)) {
	columns := make([]lookedColumn, len(header))
	values := max(1<<10, min(1<<14, 1<<22/len(header)))
	for i, name := range header {
		columns[i].Name = strings.Clone(strings.TrimSpace(name))
		columns[i].Levels, columns[i].different = map[string]int{}, sampled{most: values}
	}
	rows := sampled{most: 1 << 20}
	sample := sampled{most: max(100, min(sampleRows, sampleCells/len(header)))}
	places := map[uint64][]string{}
	for {
		record, line, err := next()
		if err == io.EOF {
			break
		}
		if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
			s.Uneven++
			continue
		}
		if err != nil { // of reading the file: what has been seen counts
			s.Notes = append(s.Notes, "reading ended early: "+err.Error())
			break
		}
		if len(record) != len(header) {
			if s.Uneven++; s.UnevenLine == 0 {
				s.UnevenLine = line
			}
			continue
		}
		s.Rows++
		rows.see(hashOf(record...))
		if h := mixed64(uint64(s.Rows)); sample.keeps(h) {
			sample.see(h)
			places[h] = cloned(record)
			if len(places) > 2*sample.most { // those that were given up since
				for h := range places {
					if !sample.keeps(h) {
						delete(places, h)
					}
				}
			}
		}
		for i, cell := range record {
			columns[i].see(strings.TrimSpace(cell), line)
		}
	}
	for row := range s.Rows {
		if h := mixed64(uint64(row + 1)); sample.keeps(h) {
			s.Sample = append(s.Sample, places[h])
		}
	}
	s.Duplicates = max(0, s.Rows-rows.count())
	var points, commas int
	for i := range columns {
		points, commas = points+columns[i].pointed, commas+columns[i].withComma
	}
	decimal := 0
	if commas > points {
		s.Schema.Decimal, decimal = ",", 1
	}
	for i := range columns {
		s.Columns = append(s.Columns, columns[i].summary(s.Rows, decimal))
	}
}

// A lookedColumn is a column while it is looked at. Whether numbers have a decimal comma is known at the end, so that both are
// counted.
type lookedColumn struct {
	ColumnSummary
	different    sampled
	pointed      int // numbers that are none with a decimal comma
	withComma    int // and the other way round
	numbers      [2]lookedNumbers
	flags, dates int
}

// lookedNumbers are the cells that are numbers under one decimal sign.
type lookedNumbers struct {
	n, fractions int
	min, max     float64
	odd          string
	oddLine      int
}

// see takes the next cell.
func (c *lookedColumn) see(cell string, line int) {
	if gap(cell) {
		c.Gaps++
		return
	}
	c.different.see(hashOf(cell))
	if c.Levels != nil {
		if _, known := c.Levels[cell]; known || len(c.Levels) < lookedLevels {
			if !known {
				cell = strings.Clone(cell)
				if len(c.Examples) < mostExamples {
					c.Examples = append(c.Examples, cell)
				}
			}
			c.Levels[cell]++
		} else {
			c.Levels = nil
		}
	}
	if _, ok := flagOf(cell); ok {
		c.flags++
	}
	if c.numbers[0].n+c.numbers[1].n == 0 { // a column of dates has no numbers, and reading dates takes time
		if _, ok := date(cell); ok {
			c.dates++
		}
	}
	var is [2]bool
	for i, sign := range []string{"", ","} {
		is[i] = c.numbers[i].see(cell, line, sign)
	}
	if is[0] && !is[1] {
		c.pointed++
	}
	if is[1] && !is[0] {
		c.withComma++
	}
}

func (n *lookedNumbers) see(cell string, line int, sign string) bool {
	v, ok := Schema{Decimal: sign}.number(cell)
	if !ok || !isFinite(v) {
		if n.oddLine == 0 {
			n.odd, n.oddLine = strings.Clone(clip(cell)), line
		}
		return false
	}
	if n.n == 0 {
		n.min, n.max = v, v
	}
	n.n, n.min, n.max = n.n+1, min(n.min, v), max(n.max, v)
	if v != math.Trunc(v) {
		n.fractions++
	}
	return true
}

// summary is what the column looks like, with the decimal sign 0 for a point and 1 for a comma.
func (c *lookedColumn) summary(rows, decimal int) ColumnSummary {
	s, n := c.ColumnSummary, c.numbers[decimal]
	s.Distinct = c.different.count()
	if s.Levels != nil {
		s.Distinct = len(s.Levels)
	}
	s.Numbers, s.Min, s.Max, s.Whole, s.Odd, s.OddLine = n.n, n.min, n.max, n.fractions == 0, n.odd, n.oddLine
	switch present := rows - s.Gaps; {
	case present == 0:
		s.Looks = LooksEmpty
	case n.n == present:
		s.Looks = AsNumber
	case c.flags == present:
		s.Looks = AsFlag
	case c.dates == present:
		s.Looks = AsDate
	default:
		s.Looks = LooksText
	}
	return s
}

// separatorOf tells the separator by the first lines: the one that gives most of them as many cells as the header, more than
// one. Among equals it is the one with more cells, and then the one that the format means.
func separatorOf(start []byte, own format) rune {
	if end := bytes.LastIndexByte(start, '\n'); end >= 0 && len(start) >= sniffed-3 {
		start = start[:end+1]
	}
	best, score := ',', -1.0
	if own == formatTSV {
		best = '\t'
	}
	for _, separator := range append([]string{string(best)}, separators...) {
		comma := rune(separator[0])
		r := csv.NewReader(bytes.NewReader(start))
		r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = comma, true, -1, true
		header, err := r.Read()
		if err != nil || len(header) < 2 {
			continue
		}
		cells, rows, even := len(header), 0.0, 0.0
		for {
			record, err := r.Read()
			if err == io.EOF {
				break
			}
			rows++
			if err == nil && len(record) == cells {
				even++
			}
		}
		share := 1.0
		if rows > 0 {
			share = even / rows
		}
		if v := share + float64(1e-6*float64(cells)); v > score {
			best, score = comma, v
		}
	}
	return best
}

// decoded is the text of a file in UTF-8. What is neither UTF-8 nor UTF-16 counts as Latin-1 or
// Windows-1252.
func (s *Summary) decoded(file io.Reader, from source) (*lenient, error) {
	if from.compressed {
		z, err := gzip.NewReader(bufio.NewReader(file))
		if err != nil {
			return nil, &Error{File: from.name, Message: "is not compressed with gzip, as its name says: " + err.Error(), cause: err}
		}
		file = z
	}
	content := bufio.NewReaderSize(&bounded{r: file, most: maxBytes}, sniffed)
	start, _ := content.Peek(sniffed)
	marked := bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff"))
	if bytes.HasPrefix(start, []byte("\xef\xbb\xbf")) {
		content.Discard(3)
	}
	little, big := zeros(start)
	switch {
	case marked:
		return &lenient{r: bufio.NewReader(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(content))}, nil
	case little:
		s.Schema.Encoding = encodingUTF16LE
		return &lenient{r: bufio.NewReader(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Reader(content))}, nil
	case big:
		s.Schema.Encoding = encodingUTF16BE
		return &lenient{r: bufio.NewReader(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Reader(content))}, nil
	}
	return &lenient{r: content}, nil
}

// zeros tells UTF-16 without a mark: of most letters of tables, one byte of the two is 0.
func zeros(start []byte) (little, big bool) {
	var at [2]int
	for i, b := range start {
		if b == 0 {
			at[i%2]++
		}
	}
	return at[1] > len(start)/4 && at[0] == 0, at[0] > len(start)/4 && at[1] == 0
}

// lenient takes bytes that are not UTF-8 for letters in Latin-1, or in Windows-1252, which has letters where Latin-1 has control
// characters.
type lenient struct {
	r              *bufio.Reader
	other, windows bool // there were such bytes
	rest           []byte
}

func (l *lenient) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(l.rest) > 0 {
			k := copy(p[n:], l.rest)
			n, l.rest = n+k, l.rest[k:]
			continue
		}
		if n > 0 && l.r.Buffered() == 0 {
			return n, nil
		}
		b, err := l.r.ReadByte()
		if err != nil {
			return n, err
		}
		if b < utf8.RuneSelf {
			p[n] = b
			n++
			continue
		}
		l.r.UnreadByte()
		r, size, _ := l.r.ReadRune()
		if r == utf8.RuneError && size == 1 {
			l.other, l.windows, r = true, l.windows || b < 0xa0, charmap.Windows1252.DecodeByte(b)
		}
		l.rest = utf8.AppendRune(nil, r)
	}
	return n, nil
}

// sampled counts different things in bounded memory: exactly up to a number, then by those whose hashes begin with zeros (Flajolet
// 1990, "On adaptive sampling", Computing 43).
type sampled struct {
	most  int
	depth int
	seen  map[uint64]struct{}
}

func (s *sampled) keeps(h uint64) bool { return h>>(64-s.depth) == 0 }

func (s *sampled) see(h uint64) {
	if !s.keeps(h) {
		return
	}
	if s.seen == nil {
		s.seen = map[uint64]struct{}{}
	}
	s.seen[h] = struct{}{}
	for len(s.seen) > s.most {
		s.depth++
		for h := range s.seen {
			if !s.keeps(h) {
				delete(s.seen, h)
			}
		}
	}
}

func (s *sampled) count() int { return len(s.seen) << s.depth }

// hashOf is the hash of some cells (FNV-1a).
func hashOf(cells ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, cell := range cells {
		for i := range len(cell) {
			h = (h ^ uint64(cell[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211 // which no text in UTF-8 has
	}
	return mixed64(h)
}

// mixed64 spreads a number over all bits (SplitMix64, Steele, Lea, Flood 2014).
func mixed64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// cloned keeps a record: its cells are parts of one text.
func cloned(record []string) []string {
	kept := make([]string, len(record))
	whole := strings.Join(record, "")
	for i, cell := range record {
		kept[i], whole = strings.TrimSpace(whole[:len(cell)]), whole[len(cell):]
	}
	return kept
}
