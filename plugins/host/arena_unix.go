//go:build unix

package host

import (
	"fmt"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xrun-dev/xrun/plugins/protocol"
)

// arena is the memory that a worker and its plugin processes share; see package protocol. Its size is fixed: what a
// plugin can take of it is what the slabs of a cohort need, and counts as the plugin's.
type arena struct {
	controlFile, gradientsFile, gradientsReadOnly, parametersFile *os.File
	control, gradients, parameters                                []byte
	canary                                                        uint64
}

// newArena makes an arena of which both regions of slabs have a size.
func newArena(size int64) (_ *arena, err error) {
	a := &arena{canary: rand.Uint64()}
	defer func() {
		if err != nil {
			a.close()
			err = fmt.Errorf("share memory with plugins: %w", err)
		}
	}()
	region := func(name string, size int64) (*os.File, []byte, error) {
		f, err := sealedFile(name, size)
		if err != nil {
			return nil, nil, err
		}
		m, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|mapNoReserve)
		return f, m, err
	}
	if a.controlFile, a.control, err = region("control", protocol.ControlBytes); err != nil {
		return nil, err
	}
	if a.gradientsFile, a.gradients, err = region("gradients", size); err != nil {
		return nil, err
	}
	if a.parametersFile, a.parameters, err = region("parameters", size); err != nil {
		return nil, err
	}
	if a.gradientsReadOnly, err = readOnly(a.gradientsFile); err != nil {
		return nil, err
	}
	if err = reserve(a.controlFile, 0, protocol.ControlBytes); err != nil {
		return nil, err
	}
	if err = reserve(a.parametersFile, 0, protocol.SlabsOffset); err != nil {
		return nil, err
	}
	protocol.PutHeader(a.control, a.canary)
	if err = sealWrites(a.controlFile); err != nil {
		return nil, err
	}
	for _, f := range []*os.File{a.controlFile, a.gradientsFile, a.parametersFile} {
		if err = sealSeals(f); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// bytes is how much memory a plugin can take of the arena.
func (a *arena) bytes() int64 { return int64(len(a.control) + len(a.gradients) + len(a.parameters)) }

// holds reports whether there is room for slabs of n bytes.
func (a *arena) holds(n int) bool { return int64(n)+protocol.SlabsOffset <= int64(len(a.parameters)) }

// slabs takes n bytes, for which there is room, in both regions, cleared. Earlier slabs are given up.
func (a *arena) slabs(n int) (params, grads []byte, err error) {
	if !a.holds(n) {
		return nil, nil, fmt.Errorf("a cohort needs %d bytes of parameters, there is room for %d", n, len(a.parameters)-protocol.SlabsOffset)
	}
	if err := reserve(a.parametersFile, protocol.SlabsOffset, int64(n)); err != nil {
		return nil, nil, fmt.Errorf("take %d bytes for parameters: %w", n, err)
	}
	if err := reserve(a.gradientsFile, 0, int64(n)); err != nil {
		return nil, nil, fmt.Errorf("take %d bytes for gradients: %w", n, err)
	}
	params, grads = a.parameters[protocol.SlabsOffset:][:n:n], a.gradients[:n:n]
	clear(params)
	clear(grads)
	return params, grads, nil
}

func (a *arena) close() {
	for _, m := range [][]byte{a.control, a.gradients, a.parameters} {
		if m != nil {
			unix.Munmap(m)
		}
	}
	for _, f := range []*os.File{a.controlFile, a.gradientsFile, a.gradientsReadOnly, a.parametersFile} {
		if f != nil {
			f.Close()
		}
	}
}
