//go:build unix

package host

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// bell is the pair of pipes by which the host rings a plugin process and is rung back. It reads
// by system call rather than through the runtime's poller, which takes twice as long to wake.
type bell struct{ ask, answer *os.File }

var errDeadline = errors.New("did not answer")

// ring asks for n commands and waits for the answer.
func (b *bell) ring(ctx context.Context, n int, timeout time.Duration) error {
	one := [1]byte{byte(n)}
	if _, err := unix.Write(int(b.ask.Fd()), one[:]); err != nil {
		return io.EOF
	}
	deadline := time.Now().Add(timeout)
	fds := []unix.PollFd{{Fd: int32(b.answer.Fd()), Events: unix.POLLIN}}
	for {
		const patience = 100 * time.Millisecond // between looks at ctx
		ready, err := unix.Poll(fds, int(patience/time.Millisecond))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if ready > 0 {
			got, err := unix.Read(int(b.answer.Fd()), one[:])
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || got == 0 {
				return io.EOF
			}
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if time.Now().After(deadline) {
			return errDeadline
		}
	}
}

// newBell makes the pipes; the other two ends are for the plugin.
func newBell() (b *bell, commands, replies *os.File, err error) {
	commands, ask, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	answer, replies, err := os.Pipe()
	if err != nil {
		commands.Close()
		ask.Close()
		return nil, nil, nil, err
	}
	return &bell{ask: ask, answer: answer}, commands, replies, nil
}

func (b *bell) close() {
	b.ask.Close()
	b.answer.Close()
}
