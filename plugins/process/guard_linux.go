package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const hasGuards = true

// xrunEnded is the signal by which a guard learns that xrun has ended, however it did.
const xrunEnded = syscall.SIGUSR1

func guardAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: xrunEnded}
}

// Guard is the main function of a guard's process. args are the process number of xrun, how many descriptors from 3 on a
// program inherits, its path, and its arguments. The descriptor behind those is told the number of its process, or minus
// that of an error. Guard ends this process as the program has ended.
func Guard(args []string) {
	runtime.LockOSThread() // the program is killed when the thread that started it ends
	var parent, inherited int
	err := errors.New("too few arguments")
	if len(args) >= 4 {
		if parent, err = strconv.Atoi(args[0]); err == nil {
			inherited, err = strconv.Atoi(args[1])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "xrun starts guards itself")
		os.Exit(1)
	}
	signals, children := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(signals, xrunEnded)
	signal.Notify(children, syscall.SIGCHLD)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP) // are the program's
	if os.Getppid() != parent {
		os.Exit(1) // xrun ended before its signal could be received: Go's runtime drops it until then
	}
	report := os.NewFile(uintptr(3+inherited), "report")
	err = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	var program *os.Process
	var files []*os.File
	if err == nil {
		for fd := range 3 + inherited {
			files = append(files, os.NewFile(uintptr(fd), "inherited"))
		}
		unix.CloseOnExec(int(report.Fd()))
		program, err = os.StartProcess(args[2], args[3:], &os.ProcAttr{Files: files, Sys: groupAttributes()})
	}
	if err != nil {
		number := syscall.EAGAIN
		if path, ok := err.(*os.PathError); ok {
			if errno, ok := path.Err.(syscall.Errno); ok {
				number = errno
			}
		}
		fmt.Fprintln(report, -int(number))
		os.Exit(1)
	}
	fmt.Fprintln(report, program.Pid)
	report.Close()
	// An open end of a pipe here would hide that the program has closed its own.
	if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
		for fd := range 3 {
			unix.Dup3(int(null.Fd()), fd, 0)
		}
	}
	for _, f := range files[3:] {
		f.Close()
	}
	go func() {
		for {
			select {
			case <-signals:
				program.Kill()
			case <-children:
				reap(program.Pid)
			}
		}
	}()
	awaitExit(program)
	endDescendants(program.Pid)
	state, _ := program.Wait()
	runtime.KeepAlive(files) // which would be closed, and their numbers given to others
	ExitAs(state)
}

// endDescendants kills all processes below this one, within five seconds, until there are none. One that starts others
// faster than they are killed, or that another user has become, is given up. program has ended and is not waited for yet.
func endDescendants(program int) {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		left := descendants(os.Getpid())
		if len(left) == 0 || len(left) == 1 && left[0] == program {
			return
		}
		for _, pid := range left {
			if pid != program {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		reap(program)
	}
}

// reap waits for the orphans below this process that have ended.
func reap(program int) {
	for pid, parent := range parents() {
		if parent == os.Getpid() && pid != program {
			syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
	}
}

// descendants are the processes below a process.
func descendants(root int) (below []int) {
	of := map[int][]int{}
	for pid, parent := range parents() {
		of[parent] = append(of[parent], pid)
	}
	below = append(below, of[root]...)
	for i := 0; i < len(below); i++ {
		below = append(below, of[below[i]]...)
	}
	return below
}

// parents are the parents of all processes.
func parents() map[int]int {
	found := map[int]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		pid, _, _ := strings.Cut(string(text), " ")
		number, err := strconv.Atoi(pid)
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // state, parent
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil {
			found[number] = parent
		}
	}
	return found
}
