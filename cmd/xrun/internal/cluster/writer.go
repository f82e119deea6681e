package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/journal"
	"github.com/xrun-dev/xrun/store/whole"
)

// A writer is the recorder of a job: it writes the journal of a task, and a file of contents beside it. Every attempt in it is whole: one that
// goes on from a checkpoint repeats what was recorded before.
type writer struct {
	dir         Dir
	job         string // by the name that the engine gave it
	environment store.Environment
	builtin     bool            // nothing but xrun's own arithmetic is at work
	drain       <-chan struct{} // closed when the job is to end; may be nil

	mu      sync.Mutex
	journal *os.File
	data    *os.File
	size    int64 // of data
	next    runner.RunID
	open    map[runner.RunID]*written
	skip    map[runner.Key]bool // trials with a result in an earlier journal of the task
}

// written is an attempt at work.
type written struct {
	token string
	trial runner.Key
	tally journal.Tally
	lines []journal.Record // all but the begin, for a checkpoint
}

// A piece is a content in the file beside a journal.
type piece struct {
	At     int64  `json:"at"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// A result is what journal.End has no names for.
type result struct {
	Reason       string         `json:"reason,omitempty"`
	Epochs       int            `json:"epochs"`
	Cost         runner.Cost    `json:"cost"`
	KeptEpoch    int            `json:"kept_epoch"` // -1 where nothing is kept
	Value        journal.Number `json:"value"`
	Lasting      bool           `json:"lasting,omitempty"`
	Again        bool           `json:"again,omitempty"`
	Coefficients journal.Values `json:"coefficients,omitempty"`
	Constants    journal.Values `json:"constants,omitempty"`
	Parameters   *piece         `json:"parameters,omitempty"`
	Output       *piece         `json:"output,omitempty"`
}

func resultOf(end *journal.End) (r result, err error) {
	if err := json.Unmarshal(end.Result, &r); err != nil {
		return r, fmt.Errorf("the end of an attempt is not understood: %w", err)
	}
	return r, nil
}

// newWriter begins the journal of a task.
func newWriter(dir Dir, task, job string, environment store.Environment, builtin bool) (*writer, error) {
	name := dir.journal(task + "." + rand.Text())
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return nil, err
	}
	w := &writer{dir: dir, job: job, environment: environment, builtin: builtin, open: map[runner.RunID]*written{}, skip: map[runner.Key]bool{}}
	var err error
	if w.journal, err = os.OpenFile(name+journalEnding, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o666); err != nil {
		return nil, err
	}
	if w.data, err = os.OpenFile(name+dataEnding, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o666); err != nil {
		return nil, errors.Join(err, w.journal.Close())
	}
	return w, nil
}

const (
	journalEnding = ".journal"
	dataEnding    = ".data"
)

// Begin implements runner.Recorder.
func (w *writer) Begin(_ context.Context, trials []runner.Trial) ([]runner.Begun, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	begun := make([]runner.Begun, len(trials))
	var lines bytes.Buffer
	for i, t := range trials {
		key := t.Key()
		if w.skip[key] {
			continue
		}
		w.next++
		a := &written{token: rand.Text(), trial: key}
		w.open[w.next] = a
		begun[i] = runner.Begun{Run: w.next, Recorded: -1}
		e := w.environment
		b := &journal.Begin{At: journal.SecondsOf(time.Now()), Trial: string(key), Job: w.job, Host: e.Host, OS: e.OS, Arch: e.Arch, Cores: e.Cores, CPU: e.CPU,
			Go: e.GoVersion, Xrun: e.XrunVersion, Commit: e.GitCommit, Dirty: e.GitDirty}
		from := w.checkpoint(t)
		if from != nil {
			b.After = from.Token
		}
		if err := w.line(&lines, a, journal.Record{Begin: b}); err != nil {
			return nil, err
		}
		if from == nil {
			continue
		}
		for _, r := range from.Lines {
			if err := w.line(&lines, a, r); err != nil {
				return nil, err
			}
		}
		begun[i].Recorded, begun[i].From = from.Recorded, &runner.Checkpoint{Run: w.next, Epoch: from.Epoch, Content: from.Content}
	}
	_, err := w.journal.Write(lines.Bytes())
	return begun, err
}

// line adds a line of an attempt, and keeps it for the checkpoints.
func (w *writer) line(to *bytes.Buffer, a *written, r journal.Record) error {
	r.Attempt = a.token
	if r.Begin == nil && r.End == nil {
		a.lines = append(a.lines, r)
	}
	line, err := a.tally.Line(r)
	to.Write(line)
	return err
}

// aftermath is how long after the end of a process its job may hear that it is to end, too.
const aftermath = 500 * time.Millisecond

// excuse makes an interruption of a failure while the job is ended: an engine signals all processes of a job at once, and that of a program or
// a plugin may die of it before this one is told.
func (w *writer) excuse(ends []runner.End) {
	if w.builtin || !slices.ContainsFunc(ends, func(e runner.End) bool { return e.Status == runner.StatusFailed }) {
		return
	}
	select {
	case <-w.drain:
	case <-time.After(aftermath):
		return
	}
	for i := range ends {
		if e := &ends[i]; e.Status == runner.StatusFailed {
			e.Status, e.Reason, e.Error, e.Lasting, e.Again = runner.StatusInterrupted, "its job was to end: "+e.Reason, "", false, false
		}
	}
}

// Record implements runner.Recorder. What has ended is on disk when it returns.
func (w *writer) Record(_ context.Context, u runner.Update) error {
	w.excuse(u.Ends)
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines bytes.Buffer
	for _, p := range u.Points {
		r := journal.Record{Step: p.Epoch, Whole: true}
		for i, name := range p.Metrics {
			r.Log = append(r.Log, journal.Value{Metric: name, Value: p.Values[i]})
		}
		if err := w.line(&lines, w.open[p.Run], r); err != nil {
			return err
		}
	}
	for _, e := range u.Events {
		r := journal.Record{Event: &journal.Event{Kind: e.Kind, Message: e.Message, Detail: e.Detail, At: journal.SecondsOf(e.At), Epoch: e.Epoch}}
		if err := w.line(&lines, w.open[e.Run], r); err != nil {
			return err
		}
	}
	for _, c := range u.Checkpoints {
		if err := w.keep(w.open[c.Run], c); err != nil {
			return err
		}
	}
	for _, e := range u.Ends {
		if err := w.end(&lines, e); err != nil {
			return err
		}
	}
	if len(u.Ends) > 0 {
		if err := w.data.Sync(); err != nil {
			return err
		}
	}
	if _, err := w.journal.Write(lines.Bytes()); err != nil || len(u.Ends) == 0 {
		return err
	}
	return w.journal.Sync()
}

func (w *writer) end(lines *bytes.Buffer, e runner.End) error {
	a := w.open[e.Run]
	r := result{Reason: e.Reason, Epochs: e.Epochs, Cost: e.Cost, KeptEpoch: -1, Lasting: e.Lasting, Again: e.Again}
	if e.Kept != nil {
		r.KeptEpoch, r.Value = e.Kept.Epoch, journal.Number(e.Kept.Value)
	}
	for part, v := range e.Coefficients {
		r.Coefficients = append(r.Coefficients, journal.Value{Metric: part, Value: v})
	}
	for metric, v := range e.Constants {
		r.Constants = append(r.Constants, journal.Value{Metric: metric, Value: v})
	}
	var err error
	if r.Parameters, err = w.put(e.Parameters); err != nil {
		return err
	}
	if r.Output, err = w.put(e.Output); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	end := &journal.End{Status: string(e.Status), At: journal.SecondsOf(e.At), Error: e.Error, Count: a.tally.Count(), Hash: a.tally.Hash(), Result: text}
	delete(w.open, e.Run)
	if e.Status.Done() {
		if err := os.Remove(checkpointFile(w.dir, a.trial)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return w.line(lines, a, journal.Record{End: end})
}

// put appends a content to the file beside the journal.
func (w *writer) put(content []byte) (*piece, error) {
	if content == nil {
		return nil, nil
	}
	sum := sha256.Sum256(content)
	p := &piece{At: w.size, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	n, err := w.data.Write(content)
	w.size += int64(n)
	return p, err
}

// get reads a content from the file beside a journal.
func (p *piece) get(file string) ([]byte, error) {
	if p == nil {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() < p.At+p.Bytes {
		return nil, errors.Join(err, fmt.Errorf("%s ends before byte %d", file, p.At+p.Bytes))
	}
	content := make([]byte, p.Bytes)
	if _, err := io.ReadFull(io.NewSectionReader(f, p.At, p.Bytes), content); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != p.SHA256 {
		return nil, fmt.Errorf("%s has another content at byte %d than was written there", file, p.At)
	}
	return content, nil
}

// A saved is the content of the file of a checkpoint.
type saved struct {
	Token       string // of the attempt
	Epoch       int
	Recorded    int
	Lines       []journal.Record
	Content     []byte
	Environment store.Environment
	Builtin     bool
}

func checkpointFile(dir Dir, key runner.Key) string {
	return filepath.Join(dir.checkpoints(), string(key[:2]), string(key))
}

// readCheckpoint reads the file of a checkpoint; nil if there is none, or a damaged one.
func readCheckpoint(file string) *saved {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	var s saved
	if gob.NewDecoder(f).Decode(&s) != nil {
		return nil
	}
	return &s
}

// keep writes the checkpoint of an attempt, in place of an earlier one.
func (w *writer) keep(a *written, c runner.Checkpoint) error {
	s := saved{Token: a.token, Epoch: c.Epoch, Recorded: -1, Content: c.Content, Environment: w.environment, Builtin: w.builtin}
	for _, r := range a.lines {
		s.Lines = append(s.Lines, r)
		if len(r.Log) > 0 {
			s.Recorded = max(s.Recorded, r.Step)
		}
	}
	file := checkpointFile(w.dir, a.trial)
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return whole.Write(file, 0o666, true, func(to io.Writer) error { return gob.NewEncoder(to).Encode(s) })
}

// checkpoint is the checkpoint from which a trial can go on here; nil if there is none. What xrun computes itself has the same bits on every
// machine; with other plugins the machine must be of the same kind, too.
func (w *writer) checkpoint(t runner.Trial) *saved {
	s := readCheckpoint(checkpointFile(w.dir, t.Key()))
	if s == nil {
		return nil
	}
	here, there := w.environment, s.Environment
	alike := here.CPU == there.CPU && here.OS == there.OS && here.Arch == there.Arch && here.GoVersion == there.GoVersion
	if here.XrunVersion != there.XrunVersion || !alike && !(s.Builtin && w.builtin) {
		return nil
	}
	return s
}

// close ends the journal: no attempt follows.
func (w *writer) close(note string) error {
	line, err := journal.Line(journal.Record{Attempt: closing, Event: &journal.Event{Kind: closing, Message: note, At: journal.SecondsOf(time.Now())}})
	if err == nil {
		_, err = w.journal.Write(line)
	}
	return errors.Join(err, w.journal.Sync(), w.journal.Close(), w.data.Close())
}

// closing is the attempt of the last line of a journal whose job has ended in order. It is no attempt.
const closing = "closed"
