//go:build unix

package host

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/sdk"
)

// serveEvil serves an optimizer that does at its first step what its setting says.
func serveEvil() {
	sdk.Serve(plugins.Manifest{Name: "evil", Version: "0", Components: []plugins.Component{
		plugins.NewOptimizer(plugins.Spec{Name: "evil", Settings: []plugins.Setting{
			plugins.ChoiceSetting("behaviour", "what goes wrong", "none", "exit", "kill", "crash", "hang", "stop", "child", "session", "pipes", "flood", "memory", "scribble", "close",
				"chatter", "slow", "nan", "truncate", "error", "panic", "write_gradient", "write_control"),
		}}, newEvil[float32], newEvil[float64]),
	}})
}

// eaten is what must not be collected.
var eaten [][]byte

type evil[F plugins.Float] string

func newEvil[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return evil[F](in.Settings.Choice("behaviour")), nil
}

func (e evil[F]) Step(params, grad []F, lr F) error {
	say := func(s string) { fmt.Fprintln(os.Stderr, s) }
	switch e {
	case "exit":
		say("goodbye from evil")
		os.Exit(7)
	case "kill":
		say("about to be killed")
		unix.Kill(os.Getpid(), unix.SIGKILL)
		time.Sleep(time.Minute)
	case "crash": // in a goroutine, where nobody can recover it
		go panic("evil crashes")
		time.Sleep(time.Minute)
	case "hang":
		say("hanging")
		time.Sleep(time.Hour)
	case "stop":
		say("stopping")
		unix.Kill(os.Getpid(), unix.SIGSTOP)
		time.Sleep(time.Minute)
	case "child":
		child := exec.Command("sleep", "3600")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		child.Start()
		say("left a child")
		os.Exit(8)
	case "session":
		child := exec.Command("sleep", "3600")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		child.Env = []string{}
		child.Start()
		say(fmt.Sprint("left a session ", child.Process.Pid))
		os.Exit(11)
	case "pipes":
		child := exec.Command("sleep", "6")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		child.Start()
		say("left a child that holds the pipes")
		os.Exit(12)
	case "flood":
		unix.Write(1, []byte(strings.Repeat("x", 1<<20))) // os.Stdout is not the real one any more
		fmt.Fprint(os.Stderr, strings.Repeat("x", 1<<20), "\n")
		for i := range 10000 {
			fmt.Fprintln(os.Stderr, "line", i)
		}
		fmt.Fprintln(os.Stderr, `{"@message": 5}`)
		say("flooded")
		os.Exit(9)
	case "memory":
		say("eating memory")
		for {
			piece := make([]byte, 64<<20)
			for i := 0; i < len(piece); i += 4096 {
				piece[i] = 1
			}
			eaten = append(eaten, piece)
		}
	case "scribble": // over all replies, and says that it is done
		area := replies()
		for i := range area {
			area[i] = 0xff
		}
		unix.Write(repliesFD, []byte{1})
		time.Sleep(time.Hour)
	case "close": // the bell, and goes on
		unix.Close(repliesFD)
		time.Sleep(time.Hour)
	case "chatter": // on both streams, endless lines among it, and what looks like another handshake
		for range 2 {
			unix.Write(1, []byte(strings.Repeat("x", 512<<10)))
			unix.Write(2, []byte(strings.Repeat("y", 1<<20)))
		}
		unix.Write(1, []byte("\n1|1|unix|/nowhere|grpc\n\x00\xff\n"))
		say(`{"@message": 5}`)
		say(`{"@level": [], "@timestamp": {}}`)
	case "slow":
		time.Sleep(200 * time.Millisecond)
	case "nan":
		params[0] = F(math.NaN())
		return nil
	case "truncate":
		for _, fd := range []int{controlFD, gradientsFD, parametersFD} {
			for _, size := range []int64{0, 1 << 40} {
				if err := unix.Ftruncate(fd, size); err != unix.EPERM && err != unix.EINVAL {
					return fmt.Errorf("to make memory %d %d bytes long gives %v", fd, size, err)
				}
			}
			if err := breakSeals(fd); err != nil {
				return err
			}
		}
		if n, err := unix.Pwrite(parametersFD, make([]byte, 1<<20), 1<<30); err == nil {
			return fmt.Errorf("%d bytes are written behind the memory", n)
		}
	case "write_control":
		mapped("control")[0]++
	case "error":
		return errors.New("evil says no")
	case "panic":
		panic("evil panics")
	case "write_gradient":
		*(*F)(unsafe.Pointer(&grad[0])) = 1
	}
	params[0]++
	return nil
}

// The descriptors that a plugin process inherits, after its standard streams and the lifeline.
const (
	controlFD = 4 + iota
	gradientsFD
	parametersFD
	commandsFD
	repliesFD
)

// replies is where a plugin writes its answers: what lies in the parameters' memory before the slabs.
func replies() []byte { return mapped("parameters")[:protocol.SlabsOffset] }

// mapped is the memory of a name as this process has it mapped, whether or not it may be written.
func mapped(name string) []byte {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(maps)) {
		if !strings.Contains(line, "memfd:xrun-"+name) {
			continue
		}
		var from, to uintptr
		if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
			panic(err)
		}
		return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&from))), to-from)
	}
	panic("there is no memory " + name)
}
