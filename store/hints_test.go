package store

import (
	"strings"
	"testing"
)

// What a hint says is pasted into a shell: each path is one word of it.
func TestPathsInHintsAreQuoted(t *testing.T) {
	const path, word = "/my results/it's $HOME.db", `'/my results/it'\''s $HOME.db`
	for _, c := range []struct {
		err  interface{ Hint() string }
		want string
	}{
		{&folderError{Path: path + "/xrun.db"}, "mkdir -p " + word + "'"},
		{&foreignLogError{Path: path}, "mv " + word + "-wal' " + word + "-wal.old' && rm -f " + word + "-shm'"},
		{&movedError{Path: path, Rescue: path + ".rescued"}, "mv " + word + ".rescued' " + word + "',"},
		{&OldSchemaError{Path: path, Schema: 1}, "--store " + word + "' "},
	} {
		if hint := c.err.Hint(); !strings.Contains(hint, c.want) {
			t.Errorf("%T: %s\nwant %s", c.err, hint, c.want)
		}
	}
}
