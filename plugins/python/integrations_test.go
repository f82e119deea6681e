//go:build unix

package python_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/migrations"
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
	unittest(t, interpreter, buildXrun(t), "test_integrations")
}

// The tracking store of MLflow, with the newest MLflow 3 and its server, and with the newest client of MLflow 2.
func TestMLflowReadsDatabases(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "starts an MLflow server")
	xrun := buildXrun(t)
	t.Run("MLflow 3", func(t *testing.T) {
		program, err := exec.LookPath("mlflow")
		if err != nil {
			t.Skip("mlflow is not on PATH, which .ci/mlflow.txt pins")
		}
		if program, err = filepath.EvalSymlinks(program); err != nil {
			t.Fatal(err)
		}
		interpreter := filepath.Join(filepath.Dir(program), "python")
		if _, err := os.Stat(interpreter); err != nil {
			t.Skip("there is no python beside mlflow")
		}
		unittest(t, interpreter, xrun, "test_mlflow")
	})
	t.Run("MLflow 2", func(t *testing.T) {
		interpreter := os.Getenv("XRUN_TEST_MLFLOW2")
		if interpreter == "" {
			t.Skip("XRUN_TEST_MLFLOW2 names no python with what .ci/mlflow2.txt pins")
		}
		unittest(t, interpreter, xrun, "test_mlflow")
	})
}

// The store reads tables, so it is of one schema.
func TestMLflowReadsTheLatestSchema(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("xrun/_mlflow_rows.py")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("\nAPPLICATION, SCHEMA = %d, %d\n", migrations.ApplicationID, migrations.Latest(migrations.FS))
	if !bytes.Contains(source, []byte(want)) {
		t.Errorf("_mlflow_rows.py is of another schema: try it with the new one, and write %q", strings.TrimSpace(want))
	}
}

func buildXrun(t *testing.T) string {
	t.Helper()
	xrun := filepath.Join(t.TempDir(), "xrun")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", xrun, "../../cmd/xrun").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return xrun
}

// unittest runs tests that are written in Python, of the package xrun of this checkout and with the program xrun.
func unittest(t *testing.T, interpreter, xrun, name string) {
	t.Helper()
	module, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), interpreter, "-B", "-m", "unittest", "-v", name)
	cmd.Dir = "tests"
	cmd.Env = append(os.Environ(), "PYTHONPATH="+module, "PYTHONDONTWRITEBYTECODE=1", "XRUN_BINARY="+xrun)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("\nOK")) || bytes.Contains(out, []byte("Ran 0 ")) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
