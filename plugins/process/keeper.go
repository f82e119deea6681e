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

// A Keeper is a process of ours that outlives a kill -9 of xrun by a moment, in which it ends the
// process groups of programs and plugins: the kernel ends only those that xrun has started itself, and not
// what they have started. A nil keeper keeps nothing.
type Keeper struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	in  io.WriteCloser
}

// StartKeeper starts the process. Where there is no command for it, or it cannot be started, what
// it would have done is left undone.
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
	fmt.Fprintf(k.in, "%s%d\n", sign, group) // if nobody reads it, there is no keeper any more
}

func (k *Keeper) Close() {
	if k == nil {
		return
	}
	k.in.Close()
	k.cmd.Wait() // however it has ended: there is nothing left to keep
}

// Keep is the process of a keeper. It reads process groups, "+123" for one that has begun and
// "-123" for one that has ended, and kills those that are left when there is nothing more to read:
// whoever wrote them is gone.
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
		case err != nil || group <= 1: // 0 and −1 would be us, and everybody
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
