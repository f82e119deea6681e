package plugins

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/plugins/sandbox"
)

// nosy tries at its first step what a component has no need of, and says what came of it.
const nosy = `
import os, socket, tempfile
from xrun_plugin import optimizer, serve, text

@optimizer("nosy", settings=[text("home"), text("port")])
class Nosy:
    def __init__(self, theta, home, port):
        self.home, self.port = home, int(port)

    def step(self, theta, grad, lr):
        said = []
        for what, attempt in (("read", self.read), ("write", self.write), ("connect", self.connect), ("scratch", self.scratch)):
            try:
                attempt()
                said.append(what + " works")
            except OSError as e:
                said.append(what + " is refused: " + type(e).__name__)
        raise RuntimeError("; ".join(said))

    def read(self):
        open(os.path.join(self.home, "secret")).read()

    def write(self):
        open(os.path.join(self.home, "mark"), "w").close()

    def connect(self):
        socket.create_connection(("127.0.0.1", self.port), 5).close()

    def scratch(self):
        with tempfile.TemporaryFile() as f:
            f.write(b"x")

serve()
`

// In the sandbox a plugin reads no file of its user, writes none but in its own directory, and
// connects to nobody; without it, it can do all of it. Training is the same.
func TestSandbox(t *testing.T) {
	t.Parallel()
	if err := sandbox.Available(); err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to run the plugin")
	}
	dir, home := t.TempDir(), t.TempDir()
	e2e.Write(t, filepath.Join(home, "secret"), "s")
	e2e.Write(t, filepath.Join(dir, "box", "nosy.py"), nosy)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	sweep := filepath.Join(dir, "sweep.toml")
	e2e.Write(t, sweep, fmt.Sprintf("[task]\nmodel = \"quadratic\"\nepochs = 2\n[grid]\nlr = 0.1\n[optimizers.sgd]\n[optimizers.nosy]\nplugin = \"./box/nosy.py\"\nhome = %q\nport = %q\n", home, port))
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "read works; write works; connect works; scratch works"},
		{[]string{"--sandbox"}, "read is refused: PermissionError; write is refused: PermissionError; connect is refused: PermissionError; scratch works"},
	} {
		db := filepath.Join(t.TempDir(), "xrun.db")
		stdout, _ := e2e.Run(t, 3, e2e.Xrun(t, dir, append([]string{"sweep", sweep, "--store", db}, c.args...)...))
		if !strings.Contains(stdout, "sgd lr 0.1 λ 0 is best") {
			t.Errorf("%v: the other optimizer gives\n%s", c.args, stdout)
		}
		if shown, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "runs", "--store", db, "--status", "failed")); !strings.Contains(shown, "nosy") {
			t.Errorf("%v: the failed run is not listed:\n%s", c.args, shown)
		}
		shown, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "show", "2", "--store", db))
		if !strings.Contains(shown, c.want) {
			shown, _ = e2e.Run(t, 0, e2e.Xrun(t, dir, "show", "1", "--store", db))
		}
		if !strings.Contains(shown, c.want) {
			t.Errorf("%v: the plugin says\n%s\nwant %q", c.args, shown, c.want)
		}
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), "xrun-*", "plugin-dir-scratch"))
	if len(left) > 0 && runtime.GOOS == "linux" {
		t.Errorf("the sandbox leaves %v", left)
	}
}
