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

// socketDir makes a directory that only this user can enter. It is needed until both ends of a
// connection are open. The next xrun removes it if this one is killed meanwhile.
func (h *Host) socketDir() (string, error) {
	h.tidied.Do(func() { removeOrphans(socketParent()) })
	owner := strconv.FormatInt(int64(os.Getpid()), 36) + "-" + strconv.FormatUint(process.StartTime(os.Getpid()), 36)
	return os.MkdirTemp(socketParent(), socketPrefix+owner+"-")
}

// scratchDir makes a directory for what a plugin in a sandbox writes. The directory that it lies
// in goes with the process, or like a sockets' directory.
func (h *Host) scratchDir() (string, error) {
	dir, err := h.socketDir()
	if err != nil {
		return "", err
	}
	scratch := filepath.Join(dir, "plugin-dir-scratch")
	return scratch, os.Mkdir(scratch, 0o700)
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
		os.RemoveAll(dir)
	}
}
