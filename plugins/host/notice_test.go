//go:build unix

package host

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Who waits for a plugin that takes its time, as one does that imports a framework, hears of it,
// and hears when it is over.
func TestASilentStartIsTold(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/slow"
	if err := os.WriteFile(path, []byte("#!/bin/sh\nsleep 0.5\nexec "+self+" serve-builtin\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var said []string
	h := newHost(t, "serve-builtin", Options{NoticeAfter: 100 * time.Millisecond, Notice: func(text string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, text)
	}})
	if _, err := h.Describe(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(said) != 2 || said[0] != "plugin "+path+" has not answered for 100ms; waiting up to 1m0s; Ctrl-C stops" ||
		!strings.HasPrefix(said[1], "plugin "+path+" answered after ") {
		t.Errorf("it was said %q", said)
	}
}
