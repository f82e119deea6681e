//go:build !unix

package sdk

import (
	"errors"

	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
)

// Windows cannot inherit pipes and memory by descriptor; the host sends messages there.
const sharedMemory = false

type memory struct{ control []byte }

func attach(*pluginv1.AttachRequest) (*memory, error) {
	return nil, errors.New("shared memory is not available on this platform")
}

func (*memory) serve(*sessionTable) {}
