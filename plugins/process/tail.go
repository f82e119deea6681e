package process

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/xrun-dev/xrun/plugins/protocol"
)

// tail keeps the last lines that a process prints, within fixed bounds, and the first line of each
// crash: a Go program prints the reason first and pages of stacks behind it.
type tail struct {
	mu      sync.Mutex
	crashes []string
	lines   []string
}

const (
	tailLines    = 30
	crashesLines = 4
	lineBytes    = 2000 // of a longer line the beginning is kept
)

// crashLine begins the report of a crash.
var crashLine = regexp.MustCompile(`^(panic|fatal error|runtime error|SIG[A-Z]+|Traceback|[A-Za-z.]*Error): ?`)

// read takes lines from r until it ends, and passes them on to s. keep, if not nil, takes the lines it returns true for.
func (t *tail) read(r io.Reader, s *speaker, keep func(line string) bool) {
	begun, cut := "", 0 // of the line at hand: its beginning, and how many bytes follow
	end := func() {
		if begun != "" && cut > 0 {
			begun += fmt.Sprintf(" … %d bytes left out", cut)
		}
		if begun != "" {
			s.say(begun)
		}
		begun, cut = "", 0
	}
	readLines(r, nil, func(line textLine) {
		if !line.first {
			cut += len(line.text)
		} else if text := shorten(line.text); text != "" && (keep == nil || !keep(text)) {
			t.add(text)
			begun, cut = text, max(0, len(line.text)-lineBytes)
		}
		if line.ended {
			end()
		}
	})
	end()
}

// shorten makes a line of it that a message can have.
func shorten(line []byte) string { return protocol.Clean(string(line[:min(len(line), lineBytes)])) }

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == tailLines {
		if first := t.lines[0]; crashLine.MatchString(first) && len(t.crashes) < crashesLines {
			t.crashes = append(t.crashes, first)
		}
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, line)
}

// last returns the kept lines, oldest first, within [protocol.MaxText].
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.crashes) == 0 {
		return protocol.Cut(strings.Join(t.lines, "\n"))
	}
	return protocol.Cut(strings.Join(t.crashes, "\n") + "\n…\n" + strings.Join(t.lines, "\n"))
}
