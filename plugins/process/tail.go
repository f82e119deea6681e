package process

import (
	"bufio"
	"errors"
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

// read takes lines from r until it ends. keep, if not nil, takes the lines it returns true for.
func (t *tail) read(r io.Reader, keep func(line string) bool) {
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := b.ReadSlice('\n')
		start := string(line[:min(len(line), lineBytes)])
		for errors.Is(err, bufio.ErrBufferFull) { // an endless line costs no memory
			_, err = b.ReadSlice('\n')
		}
		if text := protocol.Clean(strings.TrimRight(start, "\r\n")); text != "" && (keep == nil || !keep(text)) {
			t.add(text)
		}
		if err != nil {
			return
		}
	}
}

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

// last returns the kept lines, oldest first.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.crashes) == 0 {
		return strings.Join(t.lines, "\n")
	}
	return strings.Join(t.crashes, "\n") + "\n…\n" + strings.Join(t.lines, "\n")
}
