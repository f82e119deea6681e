package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/python"
	"github.com/xrun-dev/xrun/runner"
)

// Programs runs the processes of trials whose task is a command. It is a runner.Programs. Unlike a
// plugin, such a program is the user's own: it has the whole environment.
type Programs struct {
	// Keeper is the command that runs [Keep]. Without one, the children of a program outlive a kill -9
	// of xrun. On Linux the program itself does not.
	Keeper []string

	once   sync.Once
	keeper *Keeper
	module string // where programs in Python find xrun_plugin; empty if it cannot be installed
}

var _ runner.Programs = (*Programs)(nil)

// Start implements runner.Programs.
func (p *Programs) Start(s runner.ProgramSpec) (runner.Program, error) {
	if len(s.Args) == 0 {
		return nil, errors.New("the command is empty")
	}
	p.once.Do(func() {
		p.keeper = StartKeeper(p.Keeper)
		p.module, _ = python.Install() // without it, programs that import it fail with a clear message
	})
	cmd := exec.Command(s.Args[0], s.Args[1:]...)
	cmd.Dir = s.Dir
	cmd.Env = append(p.environment(s.Dir), s.Env...)
	cmd.SysProcAttr = groupAttributes()
	stdout, childOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr, childErr, err := os.Pipe()
	if err != nil {
		stdout.Close()
		childOut.Close()
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = childOut, childErr // files, so that exec starts no goroutines
	err = cmd.Start()
	childOut.Close()
	childErr.Close()
	if err != nil {
		stdout.Close()
		stderr.Close()
		return nil, err
	}
	p.keeper.Add(cmd.Process.Pid)
	running := &program{process: cmd.Process, keeper: p.keeper, reports: make(chan runner.Report)}
	go running.follow(stdout, stderr)
	return running, nil
}

// Close ends the keeper. No program may be running any more.
func (p *Programs) Close() { p.keeper.Close() }

// environment is ours, with two additions for programs in Python: PYTHONPATH leads to xrun_plugin,
// after the user's own directories, and output is not buffered, so that reports arrive at once.
func (p *Programs) environment(dir string) []string {
	env := os.Environ()
	if abs, err := filepath.Abs(dir); err == nil {
		env = append(env, "PWD="+abs)
	}
	if _, given := os.LookupEnv("PYTHONUNBUFFERED"); !given {
		env = append(env, "PYTHONUNBUFFERED=1")
	}
	if path := p.module; path != "" {
		if own := os.Getenv("PYTHONPATH"); own != "" {
			path = own + string(os.PathListSeparator) + path
		}
		env = append(env, "PYTHONPATH="+path)
	}
	return env
}

// program is a process and its group.
type program struct {
	process *os.Process
	keeper  *Keeper
	reports chan runner.Report
	output  output
	words   tail
	end     runner.ProgramEnd // owned by follow until reports is closed

	mu   sync.Mutex
	gone bool // the process has been waited for; its number can belong to another
}

// lastOutput is how long we wait for output that a process outside the group holds open.
const lastOutput = 2 * time.Second

// follow reads what the process says and waits for its end.
func (p *program) follow(stdout, stderr *os.File) {
	var readers sync.WaitGroup
	readers.Go(func() { p.read(stdout, true) })
	readers.Go(func() { p.read(stderr, false) })
	state, err := p.wait()
	late := time.AfterFunc(lastOutput, func() {
		stdout.Close()
		stderr.Close()
	})
	readers.Wait()
	late.Stop()
	stdout.Close()
	stderr.Close()
	switch {
	case err != nil:
		p.end.Err = fmt.Errorf("cannot be waited for: %w", err)
	case !state.Success():
		p.end.Err, p.end.Killed = errors.New(DescribeExit(state)), !state.Exited()
	}
	p.end.Output, p.end.LastWords = p.output.bytes(), p.words.last()
	close(p.reports)
}

// wait returns when the process has ended, and ends the rest of its group.
func (p *program) wait() (*os.ProcessState, error) {
	if !awaitExit(p.process) {
		state, err := p.process.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.gone = true
		p.keeper.Remove(p.process.Pid)
		return state, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	killGroup(p.process) // while its number is still its own
	p.keeper.Remove(p.process.Pid)
	p.gone = true
	return p.process.Wait()
}

// read reads lines to the end. Lines of stdout can be reports; all others are output.
func (p *program) read(from *os.File, reports bool) {
	b := bufio.NewReaderSize(from, runner.MaxReportBytes)
	whole := true // the line begins here
	for {
		line, err := b.ReadSlice('\n')
		full := errors.Is(err, bufio.ErrBufferFull)
		if len(line) > 0 {
			report, is := runner.Report{}, false
			if reports && whole && !full {
				report, is = runner.ParseReport(line)
			}
			if is {
				p.reports <- report
			} else {
				p.output.write(line)
				if text := protocol.Clean(strings.TrimRight(string(line[:min(len(line), lineBytes)]), "\r\n")); whole && text != "" {
					p.words.add(text)
				}
			}
		}
		whole = !full
		if err != nil && !full {
			return
		}
	}
}

// Reports implements runner.Program.
func (p *program) Reports() <-chan runner.Report { return p.reports }

// End implements runner.Program.
func (p *program) End() runner.ProgramEnd { return p.end }

// Pause implements runner.Program.
func (p *program) Pause() error {
	if !canPause {
		return errors.New("this system does not pause processes")
	}
	p.signal(pauseGroup)
	return nil
}

// Resume implements runner.Program.
func (p *program) Resume() { p.signal(resumeGroup) }

// Ask implements runner.Program.
func (p *program) Ask() { p.signal(askGroup) }

// Kill implements runner.Program.
func (p *program) Kill() { p.signal(killGroup) }

func (p *program) signal(send func(*os.Process)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		send(p.process)
	}
}
