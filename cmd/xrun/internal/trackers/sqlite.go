package trackers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/store"
)

// A database is a tracker's SQLite file, which is only read.
type database struct {
	*sql.DB
	path    string
	changed func() (bool, error)
}

// The first bytes of a SQLite file, and where it says that changes go to a log.
const (
	sqliteMagic = "SQLite format 3\x00"
	sqliteMode  = 18
	sqliteWAL   = 2
)

// openSQLite opens a file for reading. Of one that keeps a log, and has none now, no log is made.
func openSQLite(ctx context.Context, path, title string, tables ...string) (*database, error) {
	head := make([]byte, sqliteMode+1)
	f, err := os.Open(path)
	if err != nil {
		return nil, advice.Usage(err, "")
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		f.Close()
		return nil, unreadable(path, title, "it is a folder")
	}
	_, err = io.ReadFull(f, head)
	f.Close()
	if err != nil || string(head[:len(sqliteMagic)]) != sqliteMagic {
		return nil, unreadable(path, title, "it is no SQLite file")
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	d := &database{path: path, changed: func() (bool, error) { return false, nil }}
	log, err := os.Stat(path + "-wal")
	frozen := head[sqliteMode] == sqliteWAL && (err != nil || log.Size() == 0)
	if frozen {
		d.changed = func() (bool, error) {
			now, err := os.Stat(path)
			return err == nil && (now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime())), err
		}
	}
	if d.DB, err = store.OpenForeign(absolute, frozen); err != nil {
		return nil, err
	}
	for _, table := range tables {
		var n int
		err := d.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?`, table).Scan(&n)
		if err == nil && n == 0 {
			err = unreadable(path, title, "there is no table "+table)
		} else if err != nil {
			err = d.wrong("read", err)
		}
		if err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

func (d *database) wrong(where string, err error) error { return damaged(d.path, where, err) }

// each calls a function with the rows of a query.
func (d *database) each(ctx context.Context, where, query string, args []any, row func(scan func(...any) error) error) (err error) {
	rows, err := d.QueryContext(ctx, query, args...)
	if err != nil {
		return d.wrong(where, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var wrong error
		if err := row(func(to ...any) error { wrong = rows.Scan(to...); return wrong }); err != nil {
			if wrong != nil {
				return d.wrong(where, wrong)
			}
			return err
		}
	}
	return d.wrong(where, rows.Err())
}

// Close also tells if the file was written to while it was read as one at rest.
func (d *database) Close() error {
	err := d.DB.Close()
	if changed, _ := d.changed(); changed {
		err = errors.Join(err, advice.Usage(fmt.Errorf("%s was written to while it was read", d.path), "import again: what is there is not imported twice"))
	}
	return err
}

// real reads a number that a column may hold as a text, or as NULL for one that is not finite.
func real(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case nil:
		return math.NaN(), false
	}
	return math.NaN(), false
}
