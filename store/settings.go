package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
)

const (
	commonSettings = "_busy_timeout=10000&_foreign_keys=1&_dqs=0&_defensive=1&_error_rc=1" +
		"&_time_integer_format=unix_micro&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)"
	writerSettings = commonSettings +
		"&_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_pragma=journal_size_limit(67108864)"
	// The cache, here 32 MiB at most, holds the pages of some 40,000 trials: a report looks each of them up several times.
	readerSettings = commonSettings + "&mode=ro&_pragma=cache_size(-32768)"

	// servingSettings are those of a server, whose memory counts all the time.
	servingSettings = commonSettings + "&mode=ro&_pragma=cache_size(-2048)"
	servingPause    = 5 * time.Second // after which it closes connections
	servingReaders  = 3

	// frozenSettings read a cleanly closed file without creating files beside it. They are wrong as soon as
	// somebody writes, so they are for files without a -wal only.
	frozenSettings = readerSettings + "&immutable=1"

	// tidySettings neither create a database nor wait for others.
	tidySettings = "_busy_timeout=0&_defensive=1&_error_rc=1&_pragma=trusted_schema(0)&mode=rw"

	readers = 4 // reading connections
)

// prepareProcess sets options of the whole process before the first file is opened. Locks of open file descriptions
// last when other code in this process closes the same file.
var prepareProcess = sync.OnceValue(func() error {
	sqlite.StrictPragmas(true)
	if _, err := sqlite.OFDLocking(true); err != nil && !errors.Is(err, sqlite.ErrOFDLockingUnavailable) {
		return fmt.Errorf("prepare SQLite: %w", err)
	}
	if err := registerRegexp(); err != nil {
		return fmt.Errorf("prepare SQLite: %w", err)
	}
	return nil
})

// dataSource names a file for the driver. url.URL escapes characters with a meaning in SQLite's URIs.
func dataSource(path, settings string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a Windows drive
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: slashed}).String() + "?" + settings
}

func openPool(path, settings string, connections int) (*sql.DB, error) {
	if err := prepareProcess(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dataSource(path, settings))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// checkSettings reads the settings back: SQLite may decline one without an error.
func checkSettings(ctx context.Context, conn *sql.Conn) error {
	for _, s := range []struct{ pragma, want string }{
		{"journal_mode", "wal"},
		{"synchronous", "2"},
		{"busy_timeout", "10000"},
		{"foreign_keys", "1"},
		{"trusted_schema", "0"},
		{"cell_size_check", "1"},
		{"journal_size_limit", "67108864"},
	} {
		var got string
		if err := conn.QueryRowContext(ctx, "PRAGMA "+s.pragma).Scan(&got); err != nil {
			return fmt.Errorf("read %s: %w", s.pragma, err)
		}
		if got != s.want {
			return fmt.Errorf("SQLite declined %s=%s and uses %s", s.pragma, s.want, got)
		}
	}
	return nil
}
