//go:build unix

package host

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// What a plugin in Go prints in a step reaches the listener with its name: on its standard output and error, which
// go-plugin takes, and on what those were at first.
func TestWhatAPluginPrintsReachesItsListener(t *testing.T) {
	var mu sync.Mutex
	var heard []string
	h := newHost(t, "serve-evil", Options{Printed: func(plugin, line string, left int) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, fmt.Sprintf("%s: %.40s", plugin, line))
	}})
	printAStep(t, h, "chatter")
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"builtin: " + strings.Repeat("x", 40), "builtin: " + strings.Repeat("y", 40), "builtin: 1|1|unix|/nowhere|grpc", `builtin: {"@level": [], "@timestamp": {}}`} {
		if !slices.Contains(heard, want) {
			t.Errorf("heard is %q, want %q among it", heard, want)
		}
	}
}

// Without a listener it goes to the log, whether it is little or much.
func TestWhatAPluginPrintsIsLogged(t *testing.T) {
	var log bytes.Buffer
	h := newHost(t, "serve-evil", Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	printAStep(t, h, "flood")
	for _, want := range []string{`level=INFO msg="plugin prints" plugin=builtin text="line 1"`, `level=INFO msg="plugin prints too much" plugin=builtin lines_left_out=`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%.5000s", want, &log)
		}
	}
}

// printAStep takes one step with an evil plugin, and stops it.
func printAStep(t *testing.T, h *Host, behaviour string) {
	t.Helper()
	w, err := h.Worker()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	s, err := w.Open(t.Context(), evilSpec(behaviour, 1))
	if err != nil {
		t.Fatal(err)
	}
	s.Step(t.Context(), []int{0}, runner.StepInputs{Rates: []float64{1}}) // an error is its own business
}
