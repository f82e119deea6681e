package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Main is the TestMain of a package whose tests run xrun. It puts xrun first on PATH, and with it the
// given commands, which the test binary serves.
func Main(m *testing.M, commands map[string]func()) {
	testscript.Main(suite{m}, commands)
}

// suite is the tests of a package, which run with xrun on PATH.
type suite struct{ m *testing.M }

func (s suite) Run() int {
	dir, err := os.MkdirTemp("", "xrun-e2e-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = build("xrun", filepath.Join(dir, "xrun"), root(), "./cmd/xrun")
	}
	if err == nil {
		err = os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return s.m.Run()
}

// root is the repository's directory.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// Path is that of a file of the repository.
func Path(elements ...string) string {
	return filepath.Join(append([]string{root()}, elements...)...)
}

// build copies a program to path. The go command builds it in a directory that all test binaries
// share, and links it only when its sources have changed.
func build(name, path, dir, pkg string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("build %s for the tests: %w", name, err)
	}
	sum := sha256.Sum256([]byte(root())) // each checkout has programs of its own
	cache = filepath.Join(cache, "xrun-test", hex.EncodeToString(sum[:6]))
	args := []string{"build", "-buildvcs=false"} // a commit alone is no reason to link
	if raceEnabled {
		name, args = name+"-race", append(args, "-race")
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("build %s for the tests: %w", name, err)
	}
	unlock, err := lock(filepath.Join(cache, name+".lock"))
	if err != nil {
		return fmt.Errorf("build %s for the tests: %w", name, err)
	}
	defer unlock()
	built := filepath.Join(cache, name)
	cmd := exec.Command("go", append(args, "-o", built, pkg)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s for the tests: %w\n%s", name, err, out)
	}
	return copyProgram(path, built)
}

// copyProgram copies an executable. A link would not do: some tests append to their copy.
func copyProgram(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// Example copies an example plugin into a directory, and returns its path. It is built as its author
// would: alone, with a module file of its own.
func Example(t *testing.T, dir, name string) string {
	t.Helper()
	Depend()
	if runtime.GOOS == "windows" {
		t.Skip("plugins are found by names without .exe")
	}
	path := filepath.Join(dir, "xrun-plugin-"+name)
	if err := build("xrun-plugin-"+name, path, Path("plugins", "examples", name), "."); err != nil {
		t.Fatal(err)
	}
	return path
}

// Depend has the go command run the tests of this package again when a source file of xrun has
// changed: it keeps the result of a test as long as the files that the test has looked at are the same,
// and does not know what a program was built from.
var Depend = sync.OnceFunc(func() {
	filepath.WalkDir(root(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != root() && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		return nil
	})
})
