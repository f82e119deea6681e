//go:build unix

package python_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/runner/tests"
)

// The callbacks of the package xrun, each with the library that it is for and the xrun of this checkout. A library that cannot be
// imported is skipped, which is printed with the reason.
func TestCallbacksOfTrainingLibraries(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "imports frameworks")
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to test the callbacks in")
	}
	module, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	xrun := filepath.Join(t.TempDir(), "xrun")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", xrun, "../../cmd/xrun").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), interpreter, "-B", "-m", "unittest", "-v", "test_integrations")
	cmd.Dir = "tests"
	cmd.Env = append(os.Environ(), "PYTHONPATH="+module, "PYTHONDONTWRITEBYTECODE=1", "XRUN_BINARY="+xrun)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("\nOK")) || bytes.Contains(out, []byte("Ran 0 ")) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
