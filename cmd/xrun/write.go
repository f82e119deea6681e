package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
)

// replaceFile writes a file whole or not at all: what stood there stays until all of it is written.
func replaceFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return inFolder(path, err)
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

// writeNew writes a file that is not there yet. hint says what to do if it is.
func writeNew(path string, data []byte, hint string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return advice.Usage(fmt.Errorf("%s is there already", path), hint)
	}
	if err != nil {
		return inFolder(path, err)
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// inFolder says of an error in making a file that there is no folder for it, if that is so.
func inFolder(path string, err error) error {
	dir := filepath.Dir(path)
	if _, missing := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && errors.Is(missing, fs.ErrNotExist) {
		return advice.Usage(fmt.Errorf("there is no folder %s", filepath.ToSlash(dir)), "make it first, or choose another")
	}
	return err
}

// deliver writes what a command was asked for to a file, or for - to standard output, and says so.
func (p *program) deliver(path string, data []byte) error {
	if path == "-" {
		_, err := p.stdout.Write(data)
		return err
	}
	if err := replaceFile(path, data); err != nil {
		return err
	}
	p.wrote(path)
	return nil
}

// wrote says that a file is there, and how large it is.
func (p *program) wrote(path string) {
	if info, err := os.Stat(path); err == nil {
		fmt.Fprintf(p.stderr, "wrote %s, %s\n", filepath.ToSlash(path), size(info.Size()))
	}
}
