// Package exporting writes runs for other programs.
package exporting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/export"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Formats lists the formats of runs.
var Formats = []string{"csv", "jsonl", "parquet", "tensorboard", "mlflow"}

// Options choose the runs, the format and the place of an export.
type Options struct {
	Format            string
	Sweep             string // a name or an id; the newest if empty
	Output            string // a file, a folder for parquet and tensorboard; standard output if empty or -
	Where             string // a condition on runs
	Metrics           []string
	Long, Wide, Steps bool // forms of csv
	Settings          bool // all of them, not only the axes
	Attempts, All     bool
	Force             bool
	URI, Experiment   string // of an MLflow server

	Stdout, Stderr io.Writer
	Terminal       bool                // Stderr is a terminal
	Env            func(string) string // for secrets of servers
	Wrote          func(path string)   // called for each file
}

// Run exports.
func (o *Options) Run(ctx context.Context, db *store.Store) error {
	source, err := o.source(ctx, db)
	if err != nil {
		return err
	}
	source.Seen = o.progress(len(source.Runs))
	err = o.write(ctx, source)
	o.done(source)
	return err
}

// Check refuses options that do not go together.
func (o *Options) Check() error {
	forms := 0
	for name, on := range map[string]bool{"long": o.Long, "wide": o.Wide, "steps": o.Steps} {
		if on {
			forms++
			if o.Format != "csv" {
				return advice.Usage(fmt.Errorf("--%s is for csv", name), "")
			}
		}
	}
	toFiles := o.Format == "parquet" || o.Format == "tensorboard"
	switch {
	case forms > 1:
		return advice.Usage(errors.New("--long, --wide and --steps exclude each other"), "choose one")
	case o.All && o.Sweep != "":
		return advice.Usage(errors.New("--all exports all sweeps, and a sweep is named too"), "leave one of them out")
	case toFiles && (o.Output == "" || o.Output == "-"):
		return advice.Usage(fmt.Errorf("%s is written below a folder", o.Format), fmt.Sprintf("name it: xrun export %s -o DIR", o.Format))
	case o.Format == "mlflow" && o.Output != "":
		return advice.Usage(errors.New("mlflow has no --output"), "--uri says where the server is")
	case o.Format == "mlflow" && o.URI == "":
		return advice.Usage(errors.New("there is no server to export to"), "name it with --uri http://127.0.0.1:5000, or in MLFLOW_TRACKING_URI")
	case o.Format != "mlflow" && o.Experiment != "":
		return advice.Usage(errors.New("--experiment is for mlflow"), "")
	}
	return nil
}

// source reads the runs to export.
func (o *Options) source(ctx context.Context, db *store.Store) (*export.Source, error) {
	q := store.RunQuery{Best: !o.Attempts}
	var of []store.SweepInfo
	var title string
	if o.All {
		all, err := db.Sweeps(ctx)
		if err != nil {
			return nil, err
		}
		of, title = all, "the database"
	} else {
		sweep, err := db.FindSweep(ctx, o.Sweep)
		if err != nil {
			return nil, err
		}
		of, title, q.Trials = []store.SweepInfo{sweep}, sweep.Name, sweep.ID
	}
	if o.Where != "" {
		schema, err := question.StoreSchema(ctx, db, q.Trials)
		if err != nil {
			return nil, err
		}
		if q.Where, err = question.Condition("--where", o.Where, schema); err != nil {
			return nil, err
		}
	}
	s := &export.Source{Store: db}
	var err error
	if s.Runs, err = db.Runs(ctx, q); err != nil {
		return nil, err
	}
	if len(s.Runs) == 0 {
		return nil, advice.Nothing(fmt.Errorf("no runs of %s match", title), "xrun runs lists what there is")
	}
	if q.Trials != 0 {
		for i := range s.Runs { // some may have been run by another sweep
			s.Runs[i].Sweep = title
		}
	}
	known, err := db.Names(ctx, q.Trials)
	if err != nil {
		return nil, err
	}
	s.Types, s.Recorded = known.Settings, known.Metrics
	s.Metrics = o.Metrics
	for _, metric := range s.Metrics {
		if !slices.Contains(known.Metrics, metric) {
			return nil, advice.Nothing(fmt.Errorf("no run has recorded %q", metric), "recorded are "+strings.Join(known.Metrics, ", "))
		}
	}
	s.Settings, err = o.settings(ctx, db, of, known)
	return s, err
}

// settings are the paths of the settings that tables show beside the columns of every run.
func (o *Options) settings(ctx context.Context, db *store.Store, of []store.SweepInfo, known store.Names) ([]string, error) {
	var paths []string
	if o.Settings {
		paths = slices.Sorted(maps.Keys(known.Settings))
	} else {
		ids := make([]int64, len(of))
		for i, s := range of {
			ids[i] = s.ID
		}
		varying, _, err := db.Varying(ctx, ids...)
		if err == nil {
			paths, err = db.AxisPaths(ctx, varying, ids...)
		}
		if err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(paths, func(path string) bool { return path == "lr" || path == "lambda" || path == "seed" }), nil
}

func (o *Options) write(ctx context.Context, s *export.Source) error {
	switch o.Format {
	case "parquet":
		return o.parquet(ctx, s)
	case "tensorboard":
		return o.tensorBoard(ctx, s)
	case "mlflow":
		return o.mLflow(ctx, s)
	}
	write := s.JSONLines
	switch {
	case o.Format == "csv" && o.Wide:
		write = s.WideCSV
	case o.Format == "csv" && o.Steps:
		write = s.StepsCSV
	case o.Format == "csv":
		write = s.LongCSV
	}
	return o.deliver(cmp.Or(o.Output, "-"), func(w io.Writer) error { return write(ctx, w) })
}

func (o *Options) target(path string) advice.Target {
	return advice.Target{Path: path, Force: o.Force, Stdout: o.Stdout}
}

func (o *Options) deliver(path string, write func(io.Writer) error) error {
	to := o.target(path)
	err := advice.Deliver(to, write)
	if err == nil && !to.IsStdout() {
		o.Wrote(path)
	}
	return err
}

func (o *Options) parquet(ctx context.Context, s *export.Source) error {
	dir := o.Output
	tables := []struct {
		path  string
		write func(context.Context, io.Writer) error
	}{{filepath.Join(dir, "runs.parquet"), s.ParquetRuns}, {filepath.Join(dir, "points.parquet"), s.ParquetPoints}}
	for _, t := range tables {
		if err := o.target(t.path).Check(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, t := range tables {
		if err := o.deliver(t.path, func(w io.Writer) error { return t.write(ctx, w) }); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) tensorBoard(ctx context.Context, s *export.Source) error {
	dir := o.Output
	if !o.Force {
		paths, err := s.TensorBoardPaths(ctx)
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := o.target(filepath.Join(dir, path)).Check(); err != nil {
				return err
			}
		}
	}
	if err := s.TensorBoard(ctx, dir); err != nil {
		return err
	}
	fmt.Fprintf(o.Stderr, "%s below %s: tensorboard --logdir %[2]s\n", stats.Count(len(s.Runs), "run", "runs"), filepath.ToSlash(dir))
	return nil
}

func (o *Options) mLflow(ctx context.Context, s *export.Source) error {
	server := export.MLflowServer{URI: o.URI, User: o.Env("MLFLOW_TRACKING_USERNAME"), Password: o.Env("MLFLOW_TRACKING_PASSWORD"),
		Token: o.Env("MLFLOW_TRACKING_TOKEN"), Patience: time.Minute,
		Waiting: func(err error, wait time.Duration) { fmt.Fprintf(o.Stderr, "%v; again in %v\n", err, wait) }}
	result, err := s.MLflow(ctx, server, o.Experiment)
	if done := result.Made + result.Continued + result.Skipped; done > 0 {
		fmt.Fprintf(o.Stderr, "%s made, %d continued, %d there already; %s written\n", stats.Count(result.Made, "run", "runs"), result.Continued, result.Skipped,
			stats.Count(int(result.Points), "value", "values"))
	}
	if result.Cut > 0 {
		fmt.Fprintf(o.Stderr, "%s longer than the server takes, and kept in part\n", stats.Count(result.Cut, "setting was", "settings were"))
	}
	return err
}

// progress shows the progress of a long export on a terminal.
func (o *Options) progress(runs int) func(done int) {
	if !o.Terminal {
		return nil
	}
	last := time.Now()
	return func(done int) {
		if time.Since(last) > 500*time.Millisecond {
			last = time.Now()
			fmt.Fprintf(o.Stderr, "\r%d of %d runs ", done, runs)
		}
	}
}

func (o *Options) done(s *export.Source) {
	if s.Seen != nil {
		fmt.Fprint(o.Stderr, "\r\x1b[K")
	}
}
