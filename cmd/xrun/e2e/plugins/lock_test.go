package plugins

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// A plugin that is not the locked one must not even be started: this one says so if it is.
const tattler = "#!/bin/sh\necho started >> %q\nexit 1\n"

func TestLockedPluginsAreNotRunOnceTheyDiffer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := e2e.Example(t, dir, "ngd")
	before := e2e.Digest(t, path)
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(pluginSweep, "[optimizers.ngd]\nplugin = \"./xrun-plugin-ngd\""))

	stdout, stderr := e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "lock", "sweep.toml"))
	if want := "added   ./xrun-plugin-ngd: ngd 1.0.0, sha256:" + before + "\n"; stdout != want || stderr != "xrun.lock pins 1 plugin\n" {
		t.Errorf("plugin lock says %q and %q, want %q", stdout, stderr, want)
	}
	text, err := os.ReadFile(filepath.Join(dir, "xrun.lock"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# The plugins that", "[[plugin]]\nref = './xrun-plugin-ngd'\nname = 'ngd'\nversion = '1.0.0'\ndigest = 'sha256:" + before + "'\ncomponents = ['ngd']\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("xrun.lock is\n%s\nwant in it\n%s", text, want)
		}
	}
	if stdout, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "lock", "sweep.toml")); stdout != "nothing has changed\n" {
		t.Errorf("locked again it says %q", stdout)
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	e2e.Run(t, 0, e2e.Xrun(t, t.TempDir(), "plan", filepath.Join(dir, "sweep.toml"))) // from elsewhere

	// Something else takes its place.
	marker := filepath.Join(dir, "started")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	e2e.Write(t, path, fmt.Sprintf(tattler, marker))
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	after := e2e.Digest(t, path)
	for _, command := range []string{"sweep", "plan"} {
		_, stderr := e2e.Run(t, 2, e2e.Xrun(t, dir, command, "sweep.toml"))
		for _, want := range []string{"--> sweep.toml:18:10", "sha256:" + before, "sha256:" + after, "xrun plugin lock sweep.toml"} {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s does not say %q:\n%s", command, want, stderr)
			}
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a plugin that differs from the lock was started")
	}

	// Without a lock it is, which shows that the marker works.
	if err := os.Remove(filepath.Join(dir, "xrun.lock")); err != nil {
		t.Fatal(err)
	}
	e2e.Run(t, 2, e2e.Xrun(t, dir, "plan", "sweep.toml"))
	if _, err := os.Stat(marker); err != nil {
		t.Errorf("without a lock the plugin was not started: %v", err)
	}
}

func TestLockNamesAllPluginsThatAreNotInIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e2e.Example(t, dir, "ngd")
	e2e.Write(t, filepath.Join(dir, "xrun.lock"), "schema = 1\n")
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(pluginSweep, "[optimizers.a]\nplugin = \"./xrun-plugin-ngd\"\n\n[optimizers.ngd]"))
	_, stderr := e2e.Run(t, 2, e2e.Xrun(t, dir, "plan", "sweep.toml", "--plugin-dir", dir))
	for _, want := range []string{"plugin ./xrun-plugin-ngd is not in xrun.lock", "plugin ngd is not in xrun.lock"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("the plan does not say %q:\n%s", want, stderr)
		}
	}
	stdout, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "lock", "sweep.toml", "--plugin-dir", dir))
	if strings.Count(stdout, "added") != 2 {
		t.Errorf("plugin lock says\n%s\nwant two added", stdout)
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "plan", "sweep.toml", "--plugin-dir", dir))

	// One of them leaves the sweep.
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(pluginSweep, "[optimizers.ngd]"))
	stdout, _ = e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "lock", "sweep.toml", "--plugin-dir", dir))
	if !strings.HasPrefix(stdout, "removed ./xrun-plugin-ngd: ngd 1.0.0, sha256:") {
		t.Errorf("plugin lock says %q, want that the path is removed", stdout)
	}

	e2e.Write(t, filepath.Join(dir, "xrun.lock"), "<<<<<<< HEAD\n")
	_, stderr = e2e.Run(t, 2, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--plugin-dir", dir))
	if !strings.Contains(stderr, "xrun: xrun.lock: ") {
		t.Errorf("a lock with a conflict gives\n%s", stderr)
	}
}
