// Package store keeps sweeps, trials and runs in one SQLite file, and finds them again.
//
// No other package knows SQL. One goroutine of a Store writes, in batches. Several processes may write one file,
// and any number may read it meanwhile. After Flush everything recorded survives the death of the process. Package
// migrations defines the schema.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/xrun-dev/xrun/migrations"
)

// Options describe the process that opens a database.
type Options struct {
	Version string // of xrun, for errors and for the record; empty is "unknown"
	Command string // as typed: others see it as the holder of the database; empty is the program's name
	// Full is called when the disk is full, with the time for which writing is tried again. May be nil.
	Full func(err error, patience time.Duration)
}

// A Store is an open result database. Its methods may be called from several goroutines.
type Store struct {
	path   string
	reads  *sql.DB
	writer *writer // nil when opened for reading
	full   *fullDisk
	owner  *owner
}

// latestSchema is the schema that this xrun writes.
var latestSchema = migrations.Latest(migrations.FS)

// migrationPatience limits the wait for another process that creates or migrates the file.
const migrationPatience = time.Minute

// Open opens the database for reading and writing. It creates a missing file, migrates an older one after it has saved
// a copy beside it, and interrupts the runs of dead processes.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if o.Version == "" {
		o.Version = "unknown"
	}
	if o.Command == "" {
		o.Command = filepath.Base(os.Args[0])
	}
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if name := networkFileSystem(filepath.Dir(path)); name != "" {
		return nil, &networkError{Path: path, FileSystem: name}
	}
	id, err := inspect(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := id.verify(path, o.Version, latestSchema); err != nil {
		return nil, err
	}
	side, err := openSidecar(path, o.Command)
	if err != nil {
		return nil, explainFile(path, "open", err)
	}
	limit := patience
	if id.schema < latestSchema {
		limit = migrationPatience
	}
	if !side.acquire(limit) && id.schema < latestSchema {
		return nil, errors.Join(&busyError{Path: path, Holder: side.holder(), Waited: limit}, side.close())
	}
	db, err := openWriter(ctx, path, o.Version)
	side.release()
	if err != nil {
		return nil, errors.Join(explain(path, "open", err), side.close())
	}
	s := &Store{path: path, full: newFullDisk(o.Full)}
	if s.reads, err = openPool(path, readerSettings, readers); err != nil {
		return nil, errors.Join(err, db.Close(), side.close())
	}
	if s.owner, err = newOwner(path, o); err != nil {
		return nil, errors.Join(explainFile(path, "open", err), s.reads.Close(), db.Close(), side.close())
	}
	if s.writer, err = startWriter(ctx, path, db, side, s.owner, s.full); err != nil {
		return nil, errors.Join(explain(path, "open", err), s.owner.release(), s.reads.Close(), db.Close(), side.close())
	}
	if err := s.writer.do(ctx, "register", s.owner.register); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openWriter opens the one connection that writes, on a file of the latest schema.
func openWriter(ctx context.Context, path, version string) (*sql.DB, error) {
	// Made here and not by SQLite for its mode. An existing file keeps its own.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		f.Close()
	case !errors.Is(err, fs.ErrExist):
		return nil, explainFile(path, "create", err)
	}
	db, err := openPool(path, writerSettings, 1)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db, path, version, migrations.FS); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// OpenReadOnly opens the database for reading, while others may write. It never creates,
// migrates or locks anything.
func OpenReadOnly(ctx context.Context, path string) (*Store, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, &missingError{Path: path}
	}
	id, err := inspect(ctx, path)
	if err != nil {
		return nil, err
	}
	if id.empty() {
		return nil, &notXrunError{Path: path, Reason: "it is empty"}
	}
	if err := id.verify(path, "unknown", latestSchema); err != nil {
		return nil, err
	}
	if id.schema < latestSchema {
		return nil, &OldSchemaError{Path: path, Schema: id.schema, Needs: latestSchema}
	}
	s := &Store{path: path}
	if s.reads, err = openPool(path, readerSettings, readers); err != nil {
		return nil, err
	}
	const probe = `SELECT count(*) FROM metric`
	var n int
	err = s.reads.QueryRowContext(ctx, probe).Scan(&n)
	if _, statErr := os.Stat(path + "-wal"); err != nil && errors.Is(statErr, fs.ErrNotExist) {
		// A cleanly closed file in a directory without permission to write.
		s.reads.Close()
		if s.reads, err = openPool(path, frozenSettings, readers); err != nil {
			return nil, err
		}
		err = s.reads.QueryRowContext(ctx, probe).Scan(&n)
	}
	if err != nil {
		return nil, errors.Join(explain(path, "open", err), s.reads.Close())
	}
	return s, nil
}

// Path is the database's file, absolute and without symbolic links.
func (s *Store) Path() string { return s.path }

// Close makes everything recorded durable and closes the file. Runs of this Store that have not
// ended become interrupted.
func (s *Store) Close() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.owner != nil {
		errs = append(errs, s.owner.release())
	}
	return errors.Join(append(errs, s.reads.Close())...)
}

// resolve follows symbolic links: locks lie beside the file, where all processes must find them.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		return real, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", explainFile(path, "open", err)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return "", &missingError{Path: path}
	}
	return filepath.Join(dir, filepath.Base(path)), err
}

// explainFile is explain for errors of the operating system.
func explainFile(path, op string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &storageError{Path: path, Op: op, Code: 14, Err: err}
	}
	if err == nil || Unavailable(err) {
		return err
	}
	return fmt.Errorf("%s: %w", op, err)
}
