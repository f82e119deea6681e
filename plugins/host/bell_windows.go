package host

import (
	"context"
	"errors"
	"os"
	"time"
)

type bell struct{}

var errDeadline = errors.New("did not answer")

func (*bell) ring(context.Context, int, time.Duration) error { return errors.ErrUnsupported }
func (*bell) close()                                         {}

func newBell() (*bell, *os.File, *os.File, error) { return nil, nil, nil, errors.ErrUnsupported }
