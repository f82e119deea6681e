package advice

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A Target is where a command writes its output.
type Target struct {
	Path   string    // a file; - is standard output
	Force  bool      // replace a file that exists
	Stdout io.Writer // standard output
}

// IsStdout reports whether the output goes to standard output.
func (t Target) IsStdout() bool { return t.Path == "-" }

// Deliver writes the output of a command to its target. A file appears under its name only when all of it is
// written, and replaces one that exists only with Force.
func Deliver(to Target, write func(io.Writer) error) (err error) {
	if to.IsStdout() {
		return write(to.Stdout)
	}
	if err := to.Check(); err != nil {
		return err
	}
	// Not os.CreateTemp: the file has the mode of any other new file.
	f, err := os.OpenFile(filepath.Join(filepath.Dir(to.Path), ".xrun-"+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return inFolder(to.Path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err = errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return to.place(f.Name())
}

// place gives the finished file its name.
func (t Target) place(temporary string) error {
	if t.Force {
		return os.Rename(temporary, t.Path)
	}
	if err := os.Link(temporary, t.Path); err == nil { // unlike Rename, it replaces nothing
		return os.Remove(temporary)
	}
	if err := t.Check(); err != nil { // another process made it meanwhile
		return err
	}
	return os.Rename(temporary, t.Path) // the file system has no links
}

// Check refuses a path that cannot be written to: a file that exists, without Force, and what is not a file.
func (t Target) Check() error {
	info, err := os.Stat(t.Path)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Lstat(t.Path) // a link to nothing
	}
	path := filepath.ToSlash(t.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return Usage(fmt.Errorf("%s is a folder", path), "name a file in it")
	case !t.Force:
		return Usage(fmt.Errorf("%s is there already", path), "choose another name, or replace it with --force")
	case !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0:
		return Usage(fmt.Errorf("%s is not a regular file", path), "- is standard output")
	}
	return nil
}

// inFolder says of an error in making a file that there is no folder for it, if that is so.
func inFolder(path string, err error) error {
	dir := filepath.Dir(path)
	if _, missing := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && errors.Is(missing, fs.ErrNotExist) {
		return Usage(fmt.Errorf("there is no folder %s", filepath.ToSlash(dir)), "make it first, or choose another")
	}
	return err
}
