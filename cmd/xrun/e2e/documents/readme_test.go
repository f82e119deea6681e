package documents

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

var (
	readmeSection = regexp.MustCompile(`(?m)^## `)
	readmeBlock   = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
)

// The commands of plugins/README.md work as they stand there, each block from the directory in which
// the first one began.
func TestCommandsOfThePluginsReadme(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"go", "python3", "grep"} {
		e2e.Need(t, program)
	}
	text, err := os.ReadFile(e2e.Path("plugins", "README.md"))
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
			out := e2e.Pasted(t, dir, "export XDG_DATA_HOME="+home+"\n"+e2e.Checks(block[1]))
			if strings.Contains(block[1], "xrun plugin check") && !strings.Contains(out, "passed: ") {
				t.Errorf("%s: the plugin does not pass its checks:\n%s", title, out)
			}
			ran++
		}
	}
	if ran != 6 {
		t.Errorf("%d blocks of commands were run, want 6", ran)
	}
	if left := e2e.Below(t, home); len(left) != 0 {
		t.Errorf("installing and removing left %q", left)
	}
}

// The commands that the README gives for comparing do what they are said to on a sweep that has what they name.
func TestComparingCommandsOfTheReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(e2e.Path("README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Which is best, and how sure is that\n")
	if !ok {
		t.Fatal("the README has no such section")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	toml := regexp.MustCompile("(?s)```toml\n(.*?)```").FindStringSubmatch(section)
	if toml == nil {
		t.Fatal("the section has no example of [compare] and [check]")
	}
	const sweep = `seeds = 3
[task]
dataset = "iris"
model = "softmax"
epochs = 2
validation = 0.2
test = 0.2
[grid]
lr = [1e-2, 1e-1]
lambda = [0, 1]
optimizer = ["sgd", "adam"]
batch = [16, 32]
`
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sweep.toml"), []byte(sweep+toml[1]), 0o666); err != nil {
		t.Fatal(err)
	}
	e2e.Pasted(t, dir, "xrun sweep sweep.toml --progress none || [ $? = 4 ]") // three seeds cannot reach p < 0.05
	ran := 0
	for _, line := range regexp.MustCompile(`(?m)^    (xrun .*)$`).FindAllStringSubmatch(section, -1) {
		command, _, _ := strings.Cut(line[1], " # ")
		command = strings.Replace(command, "xrun confirm", "xrun confirm sweep --progress none", 1)
		command = strings.Replace(command, "xrun compare", "xrun compare sweep", 1)
		command = strings.Replace(command, "xrun refine", "xrun refine sweep", 1)
		if out := e2e.Pasted(t, dir, command+" || [ $? = 4 ]"); strings.TrimSpace(out) == "" {
			t.Errorf("%s prints nothing", command)
		}
		ran++
	}
	if ran < 9 {
		t.Errorf("%d commands were run, want those of the section", ran)
	}
}
