package plugins

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/plugins/sandbox"
)

// nosy tries at its first step what a component has no need of, and says what came of each attempt. Everything that it
// reaches for belongs to the test.
const nosy = `
import ctypes, os, resource, socket, subprocess, tempfile, threading
from xrun_plugin import optimizer, serve, text

def connects(family, kind, address, protocol=0):
    with socket.socket(family, kind, protocol) as s:
        s.settimeout(5)
        s.connect(address)

def reads(path):
    with open(path, "rb") as f:
        f.read()

def writes(path):
    with open(path, "w"):
        pass
    os.remove(path)

def call(number, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *args) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

@optimizer("nosy", settings=[text("dir"), text("port"), text("mark"), text("pid")])
class Nosy:
    def __init__(self, theta, dir, port, mark, pid):
        self.dir, self.port, self.mark, self.pid = dir, int(port), mark, int(pid)

    def step(self, theta, grad, lr):
        here = os.path.dirname(os.path.abspath(__file__)) if "__file__" in globals() else os.path.dirname(os.path.abspath(__import__("sys").argv[0]))
        at = lambda *names: os.path.join(self.dir, *names)
        said = []
        for what, attempt in (
            ("read home", lambda: reads(at("home", "secret"))),
            ("read beside", lambda: reads(os.path.join(here, "other.py"))),
            ("read the sweep", lambda: reads(at("sweep.toml"))),
            ("read the database", lambda: reads(at(self.mark + ".db"))),
            ("list beside", lambda: os.listdir(here)),
            ("list home", lambda: os.listdir(at("home"))),
            ("read variables", lambda: reads("/proc/%d/environ" % self.pid)),
            ("read memory maps", lambda: reads("/proc/%d/maps" % self.pid)),
            ("write home", lambda: writes(at("home", "mark"))),
            ("write beside", lambda: writes(os.path.join(here, "mark"))),
            ("write temporary", lambda: writes(os.path.join("/tmp", self.mark))),
            ("write shared memory", lambda: writes(os.path.join("/dev/shm", self.mark))),
            ("mode at home", lambda: os.chmod(at("home", "secret"), 0o644)),
            ("owner at home", lambda: os.chown(at("home", "secret"), os.getuid(), -1)),
            ("times at home", lambda: os.utime(at("home", "secret"), (1, 1))),
            ("tcp", lambda: connects(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", self.port))),
            ("udp", lambda: connects(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", self.port))),
            ("udp6", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()),
            ("mptcp", lambda: connects(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", self.port), 262)),
            ("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()),
            ("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM).close()),
            ("socket by path", lambda: connects(socket.AF_UNIX, socket.SOCK_STREAM, at("socket"))),
            ("abstract socket", lambda: connects(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.mark)),
            ("local datagrams", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).close()),
            ("local datagram pair", lambda: [s.close() for s in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)]),
            ("signal", lambda: os.kill(self.pid, 0)),
            ("limit", lambda: resource.prlimit(self.pid, resource.RLIMIT_NOFILE)),
            ("shared segment", lambda: os.name == "posix" and ctypes.CDLL(None, use_errno=True).shmget(0, 4096, 0o1600) >= 0 or (_ for _ in ()).throw(OSError(ctypes.get_errno(), ""))),
            ("io_uring", lambda: call(425, 1, ctypes.create_string_buffer(256))),
            ("scratch", lambda: tempfile.TemporaryFile().close()),
            ("stream pair", lambda: [s.close() for s in socket.socketpair()]),
            ("process", lambda: subprocess.run(["true"], check=True)),
            ("thread", lambda: threading.Thread(target=int).start()),
            ("own limit", lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))),
            ("machine", lambda: reads("/proc/cpuinfo")),
        ):
            try:
                attempt()
                said.append(what + ": works")
            except OSError as e:
                said.append("%s: %s" % (what, "refused" if isinstance(e, PermissionError) or e.errno == 38 else "fails with " + type(e).__name__))
        raise RuntimeError("; ".join(said) + "; end of attempts")

serve()
`

// alwaysWorks is what a plugin may do in a sandbox.
var alwaysWorks = []string{"scratch", "stream pair", "process", "thread", "own limit", "machine"}

// mayFail is what not every machine lets a process do without a sandbox.
var mayFail = []string{"udp6", "mptcp", "netlink", "packet", "io_uring", "write shared memory"}

// In the sandbox a plugin reads no file but its own, writes none but in its own directory, talks to nobody, and leaves
// other processes alone; without it, it can do all of it. Training is the same. It holds for root, too.
func TestSandbox(t *testing.T) {
	t.Parallel()
	if err := sandbox.Available(); err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to run the plugin")
	}
	users := []int{os.Getuid()}
	if os.Getuid() == 0 {
		users = append(users, 54321) // whom the machine does not know
	} else {
		t.Log("not root: the sandbox is tested for this user only")
	}
	for _, uid := range users {
		t.Run(fmt.Sprintf("uid %d", uid), func(t *testing.T) {
			t.Parallel()
			testSandbox(t, uid)
		})
	}
}

func testSandbox(t *testing.T, uid int) {
	dir := t.TempDir()
	mark := fmt.Sprintf("xrun-test-%d-%d", os.Getpid(), uid)
	e2e.Write(t, filepath.Join(dir, "home", "secret"), "s")
	e2e.Write(t, filepath.Join(dir, "box", "nosy.py"), nosy)
	e2e.Write(t, filepath.Join(dir, "box", "other.py"), "")
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	for _, address := range []string{filepath.Join(dir, "socket"), "@" + mark} {
		listener, err := net.Listen("unix", address)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if address[0] != '@' {
			if err := os.Chmod(address, 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, port, _ := net.SplitHostPort(tcp.Addr().String())
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf("[task]\nmodel = \"quadratic\"\nepochs = 2\n[grid]\nlr = 0.1\n[optimizers.sgd]\n[optimizers.nosy]\nplugin = \"./box/nosy.py\"\ndir = %q\nport = %q\nmark = %q\npid = \"0\"\n", dir, port, mark))
	program, err := exec.LookPath("xrun")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "bin", "xrun")
	e2e.Write(t, program, string(content))
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	give(t, dir, uid)
	as := func(args ...string) *exec.Cmd {
		cmd := e2e.Xrun(t, dir, args...)
		cmd.Path = program
		cmd.Env = append(cmd.Env, "HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "TMPDIR=/tmp", "CANARY=secret")
		become(cmd, uid)
		return cmd
	}
	for _, boxed := range []bool{false, true} {
		// The shell becomes xrun, so that the plugin can be told its number.
		cmd := as()
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `exec "$0" "$@" --set optimizers.nosy.pid="\"$$\""`, program, "sweep", "sweep.toml", "--store", mark + ".db"}
		if boxed {
			cmd.Args = append(cmd.Args, "--sandbox")
		}
		stdout, _ := e2e.Run(t, 3, cmd)
		if !strings.Contains(stdout, "sgd lr 0.1 λ 0 is best") {
			t.Errorf("the other optimizer gives\n%s", stdout)
		}
		said := ""
		for _, id := range []string{"1", "2"} {
			shown, _ := e2e.Run(t, 0, as("show", id, "--store", mark+".db"))
			if _, after, found := strings.Cut(strings.Join(strings.Fields(shown), " "), "RuntimeError: "); found {
				said, _, _ = strings.Cut(after, "; end of attempts")
			}
		}
		attempts := strings.Count(nosy, `            ("`)
		found := 0
		for one := range strings.SplitSeq(said, ";") {
			what, result, _ := strings.Cut(strings.TrimSpace(one), ": ")
			found++
			want := "works"
			switch {
			case boxed && what == "signal" && signalsPass():
				continue // the kernel is older than Linux 6.12
			case boxed && !slices.Contains(alwaysWorks, what):
				want = "refused"
			case !boxed && slices.Contains(mayFail, what):
				continue
			}
			if result != want {
				t.Errorf("sandbox %v: %s: %s, want %s", boxed, what, result, want)
			}
		}
		if found != attempts {
			t.Errorf("sandbox %v: the plugin says %q, which are %d attempts, want %d", boxed, said, found, attempts)
		}
		if err := os.Remove(filepath.Join(dir, mark+".db")); err != nil {
			t.Fatal(err)
		}
	}
	left, _ := filepath.Glob(filepath.Join("/tmp", "xrun-*", "plugin-dir-scratch"))
	left = slices.DeleteFunc(left, func(path string) bool { return !belongs(path, uid) })
	if len(left) > 0 && runtime.GOOS == "linux" && uid != os.Getuid() { // others of this user may run
		t.Errorf("the sandbox leaves %v", left)
	}
}

// A plugin cannot bring the interpreter that is asked where the modules are.
func TestTheSandboxAsksNoInterpreterOfThePlugin(t *testing.T) {
	t.Parallel()
	if err := sandbox.Available(); err != nil {
		t.Skip(err)
	}
	e2e.Need(t, "python3")
	dir := t.TempDir()
	for name, first := range map[string]string{"path": "#!" + filepath.Join(dir, "python"), "arguments": "#!/usr/bin/env -S python3 -c open('mark','w')#"} {
		e2e.Write(t, filepath.Join(dir, name+".py"), first+"\n"+fmt.Sprintf(strings.Replace(pythonPlugin, "from mine.rule import step\n", "", 1), "descent"))
	}
	e2e.Write(t, filepath.Join(dir, "python"), "#!/bin/sh\ntouch "+filepath.Join(dir, "mark")+"\n")
	if err := os.Chmod(filepath.Join(dir, "python"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, stderr := e2e.Run(t, 1, e2e.Xrun(t, dir, "plugin", "info", "./path.py", "--sandbox"))
	if !strings.Contains(stderr, "XRUN_PYTHON="+filepath.Join(dir, "python")+" is needed to say that you trust it") {
		t.Errorf("plugin info says\n%s", stderr)
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "info", "./arguments.py", "--sandbox"))
	if _, err := os.Stat(filepath.Join(dir, "mark")); err == nil {
		t.Error("what the plugin names as its interpreter has run outside of the sandbox")
	}
}

// A plugin that is a directory, or imports what lies beside it, works in the sandbox, and so does one in Go.
func TestPluginsWorkInTheSandbox(t *testing.T) {
	t.Parallel()
	if err := sandbox.Available(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	e2e.Example(t, dir, "ngd")
	refs := []string{"./xrun-plugin-ngd"}
	if _, err := exec.LookPath("python3"); err == nil {
		for _, where := range []string{"single", "tree"} {
			e2e.Write(t, filepath.Join(dir, where, "plugin.py"), fmt.Sprintf(pythonPlugin, "descent"))
			e2e.Write(t, filepath.Join(dir, where, "mine", "__init__.py"), "")
			e2e.Write(t, filepath.Join(dir, where, "mine", "rule.py"), "def step(theta, grad, lr):\n    theta -= lr * grad\n")
		}
		refs = append(refs, "./single/plugin.py", "./tree")
	}
	for _, ref := range refs {
		stdout, stderr := e2e.Run(t, 0, e2e.Xrun(t, dir, "plugin", "check", "--short", "--sandbox", ref))
		if !strings.Contains(stdout, "passed") {
			t.Errorf("%s: %s%s", ref, stdout, stderr)
		}
	}
}
