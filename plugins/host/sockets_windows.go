package host

import (
	"io/fs"
	"os"
)

// There are no sockets here, so there is nothing to remove.
func processExists(int) bool { return true }

func hold(string, bool) *os.File { return nil }

func ownedByUs(fs.FileInfo) bool { return false }

func ownerOf(fs.FileInfo) (uid int, known bool) { return 0, false }
