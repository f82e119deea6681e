package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// An Owner is a process that is at work on a database now.
type Owner struct {
	UUID      string
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
		err := scan(&o.UUID, &o.Host, &o.PID, &o.Command, &started)
		o.StartedAt = moment(started)
		if err == nil && alive(s.path, o.UUID) {
			all = append(all, o)
		}
		return err
	})
	return all, err
}

// Lives reports whether an owner is still at work.
func (s *Store) Lives(o Owner) bool { return alive(s.path, o.UUID) }

// stopPath is the file by which an owner is asked to stop. It lies beside the owner's lock, so that it works
// from another container or user, where a process number means another process or none.
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
	return explainFile(s.path, "ask to stop", writeDurably(stopPath(s.path, o.UUID), []byte(text)))
}

// StopRequested reports whether this process has been asked to stop, and whether at once.
func (s *Store) StopRequested() (asked, atOnce bool) {
	if s.owner == nil {
		return false, false
	}
	text, err := os.ReadFile(stopPath(s.path, s.owner.uuid))
	return err == nil, string(text) == stopNow
}

// TryHold takes a name for this process alone, for as long as it lives or until it is given back. ok is false
// while another process has it. No file is left to be cleaned up by hand: what counts is a kernel lock.
func (s *Store) TryHold(name string) (release func() error, ok bool, err error) {
	dir := filepath.Join(filepath.Dir(s.path), ".xrun", "holds")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, explainFile(s.path, "hold", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, explainFile(s.path, "hold", err)
	}
	ok, err = tryLock(f)
	if err != nil || !ok {
		return nil, false, errors.Join(explainFile(s.path, "hold", err), f.Close())
	}
	return f.Close, true, nil
}

// forgetStop removes what an owner was asked, when it has ended.
func forgetStop(path, uuid string) error {
	if err := os.Remove(stopPath(path, uuid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
