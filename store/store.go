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
	"sync/atomic"
	"time"

	"github.com/xrun-dev/xrun/migrations"
)

// Options describe the process that opens a database.
type Options struct {
	Version string // of xrun, for errors and for the record; empty is "unknown"
	Command string // as typed: others see it as the holder of the database; empty is the program's name
	// Full is called when the disk is full, with the time for which writing is tried again. May be nil.
	Full func(err error, patience time.Duration)
	// Notice is called with what a person should know about the file. May be nil.
	Notice func(text string)
}

// A Store is an open result database. Its methods may be called from several goroutines.
type Store struct {
	path   string
	reads  *sql.DB
	writer *writer // nil when opened for reading
	full   *fullDisk
	owner  *owner
	notice func(text string) // nil for none
	file   os.FileInfo       // of the database as it was opened
	closed atomic.Bool

	settings string // of its readers
	versions versions
	counted  *counted // nil but for a process that serves
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
	if name := NetworkFileSystem(filepath.Dir(path)); name != "" {
		return nil, &networkError{Path: path, FileSystem: name}
	}
	if err := verifyLog(path); err != nil {
		return nil, explainFile(path, "open", err)
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
	var db *sql.DB
	if !id.inUse {
		err = saveDamagedLog(path, o)
	}
	if err == nil {
		db, err = openWriter(ctx, path, o.Version)
	}
	side.release()
	if err != nil {
		return nil, errors.Join(explain(path, "open", err), side.close())
	}
	s := &Store{path: path, settings: readerSettings, full: newFullDisk(o.Full), notice: o.Notice}
	if s.reads, err = openPool(path, readerSettings, readers); err != nil {
		return nil, errors.Join(err, db.Close(), side.close())
	}
	if s.owner, err = newOwner(path, o); err != nil {
		return nil, errors.Join(explainFile(path, "open", err), s.reads.Close(), db.Close(), side.close())
	}
	if s.writer, err = startWriter(ctx, path, db, side, s.owner, s.full); err != nil {
		return nil, errors.Join(explain(path, "open", err), s.owner.release(), s.reads.Close(), db.Close(), side.close())
	}
	s.file = s.writer.main
	countOpen(path, 1)
	if err := s.writer.do(ctx, "register", s.owner.register); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if !id.inUse { // what a process that was killed has left in the log
		err := s.writer.ask(ctx, job{op: "open", bare: fold, reply: make(chan error, 1)})
		if err == nil {
			err = s.writer.do(ctx, "open", beginLog)
		}
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// saveDamagedLog copies a log aside that is damaged: the next transaction overwrites what cannot be read.
func saveDamagedLog(path string, o Options) error {
	kept, damage, err := keepDamagedLog(path)
	if err != nil {
		return fmt.Errorf("keep the damaged log %s: %w", walPath(path), err)
	}
	if damage != nil && o.Notice != nil {
		o.Notice(fmt.Sprintf("warning: %v; %s is a copy of the log", damage, kept))
	}
	return nil
}

// openWriter opens the one connection that writes, on a file of the latest schema. The caller holds the sidecar.
func openWriter(ctx context.Context, path, version string) (*sql.DB, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(ctx, path, version); err != nil {
			return nil, explainFile(path, "create", err)
		}
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

// create makes a database that has all its tables when it appears under its name: nobody reads a part of one, even if
// this process is killed. What an earlier one has left is removed, since the caller alone holds the sidecar.
func create(ctx context.Context, path, version string) (err error) {
	part := path + ".creating"
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(part + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// Made here and not by SQLite for its mode.
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(part + suffix)
		}
	}()
	if err := f.Close(); err != nil {
		return err
	}
	db, err := openPool(part, writerSettings, 1)
	if err != nil {
		return err
	}
	err = migrate(ctx, db, part, version, migrations.FS)
	if err == nil { // closing does so, too, but says nothing if the disk is full
		_, err = db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := scatterCounter(part); err != nil {
		return err
	}
	if err := os.Link(part, path); err != nil { // unlike Rename, it replaces nothing
		if errors.Is(err, fs.ErrExist) {
			return nil // somebody made one meanwhile
		}
		if _, found := os.Lstat(path); found == nil {
			return err
		}
		if err := os.Rename(part, path); err != nil { // the file system has no links
			return err
		}
	}
	return syncDir(filepath.Dir(path))
}

// OpenReadOnly opens the database for reading, while others may write. It never creates,
// migrates or locks anything.
func OpenReadOnly(ctx context.Context, path string) (*Store, error) {
	return openReader(ctx, path, readerSettings)
}

// OpenToServe is [OpenReadOnly] for a process that reads for a long time, now and then: it needs less memory, and gives it
// back soon after a question.
func OpenToServe(ctx context.Context, path string) (*Store, error) {
	s, err := openReader(ctx, path, servingSettings)
	if err == nil {
		s.reads.SetMaxOpenConns(servingReaders)
		s.reads.SetConnMaxIdleTime(servingPause)
		s.counted = &counted{}
	}
	return s, err
}

func openReader(ctx context.Context, path, settings string) (*Store, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, &missingError{Path: path}
	}
	if err := verifyLog(path); err != nil {
		return nil, explainFile(path, "open", err)
	}
	id, err := inspect(ctx, path)
	if err != nil {
		return nil, err
	}
	if id.empty() {
		return nil, &emptyError{Path: path}
	}
	if err := id.verify(path, "unknown", latestSchema); err != nil {
		return nil, err
	}
	if id.schema < latestSchema {
		return nil, &OldSchemaError{Path: path, Schema: id.schema, Needs: latestSchema}
	}
	s := &Store{path: path, settings: settings}
	if s.reads, err = openPool(path, settings, readers); err != nil {
		return nil, err
	}
	const probe = `SELECT count(*) FROM metric`
	var n int
	err = s.reads.QueryRowContext(ctx, probe).Scan(&n)
	if _, statErr := os.Stat(path + "-wal"); err != nil && errors.Is(statErr, fs.ErrNotExist) {
		// A cleanly closed file in a directory without permission to write.
		s.reads.Close()
		s.settings = frozenSettings
		if s.reads, err = openPool(path, frozenSettings, readers); err != nil {
			return nil, err
		}
		err = s.reads.QueryRowContext(ctx, probe).Scan(&n)
	}
	if err != nil {
		return nil, errors.Join(explain(path, "open", err), s.reads.Close())
	}
	s.file, _ = os.Stat(path)
	countOpen(path, 1)
	return s, nil
}

// Path is the database's file, absolute and without symbolic links.
func (s *Store) Path() string { return s.path }

// Close makes everything recorded durable, moves it from the log into the file, and closes the file. Runs of this Store
// that have not ended become interrupted. The last one that closes leaves no log behind.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	// The readers first: a connection that may not write would leave the log behind if it closed last.
	errs := []error{s.versions.close(), s.reads.Close()}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.owner != nil {
		errs = append(errs, s.owner.release())
	}
	countOpen(s.path, -1)
	tidy(s.path, s.file)
	if s.writer != nil && s.notice != nil && unfolded(s.path) {
		s.notice(fmt.Sprintf("note: the newest results are still in %s, since another program reads the database or the disk is full; "+
			"copy it with xrun db backup, which takes all of them", walPath(s.path)))
	}
	return errors.Join(errs...)
}

// resolve follows symbolic links, also to a file that is not there yet: locks lie beside the file, where all processes
// must find them.
func resolve(path string) (string, error) {
	given := path
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for range maxLinks {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			return real, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", explainFile(given, "open", err)
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if errors.Is(err, fs.ErrNotExist) {
			return "", &folderError{Path: path}
		}
		if err != nil {
			return "", explainFile(given, "open", err)
		}
		path = filepath.Join(dir, filepath.Base(path))
		target, err := os.Readlink(path)
		if err != nil { // no link: a file that is not there
			return path, nil
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return "", fmt.Errorf("open %s: too many symbolic links", given)
}

// maxLinks limits how many links in a row lead to a file that is not there, as Linux does for those that are.
const maxLinks = 40

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
