package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// An owner is a process that owns runs. It holds a kernel lock while it lives. So others notice its death at once,
// and never take runs from one that is only suspended. No clock is involved.
type owner struct {
	id      int64 // in the table, once registered
	uuid    string
	path    string // of the database
	lock    *os.File
	options Options
}

func ownerPath(path, uuid string) string {
	return filepath.Join(filepath.Dir(path), ".xrun", "owners", uuid+".lock")
}

func newOwner(path string, o Options) (*owner, error) {
	random := make([]byte, 16)
	rand.Read(random)
	uuid := hex.EncodeToString(random)
	name := ownerPath(path, uuid)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	ok, err := tryLock(f)
	if err == nil && !ok {
		err = fmt.Errorf("%s is locked by another process", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &owner{uuid: uuid, path: path, lock: f, options: o}, nil
}

// alive reports whether the process of the owner uuid still holds its lock. A missing file means that it does not: the
// file is made before the owner is entered.
func alive(path, uuid string) bool {
	f, err := os.OpenFile(ownerPath(path, uuid), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		return true // unknown: never take its runs
	}
	defer f.Close()
	taken, err := tryLock(f)
	return err != nil || !taken
}

// register enters the owner and interrupts the runs of those that have died.
func (o *owner) register(ctx context.Context, tx *tx) error {
	const insert = `INSERT INTO owner (uuid, host, pid, command, version, started_at) VALUES (?, ?, ?, ?, ?, ?)`
	host, _ := os.Hostname()
	result, err := tx.exec(insert, o.uuid, host, os.Getpid(), o.options.Command, o.options.Version, time.Now().UnixMicro())
	if err != nil {
		return err
	}
	if o.id, err = result.LastInsertId(); err != nil {
		return err
	}
	if err := beginLog(ctx, tx); err != nil {
		return err
	}
	const open = `SELECT id, uuid FROM owner WHERE closed_at IS NULL AND id <> ?`
	rows, err := tx.query(open, o.id)
	if err != nil {
		return err
	}
	var dead []owner
	for rows.Next() {
		var other owner
		if err := rows.Scan(&other.id, &other.uuid); err != nil {
			return errors.Join(err, rows.Close())
		}
		if !alive(tx.path, other.uuid) {
			dead = append(dead, other)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, other := range dead {
		if err := other.bury(tx, "the process that ran it died", false); err != nil {
			return err
		}
	}
	return nil
}

// bury closes the owner's row and interrupts what it was still running.
func (o *owner) bury(tx *tx, reason string, clean bool) error {
	const (
		running   = `SELECT id FROM run WHERE owner_id = ? AND status = 'running'`
		interrupt = `UPDATE run SET status = 'interrupted', reason = ?, ended_at = ? WHERE owner_id = ? AND status = 'running'`
		closed    = `UPDATE owner SET closed_at = ?, clean = ? WHERE id = ?`
	)
	now := time.Now().UnixMicro()
	runs, err := ids(tx, running, o.id)
	if err != nil {
		return err
	}
	if _, err := tx.exec(interrupt, reason, now, o.id); err != nil {
		return err
	}
	for _, run := range runs {
		if err := sealRun(tx, run, sealedAtEnd); err != nil {
			return err
		}
	}
	if _, err := tx.exec(closed, now, clean, o.id); err != nil {
		return err
	}
	if !clean {
		os.Remove(ownerPath(tx.path, o.uuid)) // nobody reads it any more
		forgetStop(tx.path, o.uuid)
	}
	return nil
}

// release gives up the lock. Any process may then interrupt runs that could not be closed.
func (o *owner) release() error {
	err := os.Remove(o.lock.Name())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, forgetStop(o.path, o.uuid), o.lock.Close())
}
