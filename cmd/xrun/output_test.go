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

// A command whose output does not fit on the disk fails and says so, whatever it prints.
func TestAFullOutputIsAnError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here: ", err)
	}
	defer full.Close()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("small.toml", []byte(outputSweep), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("rows.csv", []byte("sepal_length,sepal_width,petal_length,petal_width\n5,3,1,0.2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := inProcess(t, "sweep", "small.toml", "--progress", "none"); code != advice.ExitOK {
		t.Fatal(errs)
	}
	for _, line := range []string{"sweep small.toml --progress none", "sweep small.toml --json --progress none", "plan small.toml", "compare", "compare --json", "compare --csv", "compare --runs",
		"runs", "runs --json", "show 1", "best", "best -o -", "diff 1 2", "export csv", "export jsonl", "plot heatmap --format svg -o -", "plot curves", "sql select(1)", "sql --csv select(1)",
		"predict 1 rows.csv", "db info", "db info --json", "db check", "db restore", "completion bash", "version", "help", "help compare", "explain adam", "schema", "init -o -",
		"plugin list", "replay --rule patience:1", "--help", "compare --help", "watch --progress none"} {
		var errs bytes.Buffer
		p := &program{stdout: full, stderr: &errs, env: os.Getenv, args: append([]string{"xrun"}, strings.Fields(line)...)}
		code := p.run(t.Context())
		if code == advice.ExitOK || !strings.Contains(errs.String(), "no space left on device") {
			t.Errorf("xrun %s ends with %d: %s", line, code, errs.String())
		}
	}
}

// A reader that has seen enough, as head has, is no failure of the command.
func TestAClosedPipeEndsTheOutputOnly(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("small.toml", []byte(outputSweep), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"sweep small.toml --progress none", "compare", "compare --json", "export csv", "help compare"} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		read.Close()
		var errs bytes.Buffer
		p := &program{stdout: write, stderr: &errs, env: os.Getenv, args: append([]string{"xrun"}, strings.Fields(line)...)}
		if code := p.run(t.Context()); code != advice.ExitOK || strings.Contains(errs.String(), "xrun:") {
			t.Errorf("xrun %s ends with %d: %s", line, code, errs.String())
		}
		write.Close()
	}
}
