//go:build unix

package host

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

func processExists(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// hold locks a directory, and waits for it if it is told to; nil where that is not possible.
func hold(dir string, wait bool) *os.File {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for err = syscall.EINTR; err == syscall.EINTR; {
		err = syscall.Flock(int(f.Fd()), how)
	}
	if err != nil {
		f.Close()
		return nil
	}
	return f
}

func ownedByUs(info fs.FileInfo) bool {
	uid, known := ownerOf(info)
	return known && uid == os.Geteuid()
}

// ownerOf is the number of the user whom a file belongs to.
func ownerOf(info fs.FileInfo) (uid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
