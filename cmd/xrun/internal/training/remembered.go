package training

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/store/whole"
	"github.com/xrun-dev/xrun/sweeps"
)

// remembered are descriptions of data sets that were read for sweep files of a folder, so that files which have not changed since
// need not be read to plan a sweep, or to find that nothing is left to train.
type remembered struct {
	file    string
	version string // of the xrun that described them
	known   map[string]recollection
	changed bool
	settled time.Duration // see there
}

// A recollection is the description of a data set by what its files were like before they were read.
type recollection struct {
	Files []fileFacts    `json:"files"`
	Is    sweeps.Dataset `json:"is"`
}

// fileFacts are those of a file that change when its content does.
type fileFacts struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	Inode  uint64 `json:"inode"`
	Mtime  int64  `json:"mtime_ns"`
	Change int64  `json:"ctime_ns"`
}

// settled is how long before it was read a file must have been written last: clocks of file systems are coarse, and a change in
// the same tick would not show (as git has it for its index).
const settled = 2 * time.Second

const rememberedFormat = 1

type rememberedFile struct {
	Format  int                     `json:"xrun_data"`
	Version string                  `json:"version"`
	Sum     string                  `json:"sha256"` // of the sets: what somebody has changed is not believed
	Sets    map[string]recollection `json:"sets"`
}

func (r *remembered) sum() string {
	text, _ := json.Marshal(r.known) // it can be written, and keys come out sorted
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// Remember has data sets of sweep files in a folder described from what an earlier command has kept there. With verify it keeps
// what is read, but takes nothing from there. version is that of xrun: another one may understand files otherwise.
func (d *Datasets) Remember(sweep, version string, verify bool) {
	r := &remembered{file: filepath.Join(filepath.Dir(sweep), ".xrun", "data.json"), version: version, known: map[string]recollection{}, settled: settled}
	var from rememberedFile
	if text, err := os.ReadFile(r.file); !verify && err == nil && json.Unmarshal(text, &from) == nil && from.Format == rememberedFormat && from.Version == version && from.Sets != nil {
		if r.known = from.Sets; r.sum() != from.Sum {
			r.known = map[string]recollection{}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.memory = r
}

// Keep keeps the descriptions of what has been read. Where it cannot, files are read again next time.
func (d *Datasets) Keep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.memory == nil || !d.memory.changed {
		return
	}
	text, err := json.MarshalIndent(rememberedFile{rememberedFormat, d.memory.version, d.memory.sum(), d.memory.known}, "", " ")
	if err != nil {
		return
	}
	if err := os.MkdirAll(filepath.Dir(d.memory.file), 0o777); err != nil {
		return
	}
	whole.Tidy(d.memory.file)
	whole.Write(d.memory.file, 0o666, true, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// recall is the description of a data set whose files are as they were.
func (r *remembered) recall(of sweeps.Source) (sweeps.Dataset, bool) {
	if r == nil {
		return sweeps.Dataset{}, false
	}
	known, ok := r.known[sourceKey(of)]
	if !ok || len(known.Files) == 0 {
		return sweeps.Dataset{}, false
	}
	known.Is.Name = of.Name
	return known.Is, slices.Equal(facts(of), known.Files)
}

// note remembers a data set that has been read. before are the facts of its files from before that began.
func (r *remembered) note(of sweeps.Source, is sweeps.Dataset, before []fileFacts, began time.Time) {
	if r == nil || len(before) == 0 {
		return
	}
	if !slices.Equal(facts(of), before) {
		return // it was written to meanwhile
	}
	for _, f := range before {
		if time.Unix(0, max(f.Mtime, f.Change)).After(began.Add(-r.settled)) {
			return
		}
	}
	meant := of
	meant.Target, meant.Kind = is.Target, is.Kind
	for _, source := range []sweeps.Source{of, meant} {
		r.known[sourceKey(source)] = recollection{before, is}
	}
	r.changed = true
}

// sourceKey names a data set by how it is asked for.
func sourceKey(of sweeps.Source) string {
	return data.Options{Target: of.Target, Kind: data.Kind(of.Kind), Validation: absolute(of.Validation), Test: absolute(of.Test), Schema: of.Schema}.Key() + " " + absolute(of.Name)
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil && path != "" {
		return abs
	}
	return path
}

// facts are those of the files of a data set; none for a built-in one, or where the system does not tell enough.
func facts(of sweeps.Source) (all []fileFacts) {
	if slices.Contains(data.Names(), of.Name) {
		return nil
	}
	for _, name := range []string{of.Name, of.Validation, of.Test} {
		if name == "" {
			continue
		}
		for _, path := range data.Files(name) {
			f, ok := factsOf(absolute(path))
			if !ok {
				return nil
			}
			all = append(all, f)
		}
	}
	return all
}
