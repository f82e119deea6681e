package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is the most time for running epochs after SIGTERM or SIGHUP: a system that sends these kills soon.
const patience = 8 * time.Second

// Interruption turns signals into an orderly end: the first one drains the sweep, the second
// stops it where it is, the third ends the program. SIGTERM and SIGHUP do not wait for a second.
type Interruption struct {
	Context context.Context // ends when everything must stop at once
	cancel  context.CancelCauseFunc
	drain   chan struct{}
	signal  atomic.Int32
	say     atomic.Pointer[func(string)]
	stop    func() // undoes WatchSignals
	queue   chan os.Signal

	once sync.Once
	why  atomic.Pointer[string] // the sweep is drained without a signal
}

// WatchSignals turns signals into an Interruption until it is stopped, and reports them on out.
func WatchSignals(ctx context.Context, out io.Writer) *Interruption {
	i := &Interruption{drain: make(chan struct{})}
	i.Context, i.cancel = context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 3)
	i.queue = signals
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// A closed pipe ends the output, not the sweep. SIGPIPE is caught, not ignored: programs that xrun starts would
	// inherit that it is ignored.
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	done := make(chan struct{})
	i.stop = func() {
		signal.Stop(signals)
		signal.Stop(pipes)
		close(done)
		i.cancel(nil)
	}
	i.notify(func(text string) { fmt.Fprintln(out, text) })
	go i.follow(signals, done)
	return i
}

// follow takes signals until done is closed.
func (i *Interruption) follow(signals <-chan os.Signal, done <-chan struct{}) {
	var late <-chan time.Time
	for {
		select {
		case <-done:
			return
		case <-late:
			i.cancel(fmt.Errorf("the running epochs took longer than %v", patience))
		case s := <-signals:
			switch {
			case i.Context.Err() != nil:
				os.Exit(i.code())
			case i.signal.Load() != 0:
				i.cancel(errors.New("stopped by a second interrupt"))
				continue
			}
			i.signal.Store(int32(s.(syscall.Signal)))
			i.once.Do(func() { close(i.drain) })
			if s == os.Interrupt {
				(*i.say.Load())("stopping after the running epochs; once more stops at once")
			} else {
				(*i.say.Load())(fmt.Sprintf("stopping after the running epochs, within %v; once more stops at once", patience))
				late = time.After(patience)
			}
		}
	}
}

// raise is what Ctrl-C does.
func (i *Interruption) raise() {
	select {
	case i.queue <- os.Interrupt:
	default: // enough are waiting
	}
}

// end drains the sweep without a signal, for a reason.
func (i *Interruption) end(why string) {
	i.once.Do(func() {
		i.why.Store(&why)
		close(i.drain)
		(*i.say.Load())("stopping after the running epochs: " + why)
	})
}

func (i *Interruption) notify(say func(string)) { i.say.Store(&say) }

// reason is why the sweep was drained without a signal; empty if it was not.
func (i *Interruption) reason() string {
	if why := i.why.Load(); why != nil {
		return *why
	}
	return ""
}

// hungUp reports whether the signal was the end of a terminal or of a machine: nobody asked the sweep to end.
func (i *Interruption) hungUp() bool {
	s := syscall.Signal(i.signal.Load())
	return s == syscall.SIGHUP || s == syscall.SIGTERM
}

// Drain ends the training after the running epochs, without a signal, for a reason.
func (i *Interruption) Drain(why string) { i.end(why) }

// code is the exit code that the signal asks for, 0 without one.
func (i *Interruption) code() int {
	if s := i.signal.Load(); s != 0 {
		return 128 + int(s)
	}
	return 0
}

// Stop gives the signals back.
func (i *Interruption) Stop() { i.stop() }
