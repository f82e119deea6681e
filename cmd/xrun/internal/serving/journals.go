package serving

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/mlflow"
	"github.com/xrun-dev/xrun/store/journal"
	"github.com/xrun-dev/xrun/store/whole"
)

// Suffix ends the names of the journals of clients of MLflow.
const Suffix = ".mlflow"

// registryName is the journal of experiments and models.
const registryName = "experiments" + Suffix

// mostOpen limits the journals that are open at once.
const mostOpen = 200

// journals are the files to which is appended what clients say: one for each run, and the registry. A line is written by one call, so that it
// outlives this process, whatever ends it.
type journals struct {
	folder string

	mu   sync.Mutex
	open map[string]*os.File
	torn map[string]bool // their last line may be incomplete
}

func (j *journals) path(name string) string { return filepath.Join(j.folder, name) }

// append writes a line. A journal that is not there begins with the lines of before, if that is not nil.
func (j *journals) append(name, attempt string, what any, before func() (any, bool)) error {
	text, err := line(attempt, what)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.open[name]
	if f == nil {
		if f, err = j.begin(name, attempt, before); err != nil {
			return err
		}
	}
	if j.torn[name] {
		text = append([]byte("\n"), text...)
	}
	if _, err := f.Write(text); err != nil {
		j.torn[name] = true
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	delete(j.torn, name)
	return nil
}

func line(attempt string, what any) ([]byte, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	return journal.Line(journal.Record{Attempt: attempt, MLflow: text})
}

// begin opens a journal.
func (j *journals) begin(name, attempt string, before func() (any, bool)) (*os.File, error) {
	if err := os.MkdirAll(j.folder, 0o777); err != nil {
		return nil, err
	}
	path := j.path(name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && before != nil {
		if first, ok := before(); ok {
			text, err := line(attempt, first)
			if err != nil {
				return nil, err
			}
			err = whole.Write(path, 0o666, true, func(w io.Writer) error {
				_, err := w.Write(text)
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	for other, f := range j.open {
		if len(j.open) < mostOpen {
			break
		}
		f.Close() // every line is written at once: nothing is left in it
		delete(j.open, other)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] != '\n' {
			j.torn[name] = true
		}
	}
	j.open[name] = f
	return f, nil
}

// remove removes a journal that is recorded whole.
func (j *journals) remove(name string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if f := j.open[name]; f != nil {
		f.Close()
		delete(j.open, name)
	}
	delete(j.torn, name)
	if err := os.Remove(j.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (j *journals) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range j.open {
		f.Close()
	}
	clear(j.open)
}

// registered is a line of the registry.
type registered struct {
	Experiment *mlflow.Experiment `json:"experiment,omitempty"`
	Model      json.RawMessage    `json:"model,omitempty"`
}

// each calls f with what the lines of a journal say.
func each(path string, f func(text json.RawMessage) error) (damaged int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	reader := journal.NewReader(file)
	for {
		record, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return reader.Damaged, nil
		}
		if err != nil {
			return reader.Damaged, fmt.Errorf("read %s: %w", path, err)
		}
		if record.MLflow == nil {
			continue
		}
		if err := f(record.MLflow); err != nil {
			return reader.Damaged, fmt.Errorf("read %s: %w", path, err)
		}
	}
}

// readRun reads the journal of a run; nil if it has no beginning.
func readRun(path string) (*mlflow.Run, error) {
	r := mlflow.NewRun()
	_, err := each(path, func(text json.RawMessage) error {
		var c mlflow.Change
		if err := json.Unmarshal(text, &c); err != nil {
			return err
		}
		if c.Begin != nil { // also of one that was taken up again
			r = mlflow.NewRun()
		}
		r.Restore(c)
		return nil
	})
	if err != nil || r.Run == "" {
		return nil, err
	}
	if want := strings.TrimSuffix(filepath.Base(path), Suffix); len(want) == len(r.Run) && want != r.Run {
		return nil, fmt.Errorf("%s is the journal of run %s: its name is wrong", path, r.Run)
	}
	return r, nil
}

// readAll reads the journals of a folder.
func (j *journals) readAll() (runs []*mlflow.Run, experiments []mlflow.Experiment, models []json.RawMessage, err error) {
	entries, err := os.ReadDir(j.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil, nil
	}
	if err != nil {
		return nil, nil, nil, err
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == registryName:
			_, err := each(j.path(name), func(text json.RawMessage) error {
				var r registered
				if err := json.Unmarshal(text, &r); err != nil {
					return err
				}
				if r.Experiment != nil {
					experiments = append(experiments, *r.Experiment)
				}
				if r.Model != nil {
					models = append(models, r.Model)
				}
				return nil
			})
			if err != nil {
				return nil, nil, nil, err
			}
		case strings.HasSuffix(name, Suffix):
			r, err := readRun(j.path(name))
			if err != nil {
				return nil, nil, nil, err
			}
			if r != nil {
				runs = append(runs, r)
			}
		}
	}
	return runs, experiments, models, nil
}
