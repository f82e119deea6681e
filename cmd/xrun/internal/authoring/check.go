package authoring

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/plugins/plugintest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// verdictOf is the mark of a result: a failed check that is not required is advice.
func verdictOf(r plugintest.Result) string {
	switch {
	case r.Verdict == plugintest.Failed && r.Required:
		return "FAILED"
	case r.Verdict == plugintest.Failed:
		return "advice"
	}
	return string(r.Verdict)
}

// A Reporter prints the results of checks as they are known, by component. Unless Long, checks that hold share a line, checks that
// failed by an error that has been shown share one too, and checks that do not apply are left out.
type Reporter struct {
	W     io.Writer
	Long  bool
	Width int

	mu     sync.Mutex
	title  string
	shared string // what the checks on the open line have in common; empty where no line is open
	column int
}

// Described prints the head: the plugin, and where it is.
func (p *Reporter) Described(r *plugintest.Report) {
	fmt.Fprintln(p.W, strings.TrimSpace(r.Plugin+" "+r.Version))
	if r.Path != r.Plugin {
		fmt.Fprintln(p.W, r.Path)
	}
}

// Ended prints a result.
func (p *Reporter) Ended(of plugintest.Component, res plugintest.Result) {
	if !p.Long && res.Verdict == plugintest.Skipped && res.Same == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	title := "process"
	if of.Kind != "" {
		title = string(of.Kind) + " " + of.Name
	}
	if title != p.title {
		p.close()
		if p.title != "" && title == "process" {
			fmt.Fprintf(p.W, "\n%s, disturbed\n", title)
		} else {
			fmt.Fprintf(p.W, "\n%s\n", title)
		}
		p.title = title
	}
	switch {
	case !p.Long && res.Same != "" && res.Verdict != plugintest.OK:
		p.share(verdictOf(res), "as "+res.Same+": ", res.ID)
	case !p.Long && res.Verdict == plugintest.OK:
		p.share(verdictOf(res), "", res.ID)
	default:
		p.close()
		text := res.ID
		if res.Message != "" {
			text += ": " + res.Message
		}
		writeWrapped(p.W, verdictOf(res), text, p.Width)
	}
}

// left is the width of the column of marks.
const left = 10

// share adds a check to the open line, if that is of its kind, or begins another.
func (p *Reporter) share(mark, before, id string) {
	kind := mark + before
	if p.shared != kind {
		p.close()
		p.shared = kind
		text := before + id
		fmt.Fprintf(p.W, "  %-8s%s", mark, text)
		p.column = left + utf8.RuneCountInString(text)
		return
	}
	if p.column+2+len(id)+1 > p.Width {
		fmt.Fprintf(p.W, ",\n  %-8s%s", "", id)
		p.column = left + len(id)
		return
	}
	fmt.Fprint(p.W, ", ", id)
	p.column += 2 + len(id)
}

// Interrupt ends the open line for a message that comes from elsewhere. Any goroutine may call it.
func (p *Reporter) Interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close()
}

// close ends the open line.
func (p *Reporter) close() {
	if p.shared != "" {
		fmt.Fprintln(p.W)
		p.shared = ""
	}
}

// Done prints the verdict.
func (p *Reporter) Done(r *plugintest.Report) {
	p.close()
	required := 0
	for _, c := range append([]plugintest.Component{{Checks: r.Checks}}, r.Components...) {
		for _, res := range c.Checks {
			if res.Required && res.Verdict == plugintest.Failed {
				required++
			}
		}
	}
	fmt.Fprintln(p.W)
	if required == 0 {
		fmt.Fprintf(p.W, "passed: %s\n", stats.Count(r.Count(plugintest.OK), "check holds", "checks hold"))
		return
	}
	fmt.Fprintf(p.W, "not passed: %s that is required\n", stats.Count(required, "check does not hold", "checks do not hold"))
}

// writeWrapped prints a text beside its mark, broken at blanks to the width.
func writeWrapped(w io.Writer, mark, text string, width int) {
	for _, paragraph := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width-left {
				fmt.Fprintf(w, "  %-8s%s\n", mark, line)
				mark, line = "", ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		fmt.Fprintf(w, "  %-8s%s\n", mark, line)
		mark = ""
	}
}
