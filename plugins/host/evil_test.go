//go:build unix

package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/sdk"
)

// serveEvil serves an optimizer that does at its first step what its setting says.
func serveEvil() {
	sdk.Serve(plugins.Manifest{Name: "evil", Version: "0", Components: []plugins.Component{
		plugins.NewOptimizer(plugins.Spec{Name: "evil", Settings: []plugins.Setting{
			plugins.ChoiceSetting("behaviour", "what goes wrong", "none", "exit", "kill", "crash", "hang", "stop", "child", "flood", "memory", "error", "panic", "write_gradient"),
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
	case "flood":
		fmt.Fprint(os.Stdout, strings.Repeat("x", 1<<20))
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
