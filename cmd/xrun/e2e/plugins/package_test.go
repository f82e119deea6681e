//go:build unix

package plugins

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner/tests"
)

// inPython runs Python in a directory, with the package of the source tree and the xrun under test.
func inPython(t *testing.T, dir string, arguments ...string) []byte {
	t.Helper()
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to test the package in")
	}
	binary, err := exec.LookPath("xrun")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), interpreter, arguments...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XRUN_BINARY="+binary, "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("python3 %q: %v\n%s", arguments, err, out)
	}
	return out
}

// The tests of scripts, sweeps and results from Python, with warnings as errors, in the interpreter at hand.
func TestThePythonPackage(t *testing.T) {
	t.Parallel()
	out := inPython(t, e2e.Path("plugins", "python", "tests"), "-B", "-W", "error", "-m", "unittest", "test_documentation", "test_run", "test_uses", "test_function", "test_results")
	if !bytes.Contains(out, []byte("\nOK")) || bytes.Contains(out, []byte("Ran 0 ")) {
		t.Errorf("it says\n%s", out)
	}
	t.Logf("%s", out)
}

// The notebook of the documentation runs in a kernel, and shows progress, the report and a map.
func TestNotebook(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "starts a Jupyter kernel")
	e2e.Python(t, "nbclient, ipykernel")
	notebook, err := filepath.Abs(e2e.Path("plugins", "python", "notebook.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	inPython(t, e2e.Path("plugins", "python", "tests"), "-B", "in_kernel.py", notebook, t.TempDir())
}
