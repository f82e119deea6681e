// Package whole writes files that appear under their names only when all of them is on disk. What a process that was
// killed has left of one is removed by Tidy before the file of that name is written again.
package whole

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Write makes a file with the mode, less the umask. It replaces one that exists only if it may; otherwise the error is
// fs.ErrExist. A symbolic link of that name is replaced, not followed.
func Write(path string, mode fs.FileMode, replace bool, write func(io.Writer) error) (err error) {
	part := Part(path)
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(part)
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Sync() // a full disk may say so only now
	}
	if err = errors.Join(err, f.Close()); err != nil {
		var of *fs.PathError
		if errors.As(err, &of) && of.Path == part { // nobody knows that name
			of.Path = path
		}
		return err
	}
	return Place(part, path, replace)
}

// Place gives a finished file its name.
func Place(part, path string, replace bool) error {
	if replace {
		if err := os.Rename(part, path); err != nil {
			return err
		}
		return syncFolder(path)
	}
	err := os.Link(part, path) // unlike Rename, it replaces nothing
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if err == nil {
		return errors.Join(os.Remove(part), syncFolder(path))
	}
	if _, err := os.Lstat(path); err == nil { // another process made it meanwhile
		return &fs.PathError{Op: "write", Path: path, Err: fs.ErrExist}
	}
	if err := os.Rename(part, path); err != nil { // the file system has no links
		return err
	}
	return syncFolder(path)
}

// syncFolder makes a new name durable. Not every file system can, and the file is whole in any case.
func syncFolder(path string) error {
	if f, err := os.Open(filepath.Dir(path)); err == nil {
		f.Sync()
		return f.Close()
	}
	return nil
}

// longestName limits how much of a name is in that of its part: names have at most 255 bytes.
const longestName = 100

// Part is the name of a file beside path that is about to become it.
func Part(path string) string {
	return filepath.Join(filepath.Dir(path), fmt.Sprintf("%s%d-%s", partPrefix(path), os.Getpid(), rand.Text()))
}

// Tidy removes the parts of a file that processes have left which have died. It reads the folder.
func Tidy(path string) {
	prefix := partPrefix(path)
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok || !e.Type().IsRegular() {
			continue
		}
		text, _, _ := strings.Cut(rest, "-")
		if pid, err := strconv.Atoi(text); err == nil && pid != os.Getpid() && !lives(pid) {
			os.Remove(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
}

func partPrefix(path string) string {
	name := filepath.Base(path)
	if len(name) > longestName {
		name = name[:longestName]
	}
	return ".xrun-" + name + "."
}
