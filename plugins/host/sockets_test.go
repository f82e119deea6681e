//go:build unix

package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/xrun-dev/xrun/plugins/process"
)

func TestWhatKilledXrunsLeftIsRemoved(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	owner := func(pid int, start uint64) string {
		return strconv.FormatInt(int64(pid), 36) + "-" + strconv.FormatUint(start, 36)
	}
	dir := t.TempDir()
	want := []string{}
	for _, c := range []struct {
		name string
		mode os.FileMode
		keep bool
	}{
		{"xrun-" + owner(gone.Process.Pid, 5) + "-1", 0o700, false},
		{"xrun-" + owner(os.Getpid(), process.StartTime(os.Getpid())) + "-2", 0o700, true}, // at work
		{"xrun-" + owner(os.Getpid(), process.StartTime(os.Getpid())+1) + "-3", 0o700, process.StartTime(os.Getpid()) == 0},
		{"xrun-" + owner(gone.Process.Pid, 5) + "-4", 0o755, true}, // not as xrun makes them
		{"xrun-notes", 0o700, true},
		{"xrun-a-b", 0o700, true},
		{"xrun-my-old-runs", 0o700, true},
	} {
		if err := os.Mkdir(filepath.Join(dir, c.name), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, c.name, "plugin-dir1"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if c.keep {
			want = append(want, c.name)
		}
	}
	notes := "xrun-" + owner(gone.Process.Pid, 5) + "-5"
	if err := os.MkdirAll(filepath.Join(dir, notes, "somebody's"), 0o700); err != nil {
		t.Fatal(err)
	}
	want = append(want, notes)
	// That of a process that cannot be seen from here, or whose start looks different from here, is locked.
	locked := "xrun-" + owner(gone.Process.Pid, 5) + "-6"
	if err := os.Mkdir(filepath.Join(dir, locked), 0o700); err != nil {
		t.Fatal(err)
	}
	lock := hold(filepath.Join(dir, locked), false)
	if lock == nil {
		t.Fatal("a directory cannot be locked")
	}
	defer lock.Close()
	want = append(want, locked)
	removeOrphans(dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(want)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("left are %v, want %v", got, want)
	}
}
