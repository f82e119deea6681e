//go:build unix

package python_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins/python"
	"github.com/xrun-dev/xrun/runner/tests"
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
		command, _ := python.Interpreter(script, get)
		if got := strings.Join(command, " "); got != c.want {
			t.Errorf("%s is run by %s, want %s", name, got, c.want)
		}
		env["XRUN_PYTHON"] = "/my/python"
		if got, _ := python.Interpreter(script, get); !slices.Equal(got, []string{"/my/python"}) {
			t.Errorf("%s is run by %s in spite of XRUN_PYTHON", name, got)
		}
	}
	if got, _ := python.Interpreter(filepath.Join(dir, "a.py"), func(string) string { return "" }); !slices.Equal(got, []string{"python3"}) {
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

// anyone may own the files.
func anyone(string, fs.FileInfo) error { return nil }

func digest(t *testing.T, path string) string {
	t.Helper()
	d, err := python.Digest(path, anyone)
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
		if _, err := python.Digest(dir, anyone); err == nil || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("a link to %s gives %v", target, err)
		}
	}
}

// What a plugin computes belongs to its digest: revision 1 of the module's arithmetic leaves those that are recorded as
// they are, and another changes them.
func TestTheDigestCoversTheArithmetic(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "signsgd.py"), "import near\n")
	write(t, filepath.Join(dir, "near.py"), "x = 1\n")
	write(t, filepath.Join(dir, "whole", "plugin.py"), "x = 1\n")
	write(t, filepath.Join(dir, "program", "plugin"), "#!/usr/bin/env python3\n")
	for name, recorded := range map[string]string{ // of xrun before it knew revisions
		"signsgd.py": "af83bbb2707709b3b4d51db930fc4ebb61aedb6731a2f47acb42233be4da5876",
		"whole":      "0e6d085fb12918ff016077142ed509e955d4c499e88d99b6846e47b3a9e6f776",
		"program":    "8a8b0663b40f0cb78b1fff2766f8076a228fa98c5632d047a2a79c88862fb9c9",
	} {
		path := filepath.Join(dir, name)
		if python.Numerics() == 1 {
			if got := digest(t, path); got != recorded {
				t.Errorf("the digest of %s is %s, recorded as %s", name, got, recorded)
			}
		}
		seen := map[string]bool{}
		for revision := 1; revision <= 3; revision++ {
			python.SetNumerics(t, revision)
			seen[digest(t, path)] = true
		}
		if !seen[recorded] || len(seen) != 3 {
			t.Errorf("%s: three revisions have the digests %v", name, seen)
		}
	}
}

// A revision is the name of the bits that the module computes.
func TestTheArithmeticIsThatOfItsRevision(t *testing.T) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to compute in")
	}
	hidden := t.TempDir()
	write(t, filepath.Join(hidden, "numpy.py"), "raise ImportError('hidden')\n")
	cmd := exec.CommandContext(t.Context(), interpreter, "-B", filepath.Join("testdata", "numerics.py"))
	cmd.Env = append(os.Environ(), "PYTHONPATH="+hidden+string(os.PathListSeparator)+".")
	cmd.Stderr = os.Stderr
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", fmt.Sprintf("numerics.%d.txt", python.Numerics()))
	want, err := os.ReadFile(golden)
	if errors.Is(err, fs.ErrNotExist) && tests.Update() { // an earlier revision's bits are never written anew
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatalf("%v: -update writes the bits of a new revision", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("what xrun_plugin computes has changed, so results of plugins can differ from those recorded: if that is meant, raise NUMERICS in xrun_plugin.py and run this test with -update\n%s", difference(got, want))
	}
}

// difference lists the lines that differ.
func difference(got, want []byte) string {
	var b strings.Builder
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		var a, c string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			c = w[i]
		}
		if a != c {
			fmt.Fprintf(&b, "got  %s\nwant %s\n", a, c)
		}
	}
	return b.String()
}

// The package has every file of its folder but what Python compiles there, so that what is added is carried.
func TestThePackageIsWhole(t *testing.T) {
	files, err := python.Package("1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string][]byte{}
	for _, f := range files {
		have[f.Name] = f.Content
	}
	module, err := os.ReadFile("xrun_plugin.py")
	if err != nil || !bytes.Equal(have["xrun/plugin.py"], module) {
		t.Errorf("xrun/plugin.py is not xrun_plugin.py: %v", err)
	}
	want := []string{"xrun/plugin.py"}
	err = filepath.WalkDir("xrun", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == "__pycache__" {
				return fs.SkipDir
			}
			return err
		}
		want = append(want, filepath.ToSlash(path))
		content, err := os.ReadFile(path)
		if path == filepath.Join("xrun", "_binary.py") {
			if bytes.Equal(have["xrun/_binary.py"], content) || !bytes.Contains(have["xrun/_binary.py"], []byte("\n__version__ = \"1.2.3\"\n")) {
				t.Error("xrun/_binary.py does not have the version")
			}
		} else if !bytes.Equal(have[filepath.ToSlash(path)], content) {
			t.Errorf("%s is not in the package, or another", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(want); !slices.Equal(slices.Sorted(maps.Keys(have)), want) {
		t.Errorf("the package has %v, its folder %v", slices.Sorted(maps.Keys(have)), want)
	}
}

// A strict type checker has nothing to say of the package, for the oldest Python that it runs on, and of plugins it says what is wrong.
func TestTypes(t *testing.T) {
	tests.NeedExamples(t, "runs pyright")
	pyright, err := exec.LookPath("pyright")
	if err != nil {
		t.Skip("there is no pyright, which .ci/python.txt pins")
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no node, in which pyright runs")
	}
	// Of a library that is not there nothing is known, and all that callbacks do with it is an error.
	const libraries = "import importlib.util as u, sys; sys.exit(' '.join(m for m in ('keras', 'lightning', 'transformers', 'sklearn', 'xgboost', 'lightgbm', 'numpy') if not u.find_spec(m)) or 0)"
	if missing, err := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(pyright), "python"), "-c", libraries).CombinedOutput(); err != nil {
		t.Skipf("types of callbacks are those of libraries that are not installed: %s", missing)
	}
	files, err := python.Package("1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range files {
		write(t, filepath.Join(dir, filepath.FromSlash(f.Name)), string(f.Content))
	}
	for _, name := range []string{"xrun_plugin.py", "pyproject.toml", "testdata/typed.py"} {
		content, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.FromSlash(name)), string(content))
	}
	cmd := exec.CommandContext(t.Context(), pyright, "--outputjson")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PYRIGHT_PYTHON_IGNORE_WARNINGS=1")
	out, _ := cmd.Output() // it fails with errors, which it lists
	var report struct {
		GeneralDiagnostics []struct {
			File, Message, Rule string
			Range               struct{ Start struct{ Line int } }
		}
		Summary struct{ FilesAnalyzed int }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("pyright says %s: %v", out, err)
	}
	for _, d := range report.GeneralDiagnostics {
		name, err := filepath.Rel(dir, d.File)
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s:%d: %s (%s)", name, d.Range.Start.Line+1, d.Message, d.Rule)
	}
	want := 2 // xrun_plugin.py and typed.py
	for _, f := range files {
		if strings.HasSuffix(f.Name, ".py") {
			want++
		}
	}
	if report.Summary.FilesAnalyzed != want {
		t.Errorf("pyright has read %d files, want %d", report.Summary.FilesAnalyzed, want)
	}
}

// However it is imported, it is one module in a process: with the program's folder on the path, and in a wheel, where it has
// one name, with a copy of the single file beside it and without.
func TestTheModuleIsOneByBothNames(t *testing.T) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to import the package in")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	installed, err := python.Install()
	if err != nil {
		t.Fatal(err)
	}
	wheel, copied := t.TempDir(), t.TempDir()
	files, err := python.Package("1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		write(t, filepath.Join(wheel, filepath.FromSlash(f.Name)), string(f.Content))
	}
	module, err := os.ReadFile("xrun_plugin.py")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(copied, "xrun_plugin.py"), string(module))
	const same = `
a.optimizer("one")(type("One", (), {"__init__": lambda self, theta: None, "step": lambda self, theta, grad, lr: None}))
assert a is b and a._components is b._components and a.Array is b.Array and len(b._components) == 1`
	both := []string{
		"import xrun_plugin as a; from xrun import plugin as b",
		"from xrun import plugin as a; import xrun_plugin as b",
		"import xrun.plugin, xrun_plugin as a; b = xrun.plugin",
		"import xrun_plugin as a, xrun.plugin; b = xrun.plugin",
		"import xrun_plugin as a, xrun.plugin as b; from xrun.plugin import Array; assert Array is a.Array",
	}
	one := []string{"from xrun import plugin as a; import xrun.plugin as b"}
	for path, ways := range map[string][]string{installed: both, copied + string(os.PathListSeparator) + wheel: both, wheel: one} {
		for _, way := range ways {
			cmd := exec.CommandContext(t.Context(), interpreter, "-B", "-c", way+same)
			cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "PYTHONPATH="+path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("with PYTHONPATH %s, %s: %v\n%s", path, way, err, out)
			}
		}
	}
}

// binary() is the program that started the process, before one that is installed.
func TestTheBinaryIsTheOneThatRuns(t *testing.T) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to import the package in")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir, err := python.Install()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "xrun")
	write(t, program, "")
	for _, c := range []struct{ named, want string }{{program, program + "\n"}, {program + "-gone", "XRUN_BINARY names " + program + "-gone, which is no file: unset it"}} {
		cmd := exec.CommandContext(t.Context(), interpreter, "-B", "-c", "import xrun; print(xrun.binary())")
		cmd.Env = append(os.Environ(), "PYTHONPATH="+dir, python.EnvBinary+"="+c.named)
		if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), c.want) {
			t.Errorf("with XRUN_BINARY=%s it says\n%s\nwant %s", c.named, out, c.want)
		}
	}
}

// What is installed is the package and the module, whoever has been at them, and nobody else may write there.
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
		files, err := python.Package(python.Version)
		if err != nil || len(entries) != len(files)+4 { // and the module and three directories
			t.Errorf("there are %v: %v", entries, err)
		}
		for _, f := range files {
			if got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Name))); err != nil || !bytes.Equal(got, f.Content) {
				t.Errorf("%s is another: %v", f.Name, err)
			}
		}
		return dir
	}
	dir := check(home)
	for _, name := range []string{"xrun_plugin.py", "xrun/plugin.py", "xrun/__init__.py"} {
		write(t, filepath.Join(dir, name), "changed")
	}
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
