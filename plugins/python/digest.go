package python

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins/content"
)

// maxFiles limits the files of a plugin: more means that the wrong directory was named.
const maxFiles = 10_000

// Digest is the SHA-256, hex, of the files of a plugin at path. A directory consists of every file but
// hidden ones, caches, databases, texts and settings (*.md, *.toml). A single file consists of itself
// and the modules beside it that it imports, directly or not, by import statements. A plugin that loads
// files in other ways has to be a directory. The revision of the arithmetic of the module xrun_plugin counts,
// once there is another than the first. check may refuse a file by an error.
func Digest(path string, check func(path string, info fs.FileInfo) error) (string, error) {
	files, err := Files(path)
	if err != nil {
		return "", err
	}
	return files.Digest(check, &content.Meter{})
}

// Files lists the files of a plugin at path; see [Digest].
func Files(path string) (content.Files, error) {
	f, err := files(path)
	if numerics != 1 { // the digests that are recorded have been those of the first revision
		f.Also = fmt.Sprintf("numerics of xrun_plugin %d", numerics)
	}
	return f, err
}

func files(path string) (content.Files, error) {
	script, ok := Script(path)
	if !ok {
		return content.Files{}, fmt.Errorf("is no Python plugin: %s", path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if filepath.Base(script) != "plugin.py" {
			return content.OfProgram(path)
		}
		base, err := filepath.EvalSymlinks(path)
		if err != nil {
			return content.Files{}, err
		}
		return content.Directory(base, leftOut, maxFiles)
	}
	paths, err := closure(script)
	slices.Sort(paths)
	return content.Files{Base: filepath.Dir(script), Paths: paths, LeftOut: leftOut}, err
}

// cacheName is the directory in which Python keeps what it has compiled.
const cacheName = "__pycache__"

// ignored matches files that come and go beside a plugin, or do not affect what it computes.
func ignored(name string) bool {
	switch filepath.Ext(name) {
	case ".pyc", ".md", ".toml", ".lock":
		return true
	}
	return strings.Contains(name, ".db")
}

// leftOut is what is no part of a plugin.
func leftOut(name string, directory bool) bool {
	return strings.HasPrefix(name, ".") || name == cacheName || !directory && ignored(name)
}

// importStatement finds statements that import modules, at the beginning of a line or behind
// another one; what is imported stands in one of the groups. It may find more, in a text for
// instance, which does no harm.
var importStatement = regexp.MustCompile(`(?m)(?:^|[;:])[ \t]*(?:from[ \t]+([\pL\pN_.]+)[ \t]+import\b|import[ \t]+([\pL\pN_., \t]+))`)

// closure lists a script and the local modules that it imports.
func closure(script string) ([]string, error) {
	dir := filepath.Dir(script)
	files := []string{script}
	seen := map[string]bool{script: true}
	for i := 0; i < len(files); i++ {
		if i > 0 && filepath.Ext(files[i]) != ".py" {
			continue
		}
		content, err := os.ReadFile(files[i])
		if err != nil {
			return nil, err
		}
		content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
		content = bytes.ReplaceAll(content, []byte("\\\n"), []byte(" "))
		for _, m := range importStatement.FindAllSubmatch(content, -1) {
			for _, name := range strings.Split(string(m[1])+","+string(m[2]), ",") {
				name, _, _ := strings.Cut(strings.TrimLeft(name, " \t."), " ")
				top, _, _ := strings.Cut(name, ".")
				modules, err := local(dir, strings.TrimSpace(top))
				if err != nil {
					return nil, err
				}
				for _, file := range modules {
					if !seen[file] {
						seen[file] = true
						files = append(files, file)
					}
				}
			}
		}
		if len(files) > maxFiles {
			return nil, fmt.Errorf("imports more than %d files", maxFiles)
		}
	}
	return files, nil
}

// local are the files of a module beside a script: one, compiled or not, or those of a package. Of a
// directory without __init__.py, which may be something else, they are those that can be imported.
func local(dir, module string) ([]string, error) {
	if module == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch rest, ok := strings.CutPrefix(e.Name(), module); {
		case !ok:
		case strings.HasPrefix(rest, ".") && importable(rest):
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				files = append(files, path)
			}
		case rest == "":
			tree, err := content.Directory(path, leftOut, maxFiles)
			inside := tree.Paths
			if _, statErr := os.Stat(filepath.Join(path, "__init__.py")); errors.Is(statErr, fs.ErrNotExist) {
				inside = slices.DeleteFunc(inside, func(file string) bool { return !importable(file) })
			} else if err != nil {
				return nil, err
			}
			files = append(files, inside...)
		}
	}
	return files, nil
}

// importable reports whether Python imports files of this name.
func importable(name string) bool {
	switch filepath.Ext(name) {
	case ".py", ".pyc", ".so", ".pyd":
		return true
	}
	return false
}
