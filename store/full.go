package store

import (
	"errors"
	"sync"
	"syscall"
	"time"
)

// The patience with a full disk: somebody may free some space, and a sweep of days goes on as if nothing had been.
const (
	fullAgain = 5 * time.Second
	fullLimit = 10 * time.Minute
)

// A fullDisk waits for space. Meanwhile the queue of the writer fills, and with it the trials wait.
type fullDisk struct {
	say   func(err error, patience time.Duration) // may be nil
	again time.Duration
	hurry chan struct{} // closed when nobody wants to wait any more

	once sync.Once
	mu   sync.Mutex
	said bool
}

func newFullDisk(say func(error, time.Duration)) *fullDisk {
	return &fullDisk{say: say, again: fullAgain, hurry: make(chan struct{})}
}

// Hurry makes the store give up at once what it would wait for: space on a full disk.
func (s *Store) Hurry() { s.full.once.Do(func() { close(s.full.hurry) }) }

// wait waits for some time before something is written again that began to be at a moment. It reports false
// when it is time to give up.
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

// through does something until the disk has space for it.
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
