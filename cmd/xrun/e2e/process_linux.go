//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Children are the processes that a process has started.
func Children(t *testing.T, parent int) []int {
	t.Helper()
	var all []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if state, ppid := State(pid); ppid == parent && state != "Z" {
			all = append(all, pid)
		}
	}
	return all
}

// State is the state and the parent of a process; an empty state means that there is none.
func State(pid int) (state string, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}

// Gone waits until a process has ended.
func Gone(t *testing.T, pid int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		state, _ := State(pid)
		if state == "" || state == "Z" {
			return
		}
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("plugin process %d outlives xrun by half a minute, in state %s", pid, state)
		}
	}
}
