package question

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// Condition compiles the condition of a flag.
func Condition(flag, text string, schema where.Schema) (*where.Expression, error) {
	x, err := where.Compile(text, schema)
	if err != nil {
		return nil, expressionError(flag, text, err)
	}
	return x, nil
}

// expressionError shows the place of an error in an expression of the command line. It returns other errors as they
// are.
func expressionError(flag, text string, err error) error {
	var wrong *where.Error
	if !errors.As(err, &wrong) {
		return err
	}
	source, mark := advice.Excerpt(text, wrong.From, wrong.To)
	return advice.Usage(fmt.Errorf("%s: %w\n  %s\n  %s", flag, wrong, source, strings.TrimRight(mark+" "+wrong.Label, " ")), wrong.Help)
}

// StoreSchema has the names that conditions on the runs of a sweep may use, or of all sweeps for 0.
func StoreSchema(ctx context.Context, db *store.Store, sweepID int64) (where.Schema, error) {
	known, err := db.Names(ctx, sweepID)
	if err != nil {
		return where.Schema{}, err
	}
	return schemaOf(known), nil
}

// schemaOf is the schema of known names.
func schemaOf(known store.Names) where.Schema {
	names := map[string]where.Type{}
	for _, metric := range known.Metrics {
		names[metric] = where.Number
		for _, function := range []string{"min", "max", "first", "last", "mean", "count"} {
			names[where.Call{Func: function, Metric: metric}.String()] = where.Number
		}
		for _, extreme := range []string{"min", "max"} {
			names[where.Call{Func: extreme, Step: true, Metric: metric}.String()] = where.Number
		}
	}
	for path, types := range known.Settings {
		delete(names, path)
		for _, t := range types {
			is := where.TypeOf(plugins.Value{Type: t})
			if before, ok := names[path]; ok && before != is {
				is = where.Varied
			}
			names[path] = is
		}
	}
	for name, t := range known.Run {
		names[name] = where.TypeOf(plugins.Value{Type: t})
	}
	hints := []string{"optimizer", "regularizer", "lr", "lambda", "seed", "status", "epochs"}
	for _, of := range [][]string{known.Metrics, slices.Sorted(maps.Keys(known.Run)), slices.Sorted(maps.Keys(known.Settings))} {
		for _, name := range of {
			if !slices.Contains(hints, name) {
				hints = append(hints, name)
			}
		}
	}
	return where.Schema{Names: names, Hints: hints, Nearest: document.Nearest}
}
