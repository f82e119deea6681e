package documents

import (
	"fmt"
	"html"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner/tests"
)

// The picture of the README is of its first command; -update draws it anew.
func TestPictureOfTheReadme(t *testing.T) {
	tests.NeedExamples(t, "trains the sweep of the README")
	t.Parallel()
	dir := t.TempDir()
	sweep := e2e.Path("sweeps", "examples", "digits.toml")
	db := filepath.Join(dir, "xrun.db")
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", sweep, "--store", db, "--progress", "none"))
	said, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "compare", "digits", "--store", "xrun.db", "--top", "8"))
	lines := strings.Split(said, "\n")
	const shown = 32 // the verdict, the table, the arms, the first map
	tests.Golden(t, e2e.Path("cmd", "xrun", "internal", "help", "pictures", "terminal.svg"), terminal("$ xrun compare --top 8", lines[:min(shown, len(lines))]))
}

// terminal draws lines as a terminal shows them.
func terminal(command string, lines []string) string {
	const across, down, margin, longest = 7.25, 16, 14, 132
	lines = append([]string{command}, lines...)
	columns := 0
	for i, line := range lines {
		if utf8.RuneCountInString(line) > longest {
			lines[i] = string([]rune(line)[:longest-1]) + "…"
		}
		columns = max(columns, utf8.RuneCountInString(lines[i]))
	}
	var b strings.Builder
	width, height := float64(columns)*across+2*margin, len(lines)*down+2*margin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="12" fill="#d8dee9">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="6" fill="#1f2430"/>`+"\n")
	for i, line := range lines {
		if line == "" {
			continue
		}
		weight := ""
		if i < 2 {
			weight = ` font-weight="bold" fill="#ffffff"`
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" xml:space="preserve" textLength="%.1f"%s>%s</text>`+"\n", margin, margin+down*i+12,
			float64(utf8.RuneCountInString(line))*across, weight, html.EscapeString(line))
	}
	b.WriteString("</svg>\n")
	return b.String()
}
