package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A file that can have a log and has none is read without a file beside it: in place if it is old, and from a copy if its program may
// write at any moment.
func TestAForeignFileHasNothingBesideIt(t *testing.T) {
	s := fresh(t)
	put(t, s, grid(3))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"old": time.Hour, "just written": 0} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			dir := t.TempDir()
			path := filepath.Join(dir, "other.db")
			written := time.Now().Add(-age)
			if err := errors.Join(os.WriteFile(path, content, 0o600), os.Chtimes(path, written, written)); err != nil {
				t.Fatal(err)
			}
			f, err := OpenForeign(path)
			if err != nil {
				t.Fatal(err)
			}
			var n int
			count := func() {
				t.Helper()
				if err := f.One(t.Context(), "SELECT count(*) FROM trial", nil, &n); err != nil || n != 3 {
					t.Errorf("it has %d trials: %v", n, err)
				}
			}
			count()
			if err := os.WriteFile(path, content[:len(content)/2], 0o600); err != nil {
				t.Fatal(err)
			}
			if age == 0 {
				count()
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("there are %v", entries)
			}
			if err := f.Close(); (age != 0) != errors.Is(err, ErrChanged) {
				t.Errorf("it closes with %v", err)
			}
			if entries, _ := os.ReadDir(os.Getenv("TMPDIR")); len(entries) != 0 {
				t.Errorf("there remain %v", entries)
			}
		})
	}
}
