package training

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Files implements sweeps.Catalog. In folders it skips hidden files and Python's compiled ones, which runs of the
// command may write.
func (c *Catalog) Files(ctx context.Context, dir string, arguments, files []string) (names []string, digest string, err error) {
	at := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	for _, name := range files {
		if _, err := os.Stat(at(name)); err != nil {
			return nil, "", &fileError{name, err}
		}
		names = append(names, name)
	}
	for _, name := range arguments {
		if info, err := os.Stat(at(name)); name != "" && err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return nil, "", nil
	}
	sum := sha256.New()
	for _, name := range names {
		if err := digestTree(ctx, sum, at(name), name); err != nil {
			return nil, "", &fileError{name, err}
		}
	}
	return names, hex.EncodeToString(sum.Sum(nil)), nil
}

// asking is what a program says that asks for the values of its trial.
var asking = regexp.MustCompile(`XRUN_CONFIG|\bxrun\.(init|config)\b|\bfrom\s+xrun\s+import\b`)

// ReadsConfig implements sweeps.Catalog. It looks at the files that are named, not at folders.
func (c *Catalog) ReadsConfig(dir string, files []string) bool {
	const largest = 1 << 20 // of a file that is a program's source
	return slices.ContainsFunc(files, func(name string) bool {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > largest {
			return false
		}
		text, err := os.ReadFile(name)
		return err == nil && asking.Match(text)
	})
}

// digestTree adds the names and contents of the files at and below a path, in the order of their names.
func digestTree(ctx context.Context, sum hash.Hash, root, name string) error {
	resolved, err := filepath.EvalSymlinks(root) // WalkDir does not follow a link at its root
	if err != nil {
		return err
	}
	return filepath.WalkDir(resolved, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		below, err := filepath.Rel(resolved, path)
		if err != nil {
			return err
		}
		if base := entry.Name(); path != resolved && (strings.HasPrefix(base, ".") || base == "__pycache__" || strings.HasSuffix(base, ".pyc")) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := os.Stat(path) // of the target of a link
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil // folders are their files
		}
		own, err := digestFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %x\n", filepath.ToSlash(filepath.Join(name, below)), own)
		return nil
	})
}

func digestFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, err
	}
	return sum.Sum(nil), nil
}

// fileError is a file of a command that cannot be read.
type fileError struct {
	name string
	err  error
}

func (e *fileError) Error() string { return fmt.Sprintf("%s: %v", e.name, e.err) }
func (e *fileError) Unwrap() error { return e.err }

// About is the name of the file.
func (e *fileError) About() string { return e.name }
