package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	// Fresh are the names of trials' folders that are put aside, as NAME.1, before the trial first starts.
	Fresh map[string]bool
	// Guard is the command that runs [Guard]. Without one, what a program starts in a session of its own
	// outlives it.
	Guard []string
	// Tracker hears programs that log by a tracking client. Without one they cannot start.
	Tracker Tracker

	mu      sync.Mutex // for Fresh and running
	running map[*program]bool
	once    sync.Once
	keeper  *Keeper
	module  string // where programs in Python find the package xrun; empty if it cannot be installed
}

// A Tracker hears what programs log by a tracking client.
type Tracker interface {
	// Track begins to hear a program that is about to start with the environment. report is called with its reports, one at a time. Once end
	// has returned it is called no more.
	Track(s runner.ProgramSpec, report func(runner.Report)) (env []string, end func() []runner.Note, err error)
	// Close ends the hearing of all.
	Close()
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
	reader, err := runner.NewReader(s.Metrics, s.Patterns)
	if err != nil {
		return nil, err
	}
	reports := make(chan runner.Report)
	ending := func() []runner.Note { return nil }
	if s.Tracking != "" {
		if p.Tracker == nil {
			return nil, fmt.Errorf("nothing here hears what it logs with %s", s.Tracking)
		}
		env, end, err := p.Tracker.Track(s, func(r runner.Report) { reports <- r })
		if err != nil {
			return nil, err
		}
		s.Env = append(slices.Clone(s.Env), env...)
		reader, ending = nil, end
	}
	running, err := p.start(s, reader, reports, ending)
	if err != nil {
		ending()
		return nil, err
	}
	return running, nil
}

func (p *Programs) start(s runner.ProgramSpec, reader *runner.Reader, reports chan runner.Report, ending func() []runner.Note) (runner.Program, error) {
	if s.Folder != "" {
		if err := p.makeFolder(s.Folder); err != nil {
			return nil, fmt.Errorf("make a folder for its files: %w", err)
		}
	}
	cmd := exec.Command(s.Args[0], s.Args[1:]...)
	cmd.Dir = s.Dir
	cmd.Env = append(p.environment(s.Dir), s.Env...)
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
	started, err := start(cmd, p.Guard)
	childOut.Close()
	childErr.Close()
	if err != nil {
		stdout.Close()
		stderr.Close()
		removeEmpty(s.Folder)
		return nil, err
	}
	p.keeper.Add(started.leader)
	running := &program{folder: s.Folder, started: started, keeper: p.keeper, reader: reader, reports: reports, ending: ending}
	p.mu.Lock()
	if p.running == nil {
		p.running = map[*program]bool{}
	}
	p.running[running] = true
	p.mu.Unlock()
	go func() {
		running.follow(stdout, stderr)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.running, running)
	}()
	return running, nil
}

// Warn tells all programs that the time runs out, by SIGUSR1 where there are signals: they may save what they need to go on. Only the
// programs themselves are told, not what they have started.
func (p *Programs) Warn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for running := range p.running {
		running.warn()
	}
}

// makeFolder makes the folder of a trial. What an earlier attempt has left in it stays, so that a program can go on.
func (p *Programs) makeFolder(folder string) error {
	p.mu.Lock()
	fresh := p.Fresh[filepath.Base(folder)]
	delete(p.Fresh, filepath.Base(folder))
	p.mu.Unlock()
	for n := 1; fresh; n++ {
		aside := fmt.Sprintf("%s.%d", folder, n)
		if _, err := os.Lstat(aside); err == nil {
			continue
		}
		if err := os.Rename(folder, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		break
	}
	err := os.MkdirAll(folder, 0o777)
	for try := 0; try < 10 && errors.Is(err, fs.ErrNotExist); try++ { // another trial has just removed the folder above
		err = os.MkdirAll(folder, 0o777)
	}
	return err
}

// removeEmpty removes the folder of a trial, and the one above, if nothing is in them.
func removeEmpty(folder string) {
	if folder != "" && os.Remove(folder) == nil {
		os.Remove(filepath.Dir(folder)) // fails while there are others
	}
}

// Close ends the keeper. No program may be running any more.
func (p *Programs) Close() {
	p.keeper.Close()
	if p.Tracker != nil {
		p.Tracker.Close()
	}
}

// environment is ours with the name of this program and, for programs in Python, two additions: PYTHONPATH leads to
// the package xrun that this program has, before the user's own directories, and output is not buffered, so that
// reports arrive at once.
func (p *Programs) environment(dir string) []string {
	env := append(os.Environ(), self()...)
	if abs, err := filepath.Abs(dir); err == nil {
		env = append(env, "PWD="+abs)
	}
	if _, given := os.LookupEnv("PYTHONUNBUFFERED"); !given {
		env = append(env, "PYTHONUNBUFFERED=1")
	}
	if p.module != "" {
		env = append(env, "PYTHONPATH="+python.SearchPath(p.module, os.Getenv("PYTHONPATH")))
	}
	return env
}

// self is the variable that names this program to those that it starts.
func self() []string {
	path, err := os.Executable()
	if err != nil {
		return nil // then the Python package looks for a program of its own
	}
	return []string{python.EnvBinary + "=" + path}
}

// program is a process and its group.
type program struct {
	folder  string // for its files; empty without one
	started *guarded
	keeper  *Keeper
	reader  *runner.Reader // nil if nothing that it prints is a report
	ending  func() []runner.Note
	reports chan runner.Report
	output  Output
	words   tail
	end     runner.ProgramEnd // owned by follow until reports is closed

	mu     sync.Mutex
	warned bool // that the time runs out
	gone   bool // the process has been waited for; its number can belong to another
}

// lastOutput is how long we wait for output that a process outside the group holds open.
const lastOutput = 2 * time.Second

// follow reads what the process says and waits for its end.
func (p *program) follow(stdout, stderr *os.File) {
	var readers sync.WaitGroup
	readers.Go(func() { p.read(stdout, false) })
	readers.Go(func() { p.read(stderr, true) })
	state, err := p.wait()
	late := time.AfterFunc(lastOutput, func() {
		stdout.Close()
		stderr.Close()
	})
	readers.Wait()
	if p.reader != nil {
		for _, r := range p.reader.End() {
			p.reports <- r
		}
	}
	p.end.Notes = p.ending()
	late.Stop()
	stdout.Close()
	stderr.Close()
	switch {
	case err != nil:
		p.end.Err = fmt.Errorf("cannot be waited for: %w", err)
	case !state.Success():
		p.end.Err, p.end.Killed = errors.New(DescribeExit(state)), !state.Exited()
	}
	removeEmpty(p.folder)
	p.mu.Lock()
	p.end.Warned = p.warned
	p.mu.Unlock()
	p.end.Output, p.end.LastWords = p.output.Bytes(), p.words.last()
	close(p.reports)
}

// wait returns when the process has ended, and ends the rest of its group.
func (p *program) wait() (*os.ProcessState, error) {
	if !awaitExit(p.started.process) {
		state, err := p.started.process.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.gone = true
		p.keeper.Remove(p.started.leader)
		return state, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started.rest() // while its number is still its own
	p.keeper.Remove(p.started.leader)
	p.gone = true
	return p.started.process.Wait()
}

// read reads lines to the end. What of them is no report is output.
func (p *program) read(from *os.File, stderr bool) {
	reported := false // in this line
	reports := func(text []byte, frame bool) (rest []byte) {
		if p.reader == nil {
			return text
		}
		plain := []byte(protocol.Plain(string(text)))
		all, rest := p.reader.Line(plain, stderr, frame)
		for _, r := range all {
			p.reports <- r
		}
		if len(rest) == len(plain) {
			return text
		}
		reported = true
		return rest
	}
	readLines(from, func(text []byte) []byte { return reports(text, true) }, func(line textLine) {
		text := line.text
		text = reports(text, false)
		blank := len(bytes.TrimSpace(text)) == 0
		if !reported || !blank {
			p.output.Add(text)
			if line.ended {
				p.output.Add([]byte{'\n'})
			}
		}
		if line.first && !blank {
			if words := shorten(text); words != "" {
				p.words.add(words)
			}
		}
		reported = reported && !line.ended
	})
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

func (p *program) warn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.warned = true
		warnLeader(p.started.group())
	}
}

func (p *program) signal(send func(*os.Process)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		send(p.started.group())
	}
}
