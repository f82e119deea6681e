package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A Lease makes a process the only collector of a directory, on whatever machine. Locks of files cannot be relied upon on network file systems;
// link(2) makes a name at once or not at all, and the time of the file tells whether its holder lives.
type Lease struct {
	held, mine string
	stop       chan struct{}
	ended      chan struct{}
}

const (
	renewal = 5 * time.Second
	expiry  = 60 * time.Second // without a renewal, by the clock of the file system
)

// A HeldError says that another process collects.
type HeldError struct{ By string }

func (e *HeldError) Error() string { return "another process collects the results: " + e.By }

// Hint says what a person can do about it.
func (e *HeldError) Hint() string {
	return fmt.Sprintf("it is taken over when it has given no sign of life for %v", expiry)
}

// Hold takes the lease of a directory, or returns a [HeldError].
func (d Dir) Hold() (*Lease, error) {
	l := &Lease{held: d.in("collector"), mine: d.in("collector." + rand.Text()), stop: make(chan struct{}), ended: make(chan struct{})}
	if err := write(l.mine); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		err := os.Link(l.mine, l.held)
		if err == nil || l.check() == nil { // a link that is sent twice over a network says that it exists, of itself
			go l.renew()
			return l, nil
		}
		if !errors.Is(err, fs.ErrExist) || try == 10 {
			return nil, errors.Join(err, os.Remove(l.mine))
		}
		info, err := os.Stat(l.held)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		now, nowErr := d.now()
		if err = errors.Join(err, nowErr); err != nil {
			return nil, errors.Join(err, os.Remove(l.mine))
		}
		by, _ := os.ReadFile(l.held)
		if now.Sub(info.ModTime()) < expiry && !dead(string(by)) {
			return nil, errors.Join(&HeldError{By: strings.TrimSpace(string(by))}, os.Remove(l.mine))
		}
		stale := l.mine + ".stale"
		if os.Rename(l.held, stale) == nil {
			by, _ := os.ReadFile(stale)
			if again, err := os.Stat(stale); err == nil && now.Sub(again.ModTime()) < expiry && !dead(string(by)) { // somebody else was faster: it is theirs
				os.Link(stale, l.held)
			}
			os.Remove(stale)
		}
	}
}

// now is the time by the clock of the file system.
func (d Dir) now() (time.Time, error) {
	f, err := os.CreateTemp(string(d), ".now-")
	if err != nil {
		return time.Time{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// write writes who holds a lease. Its time is then that of the file system, not of this machine.
func write(file string) error {
	host, _ := os.Hostname()
	return os.WriteFile(file, fmt.Appendf(nil, "pid %d on %s %s\n", os.Getpid(), host, numbering()), 0o666)
}

// numbering names the processes among which numbers are unique: a container has its own, under the same host's name perhaps.
func numbering() string {
	name, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "-"
	}
	return name
}

// dead reports whether the holder of a lease was a process of this machine that is no more.
func dead(holder string) bool {
	var pid int
	var on, among string
	host, err := os.Hostname()
	if n, _ := fmt.Sscanf(holder, "pid %d on %s %s", &pid, &on, &among); n != 3 || err != nil || on != host || among != numbering() {
		return false
	}
	if runtime.GOOS == "windows" {
		return false // it has no such signal
	}
	process, err := os.FindProcess(pid)
	return err == nil && errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// A goneError is about a directory of jobs that somebody has deleted, or that is not mounted any more.
type goneError struct{ dir string }

func (e *goneError) Error() string {
	return "the directory of the jobs has lost its files while they ran: " + e.dir
}

// Hint says what a person can do about it.
func (e *goneError) Hint() string {
	return "what was recorded is kept; where it was deleted, the same command makes it again and submits what is left"
}

// check returns an error if the lease is not this process's any more.
func (l *Lease) check() error {
	mine, err := os.Stat(l.mine)
	if errors.Is(err, fs.ErrNotExist) {
		return &goneError{filepath.Dir(l.mine)}
	}
	if err != nil {
		return err
	}
	held, err := os.Stat(l.held)
	if err == nil && os.SameFile(mine, held) {
		return nil
	}
	return errors.New("another process has taken over the collecting, since this one gave no sign of life; it goes on there")
}

// Check returns an error if another process has taken the lease over.
func (l *Lease) Check() error { return l.check() }

func (l *Lease) renew() {
	defer close(l.ended)
	tick := time.NewTicker(renewal)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			write(l.mine) // where it fails, the lease expires
		}
	}
}

// Release gives the lease back.
func (l *Lease) Release() error {
	close(l.stop)
	<-l.ended
	var err error
	if l.check() == nil {
		err = os.Remove(l.held)
	}
	return errors.Join(err, os.Remove(l.mine))
}

// Wait takes the lease, when no other process has it any more.
func (d Dir) Wait(ctx context.Context, say func(string)) (*Lease, error) {
	for said := false; ; said = true {
		l, err := d.Hold()
		held, other := errors.AsType[*HeldError](err)
		if !other {
			return l, err
		}
		if !said {
			say("waiting: " + held.Error() + "; ctrl-c leaves it to it")
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}
