package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	readmeSection = regexp.MustCompile(`(?m)^## `)
	readmeBlock   = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
)

// The commands of plugins/README.md work as they stand there, each block from the directory in which
// the first one began.
func TestCommandsOfThePluginsReadme(t *testing.T) {
	for _, program := range []string{"go", "python3", "grep"} {
		need(t, program)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "plugins", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	golang, home := t.TempDir(), t.TempDir()
	ran := 0
	for _, section := range readmeSection.Split(string(text), -1)[1:] {
		title, _, _ := strings.Cut(section, "\n")
		dir := golang
		if strings.Contains(title, "Python") {
			dir = t.TempDir() // a second project of the same name
		}
		for _, block := range readmeBlock.FindAllStringSubmatch(section, -1) {
			out := pasted(t, dir, "export XDG_DATA_HOME="+home+"\n"+block[1])
			if strings.Contains(block[1], "xrun plugin check") && !strings.Contains(out, "passed: ") {
				t.Errorf("%s: the plugin does not pass its checks:\n%s", title, out)
			}
			ran++
		}
	}
	if ran != 6 {
		t.Errorf("%d blocks of commands were run, want 6", ran)
	}
	if left := below(t, home); len(left) != 0 {
		t.Errorf("installing and removing left %q", left)
	}
}
