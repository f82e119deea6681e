package export

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// An ExistsError is a file that is there already.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string { return fmt.Sprintf("%s is there already", e.Path) }

// Hint says what to do.
func (e *ExistsError) Hint() string { return "choose another name, or replace it with --force" }

// Absent refuses a path at which there is something.
func Absent(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return &ExistsError{path}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// WriteFile makes a file that appears under its name only when it is complete. It takes the place of one that is
// there already.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	// Not os.CreateTemp: what is exported has the mode of any other new file.
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), ".xrun-"+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err = errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
