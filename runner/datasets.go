package runner

import (
	"fmt"
	"sync"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/streams"
)

// datasets shares what workers read: each data set is loaded once, each split of it is prepared
// once and forgotten when it has not been used for a while.
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

// loadParts is the data of a task, split for a seed. Tasks without data get none.
func loadParts[F plugins.Float](w *worker, t Task, seed int64) (data.Parts[F], error) {
	d := w.data
	if t.Dataset == "" {
		return data.Parts[F]{}, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	setKey := fmt.Sprint(t.Dataset, "\x00", t.Target, "\x00", t.Kind)
	key := fmt.Sprint(setKey, "\x00", t.Validation, t.Test, t.Standardize, seed, plugins.DTypeOf[F]())
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
		if set.Digest != t.Digest {
			return data.Parts[F]{}, fmt.Errorf("data set %s changed while the sweep ran: its SHA-256 was %s, now it is %s", t.Dataset, t.Digest, set.Digest)
		}
		if d.sets == nil {
			d.sets = map[string]*data.Set{}
		}
		d.sets[setKey] = set
	}
	split, err := set.Split(streams.New(seed, streams.Split), t.Validation, t.Test)
	if err != nil {
		return data.Parts[F]{}, err
	}
	parts := data.Prepare[F](set, split, t.Standardize)
	d.prepared = append(d.prepared, prepared{key, &parts})
	if len(d.prepared) > d.keep {
		d.prepared = append([]prepared(nil), d.prepared[1:]...)
	}
	return parts, nil
}
