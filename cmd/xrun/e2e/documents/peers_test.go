package documents

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner/tests"
)

// The program that times xrun beside its peers runs. A peer that is not installed is left out, and said to be.
func TestPeersAreTimed(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "times PyTorch")
	python := e2e.Python(t, "torch, numpy")
	xrun, err := exec.LookPath("xrun")
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("../../peers/peers.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, script, "--rounds", "1", "--sizes", "digits", "--only", "PyTorch fused,JAX vmap", "--xrun", xrun)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, text := range []string{"| PyTorch fused ", "| JAX vmap ", "| xrun ", "| xrun, SQLite ", "| Optuna, SQLite "} {
		if !strings.Contains(string(out), text) {
			t.Errorf("there is no line %q in\n%s", text, out)
		}
	}
	if e2e.Ending(exec.Command(python, "-c", "import jax").Run()) != 0 && !strings.Contains(string(out), "JAX vmap is left out: No module named 'jax'") {
		t.Errorf("it does not say that JAX is left out:\n%s", out)
	}
}
