package shim

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// mostFrames bounds what is printed of a stack: the host keeps some tens of lines.
const mostFrames = 12

// sayWhere prints the stacks that Python's faulthandler writes when the host asks for them: of the thread that has been
// called by xrun, without the frames of its module and of what runs the plugin's file.
func sayWhere(stacks io.Reader, w io.Writer) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(stacks); s.Scan(); {
			lines <- s.Text()
		}
	}()
	for first := range lines {
		dump := []string{first}
		for done := false; !done; { // there is no end of it but silence
			select {
			case line, ok := <-lines:
				if done = !ok; ok && len(dump) < 10_000 {
					dump = append(dump, line)
				}
			case <-time.After(50 * time.Millisecond):
				done = true
			}
		}
		io.WriteString(w, where(dump))
	}
}

// frameLine is a line of a stack: the file, and the rest.
var frameLine = regexp.MustCompile(`^  File "(.*)", (line \d+ in .*)$`)

func where(dump []string) string {
	var best []string
	for thread := range strings.SplitSeq(strings.Join(dump, "\n"), "\n\n") {
		var own []string
		called := false
		for line := range strings.SplitSeq(thread, "\n") {
			f := frameLine.FindStringSubmatch(line)
			switch {
			case f == nil:
			case strings.HasSuffix(f[1], "/xrun_plugin.py"):
				called = called || len(own) > 0
			case !called: // what comes after is what runs the file
				own = append(own, line)
			}
		}
		if called {
			best = own
			break
		}
		if len(own) > len(best) {
			best = own
		}
	}
	if len(best) == 0 {
		return "it hangs outside of its components\n"
	}
	more := ""
	if len(best) > mostFrames {
		best, more = best[:mostFrames], "  …\n"
	}
	return fmt.Sprintf("it hangs here, the innermost call first:\n%s\n%s", strings.Join(best, "\n"), more)
}
