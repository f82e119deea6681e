package plugins

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// withHome is xrun with a directory for the user's plugins that outlives the command.
func withHome(t *testing.T, dir, home string, args ...string) *exec.Cmd {
	t.Helper()
	return e2e.WithEnv(e2e.Xrun(t, dir, args...), "XDG_DATA_HOME="+home)
}

func TestInstalledPluginsAreFoundEverywhere(t *testing.T) {
	t.Parallel()
	dir, home := t.TempDir(), t.TempDir()
	digest := e2e.Digest(t, e2e.Example(t, dir, "ngd"))
	stdout, stderr := e2e.Run(t, 0, withHome(t, dir, home, "plugin", "install", "xrun-plugin-ngd"))
	at := filepath.Join(home, "xrun", "plugins", "xrun-plugin-ngd")
	if want := "installed ngd 1.0.0, sha256:" + digest + "\nat " + at + "\noptimizer ngd: "; !strings.HasPrefix(stdout, want) {
		t.Errorf("plugin install says %q, want %q", stdout, want)
	}
	if !strings.Contains(stderr, "starting a copy of ./xrun-plugin-ngd") {
		t.Errorf("plugin install does not say what it runs:\n%s", stderr)
	}
	if got := e2e.Below(t, home); len(got) != 1 {
		t.Errorf("installing left %q, want the plugin only", got)
	}
	for path, want := range map[string]os.FileMode{at: 0o755, filepath.Dir(at): 0o755 | os.ModeDir} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s has the mode %v, want %v (%v)", path, info.Mode(), want, err)
		}
	}
	elsewhere := t.TempDir()
	e2e.Write(t, filepath.Join(elsewhere, "sweep.toml"), fmt.Sprintf(pluginSweep, "[optimizers.ngd]"))
	if stdout, _ := e2e.Run(t, 0, withHome(t, elsewhere, home, "plan", "sweep.toml")); !strings.Contains(stdout, "16 trials\n") {
		t.Errorf("the plan of a sweep that names it is\n%s", stdout)
	}
	if stdout, _ := e2e.Run(t, 0, withHome(t, dir, home, "plugin", "install", "./xrun-plugin-ngd")); stdout != "ngd 1.0.0 is installed already, sha256:"+digest+"\n" {
		t.Errorf("installed again it says %q", stdout)
	}

	// Another binary of that name.
	f, err := os.OpenFile(filepath.Join(dir, "xrun-plugin-ngd"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write([]byte{0})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	other := e2e.Digest(t, filepath.Join(dir, "xrun-plugin-ngd"))
	_, stderr = e2e.Run(t, 2, withHome(t, dir, home, "plugin", "install", "./xrun-plugin-ngd"))
	for _, want := range []string{"sha256:" + digest, "sha256:" + other, "--force"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("replacing does not say %q:\n%s", want, stderr)
		}
	}
	if e2e.Digest(t, at) != digest {
		t.Error("it was replaced without --force")
	}
	stdout, _ = e2e.Run(t, 0, withHome(t, dir, home, "plugin", "install", "./xrun-plugin-ngd", "--force"))
	if !strings.Contains(stdout, "replaced: it was sha256:"+digest) || e2e.Digest(t, at) != other {
		t.Errorf("with --force it says %q", stdout)
	}

	// One nearer to the sweep hides it, and is shown to.
	here := filepath.Join(elsewhere, ".xrun", "plugins", "xrun-plugin-ngd")
	if err := os.MkdirAll(filepath.Dir(here), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "xrun-plugin-ngd"), here); err != nil {
		t.Fatal(err)
	}
	stdout, _ = e2e.Run(t, 0, withHome(t, elsewhere, home, "plugin", "list"))
	if !strings.Contains(stdout, "shadowed by "+here+"\n") || strings.Index(stdout, here) > strings.Index(stdout, at) {
		t.Errorf("plugin list does not say which one counts:\n%s", stdout)
	}
	stdout, stderr = e2e.Run(t, 0, withHome(t, elsewhere, home, "plugin", "remove", "ngd"))
	if stdout != "removed "+at+"\n" || stderr != "that name now finds "+here+"\n" {
		t.Errorf("plugin remove says %q and %q", stdout, stderr)
	}
	if got := e2e.Below(t, home); len(got) != 0 {
		t.Errorf("removing left %q", got)
	}
	_, stderr = e2e.Run(t, 5, withHome(t, elsewhere, home, "plugin", "remove", "ngd"))
	if !strings.Contains(stderr, "no plugin ngd is installed at "+at) {
		t.Errorf("removing it again says %q", stderr)
	}
}

const pythonPlugin = `from xrun_plugin import optimizer, serve
from mine.rule import step

@optimizer("%s")
class Descent:
    def __init__(self, theta):
        pass
    def step(self, theta, grad, lr):
        step(theta, grad, lr)

serve(version="1", summary="s", license="MIT")
`

func TestPythonPluginsAreInstalledWithTheirModules(t *testing.T) {
	t.Parallel()
	e2e.Need(t, "python3")
	dir, home := t.TempDir(), t.TempDir()
	e2e.Write(t, filepath.Join(dir, "descent.py"), fmt.Sprintf(pythonPlugin, "descent"))
	e2e.Write(t, filepath.Join(dir, "mine", "__init__.py"), "")
	e2e.Write(t, filepath.Join(dir, "mine", "rule.py"), "def step(theta, grad, lr):\n    theta -= lr * grad\n")
	e2e.Write(t, filepath.Join(dir, "unrelated.py"), "")
	stdout, _ := e2e.Run(t, 0, withHome(t, dir, home, "plugin", "install", "descent.py", "--name", "gd2"))
	if !strings.HasPrefix(stdout, "installed gd2 1, sha256:") {
		t.Errorf("plugin install says %q", stdout)
	}
	installed := filepath.Join(home, "xrun", "plugins", "xrun-plugin-gd2")
	if got := fmt.Sprint(e2e.Below(t, installed)); got != "[mine/__init__.py mine/rule.py plugin.py]" {
		t.Errorf("installed are %s", got)
	}
	elsewhere := t.TempDir()
	e2e.Write(t, filepath.Join(elsewhere, "sweep.toml"), fmt.Sprintf(pluginSweep, "[optimizers.gd2]"))
	e2e.Run(t, 0, withHome(t, elsewhere, home, "sweep", "sweep.toml", "--progress", "none"))

	// A directory replaces it, and is replaced by nothing that does not run.
	e2e.Write(t, filepath.Join(dir, "broken.py"), "import nothing_of_that_name\n")
	_, stderr := e2e.Run(t, 1, withHome(t, dir, home, "plugin", "install", "broken.py", "--name", "gd2", "--force"))
	if !strings.Contains(stderr, "nothing_of_that_name") || !strings.Contains(stderr, "nothing was installed") {
		t.Errorf("a plugin that does not run says\n%s", stderr)
	}
	if got := e2e.Below(t, filepath.Join(home, "xrun", "plugins")); len(got) != 3 {
		t.Errorf("after it there is %q", got)
	}
	e2e.Write(t, filepath.Join(dir, "tree", "plugin.py"), strings.Replace(fmt.Sprintf(pythonPlugin, "descent"), "mine.rule", "rule", 1))
	e2e.Write(t, filepath.Join(dir, "tree", "rule.py"), "def step(theta, grad, lr):\n    theta -= lr * grad\n")
	e2e.Run(t, 0, withHome(t, dir, home, "plugin", "install", "tree", "--name", "gd2", "--force"))
	if got := fmt.Sprint(e2e.Below(t, installed)); got != "[plugin.py rule.py]" {
		t.Errorf("the directory is installed as %s", got)
	}
}

// A plugin in any language is a directory with an executable called plugin: this one is a shell script that needs what
// lies beside it. All of it is copied, and is its identity.
func TestADirectoryWithAProgramIsAPlugin(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the plugin of this test is a shell script")
	}
	dir, home := t.TempDir(), t.TempDir()
	at := filepath.Join(dir, "mine")
	program := func(path, text string) {
		t.Helper()
		e2e.Write(t, path, text)
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program(filepath.Join(at, "plugin"), "#!/bin/sh\nread -r what < \"${0%/*}/.config/what.toml\" && exec \"${0%/*}/bin/$what\"\n")
	e2e.Write(t, filepath.Join(at, ".config", "what.toml"), "real\n")
	binary, err := os.ReadFile(e2e.Example(t, dir, "ngd"))
	if err != nil {
		t.Fatal(err)
	}
	program(filepath.Join(at, "lib", "real"), string(binary))
	if err := os.Symlink("lib", filepath.Join(at, "bin")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".git/HEAD", "xrun.db", "xrun.lock"} { // are none of it
		e2e.Write(t, filepath.Join(at, name), "x")
	}
	sweep := filepath.Join(dir, "sweep.toml")
	e2e.Write(t, sweep, fmt.Sprintf(pluginSweep, "[optimizers.ngd]\nplugin = \"./mine\""))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", sweep, "--progress", "none"))

	stdout, _ := e2e.Run(t, 0, withHome(t, dir, home, "plugin", "install", "mine"))
	installed := filepath.Join(home, "xrun", "plugins", "xrun-plugin-ngd")
	if !strings.HasPrefix(stdout, "installed ngd 1.0.0, sha256:") || !strings.Contains(stdout, "\nat "+installed+"\n") {
		t.Errorf("plugin install says %q", stdout)
	}
	digest, _, _ := strings.Cut(strings.TrimPrefix(stdout, "installed ngd 1.0.0, sha256:"), "\n")
	if got := fmt.Sprint(e2e.Below(t, installed)); got != "[.config/what.toml bin lib/real plugin]" {
		t.Errorf("installed are %s", got)
	}
	if target, err := os.Readlink(filepath.Join(installed, "bin")); target != "lib" {
		t.Errorf("the link leads to %q (%v)", target, err)
	}
	if stdout, _ := e2e.Run(t, 0, withHome(t, dir, home, "plugin", "info", "ngd")); !strings.Contains(stdout, "sha256 "+digest+"\n") {
		t.Errorf("plugin info has not the digest %s:\n%s", digest, stdout)
	}
	if stdout, _ := e2e.Run(t, 0, withHome(t, dir, home, "plugin", "list")); !strings.Contains(stdout, "sha256 "+digest[:12]) {
		t.Errorf("plugin list has not the digest %s:\n%s", digest, stdout)
	}
	// By name it is the same plugin, so that nothing is left to train; the lock knows both names.
	e2e.Write(t, sweep, fmt.Sprintf(pluginSweep, "[optimizers.ngd]"))
	if _, stderr := e2e.Run(t, 0, withHome(t, dir, home, "sweep", "sweep.toml")); !strings.Contains(stderr, "nothing to train") {
		t.Errorf("by name it says\n%s", stderr)
	}
	if stdout, _ := e2e.Run(t, 0, withHome(t, dir, home, "plugin", "lock", "sweep.toml")); stdout != "added   ngd: ngd 1.0.0, sha256:"+digest+"\n" {
		t.Errorf("plugin lock says %q", stdout)
	}
	// What lies beside the program is part of it.
	e2e.Write(t, filepath.Join(installed, ".config", "what.toml"), "real\n\n")
	if _, stderr := e2e.Run(t, 2, withHome(t, dir, home, "plan", "sweep.toml")); !strings.Contains(stderr, digest) {
		t.Errorf("with another file the plan says\n%s", stderr)
	}
	e2e.Run(t, 0, withHome(t, dir, home, "plugin", "remove", "ngd"))
	if got := e2e.Below(t, home); len(got) != 0 {
		t.Errorf("removing left %q", got)
	}

	// What cannot be such a plugin is told by name, by all commands alike.
	e2e.Write(t, sweep, fmt.Sprintf(pluginSweep, "[optimizers.ngd]\nplugin = \"./mine\""))
	commands := [][]string{{"sweep", sweep}, {"plan", sweep}, {"plugin", "lock", sweep}, {"plugin", "check", "./mine"}, {"plugin", "info", "./mine"}, {"plugin", "install", "mine"}}
	for what, c := range map[string]struct {
		do   func() error
		undo func() error
	}{
		"holds a symbolic link that leads nowhere: " + filepath.Join(at, "dangling") + " -> nothing": {
			func() error { return os.Symlink("nothing", filepath.Join(at, "dangling")) }, func() error { return os.Remove(filepath.Join(at, "dangling")) }},
		"is not executable: chmod +x " + filepath.Join(at, "plugin"): {
			func() error { return os.Chmod(filepath.Join(at, "plugin"), 0o644) }, func() error { return os.Chmod(filepath.Join(at, "plugin"), 0o755) }},
		"can be changed by anyone on this machine, so it is not run: chmod o-w " + filepath.Join(at, "lib", "real"): {
			func() error { return os.Chmod(filepath.Join(at, "lib", "real"), 0o757) }, func() error { return os.Chmod(filepath.Join(at, "lib", "real"), 0o755) }},
		"is a directory without an executable called plugin and without a plugin.py: " + at: {
			func() error { return os.Rename(filepath.Join(at, "plugin"), filepath.Join(at, "other")) }, func() error { return os.Rename(filepath.Join(at, "other"), filepath.Join(at, "plugin")) }},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		for _, args := range commands {
			if _, stderr := e2e.Run(t, 2, withHome(t, dir, home, args...)); !strings.Contains(stderr, what) {
				t.Errorf("%v says\n%s\nwant %q", args, stderr, what)
			}
		}
		if err := c.undo(); err != nil {
			t.Fatal(err)
		}
	}
}

// A plugin that exists and cannot be used is bad input, and not one that is not found.
func TestWhatIsInstalledIsTheDirectoryAlone(t *testing.T) {
	t.Parallel()
	e2e.Need(t, "python3")
	dir, home := t.TempDir(), t.TempDir()
	e2e.Write(t, filepath.Join(dir, "private"), "secret")
	e2e.Write(t, filepath.Join(dir, "tree", "plugin.py"), strings.Replace(fmt.Sprintf(pythonPlugin, "descent"), "mine.rule", "rule", 1))
	e2e.Write(t, filepath.Join(dir, "tree", "rule.py"), "def step(theta, grad, lr):\n    theta -= lr * grad\n")
	weights := filepath.Join(dir, "tree", "weights.bin")
	for target, want := range map[string]string{
		"../private": "holds a symbolic link that leaves its directory: " + weights + " -> ../private",
		"../nothing": "holds a symbolic link that leads nowhere: " + weights + " -> ../nothing",
	} {
		if err := os.Symlink(target, weights); err != nil {
			t.Fatal(err)
		}
		_, stderr := e2e.Run(t, 2, withHome(t, dir, home, "plugin", "install", "tree"))
		if !strings.Contains(stderr, want) {
			t.Errorf("a link to %s: %s", target, stderr)
		}
		if err := os.Remove(weights); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("rule.py", filepath.Join(dir, "tree", "again.py")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "tree", "rule.py"), 0o600); err != nil {
		t.Fatal(err)
	}
	e2e.Run(t, 0, withHome(t, dir, home, "plugin", "install", "tree"))
	installed := filepath.Join(home, "xrun", "plugins", "xrun-plugin-descent")
	if target, err := os.Readlink(filepath.Join(installed, "again.py")); target != "rule.py" {
		t.Errorf("the link inside leads to %q (%v)", target, err)
	}
	if info, err := os.Stat(filepath.Join(installed, "rule.py")); err != nil || info.Mode() != 0o600 {
		t.Errorf("rule.py has the mode %v (%v)", info.Mode(), err)
	}
}

// Names come from command lines, sweep files, plugins and file systems; none leads out of a
// directory.
func TestNamesLeadNowhereElse(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have other names there")
	}
	dir, home := t.TempDir(), t.TempDir()
	e2e.Example(t, dir, "ngd")
	outside := filepath.Join(home, "xrun", "outside")
	e2e.Write(t, outside, "mine")
	e2e.Write(t, filepath.Join(home, "xrun", "plugins", "xrun-plugin-", "deep"), "mine")
	for _, name := range []string{"../outside", "..", "../../outside", "/etc/passwd", `..\outside`, ".hidden", "a/b", "a..b", "-", "x\ny", strings.Repeat("x", 65), ""} {
		_, stderr := e2e.Run(t, 2, withHome(t, dir, home, "plugin", "install", "./xrun-plugin-ngd", "--name="+name))
		if !strings.Contains(stderr, "cannot be the name of a plugin") {
			t.Errorf("install as %q: %s", name, stderr)
		}
		_, stderr = e2e.Run(t, 2, withHome(t, dir, home, "plugin", "remove", "--", name))
		if !strings.Contains(stderr, "cannot be the name of a plugin") {
			t.Errorf("remove %q: %s", name, stderr)
		}
	}
	if got := fmt.Sprint(e2e.Below(t, home)); got != "[xrun/outside xrun/plugins/xrun-plugin-/deep]" {
		t.Errorf("the user's directory is %s", got)
	}

	// In a sweep file what has a slash is a path, and everything else has to be a name.
	e2e.Write(t, filepath.Join(dir, "sub", "sweep.toml"), fmt.Sprintf(pluginSweep, "[optimizers.ngd]\nplugin = \"../xrun-plugin-ngd\""))
	e2e.Run(t, 0, withHome(t, dir, home, "plan", "sub/sweep.toml"))
	for _, name := range []string{"..", ".ngd", "a..b", "a b", strings.Repeat("x", 65)} {
		e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(pluginSweep, "[optimizers.ngd]\nplugin = \""+name+"\""))
		_, stderr := e2e.Run(t, 2, withHome(t, dir, home, "plan", "sweep.toml", "--plugin-dir", dir))
		if !strings.Contains(stderr, "cannot be the name of a plugin") || !strings.Contains(stderr, "sweep.toml:18:10") {
			t.Errorf("a sweep with the plugin %q: %s", name, stderr)
		}
	}

	// Files whose names no plugin can have are shown, with what a terminal would obey quoted.
	e2e.Write(t, filepath.Join(dir, "xrun-plugin-..x"), "")
	e2e.Write(t, filepath.Join(dir, "xrun-plugin-\x1b[31mred"), "")
	stdout, _ := e2e.Run(t, 0, withHome(t, dir, home, "plugin", "list", "--plugin-dir", dir))
	if strings.Contains(stdout, "\x1b") || strings.Count(stdout, "no plugin can have that name") != 3 { // with the empty one above
		t.Errorf("plugin list says\n%q", stdout)
	}
}

func TestPluginsThatAnyoneCouldChangeAreRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("file modes mean something else there")
	}
	dir := t.TempDir()
	inner := filepath.Join(dir, "plugins")
	e2e.Write(t, filepath.Join(inner, "p.py"), "")
	if err := os.Symlink(filepath.Join(inner, "p.py"), filepath.Join(dir, "link.py")); err != nil {
		t.Fatal(err)
	}
	e2e.Write(t, filepath.Join(inner, "xrun-plugin-x"), "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(inner, "xrun-plugin-x"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode os.FileMode
		want string
	}{
		{0o777, "chmod o-w " + inner},
		{0o777 | os.ModeSticky, ""},
		{0o755, ""},
	} {
		if err := os.Chmod(inner, c.mode); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"./plugins/xrun-plugin-x"}, {"./plugins/p.py"}, {"./link.py"}, {"x", "--plugin-dir", "plugins"}} {
			code := 1 // it is run, and is no plugin
			if c.want != "" {
				code = 2
			}
			_, stderr := e2e.Run(t, code, e2e.Xrun(t, dir, append([]string{"plugin", "info"}, args...)...))
			if c.want != "" && !strings.Contains(stderr, "anyone on this machine can change, so it is not run: "+c.want) {
				t.Errorf("%v in a directory with the mode %v: %s", args, c.mode, stderr)
			}
		}
	}
}

func TestPluginsAreSearchedForInOrder(t *testing.T) {
	t.Parallel()
	dir, home := t.TempDir(), t.TempDir()
	binary := e2e.Example(t, dir, "ngd")
	places := []string{"flag", "path1", "path2", ".xrun/plugins", filepath.Join(home, "xrun", "plugins")}
	for i, place := range places {
		at := place
		if !filepath.IsAbs(at) {
			at = filepath.Join(dir, place)
		}
		content, err := os.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		e2e.Write(t, filepath.Join(at, "xrun-plugin-order"), string(content)+strings.Repeat("\x00", i+1))
		if err := os.Chmod(filepath.Join(at, "xrun-plugin-order"), 0o755); err != nil {
			t.Fatal(err)
		}
		places[i] = filepath.Join(at, "xrun-plugin-order")
	}
	for _, path := range places {
		cmd := withHome(t, dir, home, "plugin", "info", "order", "--plugin-dir", "flag")
		stdout, _ := e2e.Run(t, 0, e2e.WithEnv(cmd, "XRUN_PLUGIN_PATH=path1"+string(filepath.ListSeparator)+string(filepath.ListSeparator)+"path2"))
		if !strings.Contains(stdout, "\n"+path+"\n") {
			t.Errorf("found is\n%s\nwant %s", stdout, path)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	e2e.Run(t, 5, withHome(t, dir, home, "plugin", "info", "order", "--plugin-dir", "flag"))
}
