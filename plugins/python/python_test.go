//go:build unix

package python_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins/python"
)

// The module's own tests, with warnings as errors, in the interpreter at hand, with numpy and without.
func TestModule(t *testing.T) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to test the module in")
	}
	hidden := t.TempDir()
	write(t, filepath.Join(hidden, "numpy.py"), "raise ImportError('hidden')\n")
	for _, path := range []string{"", hidden} {
		cmd := exec.CommandContext(t.Context(), interpreter, "-B", "-W", "error", "-m", "unittest", "test_xrun_plugin")
		cmd.Env = append(os.Environ(), "PYTHONPATH="+path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("with PYTHONPATH %q: %v\n%s", path, err, out)
		} else if !bytes.Contains(out, []byte("\nOK")) || bytes.Contains(out, []byte("Ran 0 ")) {
			t.Errorf("with PYTHONPATH %q it says\n%s", path, out)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsAPythonPluginAndWhoRunsIt(t *testing.T) {
	dir := t.TempDir()
	venv := filepath.Join(dir, "venv")
	write(t, filepath.Join(venv, "bin", "python"), "")
	for name, c := range map[string]struct {
		text, file string // file: what of it is run, if not it itself
		want       string // its interpreter; empty: it is no Python plugin
	}{
		"a.py":              {text: "serve()\n", want: filepath.Join(venv, "bin", "python")},
		"b.py":              {text: "#!/opt/python3.12 -O\nserve()\n", want: "/opt/python3.12 -O"},
		"xrun-plugin-c":     {text: "#!/usr/bin/env python3\nserve()\n", want: "python3"},
		"xrun-plugin-d":     {text: "#!/usr/bin/env -S python3 -X dev\r\nserve()\n", want: "python3 -X dev"},
		"xrun-plugin-e":     {text: "#! /bin/sh\npython\n"},
		"xrun-plugin-f":     {text: "\x7fELF python"},
		"xrun-plugin-g":     {text: "#!/usr/bin/env\n"},
		"xrun-plugin-empty": {},
		"xrun-plugin-h":     {text: "serve()\n", file: "plugin.py", want: filepath.Join(venv, "bin", "python")},
		"xrun-plugin-i":     {text: "serve()\n", file: "main.py"},
	} {
		path := filepath.Join(dir, name)
		write(t, filepath.Join(path, c.file), c.text)
		script, ok := python.Script(path)
		if ok != (c.want != "") || ok && script != filepath.Join(path, c.file) {
			t.Errorf("%s is a Python plugin: %v, run is %s", name, ok, script)
		}
		if !ok {
			continue
		}
		env := map[string]string{"VIRTUAL_ENV": venv}
		get := func(name string) string { return env[name] }
		if got := strings.Join(python.Interpreter(script, get), " "); got != c.want {
			t.Errorf("%s is run by %s, want %s", name, got, c.want)
		}
		env["XRUN_PYTHON"] = "/my/python"
		if got := python.Interpreter(script, get); !slices.Equal(got, []string{"/my/python"}) {
			t.Errorf("%s is run by %s in spite of XRUN_PYTHON", name, got)
		}
	}
	if got := python.Interpreter(filepath.Join(dir, "a.py"), func(string) string { return "" }); !slices.Equal(got, []string{"python3"}) {
		t.Errorf("without any hint %s runs it", got)
	}
	if _, ok := python.Script(filepath.Join(dir, "missing.py")); ok {
		t.Error("a file that does not exist is a Python plugin")
	}
}

// A change of what a file imports, in whatever way it is written, is a change of the plugin.
func TestTheDigestOfAFileCoversWhatItImports(t *testing.T) {
	for name, text := range map[string]string{
		"import":           "import near\n",
		"as":               "import os as o, near as n\n",
		"from":             "from near import x\n",
		"after another":    "import os; import near\n",
		"in a function":    "def f():\n\timport near\n",
		"in one line":      "try: import near\nexcept ImportError: pass\n",
		"continued":        "import os, \\\n    near\n",
		"a part":           "import near.part\n",
		"package":          "import package\n",
		"part of package":  "from package import part\n",
		"namespace":        "import space.part\n",
		"from a namespace": "from space import part\n",
		"by another":       "import between\n",
		"by a part":        "import package.between\n",
		"compiled":         "import compiled\n",
		"without newline":  "import near",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			files := []string{"near.py", "package/__init__.py", "package/part.py", "space/part.py", "compiled.cpython-312-x86_64-linux-gnu.so"}
			for _, f := range files {
				write(t, filepath.Join(dir, f), "x = 1\n")
			}
			write(t, filepath.Join(dir, "between.py"), "from near import *\n")
			write(t, filepath.Join(dir, "package/between.py"), "import near\n")
			write(t, filepath.Join(dir, "plugin.py"), text)
			before := digest(t, filepath.Join(dir, "plugin.py"))
			changed := 0
			for _, f := range files {
				write(t, filepath.Join(dir, f), "x = 2\n")
				if after := digest(t, filepath.Join(dir, "plugin.py")); after != before {
					before = after
					changed++
				}
			}
			if changed == 0 {
				t.Errorf("%q: no change of what is imported changes the digest", text)
			}
		})
	}
}

func digest(t *testing.T, path string) string {
	t.Helper()
	d, err := python.Digest(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDigestOfADirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "plugin.py"), "import near\n")
	write(t, filepath.Join(dir, "sub", "data.csv"), "1\n")
	before := digest(t, dir)
	for _, name := range []string{"README.md", "sweep.toml", "xrun.lock", "xrun.db", "xrun.db-wal", ".git/HEAD", "__pycache__/a.pyc", "sub/__pycache__/b.cpython-312.pyc"} {
		write(t, filepath.Join(dir, name), "x")
		if digest(t, dir) != before {
			t.Errorf("%s changes the digest", name)
		}
	}
	write(t, filepath.Join(dir, "sub", "data.csv"), "2\n")
	after := digest(t, dir)
	if after == before {
		t.Error("a file of data does not change the digest")
	}
	if err := os.Rename(filepath.Join(dir, "sub", "data.csv"), filepath.Join(dir, "sub", "date.csv")); err != nil {
		t.Fatal(err)
	}
	if digest(t, dir) == after {
		t.Error("another name does not change the digest")
	}
	elsewhere := t.TempDir()
	write(t, filepath.Join(elsewhere, "near.py"), "x = 1\n")
	link := filepath.Join(dir, "near.py")
	if err := os.Symlink(filepath.Join(elsewhere, "near.py"), link); err != nil {
		t.Fatal(err)
	}
	before = digest(t, dir)
	write(t, filepath.Join(elsewhere, "near.py"), "x = 2\n")
	if digest(t, dir) == before {
		t.Error("what a link leads to does not change the digest")
	}
	for _, target := range []string{elsewhere, filepath.Join(elsewhere, "nothing")} {
		if err := errors.Join(os.Remove(link), os.Symlink(target, link)); err != nil {
			t.Fatal(err)
		}
		if _, err := python.Digest(dir); err == nil || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("a link to %s gives %v", target, err)
		}
	}
}

// What is installed is the module, whoever has been at it, and nobody else may write there.
func TestInstall(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HOME", home)
	module, err := os.ReadFile("xrun_plugin.py")
	if err != nil {
		t.Fatal(err)
	}
	check := func(under string) string {
		t.Helper()
		dir, err := python.Install()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "xrun_plugin.py"))
		if err != nil || !bytes.Equal(got, module) || !strings.HasPrefix(dir, under) {
			t.Errorf("installed in %s are %d bytes, %v; want the module's %d under %s", dir, len(got), err, len(module), under)
		}
		var entries []string
		filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error { entries = append(entries, path); return nil })
		if len(entries) != 2 {
			t.Errorf("there are %v", entries)
		}
		return dir
	}
	dir := check(home)
	write(t, filepath.Join(dir, "xrun_plugin.py"), "changed")
	check(home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "xrun_plugin.py")) // where no directory can be
	t.Setenv("HOME", filepath.Join(dir, "xrun_plugin.py"))
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	dir = check(temporary)
	for d := dir; d != temporary; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v; want it for its owner only", d, info.Mode(), err)
		}
	}
	if err := os.Chmod(filepath.Dir(filepath.Dir(dir)), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := python.Install(); err == nil {
		t.Error("a directory that anyone can write to is used")
	}
}
