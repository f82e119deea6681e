package host

import (
	"context"
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

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/content"
	"github.com/xrun-dev/xrun/plugins/python"
)

// Prefix begins the file name of every plugin that is found by name.
const Prefix = "xrun-plugin-"

// A Source is where a plugin comes from.
type Source struct {
	Ref      string // the name or path by which it was requested
	Path     string // absolute; "builtin" for the built-in components
	Digest   string // SHA-256 of the file, or of the files it consists of, hex
	Builtin  bool
	command  []string
	reattach *Reattachment // of a process that runs already; nil for others
	verify   func(path string) (digest string, err error)
}

// BuiltinRef is the name under which the built-in components are found.
const BuiltinRef = "builtin"

// Find looks a plugin up without running it: a reference with a slash is a path, anything else
// is a name that the search directories are asked for.
func (h *Host) Find(ref string) (Source, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if src, ok := h.found[ref]; ok {
		return src, nil
	}
	src, err := h.find(ref)
	if err != nil {
		return Source{}, err
	}
	h.found[ref] = src
	return src, nil
}

func (h *Host) find(ref string) (Source, error) {
	if ref == BuiltinRef {
		return Source{Ref: ref, Path: BuiltinRef, Builtin: true, command: h.options.Builtin}, nil
	}
	if src, ok := h.reattached(ref); ok {
		return src, nil
	}
	path := ref
	if !strings.ContainsRune(filepath.ToSlash(ref), '/') {
		var err error
		if path, err = h.search(ref); err != nil {
			return Source{}, err
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return Source{}, fmt.Errorf("plugin %s: %w", ref, err)
	}
	return h.at(ref, path)
}

// at is the plugin at a path. It is not run.
func (h *Host) at(ref, path string) (src Source, err error) {
	src = Source{Ref: ref, Path: path, command: []string{path}}
	if _, ok := python.Script(path); ok {
		if h.options.Python == nil {
			return Source{}, &FindError{Ref: ref, Problem: "is written in Python, which this program cannot start"}
		}
		src.verify, src.command = h.verifyFiles, append(slices.Clone(h.options.Python), path)
	} else if info, err := os.Stat(path); err == nil && info.IsDir() {
		src.verify, src.command = h.verifyFiles, []string{content.Program(path)}
	} else {
		src.verify = h.verify
	}
	if src.Digest, err = src.verify(path); err != nil {
		if until := h.options.Until; until != nil && until.Err() != nil {
			return Source{}, context.Cause(until)
		}
		return Source{}, &FindError{Ref: ref, Problem: err.Error(), Missing: errors.Is(err, fs.ErrNotExist)}
	}
	return src, nil
}

// nameForm is the form of a plugin name. It has no separators, so that the file lies in the directory
// that is searched.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckName reports why a plugin cannot be called name.
func CheckName(name string) error {
	if !nameForm.MatchString(name) || strings.Contains(name, "..") {
		shown := name
		if len(shown) > 64 {
			shown = strings.ToValidUTF8(shown[:64], "") + "…"
		}
		return &NameError{shown}
	}
	return nil
}

// A NameError is a name that no plugin can have.
type NameError struct{ Name string }

func (e *NameError) Error() string { return fmt.Sprintf("%q cannot be the name of a plugin", e.Name) }

// Hint describes valid names.
func (e *NameError) Hint() string {
	return "names are letters, digits, dot, dash and underscore, with a letter or digit first, without two dots in a row, at most 64; a path has a slash: ./NAME"
}

func (h *Host) search(name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	for _, dir := range h.options.Dirs {
		path := filepath.Join(dir, Prefix+name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", &FindError{Ref: name, Problem: "is neither built in nor found as " + Prefix + name, Dirs: h.options.Dirs, Missing: true}
}

// unchanged returns an error if the plugin has changed since it was found: its digest is part of the
// keys of trials.
func (s Source) unchanged() error {
	if s.Builtin || s.Attached() {
		return nil
	}
	digest, err := s.verify(s.Path)
	if err == nil && digest != s.Digest {
		err = fmt.Errorf("changed while xrun ran: its SHA-256 was %s, now it is %s", s.Digest, digest)
	}
	return err
}

// absentError is a plugin's path at which there is nothing.
type absentError struct{ path string }

func (e absentError) Error() string        { return "does not exist at " + e.path }
func (e absentError) Is(target error) bool { return target == fs.ErrNotExist }

// verify refuses files that another user could have written, and hashes the others.
func (h *Host) verify(path string) (digest string, err error) {
	info, err := os.Stat(path) // before it is opened, which takes a named pipe forever
	if errors.Is(err, fs.ErrNotExist) {
		return "", absentError{path}
	}
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("is not a file: %s", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return "", err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o111 == 0 {
		return "", fmt.Errorf("is not executable: chmod +x %s", path)
	}
	if err := changeable(path, info); err != nil {
		return "", err
	}
	if err := (places{}).exposed(path); err != nil {
		return "", err
	}
	hash, meter := sha256.New(), h.meter("hashing", path)
	meter.Expect(info.Size())
	if _, err := io.Copy(hash, meter.Reader(f)); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// A Listed plugin stands in one of the search directories.
type Listed struct {
	Source
	ShadowedBy string // the path of the plugin of that name that is found first; empty if this is it
	Err        error  // why it cannot be used
}

// List finds all plugins in the search directories, in the order of the search, without running any.
func (h *Host) List() ([]Listed, error) {
	var all []Listed
	first := map[string]string{} // the first path of each name
	for _, dir := range h.options.Dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list plugins: %w", err)
		}
		for _, e := range entries {
			name, ok := strings.CutPrefix(e.Name(), Prefix)
			if !ok {
				continue
			}
			path, err := filepath.Abs(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, fmt.Errorf("list plugins: %w", err)
			}
			one := Listed{ShadowedBy: first[name]}
			if one.ShadowedBy == path { // a directory that is searched twice
				continue
			}
			if one.Err = CheckName(name); one.Err == nil {
				one.Source, one.Err = h.at(name, path)
			}
			one.Ref, one.Path = name, path
			if one.ShadowedBy == "" {
				first[name] = path
			}
			all = append(all, one)
		}
	}
	return all, nil
}

// A FindError is a plugin that cannot be used as it stands.
type FindError struct {
	Ref     string
	Problem string
	Dirs    []string // that were searched
	Missing bool     // there is none; else there is one that cannot be used
}

func (e *FindError) Error() string { return fmt.Sprintf("plugin %s %s", e.Ref, e.Problem) }

// Hint says where plugins are looked for.
func (e *FindError) Hint() string {
	if len(e.Dirs) == 0 {
		return ""
	}
	return "searched " + strings.Join(e.Dirs, ", ") + "; a path works too: plugin = \"./" + Prefix + e.Ref + "\""
}

// unknownComponentError is a component that a plugin does not supply.
type unknownComponentError struct {
	Plugin string
	Kind   plugins.Kind
	Name   string
	Known  []string
}

func (e *unknownComponentError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("plugin %s supplies %d %ss: say which with component = \"…\"", e.Plugin, len(e.Known), e.Kind)
	}
	return fmt.Sprintf("plugin %s supplies no %s %q", e.Plugin, e.Kind, e.Name)
}

// Hint lists the components of the plugin.
func (e *unknownComponentError) Hint() string {
	if len(e.Known) == 0 {
		return "it supplies none of that kind"
	}
	return "it supplies " + strings.Join(e.Known, ", ")
}
