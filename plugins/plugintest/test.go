package plugintest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Test checks a plugin in a test of its author's: a failure for each required check that does not
// hold, a log line for the others. path names the executable; see [Build].
//
//	func TestContract(t *testing.T) { plugintest.Test(t, plugintest.Build(t, ".")) }
func Test(t *testing.T, path string) {
	t.Helper()
	report := must(t, path, Options{Short: testing.Short()})
	for _, c := range report.Checks {
		judge(t, c)
	}
	for _, comp := range report.Components {
		t.Run(comp.Name, func(t *testing.T) {
			for _, c := range comp.Checks {
				judge(t, c)
			}
		})
	}
}

func must(t *testing.T, path string, o Options) *Report {
	t.Helper()
	r, err := Check(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func judge(t *testing.T, c Result) {
	t.Helper()
	switch {
	case c.Verdict == Failed && c.Required:
		t.Errorf("%s: %s", c.ID, c.Message)
	case c.Message != "":
		t.Logf("%s, %s: %s", c.ID, c.Verdict, c.Message)
	}
}

// Build builds the plugin whose main package is in dir, with the go command, and returns the path of
// the executable, which goes with the test. The test is skipped where there is no go command.
func Build(t *testing.T, dir string) string {
	t.Helper()
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command to build the plugin with")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "xrun-plugin-"+filepath.Base(abs))
	build := exec.CommandContext(t.Context(), tool, "build", "-o", path, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the plugin in %s: %v\n%s", dir, err, out)
	}
	return path
}
