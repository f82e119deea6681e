//go:build unix

package host

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Long hashing and copying is told, and stops when xrun is to stop.
func TestLongHashingIsToldAndStops(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mine")
	put(t, filepath.Join(dir, "plugin"), "#!/bin/sh\n", 0o755)
	put(t, filepath.Join(dir, "data", "weights.bin"), strings.Repeat("w", 1<<20), 0o644)
	var said []string
	h := newHost(t, "serve-builtin", Options{NoticeAfter: time.Nanosecond, Notice: func(text string) { said = append(said, text) }})
	src, err := h.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Stage(src, filepath.Join(t.TempDir(), "plugins"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Discard(); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"hashing", "copying"} {
		want := regexp.MustCompile("(?m)^" + what + " " + regexp.QuoteMeta(dir) + `: [0-9.]+ MB of 1\.05 MB; Ctrl-C stops$`)
		if !want.MatchString(strings.Join(said, "\n")) {
			t.Errorf("it was said %q, want %v", said, want)
		}
	}
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopped)
	if _, err := newHost(t, "serve-builtin", Options{Until: ctx}).Find(dir); !errors.Is(err, stopped) {
		t.Errorf("after it was stopped, Find gives %v", err)
	}
}
