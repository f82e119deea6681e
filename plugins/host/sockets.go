package host

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins/process"
)

// socketPrefix begins the names of the private directories in which plugins make their sockets.
// The number of the process that owns one and the time of its start follow, in base 36: with the
// directories that go-plugin makes in it, a socket's path may not exceed 104 bytes.
const socketPrefix = "xrun-"

// socketParent is where the sockets' directories are made.
func socketParent() string {
	if dir := os.TempDir(); len(dir) <= 34 {
		return dir
	}
	return "/tmp"
}

// A privateDir is a directory that only this user can enter. It is locked as long as it is needed: other processes may not see the number of
// this one, in a container for instance, or see another start of it, in an emulator.
type privateDir struct {
	path string
	lock *os.File // nil where there are no such locks
}

// remove removes the directory.
func (d privateDir) remove() {
	os.RemoveAll(d.path)
	d.lock.Close() // of a nil file it is an error, which tells nothing
}

// socketDir makes a directory for sockets. It is needed until both ends of a connection are open. The next xrun removes it if this one is
// killed meanwhile.
func (h *Host) socketDir() (privateDir, error) {
	h.tidied.Do(func() { removeOrphans(socketParent()) })
	owner := strconv.FormatInt(int64(os.Getpid()), 36) + "-" + strconv.FormatUint(process.StartTime(os.Getpid()), 36)
	for {
		path, err := os.MkdirTemp(socketParent(), socketPrefix+owner+"-")
		if err != nil {
			return privateDir{}, err
		}
		lock := hold(path, true)
		if _, err := os.Lstat(path); err == nil || lock == nil {
			return privateDir{path, lock}, nil
		}
		lock.Close() // another xrun took it for an orphan before it was locked
	}
}

// scratchDir makes a directory for what a plugin in a sandbox writes, in one that goes with the process, or like a sockets' directory.
func (h *Host) scratchDir() (d privateDir, scratch string, err error) {
	if d, err = h.socketDir(); err != nil {
		return d, "", err
	}
	scratch = filepath.Join(d.path, "plugin-dir-scratch")
	return d, scratch, os.Mkdir(scratch, 0o700)
}

// removeOrphans removes the directories of processes that have ended. Directories of other users stay.
func removeOrphans(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, socketPrefix+"*-*-*"))
	for _, dir := range dirs {
		parts := strings.Split(filepath.Base(dir), "-")
		if len(parts) != 4 {
			continue
		}
		pid, err := strconv.ParseInt(parts[1], 36, 32)
		if err != nil || pid <= 0 {
			continue
		}
		if _, err := strconv.ParseUint(parts[3], 10, 64); err != nil {
			continue // not a name of ours
		}
		start, err := strconv.ParseUint(parts[2], 36, 64)
		if err != nil || processExists(int(pid)) && process.StartTime(int(pid)) == start {
			continue
		}
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 || !ownedByUs(info) {
			continue // not made by an xrun of this user
		}
		entries, err := os.ReadDir(dir)
		if err != nil || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !strings.HasPrefix(e.Name(), "plugin-dir") }) {
			continue // go-plugin makes nothing else in it
		}
		if lock := hold(dir, false); lock != nil { // else it is of a process that cannot be seen from here
			privateDir{dir, lock}.remove()
		}
	}
}
