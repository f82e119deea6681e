package host

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/xrun-dev/xrun/plugins/python"
)

// exposed returns the directory in which anyone on this machine can replace a file: one of the
// directories on its path, as named and after following links. In directories with the sticky bit, such
// as /tmp, only the owner of a file can replace it.
func exposed(path string) error {
	if runtime.GOOS == "windows" { // where the bits mean nothing
		return nil
	}
	named, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(named)
	if err != nil {
		return err
	}
	for _, file := range []string{named, resolved} {
		for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
			if err := writable(dir); err != nil {
				return err
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return nil
}

// writable refuses a directory that anyone can change.
func writable(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&os.ModeSticky == 0 {
		return fmt.Errorf("lies in a directory that anyone on this machine can change, so it is not run: chmod o-w %s", dir)
	}
	return nil
}

// verifyPython refuses a plugin in Python that anyone could have changed, and hashes the others.
func verifyPython(path string) (digest string, err error) {
	_, files, err := python.Files(path)
	if err != nil {
		return "", err
	}
	seen := map[string]bool{}
	for _, file := range files {
		if dir := filepath.Dir(file); !seen[dir] {
			seen[dir] = true
			if err := exposed(file); err != nil {
				return "", err
			}
		}
	}
	return python.Digest(path)
}
