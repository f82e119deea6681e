package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	logical "github.com/parquet-go/parquet-go/format"
)

// The library that reads Parquet believes the sizes that a file states, and asks for as much memory. So they are held
// against the file first.

// A compact walks over values of Thrift's compact protocol without keeping them.
type compact struct {
	b   []byte
	at  int
	bad bool // the bytes end before the value does
}

// Types of the protocol.
const (
	compactBool   = 1 // true; 2 is false
	compactByte   = 3
	compactInt64  = 6 // and 4 and 5, for smaller ones
	compactDouble = 7
	compactBinary = 8
	compactList   = 9
	compactSet    = 10
	compactMap    = 11
	compactStruct = 12
)

const deepest = 24

func (c *compact) byte() byte {
	if c.at >= len(c.b) {
		c.bad = true
		return 0
	}
	c.at++
	return c.b[c.at-1]
}

func (c *compact) uint() uint64 {
	v, n := binary.Uvarint(c.b[min(c.at, len(c.b)):])
	if n <= 0 {
		c.bad = true
		return 0
	}
	c.at += n
	return v
}

func (c *compact) int() int64 {
	v := c.uint()
	return int64(v>>1) ^ -int64(v&1)
}

// skip goes on by some bytes.
func (c *compact) skip(n uint64) {
	if n > uint64(len(c.b)-c.at) {
		c.bad = true
		return
	}
	c.at += int(n)
}

// value walks over a value. An integer is returned.
func (c *compact) value(kind byte, depth int) (n int64) {
	if c.bad || depth > deepest {
		c.bad = true
		return 0
	}
	switch kind {
	case compactBool, compactBool + 1:
	case compactByte:
		c.skip(1)
	case 4, 5, compactInt64:
		return c.int()
	case compactDouble:
		c.skip(8)
	case compactBinary:
		c.skip(c.uint())
	case compactList, compactSet:
		head := c.byte()
		size, of := uint64(head>>4), head&15
		if size == 15 {
			size = c.uint()
		}
		if size > uint64(len(c.b)-c.at) { // an element takes a byte at least
			c.bad = true
		}
		for range size {
			if c.bad {
				return 0
			}
			c.element(of, depth)
		}
	case compactMap:
		size := c.uint()
		if size == 0 {
			return 0
		}
		kinds := c.byte()
		if size > uint64(len(c.b)-c.at) {
			c.bad = true
		}
		for range size {
			if c.bad {
				return 0
			}
			c.element(kinds>>4, depth)
			c.element(kinds&15, depth)
		}
	case compactStruct:
		c.fields(depth+1, nil)
	default:
		c.bad = true
	}
	return 0
}

// element walks over an element of a list, where a flag takes a byte.
func (c *compact) element(kind byte, depth int) {
	if kind == compactBool || kind == compactBool+1 {
		c.skip(1)
		return
	}
	c.value(kind, depth+1)
}

// fields walks over a struct, and has each integer and each struct within it told by the number of its field.
func (c *compact) fields(depth int, tell func(field int64, kind byte) bool) {
	field := int64(0)
	for !c.bad {
		head := c.byte()
		kind := head & 15
		if kind == 0 {
			return
		}
		if delta := head >> 4; delta > 0 {
			field += int64(delta)
		} else {
			field = c.int()
		}
		if tell == nil || !tell(field, kind) {
			c.value(kind, depth)
		}
	}
}

// A pageHead is what the header of a page says of sizes.
type pageHead struct{ uncompressed, compressed, values, encoding int64 }

// encodingRLE is the run-length encoding of values.
const encodingRLE = 3

// page reads the header of a page.
func (c *compact) page() (head pageHead) {
	c.fields(0, func(field int64, kind byte) bool {
		switch {
		case field == 2 && kind == 5:
			head.uncompressed = c.int()
		case field == 3 && kind == 5:
			head.compressed = c.int()
		case (field == 5 || field == 7 || field == 8) && kind == compactStruct: // of a data page, a dictionary or a data page of version 2
			encoding := map[int64]int64{5: 2, 8: 4}[field]
			c.fields(1, func(field int64, kind byte) bool {
				switch {
				case kind == 5 && field == 1:
					head.values = c.int()
				case kind == 5 && field == encoding:
					head.encoding = c.int()
				default:
					return false
				}
				return true
			})
		default:
			return false
		}
		return true
	})
	return head
}

// errRunsOfFlags refuses what the library reads as other values: its decoder of runs takes 1 for one flag in eight.
var errRunsOfFlags = errors.New("true and false are written as runs (RLE), which cannot be read")

// longestHead is the longest header of a page that is read; the limits of its statistics are in it.
const longestHead = 1 << 20

// checkFooter returns an error if the footer is no struct of the protocol that ends where the footer does.
func checkFooter(file io.ReaderAt, size int64) error {
	const mark = "PAR1"
	if size < int64(3*len(mark)) {
		return io.ErrUnexpectedEOF
	}
	end := make([]byte, 8) // the length of the footer, and the mark
	if _, err := file.ReadAt(end, size-8); err != nil {
		return err
	}
	if string(end[4:]) != mark {
		return fmt.Errorf("it does not end as one")
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if length > size-int64(3*len(mark)) {
		return fmt.Errorf("its footer would have %d bytes", length)
	}
	footer := make([]byte, length)
	if _, err := file.ReadAt(footer, size-8-length); err != nil {
		return err
	}
	c := compact{b: footer}
	if c.fields(0, nil); c.bad {
		return fmt.Errorf("its footer is damaged")
	}
	return nil
}

// checkPages returns an error if a page of a column would be larger than its column, or its column larger than the file.
func checkPages(file io.ReaderAt, size int64, chunk logical.ColumnMetaData, rows int64) error {
	at := chunk.DataPageOffset
	if d := chunk.DictionaryPageOffset; d > 0 && d < at {
		at = d
	}
	end := at + chunk.TotalCompressedSize
	if at < 4 || chunk.TotalCompressedSize < 0 || end < at || end > size || chunk.NumValues != rows {
		return fmt.Errorf("a column lies outside of the file")
	}
	buffer := make([]byte, 512)
	for values := int64(0); values < rows; {
		var c compact
		for {
			n, err := file.ReadAt(buffer[:min(int64(len(buffer)), end-at)], at)
			if err != nil && err != io.EOF {
				return err
			}
			if c = (compact{b: buffer[:n]}); n == 0 {
				return io.ErrUnexpectedEOF
			}
			head := c.page()
			if c.bad && n == len(buffer) && n < longestHead {
				buffer = make([]byte, 8*n)
				continue
			}
			if c.bad || head.compressed < 0 || head.compressed > end-at-int64(c.at) || head.uncompressed < 0 || head.uncompressed > chunk.TotalUncompressedSize ||
				head.values < 0 || head.values > rows {
				return fmt.Errorf("the header of a page is damaged")
			}
			if chunk.Type == logical.Boolean && head.encoding == encodingRLE {
				return errRunsOfFlags
			}
			if at != chunk.DictionaryPageOffset || at == chunk.DataPageOffset {
				values += head.values
			}
			at += int64(c.at) + head.compressed
			break
		}
		if at >= end && values < rows {
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}
