package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
)

const outputSweep = `
seeds = 2
[task]
dataset = "iris"
model = "softmax"
epochs = 2
[grid]
lr = [0.01, 0.1]
optimizer = ["sgd", "adam"]
`

// Every command that writes a file refuses one that exists, replaces it with --force, leaves nothing behind, and takes
// - for standard output.
func TestOutputFilesAreWrittenAlike(t *testing.T) {
	t.Chdir(t.TempDir())
	files := map[string]string{"small.toml": outputSweep, "rows.csv": "sepal_length,sepal_width,petal_length,petal_width\n5,3,1,0.2\n"}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	succeeds := func(t *testing.T, args ...string) string {
		t.Helper()
		code, out, errs := inProcess(t, args...)
		if code != advice.ExitOK {
			t.Fatalf("xrun %s ends with %d: %s", strings.Join(args, " "), code, errs)
		}
		return out
	}
	succeeds(t, "sweep", "small.toml", "--progress", "none")
	succeeds(t, "best", "-o", "model.safetensors")

	commands := map[string][]string{
		"best":    {"best"},
		"compare": {"compare"},
		"export":  {"export", "csv"},
		"init":    {"init"},
		"plot":    {"plot", "heatmap", "--format", "svg"},
		"predict": {"predict", "model.safetensors", "rows.csv"},
		"refine":  {"refine"},
		"schema":  {"schema"},
	}
	for name, command := range commands {
		flag := "--output"
		if name == "compare" {
			flag = "--html"
		}
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			to := func(path string, more ...string) []string {
				return slices.Concat(command, []string{flag, path}, more)
			}
			succeeds(t, to(path)...)
			written, err := os.ReadFile(path)
			if err != nil || len(written) == 0 {
				t.Fatalf("the file has %d bytes: %v", len(written), err)
			}
			if err := os.WriteFile(path, []byte("mine"), 0o666); err != nil {
				t.Fatal(err)
			}
			code, _, errs := inProcess(t, to(path)...)
			if code != advice.ExitUsage || !strings.Contains(errs, "file is there already\n") || !strings.Contains(errs, "hint: choose another name, or replace it with --force\n") {
				t.Errorf("a file that exists: exit code %d, %s", code, errs)
			}
			if kept, err := os.ReadFile(path); string(kept) != "mine" {
				t.Errorf("a file that exists became %q, %v", kept, err)
			}
			succeeds(t, to(path, "--force")...)
			if again, err := os.ReadFile(path); !bytes.Equal(again, written) {
				t.Errorf("--force wrote %d bytes, not the same %d: %v", len(again), len(written), err)
			}
			if out := succeeds(t, to("-")...); out != string(written) && name != "init" && name != "refine" { // whose paths are relative to the file
				t.Errorf("standard output has %d bytes, the file %d", len(out), len(written))
			}
			code, _, errs = inProcess(t, to(filepath.Join(t.TempDir(), "none", "file"))...)
			if code != advice.ExitUsage || !strings.Contains(errs, "hint: make it first, or choose another\n") {
				t.Errorf("a folder that does not exist: exit code %d, %s", code, errs)
			}
			code, _, errs = inProcess(t, to(t.TempDir(), "--force")...)
			if code == advice.ExitOK {
				t.Errorf("a folder is replaced: %s", errs)
			}
			left, err := os.ReadDir(filepath.Dir(path))
			if err != nil || len(left) != 1 {
				t.Errorf("the folder has %v, %v", left, err)
			}
		})
	}

	// A command that gains -o belongs into the table, with the flags of the others.
	for _, c := range (&program{}).app().Commands {
		var names []string
		for _, f := range c.Flags {
			names = append(names, f.Names()...)
		}
		if !slices.Contains(names, "o") {
			continue
		}
		if commands[c.Name] == nil {
			t.Errorf("xrun %s -o is not tested", c.Name)
		}
		if !slices.Contains(names, "output") || !slices.Contains(names, "force") {
			t.Errorf("xrun %s has -o without --output or --force", c.Name)
		}
	}
}
