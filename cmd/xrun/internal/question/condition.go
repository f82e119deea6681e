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
	"github.com/xrun-dev/xrun/runner"
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
	names, meanings := map[string]where.Type{}, map[string][]string{}
	// add adds a name, also with its scope.
	add := func(scope where.Scope, name string, is where.Type) {
		scoped := scope.Name(name)
		names[scoped] = is
		if !where.Scoped(name) {
			names[name] = is
			meanings[name] = append(meanings[name], scoped)
		}
	}
	for _, metric := range known.Metrics {
		add(where.Metric, metric, where.Number)
		for _, function := range []string{"min", "max", "first", "last", "mean", "count"} {
			names[where.Call{Func: function, Metric: metric}.String()] = where.Number
		}
		for _, extreme := range []string{"min", "max"} {
			names[where.Call{Func: extreme, Step: true, Metric: metric}.String()] = where.Number
		}
	}
	for path, types := range known.Settings {
		is := where.TypeOf(plugins.Value{Type: types[0]})
		for _, t := range types {
			if where.TypeOf(plugins.Value{Type: t}) != is {
				is = where.Varied
			}
		}
		if strings.Contains(path, ".") {
			names[path] = is // no other kind of name has dots
			continue
		}
		add(where.Grid, path, is)
	}
	for name, t := range known.Run {
		if _, also := known.Settings[name]; also && (name == "lr" || name == "lambda" || name == "seed") {
			continue // the run's fact is the setting
		}
		add(where.Run, name, where.TypeOf(plugins.Value{Type: t}))
		if slices.Contains(store.Times, name) {
			names[name], names[where.Run.Name(name)] = where.Time, where.Time
		}
	}
	maps.DeleteFunc(meanings, func(_ string, means []string) bool { return len(means) < 2 })
	// Axes of programs have names without dots.
	axes := slices.DeleteFunc(slices.Sorted(maps.Keys(known.Settings)), func(path string) bool {
		return strings.Contains(path, ".") || path == runner.PathArithmetic || path == runner.PathDivergence
	})
	hints := []string{"optimizer", "regularizer", "lr", "lambda", "seed", "status", "epochs"}
	for _, of := range [][]string{axes, known.Metrics, slices.Sorted(maps.Keys(known.Run)), slices.Sorted(maps.Keys(known.Settings))} {
		for _, name := range of {
			if !slices.Contains(hints, name) {
				hints = append(hints, name)
			}
		}
	}
	return where.Schema{Names: names, Ambiguous: meanings, Hints: hints, Nearest: document.Nearest}
}
