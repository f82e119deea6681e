package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xrun-dev/xrun/plugins/python"
)

// stagingPattern names the copies. It lacks [Prefix], so that none is found by name.
const stagingPattern = ".installing-*"

// A Staged plugin is a copy beside its destination that no search finds.
type Staged struct {
	Source // of the copy
	dir    string
	parent string
}

// Stage copies a plugin into a directory where plugins are searched for, and makes the directory if
// needed. The copy of a plugin in Python is a directory with the files that its digest covers. Discard
// it in the end, installed or not.
func (h *Host) Stage(src Source, parent string) (_ *Staged, err error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory for plugins: %w", err)
	}
	parent, err = filepath.Abs(parent)
	if err != nil {
		return nil, fmt.Errorf("find the directory for plugins: %w", err)
	}
	dir, err := os.MkdirTemp(parent, stagingPattern)
	if err != nil {
		return nil, fmt.Errorf("copy plugin %s: %w", src.Ref, err)
	}
	s := &Staged{dir: dir, parent: parent}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Discard())
		}
	}()
	copied := filepath.Join(dir, "copy")
	if _, ok := python.Script(src.Path); ok {
		err = copyPython(src.Path, copied)
	} else {
		err = copyFile(src.Path, copied, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("copy plugin %s: %w", src.Ref, err)
	}
	if err := src.unchanged(); err != nil {
		return nil, &FindError{Ref: src.Ref, Problem: err.Error()}
	}
	s.Source, err = h.Find(copied)
	return s, err
}

// copyPython copies the files of a plugin in Python. The script becomes plugin.py.
func copyPython(path, to string) error {
	script, _ := python.Script(path)
	base, files, err := python.Files(path)
	if err != nil {
		return err
	}
	for _, file := range files {
		name, err := filepath.Rel(base, file)
		if err != nil {
			return err
		}
		if file == script {
			name = "plugin.py"
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%s lies outside of %s", file, base)
		}
		dest := filepath.Join(to, name)
		if err := mkdirs(to, filepath.Dir(dest)); err != nil {
			return err
		}
		if err := copyFile(file, dest, 0o644); err != nil {
			if errors.Is(err, fs.ErrExist) {
				err = fmt.Errorf("both %s and its module of that name would become plugin.py: rename the module", script)
			}
			return err
		}
	}
	return nil
}

// mkdirs makes the directories from root down to dir, for everyone to read, whatever the umask.
func mkdirs(root, dir string) error {
	if dir != root {
		if err := mkdirs(root, filepath.Dir(dir)); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Chmod(to, mode) // the umask may have taken bits away
	}
	return err
}

// InstalledAt is the path that a plugin of a name has in a directory, whether it exists or not.
func InstalledAt(parent, name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	return filepath.Join(parent, Prefix+name), nil
}

// Install moves the copy to its place under a name, and replaces what is there. A file takes
// the place of a file in one step; a directory has to be moved out of the way first, and is moved back
// if that fails.
func (s *Staged) Install(name string) (path string, err error) {
	path, err = InstalledAt(s.parent, name)
	if err != nil {
		return "", err
	}
	if os.Rename(s.Path, path) == nil {
		return path, nil
	}
	aside := filepath.Join(s.dir, "before")
	if err := os.Rename(path, aside); err != nil {
		return "", fmt.Errorf("install plugin %s: %w", name, err)
	}
	if err := os.Rename(s.Path, path); err != nil {
		return "", fmt.Errorf("install plugin %s: %w", name, errors.Join(err, os.Rename(aside, path)))
	}
	return path, nil
}

// Discard removes the copy, if it has not been installed.
func (s *Staged) Discard() error { return os.RemoveAll(s.dir) }
