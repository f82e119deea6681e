// Package lock keeps the file xrun.lock beside a sweep file. It pins the content of the third-party
// plugins of the sweeps in that directory, as the user last accepted them. While there is such a file,
// a sweep runs no plugin whose content differs from it, or that is not in it.
//
// The package reads, compares and writes; it finds and runs nothing.
package lock

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// FileName is the name of the file.
const FileName = "xrun.lock"

// schema is the version of the file's format.
const schema = 1

const header = `# The plugins that the sweep files in this directory use, by their content. Keep it under version
# control. Accept a change: xrun plugin lock SWEEP.toml

`

// maxBytes is more than any sweep needs, and too little to fill the memory.
const maxBytes = 1 << 20

// A Lock is the content of the file.
type Lock struct {
	Schema  int      `toml:"schema"`
	Plugins []Plugin `toml:"plugin"`
}

// A Plugin is pinned to its content.
type Plugin struct {
	Ref        string   `toml:"ref"` // as sweep files name it: a name, or a path relative to them
	Name       string   `toml:"name"`
	Version    string   `toml:"version"`
	Digest     string   `toml:"digest"`     // "sha256:" and 64 hex digits
	Components []string `toml:"components"` // that it supplies
	Sweeps     []string `toml:"sweeps"`     // file names of the sweeps that use it
}

// Algorithm begins every digest.
const Algorithm = "sha256:"

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Beside is the path of the lock of a sweep file.
func Beside(sweep string) string { return filepath.Join(filepath.Dir(sweep), FileName) }

// Read reads the file. The error is fs.ErrNotExist if there is none, else an *Error.
func Read(path string) (*Lock, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxBytes {
		return nil, &Error{path, fmt.Errorf("has %d bytes, more than a lock file can have", info.Size())}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	l := &Lock{}
	decoder := toml.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(l); err != nil {
		var strict *toml.StrictMissingError
		if errors.As(err, &strict) && len(strict.Errors) > 0 {
			err = fmt.Errorf("has the unknown key %s", strings.Join(strict.Errors[0].Key(), "."))
		}
		return nil, &Error{path, err}
	}
	if err := l.check(); err != nil {
		return nil, &Error{path, err}
	}
	return l, nil
}

func (l *Lock) check() error {
	if l.Schema != schema {
		return fmt.Errorf("has the schema %d, this xrun knows %d", l.Schema, schema)
	}
	seen := map[string]bool{}
	for _, p := range l.Plugins {
		switch {
		case p.Ref == "":
			return errors.New("has a plugin without a ref")
		case seen[p.Ref]:
			return fmt.Errorf("has the plugin %q twice", p.Ref)
		case !digestForm.MatchString(p.Digest):
			return fmt.Errorf("has the digest %q for %q, want sha256: and 64 hex digits", p.Digest, p.Ref)
		}
		seen[p.Ref] = true
	}
	return nil
}

// Write replaces the file, all of it or not at all. Equal locks give equal files.
func (l *Lock) Write(path string) error {
	l.Schema = schema
	slices.SortFunc(l.Plugins, func(a, b Plugin) int { return cmp.Compare(a.Ref, b.Ref) })
	for i := range l.Plugins {
		slices.Sort(l.Plugins[i].Components)
		slices.Sort(l.Plugins[i].Sweeps)
	}
	if err := l.check(); err != nil {
		return &Error{path, err}
	}
	text, err := toml.Marshal(l)
	if err != nil {
		return &Error{path, err}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+FileName+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(append([]byte(header), text...))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// An Error is a lock that cannot be used.
type Error struct {
	Path string
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Hint says how to replace the lock.
func (e *Error) Hint() string {
	return "nothing was run; remove " + e.Path + " and write it anew with xrun plugin lock, once you trust the plugins"
}

// Missing reports whether an error of Read means that nothing is locked.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
