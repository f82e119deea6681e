package process

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// A guard is a process between xrun and a program or plugin. What that starts, in whatever group or session, stays below
// the guard, which ends it all when the program ends or xrun does. Where there is none, the program's group is ended.

// guarded is a process that has been started, under a guard or not.
type guarded struct {
	process *os.Process // our child: the program, or its guard
	leader  int         // the number of the program, which leads a group of the same number
	guard   bool
}

// launch starts a command, under a guard if there is a command for one.
func launch(cmd *exec.Cmd, guard []string) (*guarded, error) {
	cmd.SysProcAttr = groupAttributes()
	if !hasGuards || len(guard) == 0 || cmd.Err != nil {
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		return &guarded{process: cmd.Process, leader: cmd.Process.Pid}, nil
	}
	report, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer report.Close()
	path := cmd.Path
	cmd.Args = append(append(append([]string(nil), guard...), strconv.Itoa(os.Getpid()), strconv.Itoa(len(cmd.ExtraFiles)), path), cmd.Args...)
	cmd.Path = guard[0]
	cmd.ExtraFiles = append(cmd.ExtraFiles[:len(cmd.ExtraFiles):len(cmd.ExtraFiles)], theirs)
	cmd.SysProcAttr = guardAttributes()
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(report).ReadString('\n')
	leader, notNumber := strconv.Atoi(strings.TrimSpace(line))
	switch {
	case err != nil || notNumber != nil || leader == 0: // it was ended in this moment
		err = fmt.Errorf("start %s: its guard has ended", path)
	case leader < 0: // minus the number of the error
		err = &os.PathError{Op: "fork/exec", Path: path, Err: syscall.Errno(-leader)}
	default:
		return &guarded{process: cmd.Process, leader: leader, guard: true}, nil
	}
	cmd.Process.Kill()
	cmd.Wait()
	return nil, err
}

// group is what signals for the program go to.
func (g *guarded) group() *os.Process { return &os.Process{Pid: g.leader} }

// rest ends what a program that has ended has left in its group, unless its guard has done so.
func (g *guarded) rest() {
	if !g.guard { // behind a guard, the number can be another's
		killGroup(g.process)
	}
}
