package host

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/xrun-dev/xrun/plugins/python"
)

// exposed says which directory lets anyone on this machine put something else in the place of a file:
// one of those it lies in, as it is named and as links lead to it. Directories whose sticky bit is set,
// such as that for temporary files, let only the owner of a file do so.
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
