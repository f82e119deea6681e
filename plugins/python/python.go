// Package python knows plugins that are written in Python: how they are recognised, what belongs
// to one, which interpreter runs it, and where it finds the module xrun_plugin, which is
// part of this package. See plugins/python/README.md for authors. It runs nothing.
package python

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

//go:embed xrun_plugin.py
var module []byte

// Script is the Python file that a plugin at path begins with; ok is false if it is not a plugin in
// Python. One is a file that ends in .py, an executable whose first line names python, or a
// directory with a plugin.py.
func Script(path string) (script string, ok bool) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", false
	case info.IsDir():
		script := filepath.Join(path, "plugin.py")
		_, err := os.Stat(script)
		return script, err == nil
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
	}
	if len(words) == 0 || !strings.HasPrefix(filepath.Base(words[0]), "python") {
		return nil
	}
	return words
}

// Interpreter is the command that runs a script: what XRUN_PYTHON says, else its first line, else the
// virtual environment's, else python3. The environment is looked up by env.
func Interpreter(script string, env func(string) string) []string {
	if python := env("XRUN_PYTHON"); python != "" {
		return []string{python}
	}
	if words := shebang(script); words != nil {
		return words
	}
	if dir := env("VIRTUAL_ENV"); dir != "" {
		if python := filepath.Join(dir, "bin", "python"); exists(python) {
			return []string{python}
		}
	}
	return []string{"python3"}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Install puts the module xrun_plugin where a Python program can import it, and returns the
// directory: one in the user's cache, of which the content is checked each time, or a temporary
// one where there is no cache.
func Install() (dir string, err error) {
	sum := sha256.Sum256(module)
	name := hex.EncodeToString(sum[:8])
	for _, parent := range []func() (string, error){os.UserCacheDir, func() (string, error) { return os.TempDir(), nil }} {
		base, baseErr := parent()
		if baseErr != nil {
			err = errors.Join(err, baseErr)
			continue
		}
		dir := filepath.Join(base, "xrun", "python", name)
		if putErr := put(dir, "xrun_plugin.py", module); putErr != nil {
			err = errors.Join(err, putErr)
			continue
		}
		return dir, nil
	}
	return "", fmt.Errorf("install the Python module xrun_plugin: %w", err)
}

// put writes a file that appears complete or not at all, unless it is there already.
func put(dir, name string, content []byte) error {
	path := filepath.Join(dir, name)
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, content) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+name)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// maxFiles limits what a plugin consists of: more is a mistake about which directory it is.
const maxFiles = 10_000

// Digest is the SHA-256, hex, of what a plugin at path consists of. Of a directory that is
// every file but hidden ones, caches, databases, texts and settings (*.md, *.toml). Of a single
// file it is that file and the modules beside it that it imports, directly or not, by import
// statements; what a file loads in other ways belongs into a directory. Files that anyone could
// change are refused.
func Digest(path string) (string, error) {
	base, files, err := Files(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		if runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 {
			return "", fmt.Errorf("can be changed by anyone on this machine, so it is not run: chmod o-w %s", file)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		name, err := filepath.Rel(base, file)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(content)
		fmt.Fprintf(h, "%q %x\n", filepath.ToSlash(name), sum)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Files lists what a plugin at path consists of, sorted; see [Digest]. The names of the files count
// from the directory base.
func Files(path string) (base string, files []string, err error) {
	script, ok := Script(path)
	if !ok {
		return "", nil, fmt.Errorf("is no Python plugin: %s", path)
	}
	base = filepath.Dir(script)
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		files, err = tree(path)
	} else {
		files, err = closure(script)
	}
	slices.Sort(files)
	return base, files, err
}

// tree lists the files that a directory plugin consists of.
func tree(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case path != dir && strings.HasPrefix(name, ".") || name == "__pycache__":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular() || ignored(name):
			return nil
		}
		if files = append(files, path); len(files) > maxFiles {
			return fmt.Errorf("has more than %d files in %s: is that the plugin's directory?", maxFiles, dir)
		}
		return nil
	})
	return files, err
}

// ignored are files that come and go beside a plugin, or say nothing about what it computes.
func ignored(name string) bool {
	switch filepath.Ext(name) {
	case ".pyc", ".md", ".toml", ".lock":
		return true
	}
	return strings.Contains(name, ".db")
}

// importLine is a statement that imports modules; what is imported stands in one of the groups.
var importLine = regexp.MustCompile(`^\s*(?:from\s+([\w.]+)\s+import\b|import\s+([\w., ]+))`)

// closure lists a script and the local modules that it imports.
func closure(script string) ([]string, error) {
	dir := filepath.Dir(script)
	files := []string{script}
	for i := 0; i < len(files); i++ {
		content, err := os.ReadFile(files[i])
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(bytes.NewReader(content))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			m := importLine.FindStringSubmatch(lines.Text())
			if m == nil {
				continue
			}
			for _, name := range strings.Split(m[1]+","+m[2], ",") {
				top, _, _ := strings.Cut(firstWord(strings.TrimLeft(name, " .")), ".")
				for _, file := range local(dir, top) {
					if !slices.Contains(files, file) {
						files = append(files, file)
					}
				}
			}
			if len(files) > maxFiles {
				return nil, fmt.Errorf("imports more than %d files", maxFiles)
			}
		}
	}
	return files, nil
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return word
}

// local are the files of a module beside a script: one, or those of a package. A module of the
// same name elsewhere is not the plugin's own.
func local(dir, module string) []string {
	if module == "" {
		return nil
	}
	if file := filepath.Join(dir, module+".py"); exists(file) {
		return []string{file}
	}
	if !exists(filepath.Join(dir, module, "__init__.py")) {
		return nil
	}
	files, err := tree(filepath.Join(dir, module))
	if err != nil {
		return nil
	}
	return files
}
