package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// patience limits how long a writer waits for the sidecar. It then continues without: a suspended process that holds
// the sidecar must not stop the others. SQLite keeps the file safe in any case.
const patience = time.Second

// A sidecar is the kernel lock on xrun.db.lock, taken before SQLite's own. SQLite's busy handler sleeps and tries
// again; the sidecar queues, and names the holder.
//
// One goroutine at a time uses a sidecar.
type sidecar struct {
	file    *os.File
	command string
	late    atomic.Bool // a goroutine still waits for a lock that is no longer needed
	held    *os.File    // the open file that holds the lock; nil without the lock
}

// A holder is the content of the file: the process that has the lock.
type holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

func (h holder) String() string {
	return fmt.Sprintf("pid %d on %s (`%s`, for %s)", h.PID, h.Host, h.Command, time.Since(h.Since).Round(time.Second))
}

func sidecarPath(path string) string { return path + ".lock" }

func openSidecar(path, command string) (*sidecar, error) {
	f, err := os.OpenFile(sidecarPath(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &sidecar{file: f, command: command}, nil
}

// acquire takes the lock within limit, and reports whether it did.
func (s *sidecar) acquire(limit time.Duration) bool {
	if s.late.Load() {
		return false
	}
	ok, err := tryLock(s.file)
	switch {
	case err != nil:
		return false
	case ok:
		s.held = s.file
	default:
		s.held = s.wait(limit)
	}
	if s.held == nil {
		return false
	}
	s.sign()
	return true
}

// wait blocks in a goroutine, because a process cannot leave the queue of a kernel lock. The goroutine has its own
// open file, and closes it to release a lock that comes too late.
func (s *sidecar) wait(limit time.Duration) *os.File {
	f, err := os.OpenFile(s.file.Name(), os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	const waiting, taken, left = 0, 1, 2
	var state atomic.Int32
	s.late.Store(true)
	done := make(chan *os.File, 1)
	go func() {
		err := waitLock(f)
		s.late.Store(false)
		if err == nil && state.CompareAndSwap(waiting, taken) {
			done <- f
			return
		}
		f.Close()
		done <- nil
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case held := <-done:
		return held
	case <-timer.C:
		if state.CompareAndSwap(waiting, left) {
			return nil
		}
		return <-done
	}
}

func (s *sidecar) release() {
	switch s.held {
	case nil:
	case s.file:
		unlock(s.file)
	default:
		s.held.Close()
	}
	s.held = nil
}

// sign writes the holder into the file, padded so that a shorter text covers a longer one.
func (s *sidecar) sign() {
	host, _ := os.Hostname()
	text, err := json.Marshal(holder{PID: os.Getpid(), Host: host, Command: shorten(s.command, 200), Since: time.Now().UTC()})
	if err != nil {
		return
	}
	page := bytes.Repeat([]byte{' '}, 511)
	copy(page, text)
	s.file.WriteAt(append(page, '\n'), 0)
}

// holder describes the lock's holder; empty if unknown.
func (s *sidecar) holder() string {
	f, err := os.OpenFile(s.file.Name(), os.O_RDWR, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	if ok, err := tryLock(f); ok || err != nil {
		return ""
	}
	page := make([]byte, 512)
	n, _ := f.ReadAt(page, 0)
	var h holder
	if json.Unmarshal(bytes.TrimSpace(page[:n]), &h) != nil {
		return ""
	}
	return h.String()
}

func (s *sidecar) close() error { return s.file.Close() }

// shorten cuts text to at most limit bytes.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return text[:limit-3] + "..."
}
