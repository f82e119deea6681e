package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/help"
	"github.com/xrun-dev/xrun/runner/data"
)

// typedCommand is a command in an example of a page: what stands in text is not at the beginning of a line.
var typedCommand = regexp.MustCompile(`(?m)^(?:\$ )?xrun ([a-z]+)(?: ([a-z]+))?`)

// Every command says what it does, and is typed in an example of a page, which a test runs.
func TestEveryCommandIsExplainedAndHasAnExample(t *testing.T) {
	typed := map[string]bool{}
	for _, page := range help.Pages() {
		for _, m := range typedCommand.FindAllStringSubmatch(page.Text, -1) {
			typed[m[1]] = true
			typed[m[1]+" "+m[2]] = true
		}
	}
	var each func(above string, commands []*cli.Command)
	each = func(above string, commands []*cli.Command) {
		for _, c := range commands {
			name := above + c.Name
			switch {
			case c.Hidden:
			case c.Usage == "":
				t.Errorf("xrun %s does not say what it does: give it a Usage", name)
			case len(c.Subcommands) > 0:
				each(name+" ", c.Subcommands)
			case !typed[name]:
				t.Errorf("xrun %s is in no example: type it in a console block of a page in cmd/xrun/internal/help/pages", name)
			}
		}
	}
	each("", (&program{}).app().Commands)
}

// A topic has no command's name, which xrun help would show instead.
func TestTopicsAreNoCommands(t *testing.T) {
	for _, c := range (&program{}).app().Commands {
		if page, ok := help.Find(c.Name); ok {
			t.Errorf("xrun help %s shows the command, and not the page %s", c.Name, page.Name)
		}
	}
}

// Every component that ships with xrun is on the page of optimizers and regularizers.
func TestEveryComponentIsOnItsPage(t *testing.T) {
	page, _ := help.Find("regularizers")
	for _, c := range components {
		if !strings.Contains(page.Text, "`"+c.Name+"`") {
			t.Errorf("%s %s is not on the page %s", c.Kind, c.Name, page.Name)
		}
		if c.Summary == "" || c.Citation == "" || c.Doc == "" && len(c.Conventions) == 0 {
			t.Errorf("%s %s lacks a summary, a citation, or a doc or conventions for xrun explain", c.Kind, c.Name)
		}
	}
}

// So is every ending of data files, and every built-in data set.
func TestEveryDataFormatIsOnItsPage(t *testing.T) {
	page, _ := help.Find("data")
	for _, name := range append(data.Endings(), data.Names()...) {
		if !strings.Contains(page.Text, "`"+name+"`") {
			t.Errorf("%s is not on the page %s", name, page.Name)
		}
	}
}
