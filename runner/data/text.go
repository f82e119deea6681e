package data

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The encodings of text by their names in a sweep file.
const (
	encodingUTF8        = "utf-8"
	encodingLatin1      = "latin-1"
	encodingWindows1252 = "windows-1252"
	encodingUTF16LE     = "utf-16le"
	encodingUTF16BE     = "utf-16be"
)

// otherEncoding refuses the marks with which UTF-16 and UTF-32 begin, and compressed content under a plain name.
func otherEncoding(start []byte, compressed bool) *Error {
	for _, known := range []struct{ mark, name, iconv string }{
		{"\xff\xfe\x00\x00", "UTF-32", "utf-32"}, {"\x00\x00\xfe\xff", "UTF-32", "utf-32"},
		{"\xff\xfe", "UTF-16", "utf-16"}, {"\xfe\xff", "UTF-16", "utf-16"},
	} {
		if bytes.HasPrefix(start, []byte(known.mark)) {
			return &Error{Message: "is text in " + known.name + ", not in UTF-8", hint: convert(known.iconv)}
		}
	}
	if bytes.HasPrefix(start, []byte("\x1f\x8b")) && !compressed {
		return &Error{Message: "is not text: it is compressed with gzip", hint: "its name must end in .gz"}
	}
	return nil
}

// marks are what texts may begin with, by their encodings.
var marks = []struct{ mark, encoding string }{
	{"\xef\xbb\xbf", encodingUTF8}, {"\xff\xfe", encodingUTF16LE}, {"\xfe\xff", encodingUTF16BE},
}

// decoders are the encodings that are converted.
var decoders = map[string]encoding.Encoding{
	encodingLatin1:      charmap.ISO8859_1,
	encodingWindows1252: charmap.Windows1252,
	encodingUTF16LE:     unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	encodingUTF16BE:     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
}

// decoded is the content as UTF-8, without the mark of an encoding. It also names the encoding, if it is another.
func (from source) decoded(content *bufio.Reader) (io.Reader, string, *Error) {
	start, _ := content.Peek(4)
	given, found := from.schema.Encoding, ""
	for _, m := range marks {
		if bytes.HasPrefix(start, []byte(m.mark)) {
			found = m.encoding
			start = start[len(m.mark):]
			break
		}
	}
	isTable, utf32 := from.format != formatLIBSVM, found == encodingUTF16LE && string(start) == "\x00\x00"
	if found == "" || found != encodingUTF8 && !isTable || utf32 {
		start, _ = content.Peek(4)
		if e := otherEncoding(start, from.compressed); e != nil {
			return nil, "", e
		}
		found = ""
	}
	if given != "" && found != "" && found != given {
		return nil, "", &Error{about: keyEncoding, Message: fmt.Sprintf("begins with the mark of %s, but `encoding` says %s", found, given), hint: "leave `encoding` out"}
	}
	for _, m := range marks {
		if m.encoding == found {
			content.Discard(len(m.mark))
		}
	}
	as := cmp.Or(given, found)
	decoder := decoders[as]
	if decoder == nil {
		return content, "", nil
	}
	return transform.NewReader(content, decoder.NewDecoder()), as, nil
}

func convert(from string) string { return "convert it: iconv -f " + from + " -t utf8 OLD > NEW" }

// checked reads text until it is not UTF-8, has a NUL byte or a line that is too long, or ends lines as no reader of CSV
// expects. It gives whole lines before the place of a fault.
type checked struct {
	r      io.Reader
	table  bool // " opens and closes a cell in which lines may end in any way
	line   int  // counted from 1
	column int  // bytes of the line before
	open   bool // within quotes
	cr     bool // the byte before was a carriage return
	part   []byte
	fault  *Error
	// encoding is what the text was converted from; empty for UTF-8.
	encoding string
}

func (c *checked) Read(p []byte) (int, error) {
	if c.fault != nil {
		return 0, c.fault
	}
	n, err := c.r.Read(p)
	whole := 0 // bytes up to the end of the last line
	for i := 0; i < n; i++ {
		b := p[i]
		if ' ' <= b && b < utf8.RuneSelf && b != '"' && len(c.part) == 0 && !c.cr && c.column < maxLine {
			c.column++ // as see says, of nearly all bytes
			continue
		}
		if c.fault = c.see(b); c.fault != nil {
			return whole, c.fault
		}
		if b == '\n' {
			whole = i + 1
		}
	}
	if err == io.EOF && len(c.part) > 0 {
		c.fault = c.notUTF8(c.part[0], c.column-len(c.part)+1)
		return whole, c.fault
	}
	return n, err
}

// see takes the next byte.
func (c *checked) see(b byte) *Error {
	if c.cr && b != '\n' && b != '\r' {
		return &Error{Line: c.line, Message: fmt.Sprintf("a carriage return (\\r) without a line feed (\\n) is byte %d of the line: lines end as on old Macs", c.column),
			hint: "convert it: tr '\\r' '\\n' < OLD > NEW"}
	}
	c.column++
	if c.column > maxLine {
		return &Error{Line: c.line, Message: fmt.Sprintf("a line is longer than the limit of %d MiB", maxLine>>20)}
	}
	switch {
	case len(c.part) > 0 || b >= utf8.RuneSelf:
		if len(c.part) > 0 && utf8.RuneStart(b) {
			return c.notUTF8(c.part[0], c.column-len(c.part))
		}
		c.part = append(c.part, b)
		if !utf8.FullRune(c.part) {
			break
		}
		if r, size := utf8.DecodeRune(c.part); r == utf8.RuneError && size <= 1 {
			return c.notUTF8(c.part[0], c.column-len(c.part)+1)
		} else if r == utf8.RuneError && c.encoding != "" {
			return &Error{Line: c.line, about: keyEncoding, Message: "the line has bytes that are not " + c.encoding, hint: "say in which encoding the file is, or remove them"}
		}
		c.part = c.part[:0]
	case b == 0 && c.table && (c.line > 2 || c.line == 2 && c.column > 1):
		// In UTF-16, the line that names the columns has such bytes, up to that behind its end.
		return &Error{Line: c.line, Message: fmt.Sprintf("byte %d of the line is 0, which no text in UTF-8 has", c.column), hint: "remove it from the file"}
	case b == 0:
		encoding := encodingUTF16LE
		if c.line == 1 && c.column%2 == 1 { // of a letter, the first byte of the two
			encoding = encodingUTF16BE
		}
		return &Error{Line: c.line, needs: c.needs(encoding), Message: fmt.Sprintf("byte %d of the line is 0, which no text in UTF-8 has", c.column), hint: "if it is UTF-16, " + convert(encoding)}
	}
	c.cr = b == '\r' && !c.open
	switch {
	case b == '"' && c.table:
		c.open = !c.open
	case b == '\n':
		c.line, c.column = c.line+1, 0
	}
	return nil
}

// needs says which encoding a table seems to have.
func (c *checked) needs(encoding string) SchemaSetting {
	if !c.table || c.encoding != "" {
		return SchemaSetting{}
	}
	return SchemaSetting{keyEncoding, encoding}
}

func (c *checked) notUTF8(b byte, column int) *Error {
	encoding := encodingLatin1
	if b < 0xa0 { // what Latin-1 has there are controls
		encoding = encodingWindows1252
	}
	return &Error{Line: c.line, needs: c.needs(encoding), Message: fmt.Sprintf("byte %d of the line is 0x%02x, which is not UTF-8", column, b), hint: "if it is Latin-1 or Windows-1252, " + convert("latin1")}
}
