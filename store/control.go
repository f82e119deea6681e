package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// An Owner is a living process that writes to the database.
type Owner struct {
	uuid      string
	Host      string
	PID       int
	Command   string
	StartedAt time.Time
}

// Owners lists the living processes that have begun trials of a sweep, oldest first.
func (s *Store) Owners(ctx context.Context, sweepID int64) ([]Owner, error) {
	const query = `SELECT o.uuid, o.host, o.pid, o.command, o.started_at FROM owner o
		WHERE o.closed_at IS NULL AND EXISTS (SELECT 1 FROM run r JOIN member m ON m.trial_id = r.trial_id WHERE r.owner_id = o.id AND m.sweep_id = ?)
		ORDER BY o.id`
	var all []Owner
	err := s.each(ctx, "read owners", query, []any{sweepID}, func(scan scanner) error {
		var o Owner
		var started int64
		err := scan(&o.uuid, &o.Host, &o.PID, &o.Command, &started)
		o.StartedAt = moment(started)
		if err == nil && alive(s.path, o.uuid) {
			all = append(all, o)
		}
		return err
	})
	return all, err
}

// Lives reports whether an owner is still at work.
func (s *Store) Lives(o Owner) bool { return alive(s.path, o.uuid) }

// stopPath is the file that asks an owner to stop. It lies beside the owner's lock: in another container a process
// number would mean another process or none.
func stopPath(path, uuid string) string {
	return filepath.Join(filepath.Dir(path), ".xrun", "owners", uuid+".stop")
}

const stopNow = "now\n"

// RequestStop asks an owner to stop: after its running epochs, or at once.
func (s *Store) RequestStop(o Owner, atOnce bool) error {
	text := "after the running epochs\n"
	if atOnce {
		text = stopNow
	}
	return explainFile(s.path, "ask to stop", writeDurably(stopPath(s.path, o.uuid), []byte(text)))
}

// StopRequested reports whether this process has been asked to stop, and whether at once.
func (s *Store) StopRequested() (asked, atOnce bool) {
	if s.owner == nil {
		return false, false
	}
	text, err := os.ReadFile(stopPath(s.path, s.owner.uuid))
	return err == nil, string(text) == stopNow
}

// TryHold takes a name of this database for this process alone, until release is called or the process ends. ok is false while another
// process has it. The name is a kernel lock, which no dead process keeps. Other databases of the folder have names of their own.
func (s *Store) TryHold(name string) (release func() error, ok bool, err error) {
	dir := filepath.Join(filepath.Dir(s.path), ".xrun", "holds")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, explainFile(s.path, "hold", err)
	}
	base := sha256.Sum256([]byte(strings.ToLower(filepath.Base(s.path)))) // some file systems take letters of both cases for the same
	f, err := os.OpenFile(filepath.Join(dir, name+"-"+hex.EncodeToString(base[:8])+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, explainFile(s.path, "hold", err)
	}
	ok, err = tryLock(f)
	if err != nil || !ok {
		return nil, false, errors.Join(explainFile(s.path, "hold", err), f.Close())
	}
	return f.Close, true, nil
}

// forgetStop removes the request to stop of an owner that has ended.
func forgetStop(path, uuid string) error {
	if err := os.Remove(stopPath(path, uuid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
