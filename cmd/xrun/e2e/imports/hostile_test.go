package imports

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner/tests"
)

// ends runs an import that may succeed or not. It has to end by itself, with a report and without a panic, in little memory.
func ends(t *testing.T, dir, tool, from string, codes ...int) {
	t.Helper()
	cmd := e2e.Xrun(t, dir, "import", tool, from)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	got := e2e.Ending(cmd.Run())
	if strings.Contains(out.String(), "goroutine ") || strings.Contains(out.String(), "panic") {
		t.Errorf("xrun import %s %s panics:\n%.4000s", tool, from, &out)
	}
	fits := false
	for _, code := range codes {
		fits = fits || code == got
	}
	if !fits || out.Len() == 0 {
		t.Errorf("xrun import %s %s ended with %d, want %v:\n%.2000s", tool, from, got, codes, &out)
	}
	const most = 1024
	if peak := peakMB(cmd.ProcessState); peak > most {
		t.Errorf("xrun import %s %s took %d MB", tool, from, peak)
	}
}

// hostile imports n damaged variants of a file: cut, and with changed bytes. Then what is no file.
func hostile(t *testing.T, tool, path string, n int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := tests.Random(t)
	name := filepath.Base(path)
	for i := range n {
		dir := t.TempDir()
		changed := bytes.Clone(text)
		if i%3 == 0 {
			changed = changed[:random.IntN(len(changed))]
		}
		for range i % 3 * 20 {
			changed[random.IntN(len(changed))] ^= byte(1 + random.IntN(255))
		}
		e2e.Write(t, filepath.Join(dir, "logs", name), string(changed))
		ends(t, dir, tool, asked(tool, name), 0, 1, 2)
	}
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "logs", name), "")
	ends(t, dir, tool, asked(tool, name), 2)
	if err := os.MkdirAll(filepath.Join(dir, "other", name), 0o755); err != nil {
		t.Fatal(err)
	}
	ends(t, dir, tool, "other/"+name, 2)
	ends(t, dir, tool, "other", 2)
	ends(t, dir, tool, "none/"+name, 2)
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Logf("no link can be made here: %v", err)
		return
	}
	ends(t, dir, tool, "loop", 2)
}

// asked is what the command line says for a file: TensorBoard reads folders.
func asked(tool, name string) string {
	if tool == "tensorboard" {
		return "logs"
	}
	return "logs/" + name
}
