package trackers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// longestLine is well above the lines that trackers write.
const longestLine = 64 << 20

// lines calls a function with each whole line of a text. What follows the last line feed is still being written.
func lines(ctx context.Context, from io.Reader, each func(line []byte) error) error {
	in := bufio.NewReaderSize(from, 1<<16)
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull) && len(line) < longestLine:
			continue
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("a line is longer than %d MB", longestLine>>20)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(line[:len(line)-1]); err != nil {
			return err
		}
		line = line[:0]
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// finite makes JSON of what Python writes for numbers that JSON does not have: texts, as journal.Number reads them. It changes no text.
func finite(line []byte) []byte {
	if !bytes.Contains(line, []byte("NaN")) && !bytes.Contains(line, []byte("Infinity")) {
		return line
	}
	var out []byte
	in := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case in && c == '\\':
			out = append(out, c)
			if i++; i < len(line) {
				out = append(out, line[i])
			}
			continue
		case c == '"':
			in = !in
		case !in && bytes.HasPrefix(line[i:], []byte("NaN")):
			out, i = append(out, `"NaN"`...), i+len("NaN")-1
			continue
		case !in && bytes.HasPrefix(line[i:], []byte("-Infinity")):
			out, i = append(out, `"-Inf"`...), i+len("-Infinity")-1
			continue
		case !in && bytes.HasPrefix(line[i:], []byte("Infinity")):
			out, i = append(out, `"+Inf"`...), i+len("Infinity")-1
			continue
		}
		out = append(out, c)
	}
	return out
}

// decodePython reads JSON with the numbers that Python's json writes besides: NaN, Infinity and -Infinity.
func decodePython(text []byte, into any) error { return json.Unmarshal(finite(text), into) }
