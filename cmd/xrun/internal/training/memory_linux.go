package training

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/xrun-dev/xrun/runner"
)

// available is the memory that this process may still take: what the machine has left, its control group, the limit on its
// address space and GOMEMLIMIT, whichever is least.
func available() (least float64, limit string) {
	least = math.Inf(1)
	consider := func(bytes float64, format string) {
		if bytes = max(bytes, 0); bytes < least {
			least, limit = bytes, fmt.Sprintf(format, runner.Bytes(bytes))
		}
	}
	if left, ok := fieldOf("/proc/meminfo", "MemAvailable:"); ok {
		consider(1024*left, "the machine has %s left")
	}
	for _, directory := range controlGroups() {
		most, ok := numberIn(filepath.Join(directory, "memory.max"))
		used, known := numberIn(filepath.Join(directory, "memory.current"))
		if ok && known {
			files, _ := fieldOf(filepath.Join(directory, "memory.stat"), "inactive_file") // which the kernel gives back
			consider(most-used+files, "its control group has %s left")
		}
	}
	var space syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &space); err == nil && space.Cur != ^uint64(0) {
		text, _ := os.ReadFile("/proc/self/statm")
		pages, err := strconv.ParseFloat(strings.SplitN(string(text)+" ", " ", 2)[0], 64)
		if err == nil {
			consider(float64(space.Cur)-pages*float64(os.Getpagesize()), "the limit on address space (ulimit -v) leaves %s")
		}
	}
	if most := debug.SetMemoryLimit(-1); most < math.MaxInt64 {
		consider(leftOf(most), "GOMEMLIMIT leaves %s")
	}
	return least, limit
}

// leftOf is what Go's limit leaves. Free pages that the heap holds are left, too, and garbage once the limit is near.
func leftOf(most int64) float64 {
	left := func() float64 {
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		return float64(most) - float64(now.Sys-now.HeapIdle)
	}
	now := left()
	if now < 0.5*float64(most) {
		runtime.GC()
		now = left()
	}
	return now
}

// controlGroups are the directories of the control groups, of version 2, that this process is in.
func controlGroups() (directories []string) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		const root = "/sys/fs/cgroup"
		for at := filepath.Join(root, path); strings.HasPrefix(at, root); at = filepath.Dir(at) {
			directories = append(directories, at)
		}
	}
	return directories
}

// numberIn reads a file that holds a number. "max" is none.
func numberIn(file string) (float64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	x, err := strconv.ParseFloat(string(bytes.TrimSpace(text)), 64)
	return x, err == nil
}

// fieldOf reads the number after a name at the beginning of a line.
func fieldOf(file, name string) (float64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == name {
			x, err := strconv.ParseFloat(words[1], 64)
			return x, err == nil
		}
	}
	return 0, false
}
