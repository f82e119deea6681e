package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// leash holds one plugin process. It takes the place of go-plugin's own runner, which a plugin
// can crash by a line on stderr, block by one on stdout, and keep from ever returning by a child
// that inherits its pipes: the process gets a group, an allow-listed environment and no stdin;
// go-plugin sees the handshake line and nothing else; Wait follows the leader only; Kill reaches
// the group and is bounded.
type leash struct {
	name  string
	words tail

	cmd            *exec.Cmd
	stdout, stderr *os.File // our ends
	handshake      *io.PipeReader
	gone           chan struct{} // closed when the leader is gone
	exited         chan struct{} // closed when its last words have been read, too
	state          *os.ProcessState
	memory         int64 // bytes of its own that it may take; 0 is no limit
	unbound        error // why it is not bound
	killed         sync.Once
	byItself       bool // it had ended before it was killed

	keeper  *keeper         // of what it starts; nil keeps nothing
	until   context.Context // while it starts: when this is done, the process is killed
	release func() bool
}

// handshakeLine is the form of the one line that go-plugin waits for.
var handshakeLine = regexp.MustCompile(`^\d+\|\d+\|(unix|tcp)\|`)

// noiseLines is how many lines a plugin may print before its handshake.
const noiseLines = 200

// newLeash prepares the process. env is what go-plugin wants it to have.
func newLeash(command, env []string, extra []*os.File) *leash {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(allowedEnvironment(), env...)
	cmd.ExtraFiles = extra
	cmd.SysProcAttr = processAttributes()
	return &leash{name: command[0], cmd: cmd, gone: make(chan struct{}), exited: make(chan struct{})}
}

// allowedEnvironment is what plugins see of ours: what programs need to find their libraries,
// temporary files, language and devices. Everything else may be a secret.
func allowedEnvironment() []string {
	exact := []string{"PATH", "HOME", "TMPDIR", "TEMP", "TMP", "LANG", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH", "XRUN_PYTHON", "GOMAXPROCS", "GOCOVERDIR"}
	prefixes := []string{"LC_", "CUDA_", "OMP_", "MKL_", "OPENBLAS_"}
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		for _, e := range exact {
			if name == e {
				env = append(env, entry)
			}
		}
		for _, p := range prefixes {
			if strings.HasPrefix(name, p) {
				env = append(env, entry)
			}
		}
	}
	return env
}

func (l *leash) Start(context.Context) error {
	stdout, childOut, err := os.Pipe()
	if err != nil {
		return err
	}
	stderr, childErr, err := os.Pipe()
	if err != nil {
		stdout.Close()
		childOut.Close()
		return err
	}
	l.stdout, l.stderr = stdout, stderr
	l.cmd.Stdout, l.cmd.Stderr = childOut, childErr // files, so that exec starts no goroutines
	err = l.cmd.Start()
	childOut.Close()
	childErr.Close()
	if err != nil {
		stdout.Close()
		stderr.Close()
		return err
	}
	l.unbound = confine(l.cmd.Process.Pid, l.memory)
	l.keeper.add(l.cmd.Process.Pid)
	l.release = context.AfterFunc(l.until, func() { l.Kill(context.Background()) })
	reader, writer := io.Pipe()
	l.handshake = reader
	seen, noise := false, 0
	var readers sync.WaitGroup
	readers.Go(func() {
		l.words.read(stdout, func(line string) bool {
			if seen {
				return false
			}
			if !handshakeLine.MatchString(line) {
				if noise++; noise > noiseLines {
					seen = true
					writer.Close()
				}
				return false
			}
			seen = true
			fmt.Fprintln(writer, line)
			writer.Close()
			return true
		})
		if !seen { // most likely because it ended: let that be known first
			select {
			case <-l.gone:
			case <-time.After(300 * time.Millisecond):
			}
		}
		writer.Close()
	})
	readers.Go(func() { l.words.read(stderr, nil) })
	go func() {
		if awaitExit(l.cmd.Process) {
			killGroup(l.cmd.Process) // what the leader leaves behind, while its number is still its own
		}
		l.keeper.remove(l.cmd.Process.Pid)
		l.state, _ = l.cmd.Process.Wait()
		close(l.gone)
		done := make(chan struct{})
		go func() { readers.Wait(); close(done) }()
		select { // what the process said last is in the pipes
		case <-done:
		case <-time.After(2 * time.Second):
		}
		stdout.Close()
		stderr.Close()
		writer.Close()
		close(l.exited)
	}()
	return nil
}

// free ends the time in which the process dies with the context it was started under.
func (l *leash) free() {
	if l.release != nil {
		l.release()
	}
}

// ended reports whether the leader is gone.
func (l *leash) ended() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// Wait returns when the leader has gone.
func (l *leash) Wait(context.Context) error {
	<-l.exited
	return nil
}

// Kill ends the whole group and returns within five seconds.
func (l *leash) Kill(context.Context) error {
	l.killed.Do(func() {
		select {
		case <-l.gone:
			l.byItself = true
		default:
			killGroup(l.cmd.Process)
		}
	})
	select {
	case <-l.exited:
		return nil
	case <-time.After(5 * time.Second):
		return fmt.Errorf("process %d does not end", l.cmd.Process.Pid)
	}
}

// within waits for the leader to end by itself.
func (l *leash) within(d time.Duration) bool {
	select {
	case <-l.exited:
		return true
	default:
	}
	select {
	case <-l.exited:
		return true
	case <-time.After(d):
		return false
	}
}

// ending says how the process ended.
func (l *leash) ending() error {
	if !l.within(2 * time.Second) {
		return errors.New("closed its connection but goes on running")
	}
	return errors.New(describeExit(l.state))
}

func (l *leash) Stdout() io.ReadCloser { return l.handshake }
func (l *leash) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }
func (l *leash) Name() string          { return l.name }

func (l *leash) ID() string {
	if l.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(l.cmd.Process.Pid)
}

func (l *leash) Diagnose(context.Context) string { return "" }

func (l *leash) PluginToHost(network, addr string) (string, string, error) { return network, addr, nil }
func (l *leash) HostToPlugin(network, addr string) (string, string, error) { return network, addr, nil }
