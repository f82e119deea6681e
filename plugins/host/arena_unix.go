//go:build unix

package host

import (
	"fmt"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xrun-dev/xrun/plugins/protocol"
)

// arena is the memory that a worker and its plugin processes share; see package protocol.
type arena struct {
	controlFile, gradientsFile, gradientsReadOnly, parametersFile *os.File
	control, gradients, parameters                                []byte
	canary                                                        uint64
}

// slabBytes is how much address space each slab region reserves; pages are backed as slabs are
// taken. A machine that will not reserve so much gets less.
var slabBytes = []int64{1 << 36, 1 << 32, 1 << 29}

func newArena() (*arena, error) {
	var err error
	for _, size := range slabBytes {
		var a *arena
		if a, err = tryArena(size); err == nil {
			return a, nil
		}
	}
	return nil, fmt.Errorf("share memory with plugins: %w", err)
}

func tryArena(size int64) (_ *arena, err error) {
	a := &arena{canary: rand.Uint64()}
	defer func() {
		if err != nil {
			a.close()
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
	return a, sealWrites(a.controlFile)
}

// slabs takes n bytes in both regions, cleared. Earlier slabs are given up.
func (a *arena) slabs(n int) (params, grads []byte, err error) {
	if int64(n)+protocol.SlabsOffset > int64(len(a.parameters)) {
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
