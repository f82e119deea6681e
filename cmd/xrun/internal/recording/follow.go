package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/journal"
)

// How often a journal is looked at: soon after news, seldom without any. Values of a step to which nothing was added for the longest of
// these are recorded.
const (
	soonest = 20 * time.Millisecond
	longest = 500 * time.Millisecond
)

// How long another process that records the same runs may take to end.
const handover = 30 * time.Second

// A Follower takes a journal while its script runs.
type Follower struct {
	Path        string // of the journal
	Environment func(b *journal.Begin) store.Environment
	Notice      func(text string)
	Ended       <-chan struct{} // closed when the script has ended, however it did
	Machine     *Machine        // nil to measure nothing
	// Stop is called once when xrun stop asks for it, and again when it asks to end at once; nil cannot be stopped.
	Stop func(now bool)
}

// Follow records the journal until every run in it has its end, or the script has ended. Then it removes a journal that is recorded whole,
// unless it is to be kept.
func (f *Follower) Follow(ctx context.Context, db *store.Store, keep bool) ([]Run, error) {
	deadline := time.Now().Add(handover)
	for {
		runs, err := f.follow(ctx, db)
		if err != nil {
			return runs, err
		}
		if taken(runs) && time.Now().Before(deadline) {
			select { // the recorder of the script's last process may still be there
			case <-ctx.Done():
				return runs, context.Cause(ctx)
			case <-time.After(longest):
				continue
			}
		}
		if !keep && Whole(runs) {
			err = removeJournal(f.Path)
		}
		return runs, err
	}
}

// removeJournal removes a journal, and its folder if nothing else is in it.
func removeJournal(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // somebody has tidied up
	}
	os.Remove(filepath.Dir(path)) // fails while there are others
	return err
}

func taken(runs []Run) bool {
	for _, r := range runs {
		if r.Taken {
			return true
		}
	}
	return false
}

// Whole reports whether nothing of the runs is left in the journal only. Of a journal without runs nobody knows what it will have.
func Whole(runs []Run) bool {
	if len(runs) == 0 {
		return false
	}
	for _, r := range runs {
		if r.Taken || !r.Before && !r.Complete {
			return false
		}
	}
	return true
}

func (f *Follower) follow(ctx context.Context, db *store.Store) (runs []Run, err error) {
	from, err := os.OpenFile(f.Path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	r := New(db, io.NewSectionReader(from, 0, 1<<62))
	r.Environment, r.Notice = f.Environment, f.Notice
	wait, settled := soonest, true
	var looked time.Time
	var stopped, killed bool
	for last := false; ; {
		news, err := r.Take(ctx)
		if err != nil {
			return r.Runs(), err
		}
		if r.Idle() {
			err := r.Flush(ctx)
			return r.Runs(), err
		}
		if last {
			at := time.Now()
			if info, err := from.Stat(); err == nil {
				at = info.ModTime() // of its last line
			}
			err := errors.Join(r.Abandon(ctx, at), r.Flush(ctx))
			return r.Runs(), err
		}
		if news {
			wait, settled = soonest, false
		} else if wait = min(2*wait, longest); wait == longest && !settled {
			settled = true
			if err := r.Settle(ctx); err != nil {
				return r.Runs(), err
			}
		}
		if f.Stop != nil && !killed && time.Since(looked) > longest {
			looked = time.Now()
			if asked, now := db.StopRequested(); asked && (now || !stopped) {
				f.Stop(now)
				stopped, killed = true, now
			}
		}
		if f.Machine != nil {
			f.Machine.measure(from, r)
		}
		select {
		case <-ctx.Done():
			return r.Runs(), context.Cause(ctx)
		case <-f.Ended:
			last = true // what it wrote before it ended is there now
		case <-time.After(wait):
		}
	}
}

// Import records a journal whose script has ended. The journal is removed once it is recorded whole, unless it is to be kept.
func Import(ctx context.Context, db *store.Store, path string, keep bool) (runs []Run, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	close(ended)
	f := Follower{Path: path, Ended: ended, Environment: Elsewhere}
	if runs, err = f.follow(ctx, db); err != nil {
		return runs, fmt.Errorf("%s: %w", path, err)
	}
	if len(runs) == 0 && info.Size() > 0 {
		return nil, fmt.Errorf("%s is not a journal: no line of it can be read", path)
	}
	if !keep && Whole(runs) {
		err = removeJournal(path)
	}
	return runs, err
}

// Elsewhere is the machine of an attempt, as its journal describes it.
func Elsewhere(b *journal.Begin) store.Environment {
	return store.Environment{Host: b.Host, Cores: b.Cores, OS: b.OS, Arch: b.Arch, GoVersion: "Python " + b.Python}
}
