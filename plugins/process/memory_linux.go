package process

import (
	"fmt"
	"math"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// confine limits the memory of a process that has just started, and lets the kernel end it before
// other processes when memory runs out all the same. RLIMIT_DATA counts private writable memory; the
// slabs are shared and do not count, nor does address space that is only reserved, as CUDA and Go
// reserve much of it, which RLIMIT_AS would. Children inherit it all. A process that crashes leaves
// no core file. Memory that the process took in the microseconds before does not count.
func confine(pid int, memory int64) error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0); err != nil {
		return err
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil); err != nil {
		return fmt.Errorf("keep it from leaving core files: %w", err)
	}
	if memory == 0 {
		return nil
	}
	var now unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_DATA, nil, &now); err != nil {
		return fmt.Errorf("read its limit of memory: %w", err)
	}
	limit := min(uint64(memory), now.Max) // only root may raise it
	if err := unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
		return fmt.Errorf("limit its memory: %w", err)
	}
	return nil
}

// MachineMemory is the number of bytes that this process can have: the memory of the machine or, if
// less, the limit of one of its control groups. It is 0 where limits are not supported.
func MachineMemory() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	total := int64(info.Totalram) * int64(info.Unit)
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return total
	}
	return min(total, groupMemory("/sys/fs/cgroup", string(groups)))
}

// groupMemory is the smallest limit on the way from a process's control groups to their roots, by
// the text of its /proc/PID/cgroup: of memory.max in version 2, of memory.limit_in_bytes in 1.
func groupMemory(root, groups string) int64 {
	least := int64(math.MaxInt64)
	for line := range strings.Lines(groups) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		base, file := root, "memory.max"
		if controllers == "memory" {
			base, file = path.Join(root, "memory"), "memory.limit_in_bytes"
		} else if controllers != "" {
			continue
		}
		for at := path.Clean("/" + group); ; at = path.Dir(at) {
			text, err := os.ReadFile(path.Join(base, at, file))
			if err == nil { // "max" is no number, and no limit
				if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
					least = min(least, n)
				}
			}
			if at == "/" {
				break
			}
		}
	}
	return least
}
