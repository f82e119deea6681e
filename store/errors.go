package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"

	"github.com/xrun-dev/xrun/plugins/shell"
)

// ErrNotFound matches every error of this package that says that something does not exist.
var ErrNotFound = errors.New("not found")

// errClosed is returned by a Store after Close.
var errClosed = errors.New("the result database is closed")

// A notFoundError names something that does not exist. It matches ErrNotFound.
type notFoundError struct {
	What  string // "sweep", "run", "trial"
	Name  string
	Known []string // some names that exist
}

func (e *notFoundError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("there is no %s yet", e.What)
	}
	return fmt.Sprintf("there is no %s %q", e.What, e.Name)
}

// Is makes the error match ErrNotFound.
func (e *notFoundError) Is(target error) bool { return target == ErrNotFound }

// Hint lists names that exist.
func (e *notFoundError) Hint() string {
	if len(e.Known) == 0 && strings.HasPrefix(e.What, "run") {
		return "`xrun runs` lists the newest"
	}
	if len(e.Known) == 0 {
		return ""
	}
	return "known: " + strings.Join(e.Known, ", ")
}

// A missingError says that the database file does not exist. It matches ErrNotFound.
type missingError struct{ Path string }

func (e *missingError) Error() string { return fmt.Sprintf("there is no result database %s", e.Path) }

// Is makes the error match ErrNotFound.
func (e *missingError) Is(target error) bool { return target == ErrNotFound }

// Hint says how to create a database, or where below its folder another one lies: `xrun sweep` makes it beside the sweep file.
func (e *missingError) Hint() string {
	if logged, err := os.ReadDir(e.Path + ".journals"); err == nil && len(logged) > 0 {
		return "scripts have logged: `xrun import journal` makes it of their journals"
	}
	if found := fileBelow(filepath.Dir(e.Path), filepath.Base(e.Path)); found != "" {
		return "--store " + shell.Word(found) + " names one that is there"
	}
	return "`xrun sweep` creates it beside the sweep file, and xrun.init of Python where it logs; --store names another file"
}

// fileBelow is the path, from the shell's folder, of a file of a name below a folder; empty if there is none, or several.
func fileBelow(folder, name string) string {
	const depth, most = 3, 2000 // entries that are looked at
	seen, found := 0, ""
	filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if seen++; seen > most {
			return fs.SkipAll
		}
		below, relErr := filepath.Rel(folder, path)
		switch {
		case err != nil || relErr != nil:
			return nil
		case d.IsDir() && below != "." && (strings.HasPrefix(d.Name(), ".") || strings.Count(filepath.ToSlash(below), "/") >= depth):
			return fs.SkipDir
		case d.Type().IsRegular() && d.Name() == name && found != "":
			found = ""
			return fs.SkipAll
		case d.Type().IsRegular() && d.Name() == name:
			found = path
		}
		return nil
	})
	if here, err := os.Getwd(); err == nil && found != "" {
		if short, err := filepath.Rel(here, found); err == nil && len(short) < len(found) {
			return short
		}
	}
	return found
}

// A folderError says that the folder of a database does not exist. It matches ErrNotFound.
type folderError struct{ Path string }

func (e *folderError) Error() string {
	return fmt.Sprintf("there is no folder %s for the result database %s", filepath.Dir(e.Path), filepath.Base(e.Path))
}

// Is makes the error match ErrNotFound.
func (e *folderError) Is(target error) bool { return target == ErrNotFound }

// Hint says how to make the folder.
func (e *folderError) Hint() string {
	return fmt.Sprintf("make it first (mkdir -p %s), or name another file with --store", shell.Word(filepath.Dir(e.Path)))
}

// An emptyError refuses to read a file without tables. So looks the copy of a database whose contents are in its log.
type emptyError struct{ Path string }

func (e *emptyError) Error() string {
	return fmt.Sprintf("%s is empty; nothing was changed", e.Path)
}

// Hint says where the contents may be.
func (e *emptyError) Hint() string {
	return "if it is a copy, its results are in the log beside the original, whose name ends in -wal: " +
		"`xrun db backup FILE --store ORIGINAL` copies all of them; otherwise choose another file with --store"
}

// A foreignLogError refuses a database beside the log of another one.
type foreignLogError struct {
	Path   string
	Reason string
}

func (e *foreignLogError) Error() string {
	return fmt.Sprintf("%s does not belong to its log %s, as if a copy was put over a database whose log remained: %s; nothing was changed",
		e.Path, walPath(e.Path), e.Reason)
}

// Hint says how to take the file or what was before.
func (e *foreignLogError) Hint() string {
	wal, shm := shell.Word(walPath(e.Path)), shell.Word(e.Path+"-shm")
	return fmt.Sprintf("to take the file as it is: mv %s %s && rm -f %s; the log belongs to the database that was there before", wal, shell.Word(walPath(e.Path)+".old"), shm)
}

// A schemaError refuses a file that a newer xrun has written.
type schemaError struct {
	Path   string
	Schema int    // of the file
	Newest int    // this xrun knows
	Writer string // the xrun version that wrote last; empty if unknown
	Reader string // this xrun's version
}

func (e *schemaError) Error() string {
	writer := "a newer xrun"
	if e.Writer != "" {
		writer = "xrun " + e.Writer
	}
	return fmt.Sprintf("%s was written by %s (schema %d); this is xrun %s, which knows schemas 1 to %d; nothing was changed",
		e.Path, writer, e.Schema, e.Reader, e.Newest)
}

// Hint says what to do.
func (e *schemaError) Hint() string { return "upgrade xrun, or choose another file with --store" }

// A notXrunError refuses a file that is not xrun's.
type notXrunError struct {
	Path   string
	Reason string
}

func (e *notXrunError) Error() string {
	return fmt.Sprintf("%s is not an xrun database: %s; nothing was changed", e.Path, e.Reason)
}

// Hint says what to do.
func (e *notXrunError) Hint() string { return "choose another file with --store" }

// A busyError says that another process kept the database for too long.
type busyError struct {
	Path   string
	Holder string // who holds it; empty if unknown
	Waited time.Duration
}

func (e *busyError) Error() string {
	holder := "another program"
	if e.Holder != "" {
		holder = e.Holder
	}
	return fmt.Sprintf("the result database %s is in use by %s (waited %s)", e.Path, holder, e.Waited.Round(time.Second))
}

// Hint says what to do.
func (e *busyError) Hint() string { return "run the same command again when it is free" }

// A movedError says that the file was deleted, renamed or replaced while it was being written.
type movedError struct {
	Path   string
	Rescue string // a copy of everything recorded; empty when none could be written
	Cause  error  // why there is no rescue copy
}

func (e *movedError) Error() string {
	if e.Rescue == "" {
		return fmt.Sprintf("the result database %s was moved, deleted or replaced, and no copy could be saved: %v", e.Path, e.Cause)
	}
	return fmt.Sprintf("the result database %s was moved, deleted or replaced; everything recorded is in %s", e.Path, e.Rescue)
}

func (e *movedError) Unwrap() error { return e.Cause }

// Hint says what to do.
func (e *movedError) Hint() string {
	if e.Rescue == "" {
		return ""
	}
	return fmt.Sprintf("mv %s %s, then run the same command again", shell.Word(e.Rescue), shell.Word(e.Path))
}

// An OldSchemaError refuses to read a file with the schema of an older xrun. Reading never migrates.
type OldSchemaError struct {
	Path          string
	Schema, Needs int
}

func (e *OldSchemaError) Error() string {
	if e.Schema == 0 {
		return fmt.Sprintf("%s is being created, or its creation was interrupted: it has no tables yet", e.Path)
	}
	return fmt.Sprintf("%s was written by an older xrun: it has schema %d, and this xrun reads schema %d", e.Path, e.Schema, e.Needs)
}

// Hint says what to do.
func (e *OldSchemaError) Hint() string {
	if e.Schema == 0 {
		return "the next xrun sweep completes it"
	}
	return fmt.Sprintf("xrun db migrate --store %s brings it up to date and keeps a copy as it was; so does xrun sweep", shell.Word(e.Path))
}

// A networkError refuses a network file system, on which SQLite's locks cannot be relied upon.
type networkError struct {
	Path       string
	FileSystem string
}

func (e *networkError) Error() string {
	return fmt.Sprintf("%s is on a network file system (%s), which damages databases sooner or later", e.Path, e.FileSystem)
}

// Hint says what to do.
func (e *networkError) Hint() string {
	return "choose a local file with --store, and copy it to the share when the sweep has ended"
}

// A storageError is a fault of the disk or of the file.
type storageError struct {
	Path string
	Op   string
	Code int // SQLite's result code, extended
	Err  error
}

func (e *storageError) Error() string {
	what := "cannot be used"
	switch e.Code & 0xff {
	case 5, 6:
		what = "is in use by another program"
	case 8:
		what = "cannot be written"
	case 10:
		what = "met a disk error, and writing has stopped to protect it"
	case 11:
		what = "is damaged"
	case 13:
		what = "does not fit on the disk, which is full"
	case 14:
		what = "cannot be opened"
	case 15:
		what = "cannot be locked"
	}
	return fmt.Sprintf("%s: the result database %s %s: %v", e.Op, e.Path, what, e.Err)
}

func (e *storageError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *storageError) Hint() string {
	switch e.Code & 0xff {
	case 8, 14:
		return "check who owns the file and its directory, and their modes"
	case 13:
		return "free some space, then run the same command again: finished trials are kept"
	case 11:
		return "keep a copy of the file as it is; .recover of the sqlite3 shell saves what can be read"
	case 15:
		return "is it on a network file system? Choose a local file with --store"
	}
	return ""
}

// Unavailable reports whether err means that the result database cannot be used at all. A mistake in a question is
// another error.
func Unavailable(err error) bool {
	var (
		missing *missingError
		schema  *schemaError
		foreign *notXrunError
		busy    *busyError
		moved   *movedError
		network *networkError
		storage *storageError
		old     *OldSchemaError
		folder  *folderError
		empty   *emptyError
		log     *foreignLogError
	)
	return errors.As(err, &missing) || errors.As(err, &schema) || errors.As(err, &foreign) ||
		errors.As(err, &busy) || errors.As(err, &moved) || errors.As(err, &network) || errors.As(err, &old) || errors.As(err, &storage) ||
		errors.As(err, &folder) || errors.As(err, &empty) || errors.As(err, &log)
}

// code is SQLite's extended result code of err, 0 for other errors.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// isBusy reports whether err says that another connection was faster.
func isBusy(err error) bool { return code(err)&0xff == 5 }

// explain makes errors of SQLite about a file clear to a person. Other errors, such as violated constraints, only get
// the name of the operation.
func explain(path, op string, err error) error {
	if err == nil || Unavailable(err) {
		return err
	}
	switch c := code(err); c & 0xff {
	case 26:
		return &notXrunError{Path: path, Reason: "it is not a SQLite file, or it is damaged"}
	case 5, 6, 8, 10, 11, 13, 14, 15:
		return &storageError{Path: path, Op: op, Code: c, Err: err}
	}
	return fmt.Errorf("%s: %w", op, err)
}
