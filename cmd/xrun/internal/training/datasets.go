package training

import (
	"os"
	"slices"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/sweeps"
)

// Datasets keeps the data sets that a command has read: what a sweep file names is described first and trained on later,
// and a large file takes long to read. Nil reads them anew each time.
type Datasets struct {
	mu     sync.Mutex
	notice func(text string)               // says what takes long; may be nil
	kept   map[string]map[string]*data.Set // by name, and by how the set is understood: the key of its options
	memory *remembered                     // of earlier commands; may be nil
}

// SetNotice says who is told of what takes long.
func (d *Datasets) SetNotice(say func(text string)) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notice = say
}

// longRead is how long a file is read without a word.
const longRead = 500 * time.Millisecond

// Describe describes a data set: one that has been read, or is remembered, or else it is read.
func (d *Datasets) Describe(of sweeps.Source) (sweeps.Dataset, error) {
	o := data.Options{Target: of.Target, Kind: data.Kind(of.Kind), Validation: of.Validation, Test: of.Test, Schema: of.Schema}
	if d == nil {
		d = &Datasets{} // reads it anew
	}
	d.mu.Lock()
	known, ok := sweeps.Dataset{}, false
	if d.kept[of.Name][o.Key()] == nil {
		known, ok = d.memory.recall(of)
	}
	d.mu.Unlock()
	if ok {
		return known, nil
	}
	before, began := facts(of), time.Now()
	set, err := d.open(of.Name, o)
	if err != nil {
		return sweeps.Dataset{}, err
	}
	is := described(of, set)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.memory.note(of, is, before, began)
	return is, nil
}

func described(of sweeps.Source, set *data.Set) sweeps.Dataset {
	found := sweeps.Dataset{
		Name: set.Name, Digest: set.Digest, Target: set.Target, Kind: string(set.Kind),
		Classes: len(set.Classes), Rows: set.Len(), Features: set.Dim(), Columns: set.Columns(), Bytes: set.Bytes(), Sparse: set.IsSparse(),
		Layout: set.Layout(), Revision: set.Revision, ScaledRevision: set.ScaledRevision,
	}
	if set.Validation != nil {
		found.ValidationDigest = set.Validation.Digest
	}
	if set.Test != nil {
		found.TestDigest = set.Test.Digest
	}
	if !slices.Contains(data.Names(), of.Name) { // built-in data sets are known to be odd
		found.Warnings = set.Warnings
	}
	return found
}

// open reads a data set, or gives the one that has been read. A set is found by what its options turned out to mean, too.
func (d *Datasets) open(name string, o data.Options) (*data.Set, error) {
	if d == nil {
		return data.Open(name, o)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if set := d.kept[name][o.Key()]; set != nil {
		return set, nil
	}
	if say := d.notice; say != nil {
		word := time.AfterFunc(longRead, func() {
			size := ""
			if info, err := os.Stat(name); err == nil {
				size = " (" + runner.Bytes(float64(info.Size())) + ")"
			}
			say("reading " + Short(name) + size + " …")
		})
		defer word.Stop()
	}
	set, err := data.Open(name, o)
	if err != nil {
		return nil, err
	}
	if d.kept == nil {
		d.kept = map[string]map[string]*data.Set{}
	}
	if d.kept[name] == nil {
		d.kept[name] = map[string]*data.Set{}
	}
	meant := o
	meant.Target, meant.Kind = set.Target, set.Kind
	d.kept[name][o.Key()], d.kept[name][meant.Key()] = set, set
	return set, nil
}

// Of reads the data of a task.
func (d *Datasets) Of(t runner.Task) (*data.Set, error) {
	return d.open(t.Dataset, t.DataOptions())
}

// OpenDataset reads the data of a task for the runner.
func OpenDataset(t runner.Task) (*data.Set, error) { return (*Datasets)(nil).Of(t) }
