package advice

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xrun-dev/xrun/store/whole"
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
	whole.Tidy(to.Path)
	err = whole.Write(to.Path, 0o666, to.Force, write)
	if errors.Is(err, fs.ErrExist) { // another process made it meanwhile
		if exists := to.Check(); exists != nil {
			return exists
		}
	}
	return inFolder(to.Path, err)
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
