package process

import (
	"sync"
	"time"
)

// A speaker passes on what a process prints. It never makes the process wait: what comes faster than its limits, or than
// its listener takes it, is counted and left out. A nil speaker passes on nothing.
type speaker struct {
	queue chan saying
	done  chan struct{} // closed when the listener has been told everything

	mu     sync.Mutex
	closed bool
	room   float64 // lines that may be passed on at once
	since  time.Time
	left   int // lines left out since the last one that was passed on
}

// saying is a line, and how many before it were left out.
type saying struct {
	line string
	left int
}

// The limits of a speaker: lines at once, and lines a second.
const (
	saidAtOnce    = 100
	saidPerSecond = 20
)

func newSpeaker(listen func(line string, left int)) *speaker {
	if listen == nil {
		return nil
	}
	s := &speaker{queue: make(chan saying, saidAtOnce), done: make(chan struct{}), room: saidAtOnce, since: time.Now()}
	go func() {
		defer close(s.done)
		for one := range s.queue {
			listen(one.line, one.left)
		}
	}()
	return s
}

// say passes on a line, or counts it.
func (s *speaker) say(line string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	now := time.Now()
	s.room = min(saidAtOnce, s.room+saidPerSecond*now.Sub(s.since).Seconds())
	s.since = now
	if s.room < 1 {
		s.left++
		return
	}
	select {
	case s.queue <- saying{line, s.left}:
		s.room, s.left = s.room-1, 0
	default: // the listener is slow
		s.left++
	}
}

// close ends it. What was left out in the end is said too, with an empty line.
func (s *speaker) close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if s.left > 0 {
		select {
		case s.queue <- saying{"", s.left}:
		default:
		}
	}
	close(s.queue)
}

// wait waits until the listener has been told everything, up to a limit.
func (s *speaker) wait(limit time.Duration) {
	if s == nil {
		return
	}
	select {
	case <-s.done:
	case <-time.After(limit):
	}
}
