package plugins

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/tests"
)

func TestNewPluginsWorkAsTheyStand(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"go", "python"} {
		for _, kind := range []plugins.Kind{plugins.KindOptimizer, plugins.KindRegularizer, plugins.KindObjective} {
			if (lang != "go" || kind != plugins.KindOptimizer) && !tests.Long() { // the README's example is one in Python
				continue
			}
			t.Run(fmt.Sprint(lang, " ", kind), func(t *testing.T) {
				t.Parallel()
				e2e.Need(t, map[string]string{"go": "go", "python": "python3"}[lang])
				dir := t.TempDir()
				next, stderr := e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "new", "fresh", "--lang", lang, "--kind", string(kind)))
				if !strings.Contains(stderr, "wrote xrun-plugin-fresh") || !strings.HasPrefix(next, "cd xrun-plugin-fresh\n") {
					t.Errorf("plugin new says\n%s%s", stderr, next)
				}
				out := e2e.Pasted(t, dir, e2e.Checks(next))
				for _, want := range []string{"fresh", "passed: ", " is best: val_loss ", "finished"} {
					if !strings.Contains(out, want) {
						t.Errorf("the commands that plugin new prints do not say %q:\n%s", want, out)
					}
				}
				formatted(t, filepath.Join(dir, "xrun-plugin-fresh"))
			})
		}
	}
}

// formatted looks for files in Go that gofmt would change.
func formatted(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := format.Source(text); err != nil || !bytes.Equal(want, text) {
			t.Errorf("%s is not as gofmt writes it: %v", file, err)
		}
	}
}

func TestNewPluginsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want string
		args []string
	}{
		{`"../x" is no name`, []string{"../x"}},
		{`"a/b" is no name`, []string{"a/b"}},
		{`"a\\b" is no name`, []string{`a\b`}},
		{`".x" is no name`, []string{".x"}},
		{`"a..b" is no name`, []string{"a..b"}},
		{`"Big" is no name`, []string{"Big"}},
		{`"" is no name`, []string{""}},
		{`is no name`, []string{strings.Repeat("x", 65)}},
		{`"adam" is built in`, []string{"adam"}},
		{`--lang "rust"`, []string{"x", "--lang", "rust"}},
		{`--kind "model"`, []string{"x", "--kind", "model"}},
		{`xrun's source`, []string{"x", "--source", "nowhere"}},
		{`new needs NAME`, nil},
	} {
		dir := t.TempDir()
		_, stderr := e2e.Run(t, 2, e2e.Xrun(t, dir, append([]string{"plugin", "new"}, c.args...)...))
		if !strings.Contains(stderr, c.want) {
			t.Errorf("%q gives %q, want %q", c.args, stderr, c.want)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%q left %v", c.args, left)
		}
	}
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "xrun-plugin-mine", "main.go"), "mine")
	_, stderr := e2e.Run(t, 2, e2e.Xrun(t, dir, "plugin", "new", "mine", "--lang", "python"))
	if !strings.Contains(stderr, "xrun-plugin-mine exists") {
		t.Errorf("a directory that exists gives %q", stderr)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "xrun-plugin-mine")); err != nil || len(left) != 1 {
		t.Errorf("it was written to: %v, %v", left, err)
	}
}
