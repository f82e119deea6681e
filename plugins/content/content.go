// Package content knows what files a plugin consists of, in whatever language it is written, and their digest. It runs
// nothing.
package content

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Files are what a plugin consists of.
type Files struct {
	Base  string   // the directory that names count from
	Paths []string // sorted; among them are symbolic links to directories of the plugin
	// LeftOut reports whether what has a name is no part of the plugin.
	LeftOut func(name string, directory bool) bool
	Also    string // what the digest covers beside the files, in a line; empty for nothing
}

// Program is the executable that a directory begins with, in the languages that xrun does not know.
func Program(dir string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(dir, "plugin.exe")
	}
	return filepath.Join(dir, "plugin")
}

// mostFiles is for packages with their own packages, such as in node_modules.
const mostFiles = 200_000

// OfProgram lists the files of the directory of a [Program]: all that lies in it, hidden or not, but what tools of
// versions, Python and xrun itself make there: repositories, compiled modules, databases and the lock.
func OfProgram(dir string) (Files, error) {
	base, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return Files{}, err
	}
	return Directory(base, func(name string, directory bool) bool {
		switch name {
		case ".git", ".hg", ".svn", ".jj", ".DS_Store", "__pycache__", ".xrun", "xrun.lock":
			return true
		}
		switch filepath.Ext(name) {
		case ".pyc", ".db", ".db-wal", ".db-shm", ".db-journal":
			return !directory
		}
		return false
	}, mostFiles)
}

// A Meter follows how much is read, and stops it.
type Meter struct {
	Until context.Context      // reading ends when it is done; nil for never
	Tell  func(read, of int64) // called once After has passed, and each time it has passed again; may be nil
	After time.Duration

	told     time.Time // when Tell was last called, or reading began
	read, of int64
}

// Expect adds bytes that will be read.
func (m *Meter) Expect(bytes int64) { m.of += bytes }

// Reader reads from r and counts.
func (m *Meter) Reader(r io.Reader) io.Reader { return metered{m, r} }

type metered struct {
	*Meter
	from io.Reader
}

func (m metered) Read(p []byte) (int, error) {
	if m.Until != nil && m.Until.Err() != nil {
		return 0, context.Cause(m.Until)
	}
	n, err := m.from.Read(p)
	m.read += int64(n)
	now := time.Now()
	if m.told.IsZero() {
		m.told = now
	}
	if m.Tell != nil && now.Sub(m.told) > m.After {
		m.told = now
		m.Tell(m.read, max(m.of, m.read))
	}
	return n, err
}

// Expect tells a meter that all the files will be read.
func (f Files) Expect(m *Meter) {
	for _, file := range f.Paths {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			m.Expect(info.Size())
		}
	}
}

// Digest is the SHA-256, hex, of the names and contents of the files and of what counts beside them. check may refuse a file by an error.
func (f Files) Digest(check func(path string, info fs.FileInfo) error, m *Meter) (string, error) {
	f.Expect(m)
	h := sha256.New()
	for _, file := range f.Paths {
		name, err := filepath.Rel(f.Base, file)
		if err != nil {
			return "", err
		}
		if target, err := f.LinkedDirectory(file); err != nil {
			return "", err
		} else if target != "" {
			fmt.Fprintf(h, "%q -> %q\n", filepath.ToSlash(name), filepath.ToSlash(target))
			continue
		}
		sum, err := hash(file, check, m)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %x\n", filepath.ToSlash(name), sum)
	}
	if f.Also != "" {
		fmt.Fprintln(h, f.Also) // which no name of a file looks like, as those are quoted
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hash is the SHA-256 of a file.
func hash(path string, check func(path string, info fs.FileInfo) error, m *Meter) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := check(path, info); err != nil {
		return nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, m.Reader(f)); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return h.Sum(nil), nil
}

// Directory lists the files of a plugin that is a directory, with what leftOut does not leave out, up to a limit. A link to a file counts as the file, and one to a directory of the plugin
// as a link. Refused are links to other directories, whose files would not be part of the digest, links that lead
// nowhere, and what is neither a file nor a directory.
func Directory(dir string, leftOut func(name string, directory bool) bool, most int) (Files, error) {
	f := Files{Base: dir, LeftOut: leftOut}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if path != dir && leftOut(name, d.IsDir()) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		info, err := os.Stat(path)
		isLink := d.Type()&fs.ModeSymlink != 0
		switch {
		case err != nil && isLink:
			return fmt.Errorf("holds a symbolic link that leads nowhere: %s: remove it, or put the file in its place", linkText(path))
		case err != nil:
			return err
		case info.IsDir():
			if _, err := f.LinkedDirectory(path); err != nil {
				return err
			}
		case !info.Mode().IsRegular():
			return fmt.Errorf("holds what is neither a file nor a directory, and cannot be part of a plugin: %s", path)
		}
		if f.Paths = append(f.Paths, path); len(f.Paths) > most {
			return fmt.Errorf("has more than %d files in %s: is that the plugin's directory?", most, dir)
		}
		return nil
	})
	slices.Sort(f.Paths)
	return f, err
}

// Inside is where a symbolic link leads, as a path from the link's directory, if that is in the directory base; else ok
// is false. A relative path is as it stands in the link, unless it leaves base on its way.
func Inside(base, link string) (target string, ok bool, err error) {
	to, err := filepath.EvalSymlinks(link)
	if err != nil {
		return "", false, err
	}
	if base, err = filepath.EvalSymlinks(base); err != nil {
		return "", false, err
	}
	from, err := filepath.EvalSymlinks(filepath.Dir(link))
	if err != nil {
		return "", false, err
	}
	if rel, err := filepath.Rel(base, to); err != nil || !filepath.IsLocal(rel) {
		return "", false, nil
	}
	written, err := os.Readlink(link)
	if err != nil {
		return "", false, err
	}
	if at, err := filepath.Rel(base, from); err == nil && !filepath.IsAbs(written) && filepath.IsLocal(filepath.Join(at, written)) {
		return written, true, nil
	}
	target, err = filepath.Rel(from, to)
	return target, err == nil, err
}

// Part reports whether what a path in the directory leads to is part of the plugin, and not left out.
func (f Files) Part(path string) bool {
	to, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	base, err := filepath.EvalSymlinks(f.Base)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(base, to)
	if err != nil || !filepath.IsLocal(rel) {
		return false
	}
	info, err := os.Stat(to)
	if err != nil {
		return false
	}
	names := strings.Split(filepath.ToSlash(rel), "/")
	for i, name := range names {
		if name != "." && f.LeftOut(name, info.IsDir() || i < len(names)-1) {
			return false
		}
	}
	return true
}

// LinkedDirectory is where a symbolic link to a directory of the plugin leads; see [Inside]. It is empty for what is
// no such link.
func (f Files) LinkedDirectory(path string) (target string, err error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return "", err
	}
	target, ok, err := Inside(f.Base, path)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", fmt.Errorf("holds a symbolic link to a directory outside of it: %s: put the directory in its place", linkText(path))
	case !f.Part(path):
		return "", fmt.Errorf("holds a symbolic link to a directory that is no part of it, since it is hidden: %s: give the directory another name", linkText(path))
	}
	return target, nil
}

// linkText shows a link.
func linkText(path string) string {
	target, err := os.Readlink(path)
	if err != nil {
		return path
	}
	return path + " -> " + target
}
