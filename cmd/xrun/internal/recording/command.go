package recording

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/journal"
)

// A Command takes journals for the command line.
type Command struct {
	Place          Place
	Open           func(ctx context.Context, path string) (*store.Store, error)
	Environment    func(ctx context.Context) store.Environment // of this machine
	Stdout, Stderr io.Writer
	Keep           bool // the journals that are recorded whole
	// Other takes a journal of another kind; ok is false if it is none. May be nil.
	Other func(ctx context.Context, db *store.Store, path string, keep bool) (runs []Run, ok bool, err error)
}

// open opens the database where it is written.
func (c Command) open(ctx context.Context) (*store.Store, error) {
	if err := c.Place.Fetch(ctx); err != nil {
		return nil, err
	}
	return c.Open(ctx, c.Place.Database)
}

// Import takes journals whose scripts have ended; without any, all of the database.
func (c Command) Import(ctx context.Context, given []string) (err error) {
	files := given
	if len(files) == 0 {
		if files, err = Journals(c.Place.At()); err != nil {
			return err
		}
		if len(files) == 0 {
			return advice.Nothing(fmt.Errorf("no journals lie in %s", Folder(c.Place.At())), "every run of a script is recorded")
		}
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var problems []error
	for _, file := range files {
		if Alive(file) {
			fmt.Fprintf(c.Stdout, "%s: its script still runs, and its recorder takes it\n", filepath.ToSlash(file))
			continue
		}
		runs, err := c.take(ctx, db, file)
		if errors.Is(err, fs.ErrNotExist) && len(given) == 0 {
			continue // a recorder was faster
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		for _, r := range runs {
			fmt.Fprintln(c.Stdout, r)
		}
	}
	return errors.Join(errors.Join(problems...), c.Place.PutBack(ctx, db))
}

func (c Command) take(ctx context.Context, db *store.Store, file string) ([]Run, error) {
	if c.Other != nil {
		if runs, ok, err := c.Other(ctx, db, file, c.keeps()); ok {
			return runs, err
		}
	}
	return Import(ctx, db, file, c.keeps())
}

// keeps reports whether journals stay: of a database on a network file system they are what it can be made of again.
func (c Command) keeps() bool { return c.Keep || c.Place.Home != "" }

// String says what became of a run.
func (r Run) String() string {
	switch {
	case r.Taken:
		return fmt.Sprintf("run %d of %s: another process is recording it", r.ID, r.Sweep)
	case r.Before:
		return fmt.Sprintf("run %d of %s: it was there already", r.ID, r.Sweep)
	case r.ID == 0:
		return "a run whose beginning is damaged: nobody can say what it is"
	}
	return fmt.Sprintf("run %d of %s, seed %d: %s; %s", r.ID, r.Sweep, r.Seed, r.Status, advice.Command("compare", r.Sweep))
}

// Follow is the recorder of the script that has started this process: it ends when the script has. It prints a line of JSON for each run,
// and takes what killed recorders of other scripts have left.
func (c Command) Follow(ctx context.Context, path string, measure time.Duration) (err error) {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE) // meant for the script, whose last words it has to take
	script := os.Getppid()
	ended := watch(script)
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if c.Place.Home != "" {
		fmt.Fprintf(c.Stderr, "xrun: %s is on a network file system (%s): the database is %s, and is copied back when the script ends\n",
			filepath.Dir(c.Place.Home), c.Place.Network, c.Place.Database)
	}
	environment := c.Environment(ctx)
	f := &Follower{Path: path, Ended: ended, Notice: func(text string) { fmt.Fprintln(c.Stderr, "xrun: "+text) },
		Environment: func(*journal.Begin) store.Environment { return environment },
		Machine:     &Machine{Process: script, Every: measure},
		Stop:        func(now bool) { interrupt(script, now) }}
	for _, other := range c.leftBehind(path) {
		if _, err := Import(ctx, db, other, c.keeps()); err != nil && !errors.Is(err, fs.ErrNotExist) { // another recorder was faster
			fmt.Fprintln(c.Stderr, "xrun:", err)
		}
	}
	runs, err := f.Follow(ctx, db, c.keeps())
	if err != nil {
		return err
	}
	if err := c.Place.PutBack(ctx, db); err != nil {
		fmt.Fprintf(c.Stderr, "xrun: the database stays at %s: %v\n", c.Place.Database, err)
	}
	for _, r := range runs {
		if r.ID == 0 || r.Taken {
			continue
		}
		line, err := json.Marshal(recorded{r.ID, r.Sweep, r.Seed, r.Status, r.Metric, r.Complete || r.Before, advice.Command("compare", r.Sweep)})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.Stdout, "%s\n", line)
	}
	return nil
}

// recorded is what the recorder tells the script at its end.
type recorded struct {
	Run      runner.RunID  `json:"run_id"`
	Sweep    string        `json:"sweep"`
	Seed     int64         `json:"seed"`
	Status   runner.Status `json:"status"`
	Metric   string        `json:"metric"`
	Complete bool          `json:"complete"`
	Next     string        `json:"next"`
}

// interrupt stops a script as Ctrl-C does, or ends it at once.
func interrupt(script int, now bool) {
	p, err := os.FindProcess(script)
	if err != nil || os.Getppid() != script {
		return // it has ended
	}
	if now || p.Signal(os.Interrupt) != nil {
		p.Kill()
	}
}

// watch closes a channel when the script closes this process's standard input, or has died.
func watch(script int) <-chan struct{} {
	ended, closed := make(chan struct{}), make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin) // an error is an end, too
		close(closed)
	}()
	go func() {
		defer close(ended)
		for os.Getppid() == script {
			select {
			case <-closed:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return ended
}

// leftBehind are the journals of scripts that have ended, whose recorders were killed.
func (c Command) leftBehind(but string) (files []string) {
	all, err := Journals(c.Place.At())
	if err != nil {
		return nil
	}
	for _, file := range all {
		if filepath.Base(file) != filepath.Base(but) && !Alive(file) {
			files = append(files, file)
		}
	}
	return files
}
