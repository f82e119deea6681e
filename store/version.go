package store

import (
	"context"
	"database/sql"
	"os"
	"sync"
)

// versions numbers the states of a database as one connection sees them.
type versions struct {
	mu    sync.Mutex
	pool  *sql.DB
	conn  *sql.Conn // the numbers of SQLite mean nothing to another one
	last  int64     // SQLite's
	count int64     // ours
}

// Version is a number that is another one after each change of the database by whatever process, and the same as long as
// nothing has changed. It means something for this Store only. It takes no lock that a writer would wait for, and reads
// one page.
func (s *Store) Version(ctx context.Context) (int64, error) {
	v := &s.versions
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.conn == nil {
		var err error
		if v.pool == nil {
			if v.pool, err = openPool(s.path, s.settings, 1); err != nil {
				return 0, err
			}
		}
		if v.conn, err = v.pool.Conn(ctx); err != nil {
			return 0, explain(s.path, "read the version", err)
		}
		v.count++
		v.last = -1
	}
	var now int64
	if err := v.conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&now); err != nil {
		v.conn.Close()
		v.conn = nil
		return 0, explain(s.path, "read the version", err)
	}
	if now != v.last {
		if v.last >= 0 {
			v.count++
		}
		v.last = now
	}
	return v.count, nil
}

func (v *versions) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.conn != nil {
		v.conn.Close()
		v.conn = nil
	}
	if v.pool == nil {
		return nil
	}
	return v.pool.Close()
}

// Outdated reports whether the Store has to be opened again to see what is in the database now: another file is at its
// path, or the file was opened as one that nobody writes, and somebody does.
func (s *Store) Outdated() bool {
	now, err := os.Stat(s.path)
	if err != nil || s.file == nil {
		return s.file != nil
	}
	if !os.SameFile(now, s.file) {
		return true
	}
	if s.settings != frozenSettings {
		return false
	}
	_, err = os.Stat(walPath(s.path))
	return err == nil || now.Size() != s.file.Size() || !now.ModTime().Equal(s.file.ModTime())
}

// A Stamp tells whether the files of a database have been written to, without looking into them.
type Stamp struct {
	size, log         int64
	modified, written int64 // in nanoseconds
}

// Stamp is what the file system says about the database and its log. It changes with nearly every change of the database: two
// within the resolution of the file system's clock, some milliseconds, can have one Stamp.
func (s *Store) Stamp() (stamp Stamp) {
	if info, err := os.Stat(s.path); err == nil {
		stamp.size, stamp.modified = info.Size(), info.ModTime().UnixNano()
	}
	if info, err := os.Stat(walPath(s.path)); err == nil {
		stamp.log, stamp.written = info.Size(), info.ModTime().UnixNano()
	}
	return stamp
}
