//go:build unix

package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Only root can give files away, so another user tests less of it.
func TestPluginsOfOtherUsersAreNotRun(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root, who alone can give a file to another user")
	}
	const other = 54321 // a number that no user of this machine has
	give := func(path string) {
		t.Helper()
		if err := os.Lchown(path, other, -1); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		setUp func(dir string) (path string)
		want  string // empty if it is run
	}{
		{"own", func(dir string) string { return filepath.Join(dir, "sub", "xrun-plugin-x") }, ""},
		{"a program", func(dir string) string {
			give(filepath.Join(dir, "sub", "xrun-plugin-x"))
			return filepath.Join(dir, "sub", "xrun-plugin-x")
		}, "belongs to uid 54321, who can change it, so it is not run: if you trust it, copy it to a directory of your own: DIR/sub/xrun-plugin-x"},
		{"its directory", func(dir string) string {
			give(filepath.Join(dir, "sub"))
			return filepath.Join(dir, "sub", "xrun-plugin-x")
		}, "lies in a directory of uid 54321, who can replace it, so it is not run: if you trust it, copy it to a directory of your own: DIR/sub"},
		{"the parent's parent, with the sticky bit", func(dir string) string {
			give(dir)
			if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(dir, "sub", "xrun-plugin-x")
		}, "lies in a directory of uid 54321"},
		{"a script", func(dir string) string {
			give(filepath.Join(dir, "sub", "plugin.py"))
			return filepath.Join(dir, "sub", "plugin.py")
		}, "belongs to uid 54321, who can change it"},
		{"a module of a script", func(dir string) string {
			give(filepath.Join(dir, "sub", "near.py"))
			return filepath.Join(dir, "sub", "plugin.py")
		}, "belongs to uid 54321, who can change it, so it is not run: if you trust it, copy it to a directory of your own: DIR/sub/near.py"},
		{"a file of a directory", func(dir string) string {
			give(filepath.Join(dir, "sub", "deep", "data.csv"))
			return filepath.Join(dir, "sub")
		}, "belongs to uid 54321, who can change it"},
		{"a directory in a directory", func(dir string) string {
			give(filepath.Join(dir, "sub", "deep"))
			return filepath.Join(dir, "sub")
		}, "lies in a directory of uid 54321"},
		{"a link", func(dir string) string {
			link(t, filepath.Join(dir, "sub", "xrun-plugin-x"), filepath.Join(dir, "link"))
			give(filepath.Join(dir, "link"))
			return filepath.Join(dir, "link")
		}, "is reached by a symbolic link of uid 54321"},
		{"a link on the way", func(dir string) string {
			link(t, filepath.Join(dir, "sub"), filepath.Join(dir, "way"))
			give(filepath.Join(dir, "way"))
			return filepath.Join(dir, "way", "xrun-plugin-x")
		}, "is reached by a symbolic link of uid 54321"},
		{"a link to a file elsewhere", func(dir string) string {
			give(filepath.Join(dir, "other"))
			link(t, "../../other/data", filepath.Join(dir, "sub", "deep", "data2"))
			return filepath.Join(dir, "sub")
		}, "lies in a directory of uid 54321"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, filepath.Join(dir, "sub", "xrun-plugin-x"), "#!/bin/sh\n", 0o755)
			put(t, filepath.Join(dir, "sub", "plugin.py"), "import near\n", 0o644)
			put(t, filepath.Join(dir, "sub", "near.py"), "", 0o644)
			put(t, filepath.Join(dir, "sub", "deep", "data.csv"), "1\n", 0o644)
			put(t, filepath.Join(dir, "other", "data"), "1\n", 0o644)
			_, err := pythonHost(t).Find(c.setUp(dir))
			if c.want == "" {
				if err != nil {
					t.Errorf("Find gives %v", err)
				}
				return
			}
			if want := strings.ReplaceAll(c.want, "DIR", dir); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Find gives %v, want %q", err, want)
			}
		})
	}
}

func TestUsersAreNamed(t *testing.T) {
	if got := userText(0); got != "root (uid 0)" {
		t.Errorf("user 0 is %q", got)
	}
	if got := userText(54321); got != "uid 54321" {
		t.Errorf("a user without a name is %q", got)
	}
}
