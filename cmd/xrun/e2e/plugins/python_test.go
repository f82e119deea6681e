//go:build unix

package plugins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner/tests"
)

// The examples in Python train, each by the sweep file beside it, where their framework is installed.
func TestPythonExamples(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "imports frameworks")
	from := e2e.Path("plugins", "examples", "python")
	for name, c := range map[string]struct{ needs, want string }{
		"numpy_softmax": {"numpy", "adam lr 0.1 λ 0 is best"},
		"torch_mlp":     {"torch", "adam lr 1e-2 λ 0 is best"},
		"keras_mlp":     {"tensorflow, keras", "adam lr 1e-2 λ 0 is best"},
		"torch_optim":   {"torch", " is best: val_loss 0.21"},
	} {
		t.Run(name, func(t *testing.T) {
			e2e.Python(t, c.needs)
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			sweep := filepath.Join(dir, name+".toml")
			stdout, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", sweep, "--workers", "1")) // importing a framework takes longer than training
			if !strings.Contains(stdout, c.want) {
				t.Errorf("the sweep says\n%s\nwant %q", stdout, c.want)
			}
			if name != "numpy_softmax" {
				return
			}
			if _, stderr := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", sweep)); !strings.Contains(stderr, "nothing to train") {
				t.Errorf("run again it says %q, want nothing to train", stderr)
			}
		})
	}
}

// The examples keep the contract. Each check starts its plugin many times, which with the import of
// a framework takes minutes.
func TestPythonExamplesKeepTheContract(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "takes minutes")
	for name, needs := range map[string]string{"numpy_softmax": "numpy", "torch_mlp": "torch", "keras_mlp": "tensorflow, keras", "torch_optim": "torch"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e2e.Python(t, needs)
			path, err := filepath.Abs(e2e.Path("plugins", "examples", "python", name+".py"))
			if err != nil {
				t.Fatal(err)
			}
			if stdout, _ := e2e.Run(t, 0, e2e.Xrun(t, t.TempDir(), "plugin", "check", "--short", path)); !strings.Contains(stdout, "passed: ") {
				t.Errorf("the check says\n%s", stdout)
			}
		})
	}
}
