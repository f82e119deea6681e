package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ErrNotSQLite says that a file is none of SQLite's.
var ErrNotSQLite = errors.New("it is no SQLite file")

// ErrChanged says that a file was written to while it was read as one at rest: what was read may be wrong.
var ErrChanged = errors.New("the file was written to while it was read")

// A Foreign is the SQLite file of another program, which is only read.
type Foreign struct {
	db     *sql.DB
	path   string
	frozen fs.FileInfo // of a file that is read as one at rest; nil for others
	copied string      // a folder of a copy that is read instead; empty without one
}

// The first bytes of a SQLite file, and what byte 18 has if changes go to a log: sqlite.org/fileformat.html.
const (
	sqliteMagic = "SQLite format 3\x00"
	sqliteMode  = 18
	sqliteWAL   = 2
)

// OpenForeign opens a file for reading. No file is made beside it: one that can have a log, and has none now, is read
// as one at rest, or a copy of it is if it was written just now.
func OpenForeign(path string) (*Foreign, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, sqliteMode+1)
	if _, err := io.ReadFull(f, head); err != nil || string(head[:len(sqliteMagic)]) != sqliteMagic {
		return nil, ErrNotSQLite
	}
	other := &Foreign{path: path}
	settings := readerSettings
	if head[sqliteMode] == sqliteWAL && !hasLog(path) {
		settings, other.frozen = frozenSettings, info
		const recently = time.Minute
		if time.Since(info.ModTime()) < recently { // its program may write again at any moment
			if err := other.copy(); err != nil {
				return nil, err
			}
			if other.copied == "" {
				settings, other.frozen = readerSettings, nil
			}
		}
	}
	const connections = 2 // one lists, the other looks up
	absolute, err := filepath.Abs(path)
	if other.copied != "" {
		absolute = filepath.Join(other.copied, foreignCopy)
	}
	if err == nil {
		other.db, err = openPool(absolute, settings, connections)
	}
	if err != nil {
		return nil, errors.Join(err, other.removeCopy())
	}
	return other, nil
}

// hasLog reports whether a file has changes in a log beside it.
func hasLog(path string) bool {
	log, err := os.Stat(path + "-wal")
	return err == nil && log.Size() > 0
}

const foreignCopy = "copy.db"

// copy makes a copy to read, of a moment in which nobody writes. There is none if a program has the file open by then.
func (f *Foreign) copy() (err error) {
	if f.copied, err = os.MkdirTemp("", "xrun-foreign-"); err != nil {
		return err
	}
	const (
		tries = 100
		pause = 20 * time.Millisecond
	)
	for range tries {
		before, err := os.Stat(f.path)
		if err == nil && hasLog(f.path) {
			break
		}
		if err == nil {
			err = copyAnew(f.path, filepath.Join(f.copied, foreignCopy))
		}
		if err != nil {
			return errors.Join(err, f.removeCopy())
		}
		after, err := os.Stat(f.path)
		if err == nil && !hasLog(f.path) && after.Size() == before.Size() && after.ModTime().Equal(before.ModTime()) {
			f.frozen = nil // the copy stays as it is
			return nil
		}
		time.Sleep(pause)
	}
	return f.removeCopy()
}

func (f *Foreign) removeCopy() error {
	if f.copied == "" {
		return nil
	}
	dir := f.copied
	f.copied = ""
	return os.RemoveAll(dir)
}

// Has reports whether there is a table of a name.
func (f *Foreign) Has(ctx context.Context, table string) (found bool, err error) {
	err = f.db.QueryRowContext(ctx, `SELECT count(*) > 0 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?`, table).Scan(&found)
	return found, err
}

// One reads the first row of a query.
func (f *Foreign) One(ctx context.Context, query string, args []any, to ...any) error {
	return f.db.QueryRowContext(ctx, query, args...).Scan(to...)
}

// Each calls a function with the rows of a query. Another query may run meanwhile.
func (f *Foreign) Each(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) (err error) {
	rows, err := f.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Close closes the file. It returns [ErrChanged] if what was read may be wrong.
func (f *Foreign) Close() error {
	err := errors.Join(f.db.Close(), f.removeCopy())
	if f.frozen == nil {
		return err
	}
	now, wrong := os.Stat(f.path)
	if wrong == nil && (now.Size() != f.frozen.Size() || !now.ModTime().Equal(f.frozen.ModTime())) {
		wrong = fmt.Errorf("%s: %w", f.path, ErrChanged)
	}
	return errors.Join(err, wrong)
}
