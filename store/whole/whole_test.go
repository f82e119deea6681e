package whole

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a b.csv")
	names := func() string {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return strings.Join(all, " ")
	}
	broken := errors.New("broken")
	if err := Write(path, 0o666, false, func(w io.Writer) error { io.WriteString(w, "half"); return broken }); !errors.Is(err, broken) || names() != "" {
		t.Errorf("a write that breaks off: %v, and the folder has %s", err, names())
	}
	if err := Write(path, 0o666, false, text("one")); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, 0o666, false, text("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that exists: %v", err)
	}
	if got, err := os.ReadFile(path); string(got) != "one" || names() != "a b.csv" {
		t.Errorf("the file is %q, %v, and the folder has %s", got, err, names())
	}
	if err := Write(path, 0o666, true, text("two")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); string(got) != "two" || names() != "a b.csv" {
		t.Errorf("the replaced file is %q, %v, and the folder has %s", got, err, names())
	}
}

// A part of a process that has died is removed; those of other names and of living
// processes stay.
func TestPartsOfTheDeadAreRemoved(t *testing.T) {
	dead := exec.Command(os.Args[0], "-test.run=^$")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "f")
	var left []string
	for _, name := range []string{partPrefix(path) + fmt.Sprint(dead.ProcessState.Pid()) + "-X", partPrefix(path) + fmt.Sprint(os.Getppid()) + "-X",
		partPrefix(path+".g") + fmt.Sprint(dead.ProcessState.Pid()) + "-X"} {
		left = append(left, filepath.Join(filepath.Dir(path), name))
		if err := os.WriteFile(left[len(left)-1], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	Tidy(path)
	for i, want := range []bool{false, true, true} {
		if _, err := os.Stat(left[i]); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", left[i], err == nil, want)
		}
	}
}

// A link is replaced; what it leads to stays.
func TestALinkIsReplaced(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if err := Write(link, 0o600, false, text("x")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a link: %v", err)
	}
	if err := Write(link, 0o600, true, text("x")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(target); string(got) != "mine" {
		t.Errorf("the target is %q, %v", got, err)
	}
}
