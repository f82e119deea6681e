package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins/content"
	"github.com/xrun-dev/xrun/plugins/python"
)

// Whoever can change a plugin runs programs as the user who starts it. So a plugin is run only if its files, and the
// directories on the way to them, are this user's or root's and not for everyone to write. A group may write to them:
// a group is made so that its members may.

// changeable refuses a file that another user can change.
func changeable(path string, info fs.FileInfo) error {
	if runtime.GOOS == "windows" { // where the bits mean nothing
		return nil
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("can be changed by anyone on this machine, so it is not run: chmod o-w %s", path)
	}
	if uid, is := stranger(info); is {
		return fmt.Errorf("belongs to %s, who can change it, so it is not run: if you trust it, copy it to a directory of your own: %s", userText(uid), path)
	}
	return nil
}

// stranger returns the owner of a file if that is neither this user nor root.
func stranger(info fs.FileInfo) (uid int, is bool) {
	uid, known := ownerOf(info)
	return uid, known && uid != 0 && uid != os.Geteuid()
}

// userText names a user for people.
func userText(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return fmt.Sprintf("%s (uid %d)", u.Username, uid)
	}
	return fmt.Sprintf("uid %d", uid)
}

// places knows the directories that have been found to be safe.
type places map[string]bool

// exposed returns an error if another user can replace the file at path: in one of the directories on its path, as
// named and after following links. In directories with the sticky bit, such as /tmp, only the owners of a file and of
// the directory can.
func (p places) exposed(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	named, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := p.link(named); err != nil {
		return err
	}
	if err := p.directories(named); err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(named)
	if err != nil || resolved == named {
		return err
	}
	return p.directories(resolved)
}

// link refuses a symbolic link that another user can lead elsewhere.
func (p places) link(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return err
	}
	if uid, is := stranger(info); is && !unmapped(uid) {
		return fmt.Errorf("is reached by a symbolic link of %s, who can lead it elsewhere, so it is not run: name the file itself: %s", userText(uid), path)
	}
	return nil
}

// directories looks at those that a file lies in, up to the root.
func (p places) directories(file string) error {
	for dir := filepath.Dir(file); !p[dir]; dir = filepath.Dir(dir) {
		if err := p.link(dir); err != nil {
			return err
		}
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o002 != 0 && info.Mode()&os.ModeSticky == 0 {
			return fmt.Errorf("lies in a directory that anyone on this machine can change, so it is not run: chmod o-w %s", dir)
		}
		if uid, is := stranger(info); is && !unmapped(uid) {
			return fmt.Errorf("lies in a directory of %s, who can replace it, so it is not run: if you trust it, copy it to a directory of your own: %s", userText(uid), dir)
		}
		p[dir] = true
	}
	return nil
}

// unmapped reports whether a number stands for all users that this user namespace does not know, as in a container
// without root. There it is the owner of the root directory.
func unmapped(uid int) bool {
	ids, err := os.ReadFile("/proc/self/uid_map")
	if err != nil || strings.Join(strings.Fields(string(ids)), " ") == "0 0 4294967295" {
		return false // no such system, or no such namespace
	}
	overflow, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	return err == nil && strings.TrimSpace(string(overflow)) == strconv.Itoa(uid)
}

// filesOf are the files of a plugin in Python, or of one that is a directory.
func filesOf(path string) (content.Files, error) {
	if _, ok := python.Script(path); ok {
		return python.Files(path)
	}
	return content.OfProgram(path)
}

// verifyFiles refuses a plugin of several files if another user can change one of them, and hashes the others.
func (h *Host) verifyFiles(path string) (digest string, err error) {
	if _, ok := python.Script(path); !ok {
		if err := runnable(path); err != nil {
			return "", err
		}
	}
	files, err := filesOf(path)
	if err != nil {
		return "", err
	}
	seen := places{}
	for _, file := range append(slices.Clone(files.Paths), path) {
		if err := seen.exposed(file); err != nil {
			return "", err
		}
	}
	return files.Digest(changeable, h.meter("hashing", path))
}

// runnable refuses a directory without a program.
func runnable(dir string) error {
	program := content.Program(dir)
	info, err := os.Stat(program)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("is a directory without an executable called %s and without a plugin.py: %s", filepath.Base(program), dir)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("is not a file: %s", program)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("is not executable: chmod +x %s", program)
	}
	return nil
}

// meter tells the user how far the hashing or copying of a large plugin is, and stops it when xrun is to stop.
func (h *Host) meter(what, path string) *content.Meter {
	const patience = 2 * time.Second
	return &content.Meter{Until: h.options.Until, After: min(patience, h.options.NoticeAfter), Tell: func(read, of int64) {
		h.notice("%s %s: %s of %s; Ctrl-C stops", what, path, bytesText(read), bytesText(of))
	}}
}
