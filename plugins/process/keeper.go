package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// A Keeper is a process that outlives a kill -9 of xrun by a moment, in which it ends the process
// groups of programs and plugins. The kernel ends only the processes that xrun has started, not their
// children. A nil Keeper keeps nothing.
type Keeper struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	in  io.WriteCloser
}

// StartKeeper starts the process. It returns nil if there is no command for it or the process cannot
// be started.
func StartKeeper(command []string) *Keeper {
	attributes, ok := keeperAttributes()
	if len(command) == 0 || !ok {
		return nil
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.SysProcAttr = attributes
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return nil
	}
	return &Keeper{cmd: cmd, in: in}
}

func (k *Keeper) Add(group int)    { k.say("+", group) }
func (k *Keeper) Remove(group int) { k.say("-", group) }

func (k *Keeper) say(sign string, group int) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	fmt.Fprintf(k.in, "%s%d\n", sign, group) // an error means that the keeper has ended
}

func (k *Keeper) Close() {
	if k == nil {
		return
	}
	k.in.Close()
	k.cmd.Wait() // its exit status does not matter
}

// Keep is the main function of a keeper's process. It reads process groups, "+123" for one that has
// begun and "-123" for one that has ended. At the end of its input, when xrun has ended, it kills the
// groups that are left.
func Keep(from io.Reader) {
	groups := map[int]bool{}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		begun, isBegun := strings.CutPrefix(lines.Text(), "+")
		ended, isEnded := strings.CutPrefix(lines.Text(), "-")
		group, err := strconv.Atoi(begun)
		if isEnded {
			group, err = strconv.Atoi(ended)
		}
		switch {
		case err != nil || group <= 1: // 0 is our own group, −1 every process
		case isBegun:
			groups[group] = true
		case isEnded:
			delete(groups, group)
		}
	}
	for group := range groups {
		killGroup(&os.Process{Pid: group})
	}
}
