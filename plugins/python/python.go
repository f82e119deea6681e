// Package python knows plugins that are written in Python: how they are recognised, what belongs
// to one, which interpreter runs it, and where it finds the module xrun_plugin, which is
// part of this package. See plugins/python/README.md for authors. It runs nothing.
package python

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/xrun-dev/xrun/plugins/content"
)

// Script is the Python file that a plugin at path begins with; ok is false if it is not a plugin in
// Python. One is a file that ends in .py, an executable whose first line names python, or a
// directory with a plugin.py, or else with such an executable called plugin.
func Script(path string) (script string, ok bool) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", false
	case info.IsDir():
		script := filepath.Join(path, "plugin.py")
		if exists(script) {
			return script, true
		}
		script = content.Program(path)
		if info, err := os.Stat(script); err != nil || !info.Mode().IsRegular() { // a named pipe takes forever
			return "", false
		}
		return script, len(shebang(script)) > 0
	case !info.Mode().IsRegular():
		return "", false
	case strings.HasSuffix(path, ".py"):
		return path, true
	}
	return path, len(shebang(path)) > 0
}

// shebang is the interpreter that a file's first line names, if that is Python.
func shebang(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := f.Read(head)
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	words := strings.Fields(strings.TrimPrefix(line, "#!"))
	if !strings.HasPrefix(line, "#!") || len(words) == 0 {
		return nil
	}
	if filepath.Base(words[0]) == "env" {
		words = words[1:]
		if len(words) > 0 && words[0] == "-S" { // by which env takes more than one word
			words = words[1:]
		}
	}
	if len(words) == 0 || !strings.HasPrefix(filepath.Base(words[0]), "python") {
		return nil
	}
	return words
}

// EnvChosen tells the module why its interpreter was chosen.
const EnvChosen = "XRUN_PYTHON_CHOSEN"

// Interpreter is the command that runs a script: XRUN_PYTHON, else its first line, else the python of
// the virtual environment, else python3. env reads the environment. chosen says in a few words which of
// these it was; a process that chooses for another one passes it on in [EnvChosen].
func Interpreter(script string, env func(string) string) (command []string, chosen string) {
	if python := env("XRUN_PYTHON"); python != "" {
		if chosen := env(EnvChosen); chosen != "" {
			return []string{python}, chosen
		}
		return []string{python}, "which XRUN_PYTHON names"
	}
	if words := shebang(script); words != nil {
		return words, "which the first line of " + filepath.Base(script) + " names"
	}
	if dir := env("VIRTUAL_ENV"); dir != "" {
		if python := filepath.Join(dir, "bin", "python"); exists(python) {
			return []string{python}, "that of the virtual environment " + dir
		}
	}
	return []string{"python3"}, "the python3 on PATH; XRUN_PYTHON names another"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
