package python

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed xrun_plugin.py
var module []byte

// The names are patterns, so that what Python compiles beside the sources is left out.
//
//go:embed xrun/*.py xrun/py.typed xrun/integrations/*.py
var sources embed.FS

// EntryPoints are those of the package xrun, by which other programs find what it has for them: the file entry_points.txt of a wheel.
//
//go:embed entry_points.txt
var EntryPoints []byte

// Version is that of the program, which sets it before it calls [Install].
var Version = "0.0.0"

// numerics is the revision of the module's arithmetic, which the module states.
var numerics = func() int {
	n, err := strconv.Atoi(string(regexp.MustCompile(`(?m)^NUMERICS = (\d+)\r?$`).FindSubmatch(module)[1]))
	if err != nil {
		panic(err)
	}
	return n
}()

// A File is part of the Python package xrun.
type File struct {
	Name    string // with slashes, below the folder that Python searches
	Content []byte
}

const (
	versionFile  = "xrun/_binary.py"
	versionPlace = `__version__ = "0.0.0"  # the program's own, which its maker writes here`
)

// Package lists the files of the Python package xrun, sorted by name. Its __version__ is the one given. The module
// xrun_plugin, which also works alone as one file, is xrun.plugin there.
func Package(version string) ([]File, error) {
	files := []File{{"xrun/plugin.py", module}}
	err := fs.WalkDir(sources, "xrun", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f := File{Name: name}
		if f.Content, err = sources.ReadFile(f.Name); err != nil {
			return err
		}
		if f.Name == versionFile {
			stamped := strings.Replace(string(f.Content), versionPlace, fmt.Sprintf("__version__ = %q", version), 1)
			if stamped == string(f.Content) {
				return fmt.Errorf("%s has no place for the version, which is the line %s", f.Name, versionPlace)
			}
			f.Content = []byte(stamped)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

// Install puts the package xrun and the module xrun_plugin where a Python program can import them, and returns the
// directory: one in the user's cache, of which the content is checked each time, or one among the
// temporary files where there is no cache.
func Install() (dir string, err error) {
	files, err := Package(Version)
	if err != nil {
		return "", err
	}
	files = append(files, File{"xrun_plugin.py", module})
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %x\n", f.Name, sha256.Sum256(f.Content))
	}
	name := hex.EncodeToString(h.Sum(nil)[:8])
	for _, parent := range []func() (string, error){cache, Temporary} {
		base, baseErr := parent()
		if baseErr != nil {
			err = errors.Join(err, baseErr)
			continue
		}
		dir := filepath.Join(base, "python", name)
		if putErr := putAll(dir, files); putErr != nil {
			err = errors.Join(err, putErr)
			continue
		}
		return dir, nil
	}
	return "", fmt.Errorf("install the Python package xrun: %w", err)
}

// SearchPath is the PYTHONPATH of a process that finds what is in the directory of [Install] before what own, the
// user's PYTHONPATH, and the interpreter have.
func SearchPath(dir, own string) string {
	if own == "" {
		return dir
	}
	return dir + string(os.PathListSeparator) + own
}

// EnvBinary names the running program to the package, which then needs not look for it.
const EnvBinary = "XRUN_BINARY"

func cache() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "xrun"), err
}

// Temporary makes a directory for this user alone among the temporary files, where another user may
// have made it first.
func Temporary() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("xrun-%d", os.Getuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || !private(info) {
		return "", fmt.Errorf("%s is not a directory of this user alone", dir)
	}
	return dir, nil
}

func putAll(dir string, files []File) error {
	for _, f := range files {
		if err := put(filepath.Join(dir, filepath.FromSlash(f.Name)), f.Content); err != nil {
			return err
		}
	}
	return nil
}

// put writes a file that appears complete or not at all, unless it is there already.
func put(path string, content []byte) error {
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, content) {
		return nil
	}
	dir, name := filepath.Split(path)
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
