package lock

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var (
	one   = strings.Repeat("1", 64)
	other = strings.Repeat("2", 64)
)

// sweepIn makes a directory with two sweep files, and returns the path of the first.
func sweepIn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"a.toml", "b.toml"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "a.toml")
}

func pinned(ref, digest string) Plugin {
	return Plugin{Ref: ref, Name: "ngd", Version: "1.0.0", Digest: Algorithm + digest, Components: []string{"ngd"}}
}

func TestLockIsReadAsItWasWritten(t *testing.T) {
	sweep := sweepIn(t)
	l := &Lock{}
	changes := l.Update(sweep, []Plugin{pinned("ngd", one), pinned("./xrun-plugin-x", other)})
	if len(changes) != 2 || changes[0].New.Ref != "./xrun-plugin-x" || !strings.HasPrefix(changes[1].String(), "added   ngd: ngd 1.0.0, sha256:11") {
		t.Errorf("the changes are %v, want two that are added, in order", changes)
	}
	path := Beside(sweep)
	if err := l.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil || !reflect.DeepEqual(got, l) {
		t.Fatalf("read is %+v, %v, want %+v from\n%s", got, err, l, text)
	}
	if err := got.Write(path); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(path); string(again) != string(text) {
		t.Errorf("written again it is\n%s, want\n%s", again, text)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("writing left %q behind", left)
	}
}

func TestLockRefusesWhatItDoesNotPin(t *testing.T) {
	sweep := sweepIn(t)
	dir := filepath.Dir(sweep)
	l := &Lock{}
	l.Update(sweep, []Plugin{pinned("ngd", one), pinned("./sub/x", one)})
	for _, c := range []struct {
		plugin, digest, locked string
		ok                     bool
	}{
		{"ngd", one, "", true},
		{"ngd", other, Algorithm + one, false},
		{"lion", one, "", false},
		{filepath.Join(dir, "sub", "x"), one, "", true},
		{filepath.Join(dir, "sub", "x"), other, Algorithm + one, false},
		{filepath.Join(dir, "x"), one, "", false},
		{filepath.Join(dir, "ngd"), one, "", false}, // a file, not the name
	} {
		err := l.Check(sweep, c.plugin, c.digest)
		var wrong *Mismatch
		switch {
		case c.ok && err != nil, !c.ok && !errors.As(err, &wrong):
			t.Errorf("%s with %.1s…: %v, want allowed: %v", c.plugin, c.digest, err, c.ok)
		case !c.ok && (wrong.Locked != c.locked || wrong.Found != Algorithm+c.digest):
			t.Errorf("%s: %+v, want locked %q and found %s", c.plugin, wrong, c.locked, c.digest)
		case !c.ok && wrong.Hint() != "if you trust it as it is now: xrun plugin lock "+sweep:
			t.Errorf("%s: the hint is %q", c.plugin, wrong.Hint())
		}
	}
}

func TestSweepsInADirectoryShareALock(t *testing.T) {
	a := sweepIn(t)
	b := filepath.Join(filepath.Dir(a), "b.toml")
	l := &Lock{}
	l.Update(a, []Plugin{pinned("ngd", one), pinned("mine", one)})
	l.Update(b, []Plugin{pinned("ngd", one)})
	changes := l.Update(a, []Plugin{pinned("ngd", other)})
	if len(changes) != 2 || changes[0].Old.Ref != "mine" || changes[0].New.Ref != "" || changes[1].Old.Digest == changes[1].New.Digest {
		t.Errorf("the changes are %v, want mine removed and ngd changed", changes)
	}
	if changes := l.Update(a, nil); len(changes) != 0 || len(l.Plugins) != 1 {
		t.Errorf("a plugin that b.toml uses went with a.toml: %v", changes)
	}
	if err := os.Remove(b); err != nil {
		t.Fatal(err)
	}
	if changes := l.Update(a, nil); len(changes) != 1 || len(l.Plugins) != 0 {
		t.Errorf("what only a removed sweep used is kept: %v", l.Plugins)
	}
}

func TestRefIsRelativeToTheSweepFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, c := range []struct{ sweep, plugin, want string }{
		{"s.toml", "ngd", "ngd"},
		{"s.toml", "./x", "./x"},
		{"sub/s.toml", "sub/x", "./x"},
		{"sub/s.toml", "sub/deep/x", "./deep/x"},
		{"sub/s.toml", "x", "x"},
		{"sub/s.toml", "./x", "../x"},
		{"s.toml", "/opt/x", "/opt/x"},
		{filepath.Join(dir, "s.toml"), filepath.Join(dir, "x"), "./x"},
	} {
		if got := Ref(c.sweep, c.plugin); got != c.want {
			t.Errorf("Ref(%q, %q) = %q, want %q", c.sweep, c.plugin, got, c.want)
		}
	}
}

func TestLocksThatCannotBeUsed(t *testing.T) {
	entry := func(ref, digest string) string {
		return "[[plugin]]\nref = \"" + ref + "\"\ndigest = \"" + digest + "\"\n"
	}
	for text, want := range map[string]string{
		"schema = 1\nplugins = 3": "unknown key plugins",
		"schema = 2":              "has the schema 2",
		"":                        "has the schema 0",
		"<<<<<<< HEAD":            "toml",
		"schema = 1\n" + entry("", Algorithm+one):                              "without a ref",
		"schema = 1\n" + entry("a", one):                                       "want sha256: and 64 hex digits",
		"schema = 1\n" + entry("a", Algorithm+one) + entry("a", Algorithm+one): "twice",
		strings.Repeat("#", maxBytes+1):                                        "bytes",
	} {
		path := filepath.Join(t.TempDir(), FileName)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		var unusable *Error
		if !errors.As(err, &unusable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q gives %v, want %q", text, err, want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), FileName)); !Missing(err) {
		t.Errorf("no file gives %v, want one that Missing knows", err)
	}
}
