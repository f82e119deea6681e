package python

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// maxFiles limits the files of a plugin: more means that the wrong directory was named.
const maxFiles = 10_000

// Digest is the SHA-256, hex, of the files of a plugin at path. A directory consists of every file but
// hidden ones, caches, databases, texts and settings (*.md, *.toml). A single file consists of itself
// and the modules beside it that it imports, directly or not, by import statements. A plugin that loads
// files in other ways has to be a directory. Files that anyone could
// change are refused.
func Digest(path string) (string, error) {
	base, files, err := Files(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, file := range files {
		name, err := filepath.Rel(base, file)
		if err != nil {
			return "", err
		}
		sum, err := hash(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %x\n", filepath.ToSlash(name), sum)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Files lists the files of a plugin at path, sorted; see [Digest]. The names of the files count
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

// hash is the SHA-256 of a file. It refuses files that anyone can change.
func hash(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 {
		return nil, fmt.Errorf("can be changed by anyone on this machine, so it is not run: chmod o-w %s", path)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return h.Sum(nil), nil
}

// tree lists the files of a directory plugin. A link to a file counts as the file;
// one to a directory is refused, since its files would not be part of the digest.
func tree(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if path != dir && (strings.HasPrefix(name, ".") || name == "__pycache__") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() || ignored(name) {
			return nil
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			if d.Type()&fs.ModeSymlink != 0 {
				return fmt.Errorf("holds a symbolic link that leads to no file: replace it by the file: %s", path)
			}
			return err
		}
		if files = append(files, path); len(files) > maxFiles {
			return fmt.Errorf("has more than %d files in %s: is that the plugin's directory?", maxFiles, dir)
		}
		return nil
	})
	return files, err
}

// ignored matches files that come and go beside a plugin, or do not affect what it computes.
func ignored(name string) bool {
	switch filepath.Ext(name) {
	case ".pyc", ".md", ".toml", ".lock":
		return true
	}
	return strings.Contains(name, ".db")
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
			inside, err := tree(path)
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
