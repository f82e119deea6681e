//go:build unix

package plugins

import (
	"encoding/json"
	"os"
	"os/exec"
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

// Programs and plugins in Python import the package that the running xrun has, whatever else is installed in their
// environment or lies on the user's PYTHONPATH.
func TestThePackageIsThatOfTheProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	venv, fake := filepath.Join(dir, "venv"), filepath.Join(dir, "fake")
	if out, err := exec.CommandContext(t.Context(), e2e.Python(t, "venv"), "-m", "venv", "--without-pip", venv).CombinedOutput(); err != nil {
		t.Fatalf("make an environment: %v\n%s", err, out)
	}
	interpreter := filepath.Join(venv, "bin", "python")
	packages, err := exec.CommandContext(t.Context(), interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{strings.TrimSpace(string(packages)), fake} {
		for _, name := range []string{"xrun/__init__.py", "xrun/plugin.py", "xrun_plugin.py"} {
			e2e.Write(t, filepath.Join(at, name), "__version__ = 'another'\n")
		}
	}
	if out, err := exec.CommandContext(t.Context(), interpreter, "-c", "import xrun; print(xrun.__version__)").CombinedOutput(); string(out) != "another\n" {
		t.Fatalf("without xrun it says %s: %v", out, err)
	}
	const facts = `import xrun, xrun.plugin, xrun_plugin
told = " ".join([xrun.__version__, xrun.binary(), str(xrun.plugin is xrun_plugin), str(xrun.plugin.NUMERICS > 0)])
`
	e2e.Write(t, filepath.Join(dir, "program.py"), facts+`open("program.txt", "w").write(told)
xrun.plugin.report(epoch=1, val_loss=0.5)
`)
	e2e.Write(t, filepath.Join(dir, "beside", "probe.py"), facts+`import subprocess, sys
child = subprocess.run([sys.executable, "-c", "import xrun; print(xrun.__version__ != 'another')"], stdout=subprocess.PIPE, text=True).stdout
@xrun.plugin.optimizer("probe", summary=told + " " + child.strip())
class Probe:
    def __init__(self, theta): pass
    def step(self, theta, grad, lr): theta -= lr * grad
xrun.plugin.serve()
`)
	e2e.Write(t, filepath.Join(dir, "beside", "xrun.py"), "raise ImportError('beside the plugin')\n")
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), "[task]\ncommand = ['"+interpreter+"', 'program.py']\nepochs = 1\nmetrics = ['val_loss']\n")
	in := func(args ...string) string {
		t.Helper()
		cmd := e2e.WithEnv(e2e.WithEnv(e2e.Xrun(t, dir, args...), "PYTHONPATH="+fake), "XRUN_PYTHON="+interpreter)
		stdout, _ := e2e.Run(t, 0, cmd)
		return stdout
	}
	var v struct{ Version string }
	if err := json.Unmarshal([]byte(in("version", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	self, err := exec.LookPath("xrun")
	if err != nil {
		t.Fatal(err)
	}
	want := v.Version + " " + self + " True True"
	in("sweep", "sweep.toml")
	if got, err := os.ReadFile(filepath.Join(dir, "program.txt")); err != nil || string(got) != want {
		t.Errorf("the program says %q, want %q: %v", got, want, err)
	}
	if got := in("plugin", "info", "./beside/probe.py"); !strings.Contains(got, want+" True") {
		t.Errorf("the plugin says\n%s\nwant %q", got, want+" True")
	}
}
