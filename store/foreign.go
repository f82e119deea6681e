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
}

// The first bytes of a SQLite file, and what byte 18 has if changes go to a log: sqlite.org/fileformat.html.
const (
	sqliteMagic = "SQLite format 3\x00"
	sqliteMode  = 18
	sqliteWAL   = 2
)

// OpenForeign opens a file for reading. No file is made beside it: one that can have a log, and has none now, is read as one at rest.
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
	if log, err := os.Stat(path + "-wal"); head[sqliteMode] == sqliteWAL && (err != nil || log.Size() == 0) {
		settings, other.frozen = frozenSettings, info
	}
	const connections = 2 // one lists, the other looks up
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	other.db, err = openPool(absolute, settings, connections)
	return other, err
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
	err := f.db.Close()
	if f.frozen == nil {
		return err
	}
	now, wrong := os.Stat(f.path)
	if wrong == nil && (now.Size() != f.frozen.Size() || !now.ModTime().Equal(f.frozen.ModTime())) {
		wrong = fmt.Errorf("%s: %w", f.path, ErrChanged)
	}
	return errors.Join(err, wrong)
}
