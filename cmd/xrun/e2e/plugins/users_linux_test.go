package plugins

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/xrun-dev/xrun/plugins/sandbox"
)

// give makes a directory of the test another user's, with all that is in it.
func give(t *testing.T, dir string, uid int) {
	t.Helper()
	if uid == os.Getuid() {
		return
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // which t.TempDir has made for this user alone
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, uid)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// become runs a command as another user.
func become(cmd *exec.Cmd, uid int) {
	if uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
}

// belongs reports whether a file is a user's.
func belongs(path string, uid int) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == uid
}

// signalsPass reports whether this kernel lets signals out of a sandbox.
func signalsPass() bool { return sandbox.ABI() < 6 }
