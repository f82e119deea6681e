package store

import (
	"errors"
	"sync"
	"syscall"
	"time"
)

// How long writing waits for space on a full disk: somebody may free some, and a sweep of days continues.
const (
	fullAgain = 5 * time.Second
	fullLimit = 10 * time.Minute
)

// A fullDisk waits for space. Meanwhile the queue of the writer fills, and the trials wait too.
type fullDisk struct {
	say   func(err error, patience time.Duration) // may be nil
	again time.Duration
	hurry chan struct{} // closed by Hurry

	once sync.Once
	mu   sync.Mutex
	said bool
}

func newFullDisk(say func(error, time.Duration)) *fullDisk {
	return &fullDisk{say: say, again: fullAgain, hurry: make(chan struct{})}
}

// Hurry makes the store fail at once on a full disk instead of waiting for space.
func (s *Store) Hurry() { s.full.once.Do(func() { close(s.full.hurry) }) }

// wait waits before the next attempt to write. The first attempt was at began. It returns false when it is time to
// give up.
func (f *fullDisk) wait(err error, began time.Time) bool {
	f.mu.Lock()
	said := f.said
	f.said = true
	f.mu.Unlock()
	if !said && f.say != nil {
		f.say(err, fullLimit)
	}
	if time.Since(began) > fullLimit {
		return false
	}
	select {
	case <-f.hurry:
		return false
	case <-time.After(f.again):
		return true
	}
}

// through repeats a write until the disk has space for it.
func (f *fullDisk) through(do func() error) error {
	for began := time.Now(); ; {
		err := do()
		if !errors.Is(err, syscall.ENOSPC) || !f.wait(err, began) {
			return err
		}
	}
}

// isFull reports whether err says that there is no space left: SQLite's result code 13.
func isFull(err error) bool { return code(err)&0xff == 13 || errors.Is(err, syscall.ENOSPC) }
