package training

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestAStoredSweepFileIsFound(t *testing.T) {
	root := t.TempDir()
	at := func(path string) string { return filepath.Join(root, filepath.FromSlash(path)) }
	for _, file := range []string{"here/sub/s.toml", "moved/sub/s.toml", "moved/s.toml", "flat/s.toml"} {
		if err := os.MkdirAll(filepath.Dir(at(file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(at("here"))
	for name, c := range map[string]struct {
		database, file string
		want           []string
	}{
		"where it was":                    {"here/sub/x.db", at("here/sub/s.toml"), []string{"here/sub/s.toml"}},
		"of an earlier version":           {"here/sub/x.db", "sub/s.toml", []string{"here/sub/s.toml"}},
		"with a database elsewhere":       {"other/x.db", at("here/sub/s.toml"), []string{"here/sub/s.toml"}},
		"moved, beside the database":      {"flat/x.db", "/gone/s.toml", []string{"flat/s.toml"}},
		"moved, and the end of the path":  {"moved/db/x.db", "/gone/sub/s.toml", []string{"moved/sub/s.toml", "moved/s.toml"}},
		"copied, and the old one is left": {"flat/x.db", at("here/sub/s.toml"), []string{"flat/s.toml", "here/sub/s.toml"}},
		"gone":                            {"none/x.db", "/gone/t.toml", []string{"/gone/t.toml", "none/t.toml"}},
	} {
		want := slices.Clone(c.want)
		for i, path := range want {
			if path[0] != '/' {
				want[i] = at(path)
			}
		}
		if got := Places(at(c.database), c.file); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
