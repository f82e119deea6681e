package process

import (
	"bufio"
	"bytes"
	"io"

	"github.com/xrun-dev/xrun/runner"
)

// A textLine is a line of output, or a part of one that is longer than runner.MaxReportBytes. A long line is parted
// before an open brace or at a blank, so that no report and no number lies in two parts, unless it is half as long itself.
type textLine struct {
	text  []byte // without its end; valid until the next one
	first bool   // the line begins here
	ended bool   // the line ends here, with an end of line
}

// readLines reads to the end of r. Of a line that is overwritten, such as a progress bar, it passes on what follows
// the last carriage return. frame, if not nil, takes what is overwritten and returns what is left of it. An endless
// line costs no memory.
func readLines(r io.Reader, frame func(text []byte) []byte, line func(textLine)) {
	const longest = runner.MaxReportBytes
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4<<10), longest+1)
	s.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
			return i + 1, data[:i+1], nil
		}
		if len(data) > longest {
			n := part(data[:longest])
			return n, data[:n], nil
		}
		if atEOF && len(data) > 0 {
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	var shown []byte // before a carriage return, and not overwritten yet
	first := true
	for s.Scan() {
		text := s.Bytes()
		switch end := text[len(text)-1]; end {
		case '\r':
			if text = text[:len(text)-1]; len(text) > 0 && frame != nil {
				text = frame(text)
			}
			if len(text) > 0 {
				shown = append(shown[:0], text...)
			}
		case '\n':
			if text = text[:len(text)-1]; len(text) == 0 {
				text = shown
			}
			line(textLine{text, first, true})
			shown, first = shown[:0], true
		default:
			line(textLine{text, first, false})
			shown, first = shown[:0], false
		}
	}
	if len(shown) > 0 {
		line(textLine{shown, first, false})
	}
}

// part is where a long line is parted: in its second half before the first brace that is not closed, or else behind the last
// blank, or else at its end.
func part(text []byte) int {
	half := len(text) / 2
	for at := half; ; {
		brace := bytes.IndexByte(text[at:], '{')
		if brace < 0 {
			break
		}
		at += brace
		length := runner.ObjectLength(text[at:])
		if length == 0 {
			return at
		}
		at += length
	}
	if blank := bytes.LastIndexAny(text[half:], " \t"); blank >= 0 {
		return half + blank + 1
	}
	return len(text)
}
