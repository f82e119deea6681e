package authoring

import (
	"fmt"
	"io"
	"strings"
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

// WriteReport prints the results of checks, by component. Unless long, checks that hold share a line, and checks that
// do not apply are left out.
func WriteReport(w io.Writer, r *plugintest.Report, long bool, width int) {
	fmt.Fprintln(w, strings.TrimSpace(r.Plugin+" "+r.Version))
	if r.Path != r.Plugin {
		fmt.Fprintln(w, r.Path)
	}
	writeResults(w, "process", r.Checks, long, width)
	for _, comp := range r.Components {
		writeResults(w, string(comp.Kind)+" "+comp.Name, comp.Checks, long, width)
	}
	required := 0
	for _, c := range append([]plugintest.Component{{Checks: r.Checks}}, r.Components...) {
		for _, res := range c.Checks {
			if res.Required && res.Verdict == plugintest.Failed {
				required++
			}
		}
	}
	fmt.Fprintln(w)
	if required == 0 {
		fmt.Fprintf(w, "passed: %s\n", stats.Count(r.Count(plugintest.OK), "check holds", "checks hold"))
		return
	}
	fmt.Fprintf(w, "not passed: %s that is required\n", stats.Count(required, "check does not hold", "checks do not hold"))
}

func writeResults(w io.Writer, title string, results []plugintest.Result, long bool, width int) {
	fmt.Fprintf(w, "\n%s\n", title)
	var quiet []string
	for _, res := range results {
		if !long && (res.Verdict == plugintest.OK || res.Verdict == plugintest.Skipped) {
			if res.Verdict == plugintest.OK {
				quiet = append(quiet, res.ID)
			}
			continue
		}
		text := res.ID
		if res.Message != "" {
			text += ": " + res.Message
		}
		writeWrapped(w, verdictOf(res), text, width)
	}
	if quiet != nil {
		writeWrapped(w, string(plugintest.OK), strings.Join(quiet, ", "), width)
	}
}

// writeWrapped prints a text beside its mark, broken at blanks to the width.
func writeWrapped(w io.Writer, mark, text string, width int) {
	const left = 10
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
