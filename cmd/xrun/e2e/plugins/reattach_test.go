package plugins

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
)

// debugged starts a plugin by hand and returns what it asks to be exported.
func debugged(t *testing.T, path string) (variable string, cmd *exec.Cmd) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), path, "--debug")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "export XRUN_REATTACH='"); ok {
			return "XRUN_REATTACH=" + strings.TrimSuffix(value, "'"), cmd
		}
	}
	t.Fatal("the plugin printed no XRUN_REATTACH")
	return "", nil
}

func TestAPluginUnderADebuggerIsAttachedTo(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are no interrupts to end the plugin with")
	}
	dir := t.TempDir()
	path := e2e.Example(t, dir, "ngd")
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(pluginSweep, "[optimizers.ngd]\nplugin = \"./xrun-plugin-ngd\""))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	digest := e2e.Digest(t, path)

	elsewhere := filepath.Join(t.TempDir(), "ngd")
	if err := os.Rename(path, elsewhere); err != nil { // nothing to start is left
		t.Fatal(err)
	}
	variable, process := debugged(t, elsewhere)
	_, stderr := e2e.Run(t, 0, e2e.WithEnv(e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none", "--workers", "3"), variable))
	for _, want := range []string{"16 trials · 8 done · 8 new", fmt.Sprintf("warning: plugin ./xrun-plugin-ngd is attached by XRUN_REATTACH: process %d; its runs are kept apart as reattached:", process.Process.Pid)} {
		if !strings.Contains(stderr, want) {
			t.Errorf("the sweep does not say %q:\n%s", want, stderr)
		}
	}

	// The same numbers, and other trials.
	db := filepath.Join(dir, "xrun.db")
	curves := map[string]map[string]bool{}
	store := e2e.OpenStore(t, db)
	for _, r := range e2e.Runs(t, db) {
		if r.Status != runner.StatusFinished {
			t.Errorf("run %d: %s %s", r.ID, r.Status, r.Error)
		}
		if r.Optimizer != "ngd" {
			continue
		}
		curve, err := store.Curve(t.Context(), r.ID, "val_loss")
		if err != nil {
			t.Fatal(err)
		}
		setting := fmt.Sprint(r.LR, r.Lambda, r.Regularizer, r.Seed)
		if curves[setting] == nil {
			curves[setting] = map[string]bool{}
		}
		curves[setting][fmt.Sprint(curve)] = true
	}
	if len(curves) != 8 {
		t.Fatalf("%d settings of ngd, want 8", len(curves))
	}
	for setting, different := range curves {
		if len(different) != 1 {
			t.Errorf("setting %s has other numbers in a process that was attached to", setting)
		}
	}
	keys := keysOf(t, db, "ngd")
	for _, key := range keys[8:] {
		for _, before := range keys[:8] {
			if key == before {
				t.Errorf("trial %s is of both", key.Short())
			}
		}
	}
	var kinds []string
	for _, used := range pluginsUsed(t, db) {
		if strings.HasPrefix(used, "optimizer ngd/ngd 1.0.0 ") {
			kinds = append(kinds, strings.TrimPrefix(used, "optimizer ngd/ngd 1.0.0 ")[:11])
		}
	}
	if fmt.Sprint(kinds) != fmt.Sprint([]string{digest[:11], "reattached:"}) {
		t.Errorf("the runs are recorded with %q", kinds)
	}

	// It goes on, however often xrun ends, until it is interrupted.
	e2e.Run(t, 0, e2e.WithEnv(e2e.Xrun(t, dir, "plugin", "info", "ngd"), variable))
	e2e.Write(t, filepath.Join(dir, "xrun.lock"), "schema = 1\n")
	_, stderr = e2e.Run(t, 2, e2e.WithEnv(e2e.Xrun(t, dir, "sweep", "sweep.toml"), variable))
	if !strings.Contains(stderr, "attached by XRUN_REATTACH, so it cannot be checked against xrun.lock") {
		t.Errorf("under a lock it says\n%s", stderr)
	}
	_, stderr = e2e.Run(t, 2, e2e.WithEnv(e2e.Xrun(t, dir, "plugin", "install", "./ngd"), variable))
	if !strings.Contains(stderr, "nothing to copy") {
		t.Errorf("plugin install says\n%s", stderr)
	}
	if err := os.Remove(filepath.Join(dir, "xrun.lock")); err != nil {
		t.Fatal(err)
	}
	if err := process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("interrupted it ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the plugin does not end when it is interrupted")
	}
	_, stderr = e2e.Run(t, 2, e2e.WithEnv(e2e.Xrun(t, dir, "sweep", "sweep.toml"), variable))
	if !strings.Contains(stderr, "cannot be attached to") || !strings.Contains(stderr, "export the XRUN_REATTACH that it prints") {
		t.Errorf("once it is gone the sweep says\n%s", stderr)
	}
}

func TestXRUN_REATTACHIsChecked(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"nonsense": "is not what a plugin with --debug prints",
		`{"a":{"Protocol":"netrpc","ProtocolVersion":1,"Addr":{"Network":"unix","String":"/x"}}}`:     `speaks "netrpc"`,
		`{"a":{"Protocol":"grpc","ProtocolVersion":9,"Addr":{"Network":"unix","String":"/x"}}}`:       "speaks version 9",
		`{"a":{"Protocol":"grpc","ProtocolVersion":1,"Addr":{"Network":"tcp","String":"9.9.9.9:1"}}}`: "loopback",
		`{"a":{"Protocol":"grpc","ProtocolVersion":1,"Addr":{"Network":"unix","String":"x"}}}`:        "unix socket's path",
		`{"a":{"Protocol":"grpc","ProtocolVersion":1,"Reattach":true}}`:                               "unknown field",
	} {
		_, stderr := e2e.Run(t, 2, e2e.WithEnv(e2e.Xrun(t, t.TempDir(), "plugin", "list"), "XRUN_REATTACH="+value))
		if !strings.Contains(stderr, want) {
			t.Errorf("%s gives\n%s\nwant %q", value, stderr, want)
		}
	}
}
