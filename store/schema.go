package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"

	"github.com/xrun-dev/xrun/migrations"
	"github.com/xrun-dev/xrun/store/whole"
)

// An identity is the kind and the schema of a file, read from its header.
type identity struct {
	application int64
	schema      int
	tables      int
	writer      string // xrun version of the last writer
	inUse       bool   // a living process has it open for writing
}

func (id identity) empty() bool { return id.application == 0 && id.schema == 0 && id.tables == 0 }

// verify refuses files that are not xrun's, or too new. An empty file may become a database.
func (id identity) verify(path, version string, latest int) error {
	switch {
	case id.empty():
		return nil
	case id.application != migrations.ApplicationID:
		return &notXrunError{Path: path, Reason: fmt.Sprintf("it belongs to another application (application_id %#x, %d tables)", id.application, id.tables)}
	case id.schema > latest:
		return &schemaError{Path: path, Schema: id.schema, Newest: latest, Writer: id.writer, Reader: version}
	}
	return nil
}

// inspect reads a file's identity and changes nothing. A missing file is an empty one.
func inspect(ctx context.Context, path string) (identity, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return identity{}, nil
	case err != nil:
		return identity{}, err
	case !info.Mode().IsRegular():
		return identity{}, &notXrunError{Path: path, Reason: "it is not a regular file"}
	case info.Size() == 0:
		return identity{}, nil
	}
	settings := readerSettings
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		settings = frozenSettings
	}
	db, err := openPool(path, settings, 1)
	if err != nil {
		return identity{}, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return identity{}, explain(path, "inspect", err)
	}
	defer conn.Close()
	id, err := readIdentity(ctx, conn)
	id.inUse = inUse(ctx, conn, path)
	return id, explain(path, "inspect", err)
}

// inUse reports whether a living process has the file open for writing. A file without the table of owners is in use by
// nobody.
func inUse(ctx context.Context, conn *sql.Conn, path string) bool {
	rows, err := conn.QueryContext(ctx, `SELECT uuid FROM owner WHERE closed_at IS NULL`)
	if err != nil {
		return false
	}
	defer rows.Close()
	for rows.Next() {
		var uuid string
		if rows.Scan(&uuid) == nil && alive(path, uuid) {
			return true
		}
	}
	return false
}

func readIdentity(ctx context.Context, conn *sql.Conn) (identity, error) {
	const ids = `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`
	var id identity
	if err := conn.QueryRowContext(ctx, ids).Scan(&id.application, &id.schema, &id.tables); err != nil {
		return id, err
	}
	if id.application == migrations.ApplicationID {
		// Best effort: a schema of the future may have no such column.
		conn.QueryRowContext(ctx, `SELECT version FROM owner ORDER BY id DESC LIMIT 1`).Scan(&id.writer)
	}
	return id, nil
}

// migrate brings the file to the latest schema of fsys. The caller holds the sidecar, so that one process migrates and
// the waiting ones find nothing left to do.
func migrate(ctx context.Context, db *sql.DB, path, version string, fsys fs.FS) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	id, err := readIdentity(ctx, conn)
	if err == nil {
		err = id.verify(path, version, migrations.Latest(fsys))
	}
	if err == nil && id.empty() {
		// First, so that a file whose creation was cut short is still ours.
		_, err = conn.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", migrations.ApplicationID))
	}
	if err == nil && id.schema > 0 && id.schema < migrations.Latest(fsys) {
		_, err = saveCopy(ctx, conn, fmt.Sprintf("%s.v%d.bak", path, id.schema))
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		return err
	}
	if id.schema == migrations.Latest(fsys) {
		return completeMigration(ctx, db, path)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, fsys, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate from schema %d: %w", id.schema, err)
	}
	return completeMigration(ctx, db, path)
}

// saveCopy writes the whole database to a new file, mode 0600, that appears under its name when it is complete. It
// returns the file's name: name itself, or a free one like it.
func saveCopy(ctx context.Context, conn *sql.Conn, name string) (string, error) {
	whole.Tidy(name)
	part := whole.Part(name)
	defer os.Remove(part)
	if err := vacuumInto(ctx, conn, part); err != nil {
		return "", fmt.Errorf("copy to %s: %w", name, err)
	}
	free := name
	for n := 1; ; n++ {
		err := whole.Place(part, free, false)
		if !errors.Is(err, fs.ErrExist) || n == 100 {
			return free, err
		}
		free = fmt.Sprintf("%s.%d", name, n)
	}
}

// vacuumInto writes the whole database to a new file, mode 0600.
func vacuumInto(ctx context.Context, conn *sql.Conn, name string) error {
	// SQLite would create a copy that all can read, but keeps the mode of an empty file.
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := conn.ExecContext(ctx, `VACUUM INTO ?`, name); err != nil {
		return err
	}
	if err := scatterCounter(name); err != nil {
		return err
	}
	return f.Sync() // SQLite leaves that to the file system
}
