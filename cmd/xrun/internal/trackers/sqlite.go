package trackers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/store"
)

// A database is a tracker's SQLite file.
type database struct {
	*store.Foreign
	path string
}

// openSQLite opens a file that has some tables.
func openSQLite(ctx context.Context, path, title string, tables ...string) (*database, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, unreadable(path, title, "it is a folder")
	}
	f, err := store.OpenForeign(path)
	switch {
	case errors.Is(err, store.ErrNotSQLite):
		return nil, unreadable(path, title, err.Error())
	case err != nil:
		return nil, cannotOpen(err)
	}
	for _, table := range tables {
		found, err := f.Has(ctx, table)
		if err != nil {
			err = damaged(path, "its tables", err)
		}
		if err == nil && !found {
			err = unreadable(path, title, "there is no table "+table)
			for _, other := range ofTables {
				if has, wrong := f.Has(ctx, other.table); wrong == nil && has {
					err = advice.Usage(fmt.Errorf("%s has no runs of %s", path, title), advice.Command("import", other.name, path)+" reads its tables")
				}
			}
		}
		if err != nil {
			f.Close()
			return nil, err
		}
	}
	return &database{Foreign: f, path: path}, nil
}

// one reads the first row of a query.
func (d *database) one(ctx context.Context, where, query string, args []any, to ...any) error {
	return damaged(d.path, where, d.One(ctx, query, args, to...))
}

// each calls a function with the rows of a query. where names the table for people.
func (d *database) each(ctx context.Context, where, query string, args []any, row func(scan func(...any) error) error) error {
	var given error // by the function, for other reasons than the file
	err := d.Each(ctx, query, args, func(scan func(...any) error) error {
		var wrong error
		err := row(func(to ...any) error { wrong = scan(to...); return wrong })
		if err != nil && wrong == nil {
			given = err
		}
		return err
	})
	if given != nil {
		return given
	}
	return damaged(d.path, where, err)
}

// Close implements Source.
func (d *database) Close() error {
	err := d.Foreign.Close()
	if errors.Is(err, store.ErrChanged) {
		return advice.Usage(err, "import again: what is there is not imported twice")
	}
	return err
}

// real reads a number of a column that may hold anything. What is none is NaN.
func real(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	}
	return math.NaN()
}

// text is what a column has that may be NULL.
func text(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}
