package data

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Limits that keep a wrong or hostile file from filling the memory. They hold after
// decompression. Sizes that a file states about itself are believed up to what it then holds.
const (
	maxBytes   = 4 << 30
	maxLine    = 16 << 20 // bytes
	maxColumns = 100_000
	maxCells   = 1 << 28 // 2 GiB as float64; of sparse data, those that are not 0
)

// A format is a way to write a data set into a file.
type format string

const (
	formatCSV    format = "csv"
	formatTSV    format = "tsv"
	formatLIBSVM format = "libsvm"
	formatNPY    format = "npy"
	formatNPZ    format = "npz"
	formatIDX    format = "idx"

	formatParquet format = "parquet"
)

// endings tell formats by the ending of a file's name. IDX has none.
var endings = map[string]format{
	".csv": formatCSV, ".tsv": formatTSV, ".libsvm": formatLIBSVM, ".svm": formatLIBSVM, ".svmlight": formatLIBSVM, ".npy": formatNPY, ".npz": formatNPZ, ".parquet": formatParquet,
}

// Endings lists the endings of data files, sorted.
func Endings() []string { return slices.Sorted(maps.Keys(endings)) }

// source is a file to read, and its format.
type source struct {
	name       string
	format     format
	compressed bool
	schema     Schema
	streamed   bool // rows are not kept, so that the content may be of any length
}

// sourceOf tells a file's format by its name.
func sourceOf(path string) (from source, ok bool) {
	name, compressed := strings.CutSuffix(strings.ToLower(filepath.Base(path)), ".gz")
	from = source{name: path, compressed: compressed}
	if from.format, ok = endings[filepath.Ext(name)]; !ok {
		from.format = formatIDX
		return from, idxName.MatchString(filepath.Base(path))
	}
	return from, true
}

// openSource opens a file of a known format.
func openSource(path string) (source, *os.File, error) {
	from, ok := sourceOf(path)
	if !ok {
		return from, nil, &Error{File: path, Message: "has an unknown format",
			hint: "data files end in " + strings.Join(Endings(), ", ") + ", or are named as MNIST's are (train-images-idx3-ubyte); each may be compressed, with .gz behind"}
	}
	file, err := openPath(path)
	return from, file, err
}

func openFile(path string, o Options) (*Set, error) {
	from, file, err := openSource(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if o.Kind == "" {
		o.Kind = Classification
	}
	if e := from.refuses(o); e != nil {
		return nil, e
	}
	switch from.format {
	case formatLIBSVM:
		return readLIBSVM(file, from, o)
	case formatNPY:
		return readNPY(file, from, o)
	case formatNPZ:
		return readNPZ(file, from, o)
	case formatIDX:
		return openIDX(file, from, o)
	}
	return readTable(file, from, o)
}

// refuses says which key of the schema means nothing to the file's format.
func (from source) refuses(o Options) error {
	if o.like != nil || from.format == formatCSV || from.format == formatTSV {
		return nil
	}
	for _, s := range o.Schema.Settings() {
		if from.format != formatParquet || slices.Contains([]string{keySeparator, keyDecimal, keyEncoding}, s.Name) {
			e := from.fail("it is for tables: CSV, TSV and, where columns are meant, Parquet", "`%s` means nothing to the format %s", s.Name, from.format)
			e.about = s.Name
			return e
		}
	}
	return nil
}

// separatorNames are what messages call separators.
var separatorNames = map[string]string{",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars (|)"}

// separator is what stands between the cells of a table of text.
func (from source) separator() string {
	switch {
	case from.schema.Separator != "":
		return from.schema.Separator
	case from.format == formatTSV:
		return "\t"
	}
	return ","
}

// rowWord is what numbers of rows are called.
func (from source) rowWord(n int) string {
	word := "line"
	if !from.isText() {
		word = "row"
	}
	if n > 1 {
		word += "s"
	}
	return word
}

// openRecords opens a table of any format.
func openRecords(file io.ReadSeeker, from source, sum hash.Hash) (records, error) {
	if from.format == formatParquet {
		return openParquet(file, from, sum)
	}
	return openTable(file, from, sum)
}

func openPath(path string) (*os.File, error) {
	// A pipe or a device might never end, or not even open.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		what := "not a regular file"
		if info.IsDir() {
			what = "a directory"
		}
		return nil, &Error{File: path, Message: "cannot be read: it is " + what, cause: fs.ErrInvalid}
	}
	file, err := os.Open(path)
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, &Error{File: path, Message: "cannot be opened: " + err.Error(), cause: err}
	}
	return file, nil
}

// fail makes an error about no line and no column.
func (from source) fail(hint, format string, args ...any) *Error {
	return &Error{File: from.name, Message: fmt.Sprintf(format, args...), hint: hint}
}

// content is what a file holds after decompression. It is written to sum as it is read, and
// neither it nor one of its lines, where it has any, is longer than the limits. Lines are text in UTF-8.
func (from source) content(r io.Reader, sum hash.Hash) (*bufio.Reader, error) {
	if from.compressed {
		z, err := gzip.NewReader(bufio.NewReader(r))
		if err != nil {
			return nil, &Error{File: from.name, Message: "is not compressed with gzip, as its name says: " + err.Error(), cause: err}
		}
		r = z
	}
	limit := &bounded{r: io.TeeReader(r, sum), most: maxBytes}
	if from.streamed {
		limit.most = math.MaxInt64
	}
	if !from.isText() {
		return bufio.NewReaderSize(limit, 1<<16), nil
	}
	content, encoding, e := from.decoded(bufio.NewReaderSize(limit, 1<<16))
	if e != nil {
		e.File = from.name
		return nil, e
	}
	return bufio.NewReaderSize(&checked{r: content, line: 1, table: from.format != formatLIBSVM, encoding: encoding}, 1<<16), nil
}

func (from source) isText() bool {
	return from.format == formatCSV || from.format == formatTSV || from.format == formatLIBSVM
}

// bounded reads until a limit is exceeded.
type bounded struct {
	r           io.Reader
	bytes, most int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.bytes += int64(n); b.bytes > b.most {
		return 0, fmt.Errorf("the content is larger than the limit of %d GiB", b.most>>30)
	}
	return n, err
}
