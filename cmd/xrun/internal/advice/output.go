package advice

import (
	"io"
	"sync"
)

// An Output is standard output. It remembers the first error of a write, so that no command that prints has to: a full disk
// must not end with exit code 0.
type Output struct {
	To io.Writer

	mu  sync.Mutex
	err error
}

func (o *Output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.To.Write(data)
	o.err = err
	return n, err
}

// Failure is the first error of a write.
func (o *Output) Failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
