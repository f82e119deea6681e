//go:build unix

package process_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins/process"
)

// printing runs a shell script as a plugin's process to its end, and returns what it is heard to print.
func printing(t *testing.T, script string, guard []string) (lines []string, left int) {
	t.Helper()
	l := process.NewLeash([]string{"sh", "-c", script}, nil, nil)
	l.Until, l.Guard = t.Context(), guard
	l.Say = func(line string, before int) {
		if left += before; line != "" {
			lines = append(lines, line)
		}
	}
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, l.Stdout()) // the handshake
	l.Wait(context.Background())
	l.Listen(time.Minute)
	return lines, left
}

func TestWhatAPluginPrintsIsHeard(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, guard := range map[string][]string{"alone": nil, "guarded": {self, "guard"}} {
		t.Run(name, func(t *testing.T) {
			lines, left := printing(t, `echo before
				echo "1|1|unix|/nowhere|grpc"
				echo; printf 'colors \033[31mred\t\001\n'
				head -c 5000 /dev/zero | tr '\0' x; echo
				head -c 300000 /dev/zero | tr '\0' y; echo
				printf 'without an end'`, guard)
			want := []string{"before", "colors red", strings.Repeat("x", 2000) + " … 3000 bytes left out", strings.Repeat("y", 2000) + " … 298000 bytes left out", "without an end"}
			if got := fmt.Sprintf("%q", lines); got != fmt.Sprintf("%q", want) || left != 0 {
				t.Errorf("%d are left out, and heard are %.3000s", left, got)
			}
			if lines, _ := printing(t, "echo on the other stream >&2; exit 3", guard); len(lines) != 1 || lines[0] != "on the other stream" {
				t.Errorf("on the other stream it prints %q", lines)
			}
		})
	}
}

// What floods is counted, to the line.
func TestAFloodIsCounted(t *testing.T) {
	const many = 100_000
	lines, left := printing(t, fmt.Sprintf("seq %d; seq %d >&2", many/2, many/2), nil)
	if len(lines) < 100 || len(lines) > many/10 || len(lines)+left != many {
		t.Errorf("%d lines are heard and %d are left out, of %d", len(lines), left, many)
	}
}

// A listener that does not listen, such as a terminal that is stopped, costs lines and nothing else.
func TestABlockedListenerBlocksNoPlugin(t *testing.T) {
	l := process.NewLeash([]string{"sh", "-c", "seq 100000; echo the end; exit 5"}, nil, nil)
	blocked := make(chan struct{})
	defer close(blocked)
	l.Until, l.Say = t.Context(), func(string, int) { <-blocked }
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !l.Within(time.Minute) {
		l.Kill(context.Background())
		t.Fatal("it is still running after a minute")
	}
	if got := process.DescribeExit(l.State()); got != "exited with status 5" || !strings.Contains(l.LastWords(), "the end") {
		t.Errorf("it %s with the last words %q", got, l.LastWords())
	}
}
