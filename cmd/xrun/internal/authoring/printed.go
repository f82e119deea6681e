package authoring

import (
	"fmt"
	"io"
	"sync"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Printed shows what a plugin prints while it is tried: each line once, since the plugin is started again and again, and
// no more than can be read.
type Printed struct {
	W io.Writer
	// Before is called before something is shown; may be nil.
	Before func()

	mu    sync.Mutex
	shown map[string]bool
	left  int // lines that were not shown
}

// mostPrinted is how many lines are shown.
const mostPrinted = 50

// Line shows a line of a plugin. left is how many before it the host has left out. Any goroutine may call it.
func (p *Printed) Line(plugin, line string, left int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left += left
	text := fmt.Sprintf("%s prints: %s", plugin, line)
	switch {
	case line == "" || p.shown[text]:
		return
	case len(p.shown) == mostPrinted:
		p.left++
		return
	}
	if p.shown == nil {
		p.shown = map[string]bool{}
	}
	p.shown[text] = true
	p.say(text)
}

// Done says how much was not shown. The plugin's processes have ended.
func (p *Printed) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left > 0 {
		p.say(fmt.Sprintf("%s that the plugin printed not shown: --verbose shows more, with their times", stats.Count(p.left, "line", "lines")))
	}
}

func (p *Printed) say(text string) {
	if p.Before != nil {
		p.Before()
	}
	fmt.Fprintln(p.W, text)
}
