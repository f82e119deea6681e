// Package migrations holds the schema of a result database, as numbered SQL.
//
// A file is never edited after its release: a change is a new number. The last statement of each file sets user_version
// to its number, in the same transaction as the rest, so that any reader can tell the schema of a database. Only
// package store applies the files.
package migrations

import (
	"embed"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// FS holds the numbered SQL files.
//
//go:embed *.sql
var FS embed.FS

// ApplicationID marks a SQLite file as xrun's: "xrun" in ASCII.
const ApplicationID = 0x7872756e

// Latest is the highest schema number in fsys: the number before a file name's first underscore.
func Latest(fsys fs.FS) int {
	latest := 0
	names, _ := fs.Glob(fsys, "*.sql")
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.Atoi(number); err == nil {
			latest = max(latest, n)
		}
	}
	return latest
}
