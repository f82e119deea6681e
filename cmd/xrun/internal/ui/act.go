package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/process"
)

// A Control lets the page act: each deed is a command of xrun that is shown first, and runs as a child process.
type Control struct {
	// Program is xrun itself.
	Program string
	// Folder is where commands run: the shell's.
	Folder string
	// Host makes what starts plugins, to check the next sweep file.
	Host func() (*host.Host, error)
}

// NewControl is a control that starts this program in the folder of the shell.
func NewControl(plugins func() (*host.Host, error)) (*Control, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the xrun executable: %w", err)
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the working directory: %w", err)
	}
	return &Control{self, folder, plugins}, nil
}

// deeds are what the page can do.
var deeds = []string{"stop", "retry", "confirm", "refine", "start"}

// acting are the parameters of deeds.
var acting = []string{"do", "sweep", "now", "top", "seeds", "axis+", "arm", "points", "where", "save", "file"}

// arguments are those of the command that does what the request asks for.
func (q *request) arguments() (args []string, err error) {
	do := q.text("do")
	if !slices.Contains(deeds, do) {
		return nil, advice.Usage(fmt.Errorf("do is %q", do), "it is one of "+strings.Join(deeds, ", "))
	}
	if len(q.values["sweep"]) > 1 {
		return nil, advice.Usage(errors.New("one sweep at a time"), "")
	}
	for name := range q.values {
		if name != "do" && !slices.Contains(takes[do], name) {
			return nil, advice.Usage(fmt.Errorf("%s has no parameter %s", do, name), "it takes "+strings.Join(takes[do], ", "))
		}
	}
	if do == "start" {
		file, err := sweepFile(q.text("file"))
		if err != nil {
			return nil, err
		}
		return append([]string{"sweep", "--progress", "plain", file}, q.s.o.Arguments...), nil
	}
	if err := q.find(); err != nil {
		return nil, err
	}
	sweep := q.sweeps[0]
	count := func(name string, least, most int) error {
		if q.text(name) == "" {
			return nil
		}
		n, err := q.number(name, 0, least, most)
		args = append(args, "--"+name, fmt.Sprint(n))
		return err
	}
	switch do {
	case "stop":
		now, err := q.flag("now")
		if err != nil {
			return nil, err
		}
		args = []string{"stop"}
		if now {
			args = append(args, "--now")
		}
		args = append(args, sweep.Title)
	case "retry":
		text, err := q.db.SweepText(q.Context(), sweep.ID)
		if err != nil {
			return nil, err
		}
		if err := question.Trainable(sweep.Name, text); err != nil {
			return nil, err
		}
		args = []string{"sweep", "--retry-failed", "--progress", "plain"}
		for _, change := range text.Overrides {
			args = append(args, "--set", change)
		}
		args = append(args, training.Short(training.Places(q.db.Path(), sweep.File)[0]))
	case "confirm":
		args = []string{"confirm", "--progress", "plain"}
		if err := errors.Join(count("top", 1, 100), count("seeds", 2, 10_000)); err != nil {
			return nil, err
		}
		args = append(args, sweep.Title)
	case "refine":
		args = []string{"refine"}
		for _, axis := range q.values["axis"] {
			args = append(args, "--axis", axis)
		}
		if arm := q.text("arm"); arm != "" {
			args = append(args, "--arm", arm)
		}
		if err := count("points", 1, 100); err != nil {
			return nil, err
		}
		if where := strings.TrimSpace(q.text("where")); where != "" {
			args = append(args, "--where", where)
		}
		to := "-"
		if q.text("save") != "" {
			if to, err = sweepFile(q.text("save")); err != nil {
				return nil, err
			}
		}
		args = append(args, "--output", to, sweep.Title)
	}
	return append(args, q.s.o.Arguments...), nil
}

// takes are the parameters of each deed.
var takes = map[string][]string{"stop": {"sweep", "now"}, "retry": {"sweep"}, "confirm": {"sweep", "top", "seeds"}, "refine": {"sweep", "axis", "arm", "points", "where", "save"}, "start": {"file"}}

// sweepFile is the name of a sweep file in the folder of the server. Others are for the shell.
func sweepFile(name string) (string, error) {
	if name != filepath.Base(name) || !filepath.IsLocal(name) || filepath.Ext(name) != ".toml" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, "/\\\x00") {
		return "", advice.Usage(fmt.Errorf("%q is not the name of a sweep file here", name), "it is a file in the folder in which xrun ui runs, and ends in .toml")
	}
	return name, nil
}

// getAct shows the command that an action would run, and runs nothing.
func (s *Server) getAct(q *request) error {
	if s.o.Control == nil {
		return &forbiddenError{errors.New("this page cannot act"), "xrun ui --control lets it"}
	}
	args, err := q.arguments()
	if err != nil {
		return err
	}
	return q.json(map[string]any{"xrun_ui": format, "do": q.text("do"), "command": advice.Command(args...), "folder": s.o.Control.Folder})
}

// postAct runs the command.
func (s *Server) postAct(q *request) error {
	if s.o.Control == nil { // the guard has refused it
		return &forbiddenError{errors.New("this page cannot act"), "xrun ui --control lets it"}
	}
	args, err := q.arguments()
	if err != nil {
		return err
	}
	j, err := s.jobs.start(q.text("do"), args)
	if err != nil {
		return err
	}
	return q.json(j)
}

func (s *Server) getJobs(q *request) error {
	rows := []jobRow{}
	if s.jobs != nil {
		rows = s.jobs.list()
	}
	return q.json(map[string]any{"xrun_ui": format, "jobs": rows})
}

// The largest numbers of child processes at once and of jobs that are remembered, and how much of their output is.
const (
	mostRunning = 4
	mostJobs    = 32
	mostSaid    = 64 << 10
	mostTold    = 4 << 10 // of it in an event
)

// jobs are the commands that the page has started.
type jobs struct {
	control *Control
	hub     *hub

	mu   sync.Mutex
	all  []*job
	next int64
	done sync.WaitGroup
	over bool
}

func newJobs(c *Control, h *hub) *jobs { return &jobs{control: c, hub: h} }

type job struct {
	id      int64
	do      string
	command string
	started time.Time
	cmd     *exec.Cmd
	said    tail

	// The rest is guarded by jobs.
	ended time.Time
	code  int
}

// A jobRow is a job in an answer.
type jobRow struct {
	ID      int64      `json:"id"`
	Do      string     `json:"do"`
	Command string     `json:"command"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended"`
	Code    *int       `json:"exit_code"` // null while it runs
	Output  string     `json:"output"`    // its end, standard output and standard error
	Of      int64      `json:"output_of"` // bytes
}

func (j *job) row() jobRow {
	text, of := j.said.text()
	r := jobRow{ID: j.id, Do: j.do, Command: j.command, Started: j.started, Output: process.Plain(text), Of: of}
	if !j.ended.IsZero() {
		ended, code := j.ended, j.code
		r.Ended, r.Code = &ended, &code
	}
	return r
}

// short is the row for an event: all who listen get it.
func (r jobRow) short() jobRow {
	if over := len(r.Output) - mostTold; over > 0 {
		r.Output = strings.ToValidUTF8(r.Output[over:], "")
	}
	return r
}

// start starts a command as a child process.
func (s *jobs) start(do string, args []string) (jobRow, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := 0
	for _, j := range s.all {
		if j.ended.IsZero() {
			running++
		}
	}
	if running >= mostRunning || s.over {
		return jobRow{}, advice.Nothing(fmt.Errorf("%d commands run already", running), "wait for one to end")
	}
	s.next++
	j := &job{id: s.next, do: do, command: advice.Command(args...), started: time.Now()}
	j.cmd = exec.Command(s.control.Program, args...)
	j.cmd.Dir, j.cmd.Stdout, j.cmd.Stderr = s.control.Folder, &j.said, &j.said
	j.cmd.WaitDelay = 5 * time.Second // for what holds its output open
	apart(j.cmd)
	if err := j.cmd.Start(); err != nil {
		return jobRow{}, fmt.Errorf("start xrun: %w", err)
	}
	s.all = append(s.all, j)
	if len(s.all) > mostJobs {
		if i := slices.IndexFunc(s.all, func(j *job) bool { return !j.ended.IsZero() }); i >= 0 {
			s.all = slices.Delete(s.all, i, i+1)
		}
	}
	s.done.Go(func() {
		err := j.cmd.Wait()
		s.mu.Lock()
		j.ended, j.code = time.Now(), j.cmd.ProcessState.ExitCode()
		if err != nil && j.code == 0 { // its output stayed open
			j.code = -1
		}
		row := j.row()
		s.mu.Unlock()
		s.hub.broadcast(fmt.Sprint("job ", j.id), event{"job", 0, row.short()})
	})
	row := j.row()
	s.hub.broadcast(fmt.Sprint("job ", j.id), event{"job", 0, row.short()})
	return row, nil
}

func (s *jobs) list() []jobRow {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := []jobRow{}
	for _, j := range slices.Backward(s.all) {
		rows = append(rows, j.row())
	}
	return rows
}

// close asks the commands that still run to end, as Ctrl-C does, and waits for them. It kills those that do not.
func (s *jobs) close() {
	s.mu.Lock()
	s.over = true
	for _, j := range s.all {
		if j.ended.IsZero() {
			interrupt(j.cmd)
		}
	}
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() { s.done.Wait(); close(ended) }()
	limit, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	select {
	case <-ended:
	case <-limit.Done():
		s.mu.Lock()
		for _, j := range s.all {
			if j.ended.IsZero() {
				j.cmd.Process.Kill()
			}
		}
		s.mu.Unlock()
		<-ended
	}
}

// A tail keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	kept []byte
	of   int64
}

func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of += int64(len(data))
	t.kept = append(t.kept, data[max(0, len(data)-mostSaid):]...)
	if over := len(t.kept) - mostSaid; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(data), nil
}

func (t *tail) text() (string, int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(string(t.kept), "\ufffd"), t.of
}
