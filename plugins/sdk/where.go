package sdk

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

// mostFrames bounds what is printed of a stack: the host keeps some tens of lines.
const mostFrames = 10

// sayWhere prints where the components are each time when the host asks by SIGQUIT, which it does before it stops a
// plugin that does not answer.
func sayWhere(w io.Writer) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGQUIT)
	go func() {
		for range asked {
			stacks := make([]byte, 1<<20)
			io.WriteString(w, where(string(stacks[:runtime.Stack(stacks, true)])))
		}
	}()
}

// where is the part of the stacks that is a component's: the frames above those of this module in goroutines that it
// has called from.
func where(stacks string) string {
	const caller = "github.com/xrun-dev/xrun/plugins/slots."
	var b strings.Builder
	for _, goroutine := range strings.Split(stacks, "\n\n") {
		lines := strings.Split(strings.TrimSpace(goroutine), "\n")
		if !strings.Contains(goroutine, "\n"+caller) {
			continue
		}
		head, _, _ := strings.Cut(lines[0], ":")
		fmt.Fprintf(&b, "it hangs here, the innermost call first (%s):\n", head)
		frames := 0
		for i := 1; i+1 < len(lines) && !strings.HasPrefix(lines[i], caller); i += 2 {
			if frames++; frames > mostFrames {
				b.WriteString("  …\n")
				break
			}
			name, place := lines[i], strings.TrimSpace(lines[i+1])
			if at := strings.LastIndexByte(name, '('); at > 0 {
				name = name[:at]
			}
			place, _, _ = strings.Cut(place, " +0x")
			fmt.Fprintf(&b, "  %s at %s\n", name, place)
		}
	}
	if b.Len() == 0 {
		return "it hangs outside of its components\n"
	}
	return b.String()
}
