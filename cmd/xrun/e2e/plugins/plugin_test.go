package plugins

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/sdk"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// pluginSweep compares gradient descent with another optimizer, of which it gives the table.
const pluginSweep = `schema = 1
name   = "plugins"
seeds  = 2

[task]
dataset = "iris"
model   = "softmax"
epochs  = 3
batch   = 32

[grid]
lr     = [0.001, 0.01]
lambda = [0.0, 1.0]

[optimizers.sgd]

%s
`

func TestAPluginOfAStranger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := e2e.Example(t, dir, "ngd")
	digest := e2e.Digest(t, path)
	sweep := filepath.Join(dir, "sweep.toml")
	e2e.Write(t, sweep, fmt.Sprintf(pluginSweep, "[optimizers.ngd]\nplugin = \"./xrun-plugin-ngd\"\nmomentum = 0.5"))
	stdout, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	if !strings.Contains(stdout, " ngd ") {
		t.Errorf("the report does not name the optimizer:\n%s", stdout)
	}
	db := filepath.Join(dir, "xrun.db")
	keys := keysOf(t, db, "ngd")
	if len(keys) != 8 {
		t.Fatalf("%d trials of ngd, want 8", len(keys))
	}
	for _, r := range e2e.Runs(t, db) {
		if r.Status != runner.StatusFinished {
			t.Errorf("run %d of %s: %s %s", r.ID, r.Optimizer, r.Status, r.Error)
		}
		points, err := e2e.OpenStore(t, db).Curve(t.Context(), r.ID, "train_loss")
		if err != nil {
			t.Fatal(err)
		}
		if first, last := points[0].Value, points[len(points)-1].Value; last >= first {
			t.Errorf("run %d of %s does not train: its loss goes from %v to %v", r.ID, r.Optimizer, first, last)
		}
	}
	if used := pluginsUsed(t, db); !slices.Contains(used, "optimizer ngd/ngd 1.0.0 "+digest) {
		t.Errorf("the record of plugins is %q; want ngd with its SHA-256 %s", used, digest)
	}
	for _, r := range e2e.Runs(t, db) {
		shown, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "show", fmt.Sprint(r.ID)))
		want := fmt.Sprintf(`(?m)^optimizer +ngd/ngd +1\.0\.0 +%d +sdk go %s, .*shared_memory.* +%s$`, protocol.Version, regexp.QuoteMeta(sdk.Version), digest)
		if regexp.MustCompile(want).MatchString(shown) != (r.Optimizer == "ngd") {
			t.Errorf("show of a run of %s says\n%s\nwant %q for ngd only", r.Optimizer, shown, want)
		}
	}
	stdout, _ = e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "info", "./xrun-plugin-ngd"))
	for _, want := range []string{"ngd 1.0.0: normalised gradient descent", "sha256 " + digest, "optimizer ngd: ", "momentum"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("plugin info does not say %q:\n%s", want, stdout)
		}
	}

	t.Run("found by name", func(t *testing.T) {
		byName := filepath.Join(t.TempDir(), "sweep.toml")
		e2e.Write(t, byName, fmt.Sprintf(pluginSweep, "[optimizers.ngd]\nmomentum = 0.5"))
		for how, cmd := range map[string]*exec.Cmd{
			"flag":        e2e.Xrun(t, t.TempDir(), "plan", byName, "--top", "0", "--store", db, "--plugin-dir", dir),
			"environment": e2e.WithEnv(e2e.Xrun(t, t.TempDir(), "plan", byName, "--top", "0", "--store", db), "XRUN_PLUGIN_PATH="+dir),
		} {
			if stdout, _ := e2e.Run(t, 0, cmd); !strings.Contains(stdout, "16 trials · 16 done\n") {
				t.Errorf("%s: the plugin found by name gives other trials than by path:\n%s", how, stdout)
			}
		}
		stdout, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "list", "--plugin-dir", dir))
		if !strings.Contains(stdout, digest[:12]) {
			t.Errorf("plugin list does not have it:\n%s", stdout)
		}
		_, stderr := e2e.Run(t, 2, e2e.Xrun(t, t.TempDir(), "plan", byName))
		if !strings.Contains(stderr, "plugin ngd is neither built in nor found as xrun-plugin-ngd") {
			t.Errorf("without its directory:\n%s", stderr)
		}
	})

	t.Run("rebuilt", func(t *testing.T) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		_, stderr := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
		if !strings.Contains(stderr, "16 trials · 8 done · 8 new") {
			t.Errorf("another binary does not make other trials:\n%s", stderr)
		}
		for _, key := range keysOf(t, db, "ngd")[8:] {
			if slices.Contains(keys, key) {
				t.Errorf("trial %s is of both binaries", key.Short())
			}
		}
		if used := pluginsUsed(t, db); !slices.Contains(used, "optimizer ngd/ngd 1.0.0 "+e2e.Digest(t, path)) {
			t.Errorf("the record of plugins is %q; want the digest of the new binary too", used)
		}
	})
}

// keysOf are the trials of an optimizer, in the order in which they were run.
func keysOf(t *testing.T, path, optimizer string) []runner.Key {
	t.Helper()
	var keys []runner.Key
	for _, r := range e2e.Runs(t, path) {
		if r.Optimizer == optimizer {
			keys = append(keys, r.Trial)
		}
	}
	return keys
}

// pluginsUsed reads the view for everybody: role, name, version and digest.
func pluginsUsed(t *testing.T, path string) []string {
	t.Helper()
	var used []string
	view := store.Query{Text: "SELECT DISTINCT role || ' ' || name || ' ' || version || ' ' || digest FROM plugins_used"}
	err := e2e.OpenStore(t, path).Query(t.Context(), view, func([]string) error { return nil }, func(row []any) error {
		used = append(used, row[0].(string))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return used
}

func TestAProgramThatIsNoPluginIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the plugins of this test are shell scripts")
	}
	for name, c := range map[string]struct{ script, want string }{
		"dies":    {"echo my last words >&2; exit 4", "exited with status 4 before it was ready"},
		"garbage": {"echo this is no handshake; echo my last words >&2", "exited with status 0 before it was ready"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			plugin := filepath.Join(dir, "fake")
			e2e.Write(t, plugin, "#!/bin/sh\n"+c.script+"\n")
			if err := os.Chmod(plugin, 0o755); err != nil {
				t.Fatal(err)
			}
			e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(pluginSweep, "[optimizers.fake]\nplugin = \"./fake\""))
			_, stderr := e2e.Run(t, 2, e2e.Xrun(t, dir, "sweep", "sweep.toml"))
			for _, want := range []string{"error: plugin ./fake " + c.want, "--> sweep.toml:18:10\n", "my last words"} {
				if !strings.Contains(stderr, want) {
					t.Errorf("does not say %q:\n%s", want, stderr)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "xrun.db")); err == nil {
				t.Error("a refused sweep has made a database")
			}
		})
	}
}

func TestAPluginThatCrashesCostsItsTrialsOnly(t *testing.T) {
	t.Parallel()
	crasher, err := exec.LookPath("xrun-plugin-crasher")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(pluginSweep, "[optimizers.crasher]\nat = 7\n\n[optimizers.lucky]\nplugin = \"crasher\""))
	db := filepath.Join(dir, "xrun.db")
	stdout, stderr := e2e.Run(t, 3, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--workers", "1", "--progress", "plain", "--plugin-dir", filepath.Dir(crasher)))
	for _, want := range []string{
		"    plugin crasher exited with status 7\n", "the crasher says goodbye",
		"\nplugin crasher was set aside after it failed 3 times alike: exited with status 7; fix it and run the same command again\n",
		"\n5 trials were not tried, as plugin crasher was set aside\n",
	} {
		if n := strings.Count(stderr, want); n != 1 {
			t.Errorf("says %q %d times, want once:\n%s", want, n, stderr)
		}
	}
	if !strings.Contains(stdout, "warning: 8 trials failed → xrun runs --status failed") {
		t.Errorf("the report does not warn of the failed trials:\n%s", stdout)
	}
	failed, healthy, untried := 0, 0, 0
	for _, r := range e2e.Runs(t, db) {
		switch r.Status {
		case runner.StatusFailed:
			failed++
			if strings.Contains(r.Error, "plugin crasher was set aside") {
				untried++
			} else if !strings.Contains(r.Error, "plugin crasher exited with status 7") || !strings.Contains(r.Error, "goodbye") {
				t.Errorf("run %d failed with %q; want the plugin and its last words", r.ID, r.Error)
			}
		case runner.StatusFinished:
			healthy++
		}
	}
	if failed != 8 || healthy != 16 || untried != 5 {
		t.Errorf("%d trials failed, %d of them untried, and %d finished, want 8, 5 and 16", failed, untried, healthy)
	}

	// The same command tries those again, and those only.
	stdout, _ = e2e.Run(t, 0, e2e.Xrun(t, dir, "plan", "sweep.toml", "--plugin-dir", filepath.Dir(crasher), "--top", "0"))
	if n := strings.Count(stdout, "will retry: plugin crasher "); n != 8 {
		t.Errorf("the plan retries %d trials, want 8:\n%s", n, stdout)
	}
	_, stderr = e2e.Run(t, 3, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--workers", "1", "--progress", "none", "--plugin-dir", filepath.Dir(crasher)))
	if !strings.Contains(stderr, "24 trials · 16 done · 8 to retry") {
		t.Errorf("going on does not say what it retries:\n%s", stderr)
	}
	var out bytes.Buffer
	tried := e2e.Runs(t, db)
	tried = slices.DeleteFunc(tried, func(r store.Run) bool { return strings.Contains(r.Error, "set aside") })
	show := e2e.Xrun(t, dir, "show", fmt.Sprint(tried[len(tried)-1].ID))
	show.Stdout = &out
	if err := show.Run(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"attempt 2", "failed after", "the crasher says goodbye"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("show does not say %q:\n%s", want, &out)
		}
	}
}

// The example of an objective trains by the sweep file beside it; its settings are keys of [task].
func TestObjectiveInASweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := e2e.Example(t, dir, "poisson")
	text, err := os.ReadFile(e2e.Path("plugins", "examples", "poisson", "sweep.toml"))
	if err != nil {
		t.Fatal(err)
	}
	sweep := filepath.Join(dir, "sweep.toml")
	e2e.Write(t, sweep, string(text))
	stdout, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", sweep))
	if !strings.Contains(stdout, "val_loss -1.93") {
		t.Errorf("the sweep says\n%s\nwant the loss of the best setting, -1.93", stdout)
	}
	db := filepath.Join(dir, "xrun.db")
	if used := pluginsUsed(t, db); !slices.Contains(used, "objective poisson/poisson 1.0.0 "+e2e.Digest(t, path)) {
		t.Errorf("the record of plugins is %q; want the objective with its SHA-256", used)
	}
	if _, stderr := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", sweep)); !strings.Contains(stderr, "nothing to train") {
		t.Errorf("run again it says %q, want nothing to train", stderr)
	}
	for from, to := range map[string]string{
		"batch  = 32 ":       "batch  = 0 ",
		"epochs = 20":        "epochs = 20\nhidden = 3",
		"patience  = 5":      "monitor = \"val_accuracy\"",
		"lambda    = [0, 1,": "lambda    = [0,",
	} {
		changed := strings.Replace(string(text), from, to, 1)
		other := filepath.Join(dir, "other.toml")
		e2e.Write(t, other, changed)
		code := 2
		if strings.HasPrefix(from, "lambda") {
			code = 0
		}
		_, stderr := e2e.Run(t, code, e2e.Xrun(t, dir, "sweep", other))
		want := map[int]string{0: "nothing to train", 2: "other.toml:"}[code]
		if !strings.Contains(stderr, want) {
			t.Errorf("with %q the sweep says\n%s\nwant %q", to, stderr, want)
		}
	}
}
