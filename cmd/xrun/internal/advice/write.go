package advice

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ReplaceFile writes a file whole or not at all: the old file stays until all of the new one is written.
func ReplaceFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return InFolder(path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// WriteNew writes a new file. It refuses an existing one with the hint.
func WriteNew(path string, data []byte, hint string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return Usage(fmt.Errorf("%s is there already", path), hint)
	}
	if err != nil {
		return InFolder(path, err)
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// InFolder replaces the error of making a file if its folder does not exist.
func InFolder(path string, err error) error {
	dir := filepath.Dir(path)
	if _, missing := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && errors.Is(missing, fs.ErrNotExist) {
		return Usage(fmt.Errorf("there is no folder %s", filepath.ToSlash(dir)), "make it first, or choose another")
	}
	return err
}
