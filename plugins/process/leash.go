package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Leash holds one plugin process. It is a runner of go-plugin. A plugin can crash go-plugin's own
// runner by a line on stderr, block it by one on stdout, and keep it from ever returning by a child
// that inherits its pipes. A leash gives the process a group, an allow-listed environment and no
// stdin. It shows go-plugin the handshake line only. Wait follows the leader only. Kill reaches the
// group, within a time limit.
type Leash struct {
	Memory int64           // bytes of its own that the process may take; 0 for no limit
	Keeper *Keeper         // ends the group if xrun is killed; may be nil
	Guard  []string        // the command that runs [Guard]; may be nil
	Until  context.Context // ends the process when it is done, until Free is called
	// Say takes what the process prints: a line that a message can have, and how many before it were left out, since
	// they were too many. The last line may be empty. It is called by one goroutine, and may block it; may be nil.
	Say func(line string, left int)

	name  string
	words tail
	voice *speaker

	cmd            *exec.Cmd
	started        *guarded
	stdout, stderr *os.File // our ends
	handshake      *io.PipeReader
	printer        *io.PipeWriter // what it prints by other ways than its pipes
	gone           chan struct{}  // closed when the leader is gone
	exited         chan struct{}  // closed when its last words have been read, too
	state          *os.ProcessState
	unlimited      error // why its memory is not limited
	killed         sync.Once
	byItself       bool // it had ended before it was killed
	release        func() bool
}

// handshakeLine is the form of the one line that go-plugin waits for.
var handshakeLine = regexp.MustCompile(`^\d+\|\d+\|(unix|tcp)\|`)

// noiseLines is how many lines a plugin may print before its handshake.
const noiseLines = 200

// NewLeash prepares a process. env is added to the allow-listed environment, extra are the files
// that the process inherits.
func NewLeash(command, env []string, extra []*os.File) *Leash {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = slices.Concat(allowedEnvironment(), self(), env)
	cmd.ExtraFiles = extra
	return &Leash{name: command[0], cmd: cmd, gone: make(chan struct{}), exited: make(chan struct{})}
}

// allowedEnvironment is the part of our environment that plugins see: variables by which programs
// find their libraries, temporary files, language and devices. Everything else may be a secret.
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

func (l *Leash) Start(context.Context) error {
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
	l.started, err = start(l.cmd, l.Guard)
	childOut.Close()
	childErr.Close()
	if err != nil {
		stdout.Close()
		stderr.Close()
		return err
	}
	l.unlimited = confine(l.started.leader, l.Memory)
	l.Keeper.Add(l.started.leader)
	l.release = context.AfterFunc(l.Until, func() { l.Kill(context.Background()) })
	reader, writer := io.Pipe()
	l.handshake = reader
	seen, noise := false, 0
	l.voice = newSpeaker(l.Say)
	printed, printer := io.Pipe()
	l.printer = printer
	go l.words.read(printed, l.voice, nil)
	var readers sync.WaitGroup
	readers.Go(func() {
		l.words.read(stdout, l.voice, func(line string) bool {
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
		if !seen { // most likely it has ended: wait until that is known
			select {
			case <-l.gone:
			case <-time.After(2 * time.Second):
			}
		}
		writer.Close()
	})
	readers.Go(func() { l.words.read(stderr, l.voice, nil) })
	go func() {
		if awaitExit(l.started.process) {
			l.started.rest() // while the number is still its own
		}
		l.Keeper.Remove(l.started.leader)
		l.state, _ = l.started.process.Wait()
		close(l.gone)
		done := make(chan struct{})
		go func() { readers.Wait(); close(done) }()
		select { // the last words of the process are in the pipes
		case <-done:
		case <-time.After(2 * time.Second):
		}
		stdout.Close()
		stderr.Close()
		writer.Close()
		printer.Close()
		close(l.exited)
		l.voice.close()
	}()
	return nil
}

// Free lets the process go on when Until is done.
func (l *Leash) Free() {
	if l.release != nil {
		l.release()
	}
}

// Ended reports whether the leader is gone.
func (l *Leash) Ended() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// Wait returns when the leader has gone.
func (l *Leash) Wait(context.Context) error {
	<-l.exited
	return nil
}

// Kill ends the whole group and returns within five seconds.
func (l *Leash) Kill(context.Context) error {
	l.killed.Do(func() {
		select {
		case <-l.gone:
			l.byItself = true
		default:
			killGroup(l.started.group())
		}
	})
	select {
	case <-l.exited:
		return nil
	case <-time.After(5 * time.Second):
		l.started.process.Kill() // a guard that has been stopped, for instance
		return fmt.Errorf("process %d does not end", l.Pid())
	}
}

// Within waits for the leader to end by itself, and reports whether it did so in time.
func (l *Leash) Within(d time.Duration) bool {
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

// Ending says how a process that has closed its connection ended.
func (l *Leash) Ending() error {
	if !l.Within(2*time.Second) && !l.Ended() { // what it has started, and still holds its pipes, does not count
		return errors.New("closed its connection, and has not ended since: it, or what it has started, goes on running")
	}
	<-l.exited // within two seconds of its end
	return errors.New(DescribeExit(l.state))
}

func (l *Leash) Stdout() io.ReadCloser { return l.handshake }
func (l *Leash) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }
func (l *Leash) Name() string          { return l.name }

// ID is the number of the process; empty before it has started.
func (l *Leash) ID() string {
	if !l.Started() {
		return ""
	}
	return strconv.Itoa(l.Pid())
}

// Started reports whether there is, or was, a process.
func (l *Leash) Started() bool { return l.started != nil }

// Pid is the number of the process, which leads a group of the same number.
func (l *Leash) Pid() int { return l.started.leader }

// EndedByItself reports whether the process had ended before Kill was called.
func (l *Leash) EndedByItself() bool { return l.byItself }

// State is how the process ended. Wait, Kill or Within has to have returned.
func (l *Leash) State() *os.ProcessState { return l.state }

// LastWords are the last lines that the process printed.
func (l *Leash) LastWords() string { return l.words.last() }

// Write takes what the process has printed by other ways than its pipes: go-plugin's servers send it over their
// connection.
func (l *Leash) Write(text []byte) (int, error) { return l.printer.Write(text) }

// Hush passes on nothing more of what the process prints. Its last words are still kept.
func (l *Leash) Hush() { l.voice.close() }

// Listen waits until all that the process has printed has been passed on, up to a limit. It has to have ended.
func (l *Leash) Listen(limit time.Duration) { l.voice.wait(limit) }

// Unlimited says why the memory of the process is not limited; nil if it is.
func (l *Leash) Unlimited() error { return l.unlimited }

func (l *Leash) Diagnose(context.Context) string { return "" }

func (l *Leash) PluginToHost(network, addr string) (string, string, error) { return network, addr, nil }
func (l *Leash) HostToPlugin(network, addr string) (string, string, error) { return network, addr, nil }
