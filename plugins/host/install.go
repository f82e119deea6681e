package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xrun-dev/xrun/plugins/content"
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
// needed. The copy of a plugin in Python, or of a directory, is a directory with the files that its digest covers. Discard
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
	info, err := os.Stat(src.Path)
	meter := h.meter("copying", src.Path)
	if _, ok := python.Script(src.Path); err == nil && (ok || info.IsDir()) {
		err = copyFiles(src.Path, copied, meter)
	} else if err == nil {
		meter.Expect(info.Size())
		err = copyFile(os.Open, src.Path, copied, meter)
	}
	var leaves *leavesError
	if errors.As(err, &leaves) {
		return nil, &FindError{Ref: src.Ref, Problem: err.Error()}
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

// leavesError is a link in a plugin to a file elsewhere, which may be private.
type leavesError struct{ link, target string }

func (e *leavesError) Error() string {
	return fmt.Sprintf("holds a symbolic link that leaves its directory: %s -> %s: put a copy of the file in its place, if it may be part of the plugin", e.link, e.target)
}

// copyFiles copies the files of a plugin. A single script in Python becomes plugin.py. Links in the directory stay links,
// and what leaves it is refused.
func copyFiles(path, to string, m *content.Meter) error {
	script, _ := python.Script(path)
	files, err := filesOf(path)
	if err != nil {
		return err
	}
	files.Expect(m)
	single := true
	if info, err := os.Stat(path); err == nil {
		single = !info.IsDir()
	}
	root, err := os.OpenRoot(files.Base) // which leads nowhere else, whatever becomes of the files meanwhile
	if err != nil {
		return err
	}
	defer root.Close()
	for _, file := range files.Paths {
		name, err := filepath.Rel(files.Base, file)
		if err != nil {
			return err
		}
		dest := name
		if single && file == script {
			dest = "plugin.py"
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%s lies outside of %s", file, files.Base)
		}
		dest = filepath.Join(to, dest)
		if err := mkdirs(files.Base, to, filepath.Dir(name), single); err != nil {
			return err
		}
		if single && file == script { // which the user has named, by a link or not
			err = copyFile(os.Open, file, dest, m)
		} else {
			err = copyPart(root, files, name, dest, m)
		}
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("both %s and its module of that name would become plugin.py: rename the module", script)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyPart copies a file, or a link, of a plugin's directory.
func copyPart(root *os.Root, files content.Files, name, dest string, m *content.Meter) error {
	file := filepath.Join(files.Base, name)
	info, err := os.Lstat(file)
	if err != nil {
		return err
	}
	open := func(string) (*os.File, error) { return root.Open(name) }
	if info.Mode()&fs.ModeSymlink == 0 {
		return copyFile(open, file, dest, m)
	}
	target, ok, err := content.Inside(files.Base, file)
	if err != nil {
		return err
	}
	if !ok {
		target, _ = os.Readlink(file)
		return &leavesError{file, target}
	}
	if files.Part(file) {
		return os.Symlink(target, dest)
	}
	to, err := filepath.EvalSymlinks(file) // to a file that is not copied, since it is hidden or ignored
	if err != nil {
		return err
	}
	return copyFile(os.Open, to, dest, m)
}

// mkdirs makes the directory at to, and that at name in it, with the modes of those in base. The directory that a single
// file lies in is none of the plugin's.
func mkdirs(base, to, name string, single bool) error {
	if name != "." {
		if err := mkdirs(base, to, filepath.Dir(name), single); err != nil {
			return err
		}
	}
	mode := fs.FileMode(0o755)
	if name != "." || !single {
		info, err := os.Stat(filepath.Join(base, name))
		if err != nil {
			return err
		}
		mode = ownMode(info) | 0o700
	}
	dir := filepath.Join(to, name)
	if err := os.Mkdir(dir, mode); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return os.Chmod(dir, mode) // the umask may have taken bits away
}

// ownMode is the mode of a file's copy: the same, but only its owner may write.
func ownMode(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() &^ 0o022 }

func copyFile(open func(path string) (*os.File, error), from, to string, m *content.Meter) error {
	in, err := open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	mode := ownMode(info)
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, m.Reader(in))
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
