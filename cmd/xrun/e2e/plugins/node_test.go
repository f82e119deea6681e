//go:build unix

package plugins

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner/tests"
)

// The example in Node keeps the contract, with what xrun itself hands out of it, and trains as the built-in method does.
func TestTheExampleInNode(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "installs packages from npm")
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s", program)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"plugin", "package.json", "package-lock.json"} {
		content, err := os.ReadFile(e2e.Path("plugins", "examples", "node", name))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(content), "\n"); name == "plugin" && n >= 80 {
			t.Errorf("the example has %d lines; its page promises fewer than 80", n)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install the packages of the example: %v\n%s", err, out)
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "proto", "-o", "plugin.proto"))
	if stdout, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "check", "./plugin")); !strings.Contains(stdout, "passed: ") || strings.Contains(stdout, "advice") {
		t.Errorf("the check says\n%s", stdout)
	}
	sweep := `seeds = 2
[task]
dataset = "iris"
model   = "softmax"
epochs  = 5
batch   = 32
[grid]
lr = [0.01, 0.1]
[optimizers.node]
plugin = "./plugin"
[optimizers.sgd]
momentum = 0.9
`
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), sweep)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml"))
	same := `SELECT count(*) FROM runs a JOIN runs b ON a.lr = b.lr AND a.seed = b.seed AND a.value = b.value WHERE a.optimizer = 'node' AND b.optimizer = 'sgd'`
	if stdout, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "sql", same, "--csv")); !strings.Contains(stdout, "\n4\n") {
		t.Errorf("runs in Node that end with the value of the built-in method: %s, want 4", stdout)
	}

	// Installed with its packages, it is found by name anywhere.
	elsewhere, home := t.TempDir(), t.TempDir()
	if err := os.Remove(filepath.Join(dir, "sweep.toml")); err != nil {
		t.Fatal(err)
	}
	if stdout, _ := e2e.Run(t, 0, withHome(t, dir, home, "plugin", "install", dir, "--name", "node")); !strings.HasPrefix(stdout, "installed node ") {
		t.Errorf("plugin install says %q", stdout)
	}
	e2e.Write(t, filepath.Join(elsewhere, "sweep.toml"), strings.Replace(sweep, "plugin = \"./plugin\"\n", "", 1))
	e2e.Run(t, 0, withHome(t, elsewhere, home, "sweep", "sweep.toml"))
	if stdout, _ := e2e.Run(t, 0, e2e.Xrun(t, elsewhere, "sql", same, "--csv")); !strings.Contains(stdout, "\n4\n") {
		t.Errorf("runs of the installed plugin that end with the value of the built-in method: %s, want 4", stdout)
	}
}
