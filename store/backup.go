package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xrun-dev/xrun/store/whole"
)

// Backup copies the database to a new file, with the files beside it that its rows name. The copy is of one moment;
// others may write meanwhile. It is checked before it gets its name.
func (s *Store) Backup(ctx context.Context, to string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return &ExistsError{Path: to}
	}
	if _, err := os.Stat(filepath.Dir(to)); err != nil {
		return &folderError{Path: to}
	}
	conn, err := s.reads.Conn(ctx)
	if err != nil {
		return explain(s.path, "back up", err)
	}
	defer conn.Close()
	whole.Tidy(to)
	copied := whole.Part(to)
	defer os.Remove(copied)
	if err := vacuumInto(ctx, conn, copied); err != nil {
		return explain(s.path, "back up", err)
	}
	if err := s.finishBackup(ctx, copied, to); err != nil {
		return err
	}
	err = whole.Place(copied, to, false)
	if errors.Is(err, fs.ErrExist) {
		return &ExistsError{Path: to}
	}
	return explainFile(to, "back up", err)
}

// finishBackup copies the files beside the database, and checks the copy.
func (s *Store) finishBackup(ctx context.Context, copied, to string) error {
	b, err := OpenReadOnly(ctx, copied)
	if err != nil {
		return err
	}
	defer b.Close()
	const filed = `SELECT DISTINCT name, digest FROM artifact WHERE content IS NULL AND size > 0
		UNION SELECT 'checkpoint', digest FROM checkpoint WHERE content IS NULL AND size > 0`
	err = b.each(ctx, "back up", filed, nil, func(scan scanner) error {
		var name, digest string
		if err := scan(&name, &digest); err != nil {
			return err
		}
		err := copyFile(artifactFile(s.path, name, digest), artifactFile(to, name, digest))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a checkpoint was replaced meanwhile; Verify finds other missing files
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return b.each(ctx, "check the copy", `PRAGMA integrity_check(1)`, nil, func(scan scanner) error {
		var text string
		if err := scan(&text); err != nil || text == "ok" {
			return err
		}
		return fmt.Errorf("the copy is damaged, as %s may be: %s", s.path, text)
	})
}

// copyFile copies a file whose name is the digest of its content, unless the copy exists.
func copyFile(from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	return copyAnew(from, to)
}

// copyAnew copies a file, and replaces what was there.
func copyAnew(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return whole.Write(to, 0o600, true, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

// An ExistsError refuses to overwrite a file.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string { return e.Path + " is there already" }

// Hint says what to do.
func (e *ExistsError) Hint() string { return "choose another name, or remove it first" }

// Vacuum gives the space of removed rows back to the disk. Others wait meanwhile.
func (s *Store) Vacuum(ctx context.Context) error {
	err := s.writer.ask(ctx, job{op: "vacuum", reply: make(chan error, 1), bare: func(tx *tx) error {
		if _, err := tx.conn.ExecContext(context.Background(), `VACUUM`); err != nil {
			return err
		}
		return fold(tx)
	}})
	if err != nil {
		return err
	}
	return s.writer.do(ctx, "vacuum", beginLog)
}
