// Package refining makes the sweep file after a sweep, for `xrun refine` and for the page of `xrun ui`. It writes nothing.
package refining

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/next"
)

// Points is the number of new values on each side, unless Options say otherwise.
const Points = 2

// Options say what is refined.
type Options struct {
	Sweep, Where, Arm string
	Axes              []string // none are all
	Points            int
	Version           string // of xrun
	// To is the path of the new file; empty is NAME-refined.toml beside the sweep's. Paths in the file are relative to it.
	To string
	// Host makes what starts the plugins that the file names, to check it. With nil nothing is started: a file that names
	// plugins is not checked.
	Host func() (*host.Host, error)
}

// A Refined is the sweep file after a sweep.
type Refined struct {
	*next.Refinement
	Of   string   // the sweep
	To   string   // the path of the file
	Left []string // plugins that the file names and that were not started to check it
}

// A StartError is a sweep that cannot be refined unless its plugins start.
type StartError struct {
	Sweep   string
	Plugins []string
}

func (e *StartError) Error() string {
	return fmt.Sprintf("to refine %s its plugins have to start: %s", e.Sweep, strings.Join(e.Plugins, ", "))
}

// Of makes the sweep file after a sweep.
func Of(ctx context.Context, db *store.Store, o Options) (*Refined, error) {
	sweep, text, err := question.GridSweep(ctx, db, o.Sweep)
	if err != nil {
		return nil, err
	}
	r, err := question.AnswerOf(ctx, db, sweep.ID, question.Question{Where: o.Where})
	if err != nil {
		return nil, err
	}
	if err := question.Trainable(sweep.Name, text); err != nil {
		return nil, err
	}
	file := training.Short(training.Places(db.Path(), sweep.File)[0])
	out := &Refined{Of: sweep.Name, To: o.To}
	if out.To == "" {
		out.To = strings.TrimSuffix(file, filepath.Ext(file)) + next.RefinedSuffix + ".toml"
	}
	open := func() *training.Catalog { return training.NewStillCatalog(out.To, o.Version) }
	if o.Host != nil {
		h, err := o.Host()
		if err != nil {
			return nil, err
		}
		open = func() *training.Catalog { return training.NewCatalog(h, out.To, o.Version, nil, nil) }
	}
	load := func(text []byte) (*sweeps.Spec, error) {
		catalog := open()
		spec, err := sweeps.Load(ctx, out.To, text, catalog)
		if out.Left = catalog.Left(); len(out.Left) > 0 {
			err = next.ErrUnchecked
		}
		return spec, errors.Join(err, catalog.Close())
	}
	grid := next.Grid{Name: sweep.Name, File: file, Text: text.Text, Resolved: text.Resolved, Overrides: text.Overrides, Quick: training.ChangesOf(text).Quick}
	out.Refinement, err = next.Refine(grid, r, o.Arm, o.Axes, o.Points, load)
	if empty := (*next.EmptyError)(nil); errors.As(err, &empty) {
		return nil, advice.Nothing(err, empty.Hint())
	}
	if errors.Is(err, next.ErrUnchecked) {
		return nil, &StartError{sweep.Title, out.Left}
	}
	if err != nil {
		return nil, advice.AsUsage(err)
	}
	return out, nil
}
