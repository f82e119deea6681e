package runner

import (
	"fmt"
	"sync"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/streams"
)

// datasets shares data among workers: each data set is loaded once, each split is prepared once and
// forgotten when it has not been used for a while.
type datasets struct {
	load func(Task) (*data.Set, error)
	keep int // prepared splits

	mu       sync.Mutex
	sets     map[string]*data.Set
	prepared []prepared
}

type prepared struct {
	key   string
	parts any // *data.Parts[F]
}

// loadParts loads the data of a task, split for a seed. Tasks without data get none.
func loadParts[F plugins.Float](w *worker, t Task, seed int64) (data.Parts[F], error) {
	d := w.data
	if t.Dataset == "" {
		return data.Parts[F]{}, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	setKey, key := t.setKey(), partsKey[F](t, seed)
	for i, p := range d.prepared {
		if p.key == key {
			d.prepared = append(append(d.prepared[:i:i], d.prepared[i+1:]...), p)
			return *p.parts.(*data.Parts[F]), nil
		}
	}
	set := d.sets[setKey]
	if set == nil {
		var err error
		if set, err = d.load(t); err != nil {
			return data.Parts[F]{}, err
		}
		if err := unchanged(t, set); err != nil {
			return data.Parts[F]{}, err
		}
		if d.sets == nil {
			d.sets = map[string]*data.Set{}
		}
		d.sets[setKey] = set
	}
	split, err := splitOf(t, set, seed)
	if err != nil {
		return data.Parts[F]{}, err
	}
	if t.Joined {
		set, split = set.Join(split)
	}
	if err := w.room.fits(t, set, plugins.DTypeOf[F]()); err != nil {
		return data.Parts[F]{}, err
	}
	parts := data.Prepare[F](set, split, t.Standardize)
	d.prepared = append(d.prepared, prepared{key, &parts})
	if len(d.prepared) > d.keep {
		d.prepared = append([]prepared(nil), d.prepared[1:]...)
	}
	return parts, nil
}

// given is the data that a worker's plugins were given last.
type given struct {
	key  string
	data *plugins.Data
}

// dataFor is what an objective of a plugin learns from under a seed. Cohorts of the same split get the same pointer, so
// that a plugin is given it once.
func (w *worker) dataFor(t Task, seed int64) (*plugins.Data, error) {
	key := partsKey[float64](t, seed)
	if w.given.data != nil && w.given.key == key {
		return w.given.data, nil
	}
	parts, err := loadParts[float64](w, t, seed)
	if err != nil {
		return nil, err
	}
	if parts.Train.IsSparse() {
		return nil, fmt.Errorf("data set %s is sparse, and plugins are given dense data", t.Dataset)
	}
	d := &plugins.Data{Inputs: validNames(parts.Inputs), Classes: validNames(parts.Classes)}
	for i, part := range []data.Part[float64]{parts.Train, parts.Validation, parts.Test} {
		rows := plugins.Rows{X: part.X, Y: part.Y}
		for _, label := range part.Labels {
			rows.Y = append(rows.Y, float64(label))
		}
		*d.Parts()[i] = rows
	}
	w.given = given{key, d}
	return d, nil
}

// DataOptions say how the data of a task is understood.
func (t Task) DataOptions() data.Options {
	return data.Options{Target: t.Target, Kind: data.Kind(t.Kind), Validation: t.ValidationPath, Test: t.TestPath, Schema: t.Schema}
}

// setKey names the data that a task reads.
func (t Task) setKey() string {
	return fmt.Sprintf("%q %s", t.Dataset, t.DataOptions().Key())
}

// partsKey names the parts of a task's data under a seed. Seeds under which they are equal share them.
func partsKey[F plugins.Float](t Task, seed int64) string {
	if t.Validation == 0 && t.Test == 0 && t.Folds == 0 || t.Schema.Order != "" && t.Folds == 0 {
		seed = 0
	} else if t.Schema.Order != "" {
		fold, _ := t.Fold(seed)
		seed = int64(fold.Index)
	}
	return fmt.Sprint(t.setKey(), " ", t.Validation, " ", t.Test, " ", t.Folds, " ", t.Standardize, " ", t.Joined, " ", seed, " ", plugins.DTypeOf[F]())
}

// unchanged returns an error if a file has another content than when the sweep was read.
func unchanged(t Task, set *data.Set) error {
	for _, file := range []struct {
		path, digest string
		set          *data.Set
	}{{t.Dataset, t.Digest, set}, {t.ValidationPath, t.ValidationDigest, set.Validation}, {t.TestPath, t.TestDigest, set.Test}} {
		switch {
		case file.path == "":
		case file.set == nil:
			return fmt.Errorf("data set %s was loaded without %s", t.Dataset, file.path)
		case file.set.Digest != file.digest:
			return fmt.Errorf("data set %s changed while the sweep ran: its SHA-256 was %s, now it is %s", file.path, file.digest, file.set.Digest)
		}
	}
	return nil
}

// splitOf divides the rows. The folds of a partition share the stream that its number names.
func splitOf(t Task, set *data.Set, seed int64) (data.Split, error) {
	if t.Standardize && set.IsSparse() {
		return data.Split{}, fmt.Errorf("data set %s is sparse and cannot be standardized", t.Dataset)
	}
	if t.Folds == 0 {
		return set.Split(streams.New(seed, streams.Split), t.Validation, t.Test)
	}
	fold, partition := t.Fold(seed)
	return set.SplitFold(streams.New(partition, streams.Split), fold, t.Test)
}

// Sizes counts the rows of the parts under a seed, of data that is laid out so.
func (s Supervised) Sizes(of data.Layout, seed int64) (data.Sizes, error) {
	if s.Folds == 0 {
		return of.Sizes(streams.New(seed, streams.Split), s.Validation, s.Test)
	}
	fold, partition := s.Fold(seed)
	return of.FoldSizes(streams.New(partition, streams.Split), fold, s.Test)
}

// Inputs returns the names of the features of the trial's model and, if they are standardized, the means
// and factors over its training rows. Where the data has to be encoded, the encoding has both, and the features are the inputs
// that it makes.
func (t Trial) Inputs(set *data.Set) (features []string, mean, factor []float64, encoding *data.Encoding, err error) {
	if err := unchanged(t.Task, set); err != nil {
		return nil, nil, nil, nil, err
	}
	split, err := splitOf(t.Task, set, t.Seed)
	if err != nil {
		return set.Features, nil, nil, nil, err
	}
	if t.Task.Joined {
		set, split = set.Join(split)
	}
	if encoding := set.Encode(split.Train, t.Task.Standardize); encoding != nil {
		return encoding.Inputs(), nil, nil, encoding, nil
	}
	if !t.Task.Standardize || set.IsSparse() {
		return set.Features, nil, nil, nil, nil
	}
	mean, factor = set.Scales(split.Train)
	return set.Features, mean, factor, nil, nil
}

// ClassWeights are what a row of each class counts in the trial's losses, by the classes of its training rows; nil where rows
// count alike.
func (t Trial) ClassWeights(set *data.Set) ([]float64, error) {
	if t.Task.ClassWeight == "" {
		return nil, nil
	}
	if err := unchanged(t.Task, set); err != nil {
		return nil, err
	}
	split, err := splitOf(t.Task, set, t.Seed)
	if err != nil {
		return nil, err
	}
	if t.Task.Joined {
		set, split = set.Join(split)
	}
	rows := make([]int, len(set.Classes))
	for _, i := range split.Train {
		rows[int(set.Y[i])]++
	}
	return balanced(rows), nil
}

// Rows counts the rows that train, validate and test under the trial's seed, and those that train once they are joined.
func (t Trial) Rows(set *data.Set) (train, validation, test, joined int, err error) {
	split, err := splitOf(t.Task, set, t.Seed)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	train, validation, test = len(split.Train), len(split.Validation), len(split.Test)
	if set.Validation != nil {
		validation = set.Validation.Len()
	}
	if set.Test != nil {
		test = set.Test.Len()
	}
	_, split = set.Join(split)
	return train, validation, test, len(split.Train), nil
}

// Fold is the fold for validation, and its partition, for a seed. With k folds, seeds 0 to k−1 are
// the folds of partition 0, seeds k to 2k−1 the folds of partition 1, and so on; seed −1 is the
// last fold of partition −1.
func (s Supervised) Fold(seed int64) (fold data.Fold, partition int64) {
	k := int64(s.Folds)
	partition = seed / k
	if seed%k < 0 {
		partition--
	}
	return data.Fold{Index: int(seed - partition*k), Of: s.Folds}, partition
}
