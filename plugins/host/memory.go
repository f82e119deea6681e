package host

import (
	"fmt"
	"regexp"

	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/plugins/protocol"
)

// memoryShare is the part of the machine's memory that one plugin process may take by default:
// the rest is for xrun, the shared slabs and the rest of the machine.
const memoryShare = 0.8

// SetPluginMemory changes how many bytes of memory a plugin process started from now
// on may take, of its own and shared with xrun. 0 is the default, four fifths of the machine's.
func (h *Host) SetPluginMemory(bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.options.PluginMemory = bytes
}

// memoryLimit is the limit of a process that is started now, in bytes; 0 is none.
func (h *Host) memoryLimit() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	total := process.MachineMemory()
	switch limit := h.options.PluginMemory; {
	case total == 0: // nothing can be enforced
		return 0
	case limit == 0:
		return int64(memoryShare * float64(total))
	default:
		return limit
	}
}

// leastSlabs is the size of each region of slabs in bytes to begin with: most models fit into it.
const leastSlabs = 16 << 20

// room makes the shared memory large enough for slabs of n bytes. Its size is fixed, so that processes which have the
// smaller one are stopped; they start again when they are needed. Nothing may use earlier slabs any more.
func (w *Worker) room(n int) error {
	if w.arena != nil && w.arena.holds(n) {
		return nil
	}
	const step = 1 << 20
	size := max(leastSlabs, (int64(n)+protocol.SlabsOffset+step-1)/step*step)
	if limit := w.host.memoryLimit(); limit > 0 && 2*size > limit-limit/8 {
		return fmt.Errorf("the cohort needs %s that plugins share with xrun, and a plugin may take %s, with some of it for itself: plugin_memory in [run] allows more", bytesText(2*size), bytesText(limit))
	}
	a, err := newArena(size)
	if err != nil {
		return err
	}
	if w.arena != nil {
		for path, p := range w.processes {
			if p.arena != nil {
				p.stop()
				delete(w.processes, path)
			}
		}
		w.arena.close()
	}
	w.arena = a
	return nil
}

// needs remembers that the objectives of a plugin have taken slabs of n bytes, and returns the most that they have. Of
// such a plugin it is known only when its process runs.
func (h *Host) needs(ref string, n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.slabs[ref] = max(h.slabs[ref], n)
	return h.slabs[ref]
}

// noMemory is what the languages and frameworks of plugins say when memory is refused to them: Go,
// C++, Python, numpy, PyTorch, C.
var noMemory = regexp.MustCompile(`(?i)out of memory|cannot allocate memory|can't allocate memory|MemoryError|bad_alloc|unable to allocate|failed to allocate`)

// limited adds the limit to an error that reads as if the process had reached it. words are what
// it printed last.
func (p *peer) limited(err error, words string) error {
	if p.memory == 0 || !noMemory.MatchString(err.Error()) && !noMemory.MatchString(words) {
		return err
	}
	return &memoryError{err, p.memory}
}

// memoryError is an error of a plugin that ran out of memory.
type memoryError struct {
	err   error
	limit int64 // bytes
}

func (e *memoryError) Unwrap() error { return e.err }

func (e *memoryError) Error() string {
	return fmt.Sprintf("ran out of memory: it may take %s, and more with plugin_memory in [run]: %v", bytesText(e.limit), e.err)
}

// bytesText writes a number of bytes for people.
func bytesText(n int64) string {
	if n < 1e9 {
		return fmt.Sprintf("%.3g MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.3g GB", float64(n)/1e9)
}
