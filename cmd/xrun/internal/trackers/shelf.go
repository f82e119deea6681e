package trackers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins/python"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/imported"
)

// A shelf keeps runs in a temporary file while they are imported, so that memory holds their places alone.
type shelf struct {
	folder      string
	file        *os.File
	size        int64
	experiments []*shelved
	names       map[string]string // of metrics: equal ones share their text
}

// A shelved is an experiment and the places of its runs.
type shelved struct {
	Experiment
	runs []place
	ids  map[string]bool // of the runs
	left map[string]int
}

// errAgain says that an experiment has a run already.
var errAgain = errors.New("the run is told twice")

// A place says where a run lies.
type place struct {
	at, values, end int64 // of its line, and of the lines of its values
	start           time.Time
	metrics         []string
	files           []string // where its values are, if not on the shelf
}

// A shelvedRun is the line of a run. Its configuration is JSON as Python writes it.
type shelvedRun struct {
	Of     string          `json:"of"` // the experiment
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Status runner.Status   `json:"status"`
	Reason string          `json:"reason"`
	Start  float64         `json:"start"` // seconds
	End    float64         `json:"end"`   // 0 if unknown
	Note   string          `json:"note"`
	Config json.RawMessage `json:"config"`
}

// newShelf makes a shelf in a folder of its own.
func newShelf() (*shelf, error) {
	parent, err := python.Temporary()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(parent, "import-")
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(folder, "runs"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return &shelf{folder: folder, file: file, names: map[string]string{}}, nil
}

// Close implements Source.
func (s *shelf) Close() error { return errors.Join(s.file.Close(), os.RemoveAll(s.folder)) }

// experiment is that of an identifier, which is entered if it is new.
func (s *shelf) experiment(id string, fresh func() Experiment) *shelved {
	for _, e := range s.experiments {
		if e.ID == id {
			return e
		}
	}
	e := &shelved{Experiment: fresh(), ids: map[string]bool{}, left: map[string]int{}}
	e.ID = id
	s.experiments = append(s.experiments, e)
	return e
}

// write appends a line, and returns its place.
func (s *shelf) write(line []byte) (at int64, err error) {
	at = s.size
	n, err := s.file.Write(append(line, '\n'))
	s.size += int64(n)
	return at, err
}

// put appends a run.
func (s *shelf) put(e *shelved, run shelvedRun, metrics []string, files []string) error {
	if e.ids[run.ID] {
		return errAgain
	}
	e.ids[run.ID] = true
	line, err := json.Marshal(run)
	if err != nil {
		return err
	}
	at, err := s.write(line)
	if err != nil {
		return err
	}
	p := place{at: at, values: s.size, end: s.size, start: seconds(run.Start), files: files}
	for _, metric := range metrics {
		p.metrics = append(p.metrics, s.shared(metric))
	}
	e.runs = append(e.runs, p)
	return nil
}

func (s *shelf) shared(name string) string {
	if known, ok := s.names[name]; ok {
		return known
	}
	name = strings.Clone(name)
	s.names[name] = name
	return name
}

// sort puts the oldest runs first.
func (s *shelf) sort() {
	for _, e := range s.experiments {
		slices.SortStableFunc(e.runs, func(a, b place) int { return a.start.Compare(b.start) })
	}
}

// Experiments implements Source.
func (s *shelf) Experiments(context.Context) (all []Experiment, err error) {
	for _, e := range s.experiments {
		given := e.Experiment
		for _, what := range sortedKeys(e.left) {
			given.Left = append(given.Left, Left{what, e.left[what]})
		}
		all = append(all, given)
	}
	return all, nil
}

func (s *shelf) find(of Experiment) (*shelved, error) {
	for _, e := range s.experiments {
		if e.ID == of.ID {
			return e, nil
		}
	}
	return nil, fmt.Errorf("there is no experiment %s", of.ID)
}

// Runs implements Source.
func (s *shelf) Runs(ctx context.Context, of Experiment, each func(*Run) error) error {
	e, err := s.find(of)
	if err != nil {
		return err
	}
	for i, p := range e.runs {
		if err := ctx.Err(); err != nil {
			return err
		}
		line := make([]byte, p.values-p.at)
		if _, err := s.file.ReadAt(line, p.at); err != nil {
			return err
		}
		var r shelvedRun
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		run := &Run{ID: r.ID, Name: Shown(r.Name), Status: r.Status, Reason: r.Reason, Start: seconds(r.Start), End: seconds(r.End), Note: note(r.Note), Metrics: p.metrics, at: int64(i)}
		if run.Settings, err = settingsOf(r.Config); err != nil {
			return fmt.Errorf("the configuration of run %s: %w", r.ID, err)
		}
		if err := each(run); err != nil {
			return err
		}
	}
	return nil
}

// Values implements Source, for runs whose values are on the shelf.
func (s *shelf) Values(ctx context.Context, of Experiment, run *Run) (map[string][]imported.Logged, error) {
	e, err := s.find(of)
	if err != nil {
		return nil, err
	}
	p := e.runs[run.at]
	values := map[string][]imported.Logged{}
	err = lines(ctx, io.NewSectionReader(s.file, p.values, p.end-p.values), func(line []byte) error {
		var told told
		if err := json.Unmarshal(line, &told); err != nil || told.Values == nil {
			return err
		}
		v := told.Values
		name := Shown(v.Metric)
		for i, step := range v.Steps {
			logged := imported.Logged{Step: step, Value: v.Values[i]}
			if i < len(v.Times) {
				logged.At = microseconds(v.Times[i])
			}
			values[name] = append(values[name], logged)
		}
		return nil
	})
	return values, err
}

// seconds is the time of a number of seconds since 1970; zero for 0, and for what is no time of this age of the world.
func seconds(s float64) time.Time {
	const last = 1 << 40
	if !(s > 0 && s < last) {
		return time.Time{}
	}
	return time.UnixMicro(microseconds(s))
}

func microseconds(s float64) int64 {
	const last = 1 << 40
	if !(s > -last && s < last) {
		return 0
	}
	return int64(s * 1e6)
}

// note is a text that people have written, as far as it can be shown.
func note(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if runes := []rune(text); len(runes) > longestText {
		text = string(runes[:longestText-1]) + "…"
	}
	return text
}

// reals are numbers in JSON, among which NaN and the infinities are texts.
type reals []float64

// UnmarshalJSON implements json.Unmarshaler.
func (r *reals) UnmarshalJSON(text []byte) error {
	inside := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(string(text)), "["), "]"))
	if inside == "" || inside == "null" {
		return nil
	}
	for part := range strings.SplitSeq(inside, ",") {
		x, err := strconv.ParseFloat(strings.Trim(part, "\" \t"), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%s is no number", clipped(part))
		}
		*r = append(*r, x)
	}
	return nil
}
