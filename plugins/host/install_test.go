//go:build unix

package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pythonHost finds plugins in Python, and cannot start them.
func pythonHost(t *testing.T) *Host {
	return newHost(t, "serve-builtin", Options{Python: []string{"none"}})
}

// put writes a file with a mode that no umask changes, and makes its directories.
func put(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func TestACopyKeepsLinksAndModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plugin")
	put(t, filepath.Join(dir, "plugin.py"), "import rule\n", 0o750)
	put(t, filepath.Join(dir, "rule.py"), "\n", 0o664)
	put(t, filepath.Join(dir, "data", "weights.bin"), "w", 0o600)
	put(t, filepath.Join(dir, "data", "fixed.bin"), "w", 0o444)
	put(t, filepath.Join(dir, ".hidden", "h"), "h", 0o640)
	for path, target := range map[string]string{
		"weights":   "data/weights.bin",
		"data/up":   "../rule.py",
		"absolute":  filepath.Join(dir, "data", "weights.bin"),
		"around":    "../plugin/rule.py",
		"chain":     "weights",
		"directory": "data",
		"itself":    ".",
		"data/far":  filepath.Join(dir, "data"),
		"hidden":    ".hidden/h",
	} {
		link(t, target, filepath.Join(dir, path))
	}
	if err := errors.Join(os.Chmod(filepath.Join(dir, "data"), 0o550), os.Chmod(dir, 0o775)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "data"), 0o700) })
	h := pythonHost(t)
	src, err := h.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Stage(src, filepath.Join(t.TempDir(), "plugins"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Discard()
	if s.Digest != src.Digest {
		t.Errorf("the copy has the digest %s, want %s", s.Digest, src.Digest)
	}
	for path, want := range map[string]fs.FileMode{
		".": fs.ModeDir | 0o755, "data": fs.ModeDir | 0o750, "plugin.py": 0o750, "rule.py": 0o644, "data/weights.bin": 0o600, "data/fixed.bin": 0o444, "hidden": 0o640,
	} {
		if info, err := os.Lstat(filepath.Join(s.Path, path)); err != nil || info.Mode() != want {
			t.Errorf("%s has the mode %v (%v), want %v", path, info.Mode(), err, want)
		}
	}
	for path, want := range map[string]string{
		"weights": "data/weights.bin", "data/up": "../rule.py", "absolute": "data/weights.bin", "around": "rule.py", "chain": "weights",
		"directory": "data", "itself": ".", "data/far": ".",
	} {
		if got, err := os.Readlink(filepath.Join(s.Path, path)); got != want {
			t.Errorf("%s leads to %q (%v), want %q", path, got, err, want)
		}
	}
	if _, err := os.Lstat(filepath.Join(s.Path, ".hidden")); err == nil {
		t.Error("a hidden directory is copied")
	}
	// The links are part of the digest.
	if err := os.Remove(filepath.Join(dir, "directory")); err != nil {
		t.Fatal(err)
	}
	link(t, ".", filepath.Join(dir, "directory"))
	if again, err := pythonHost(t).Find(dir); err != nil || again.Digest == src.Digest {
		t.Errorf("a link that leads to another directory gives the digest %s, %v", again.Digest, err)
	}
}

// What leaves a plugin's directory is not copied, and what cannot be part of one is refused, by name.
func TestWhatNoCopyHolds(t *testing.T) {
	private := filepath.Join(t.TempDir(), "private")
	put(t, private, "secret", 0o600)
	for _, c := range []struct {
		name  string
		make  func(path string) error
		want  string
		found bool // it runs where it is
	}{
		{"link out", func(path string) error { return os.Symlink(private, path) }, "holds a symbolic link that leaves its directory: ", true},
		{"relative link out", func(path string) error {
			rel, err := filepath.Rel(filepath.Dir(path), private)
			return errors.Join(err, os.Symlink(rel, path))
		}, "holds a symbolic link that leaves its directory: ", true},
		{"by two links", func(path string) error {
			return errors.Join(os.Symlink(private, path+"2.bin"), os.Symlink("weights.bin2.bin", path))
		}, "holds a symbolic link that leaves its directory: ", true},
		{"directory out", func(path string) error { return os.Symlink(filepath.Dir(private), path) }, "holds a symbolic link to a directory outside of it: ", false},
		{"hidden directory", func(path string) error { return os.Symlink(".venv", path) }, "since it is hidden: ", false},
		{"dangling", func(path string) error { return os.Symlink("nothing", path) }, "holds a symbolic link that leads nowhere: ", false},
		{"loop", func(path string) error {
			return errors.Join(os.Symlink("weights.bin", path+"2"), os.Symlink("weights.bin2", path))
		}, "holds a symbolic link that leads nowhere: ", false},
		{"named pipe", func(path string) error { return unix.Mkfifo(path, 0o600) }, "holds what is neither a file nor a directory, and cannot be part of a plugin: ", false},
		{"link to a pipe", func(path string) error {
			return errors.Join(unix.Mkfifo(filepath.Join(filepath.Dir(path), ".pipe"), 0o600), os.Symlink(".pipe", path))
		}, "holds what is neither a file nor a directory, and cannot be part of a plugin: ", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, parent := t.TempDir(), filepath.Join(t.TempDir(), "plugins")
			put(t, filepath.Join(dir, "plugin.py"), "", 0o644)
			put(t, filepath.Join(dir, ".venv", "x"), "", 0o644)
			if err := c.make(filepath.Join(dir, "weights.bin")); err != nil {
				t.Fatal(err)
			}
			h := pythonHost(t)
			src, err := h.Find(dir)
			if found := err == nil; found != c.found {
				t.Fatalf("Find gives %v", err)
			}
			if err == nil {
				_, err = h.Stage(src, parent)
			}
			var find *FindError
			if !errors.As(err, &find) || find.Missing || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Join(dir, "weights.bin")) {
				t.Errorf("the error is %v, want %q and the path", err, c.want)
			}
			left, _ := os.ReadDir(parent)
			if len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// A plugin that is named by a link is what the link leads to; a module beside it is not.
func TestASingleFileIsCopiedByName(t *testing.T) {
	elsewhere, dir := t.TempDir(), t.TempDir()
	put(t, filepath.Join(elsewhere, "real.py"), "import near\n", 0o600)
	put(t, filepath.Join(elsewhere, "near.py"), "\n", 0o600)
	link(t, filepath.Join(elsewhere, "real.py"), filepath.Join(dir, "mine.py"))
	put(t, filepath.Join(dir, "near.py"), "\n", 0o640)
	h := pythonHost(t)
	src, err := h.Find(filepath.Join(dir, "mine.py"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Stage(src, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Discard()
	for name, want := range map[string]fs.FileMode{"plugin.py": 0o600, "near.py": 0o640} {
		if info, err := os.Lstat(filepath.Join(s.Path, name)); err != nil || info.Mode() != want {
			t.Errorf("%s has the mode %v (%v), want %v", name, info.Mode(), err, want)
		}
	}
	if err := os.Remove(filepath.Join(dir, "near.py")); err != nil {
		t.Fatal(err)
	}
	link(t, filepath.Join(elsewhere, "near.py"), filepath.Join(dir, "near.py"))
	h = pythonHost(t)
	if src, err = h.Find(filepath.Join(dir, "mine.py")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Stage(src, t.TempDir()); err == nil || !strings.Contains(err.Error(), "leaves its directory: "+filepath.Join(dir, "near.py")) {
		t.Errorf("a module elsewhere gives %v", err)
	}
}

// A path to a pipe, which nobody writes to, is refused and not waited for.
func TestAPipeIsNoPlugin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xrun-plugin-pipe")
	if err := unix.Mkfifo(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := newHost(t, "serve-builtin", Options{}).Find(path); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("Find gives %v", err)
	}
}
