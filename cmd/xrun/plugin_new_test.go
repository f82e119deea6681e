package main

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/authoring"
)

// pasted runs the lines that a command printed, in a shell as somebody would who pastes them.
func pasted(t *testing.T, dir, lines string) string {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell to paste commands into")
	}
	cmd := xrun(t, dir)
	cmd.Path, cmd.Args = shell, []string{"sh", "-eu", "-c", lines}
	cmd.Env = append(cmd.Env, "GOFLAGS=", "GOWORK=off", "XRUN_PROGRESS=none")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\nwhen these were pasted:\n%s", err, &out, lines)
	}
	return out.String()
}

// need skips a test where a program is missing.
func need(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not on PATH", name)
	}
}

func TestNewPluginsWorkAsTheyStand(t *testing.T) {
	for _, lang := range authoring.Languages {
		for _, kind := range authoring.Kinds {
			t.Run(lang+" "+kind, func(t *testing.T) {
				t.Parallel()
				need(t, map[string]string{"go": "go", "python": "python3"}[lang])
				dir := t.TempDir()
				next, stderr := run(t, 0, xrun(t, dir, "plugin", "new", "fresh", "--lang", lang, "--kind", kind))
				if !strings.Contains(stderr, "wrote xrun-plugin-fresh") || !strings.HasPrefix(next, "cd xrun-plugin-fresh\n") {
					t.Errorf("plugin new says\n%s%s", stderr, next)
				}
				out := pasted(t, dir, next)
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
		{`new wants NAME`, nil},
	} {
		dir := t.TempDir()
		_, stderr := run(t, 2, xrun(t, dir, append([]string{"plugin", "new"}, c.args...)...))
		if !strings.Contains(stderr, c.want) {
			t.Errorf("%q gives %q, want %q", c.args, stderr, c.want)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%q left %v", c.args, left)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "xrun-plugin-mine", "main.go"), "mine")
	_, stderr := run(t, 2, xrun(t, dir, "plugin", "new", "mine", "--lang", "python"))
	if !strings.Contains(stderr, "xrun-plugin-mine exists") {
		t.Errorf("a directory that exists gives %q", stderr)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "xrun-plugin-mine")); err != nil || len(left) != 1 {
		t.Errorf("it was written to: %v, %v", left, err)
	}
}
