package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/export"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// exportFormats are those that xrun export takes.
var exportFormats = []string{"csv", "jsonl", "parquet", "tensorboard", "mlflow"}

func (p *program) exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write runs for other programs: " + strings.Join(exportFormats, ", "),
		ArgsUsage: "FORMAT [SWEEP]",
		Description: `SWEEP is a name or an id of the database; the newest is the default. Of each trial the attempt that
counts is written, as xrun compare takes it.

   xrun export csv > values.csv                 a row for each value; --wide: for each run
   xrun export csv --steps --metric val_loss    a row for each epoch, a column for each metric
   xrun export jsonl -o runs.jsonl              a line for each run, with its settings and curves
   xrun export parquet -o results               results/runs.parquet and results/points.parquet
   xrun export tensorboard -o logs              tensorboard --logdir logs
   xrun export mlflow --uri http://127.0.0.1:5000    or MLFLOW_TRACKING_URI; again to go on

In CSV what a run does not have is empty, and reals are NaN, inf, -inf or have all their digits; a text that a
spreadsheet would take for a formula begins with an apostrophe. In JSON NaN is null, and infinities are the
texts +Inf and -Inf. TensorBoard has single precision. Values are held against the hash of their run, but for
--wide, which reads what metrics came to.`,
		Flags: []cli.Flag{
			storeFlag(),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to this `FILE`, or for parquet and tensorboard below this folder"},
			&cli.StringFlag{Name: "where", Usage: "only runs for which the condition `EXPR` holds, as for xrun runs"},
			&cli.GenericFlag{Name: "metric", Usage: "only the metric `NAME`; may be repeated", Value: &texts{}},
			&cli.BoolFlag{Name: "long", Usage: "csv: a row for each value; the default"},
			&cli.BoolFlag{Name: "wide", Usage: "csv: a row for each run, with what each metric came to"},
			&cli.BoolFlag{Name: "steps", Usage: "csv: a row for each epoch, with a column for each metric"},
			&cli.BoolFlag{Name: "settings", Usage: "write all settings into tables, not only the axes"},
			&cli.BoolFlag{Name: "attempts", Usage: "all attempts at a trial"},
			&cli.BoolFlag{Name: "all", Usage: "the runs of all sweeps"},
			&cli.BoolFlag{Name: "force", Usage: "replace files that are there already"},
			&cli.StringFlag{Name: "uri", Usage: "mlflow: `URL` of the server", EnvVars: []string{"MLFLOW_TRACKING_URI"}},
			&cli.StringFlag{Name: "experiment", Usage: "mlflow: the `NAME` of the experiment, instead of the sweep's"},
		},
		Action: p.export,
	}
}

func (p *program) export(c *cli.Context) error {
	args, err := positional(c, 1, 2, "FORMAT [SWEEP]")
	if err != nil {
		return err
	}
	format := args[0]
	if err := p.checkExport(c, format, len(args) == 2); err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer stop()
	source, err := exported(ctx, c, db, args[1:])
	if err == nil {
		source.Seen = p.exporting(len(source.Runs))
		err = p.exportAs(ctx, c, format, source)
		p.exportingDone(source)
	}
	if ctx.Err() != nil && c.Context.Err() == nil && err != nil {
		said := "interrupted"
		if format == "mlflow" {
			said = "interrupted; the same command goes on"
		}
		fmt.Fprintln(p.stderr, said)
		return advice.Exit(advice.ExitInterrupt)
	}
	if known, ok := errors.AsType[*export.ExistsError](err); ok {
		return asUsage(known)
	}
	return asUsageIf[*export.AddressError](err)
}

// checkExport refuses flags that do not go together.
func (p *program) checkExport(c *cli.Context, format string, named bool) error {
	if !slices.Contains(exportFormats, format) {
		return advice.Usage(fmt.Errorf("%q is not a format", format),
			didYouMean("", format, exportFormats, "it is one of "+strings.Join(exportFormats, ", ")+"; xrun compare --tex and --md print tables"))
	}
	forms := 0
	for _, form := range []string{"long", "wide", "steps"} {
		if c.Bool(form) {
			forms++
			if format != "csv" {
				return advice.Usage(fmt.Errorf("--%s is for csv", form), "")
			}
		}
	}
	toFiles := format == "parquet" || format == "tensorboard"
	switch {
	case forms > 1:
		return advice.Usage(errors.New("--long, --wide and --steps exclude each other"), "choose one")
	case c.Bool("all") && named:
		return advice.Usage(errors.New("--all is all sweeps, and one is named"), "leave one of them out")
	case toFiles && (c.String("output") == "" || c.String("output") == "-"):
		return advice.Usage(fmt.Errorf("%s is written below a folder", format), fmt.Sprintf("name it: xrun export %s -o DIR", format))
	case format == "mlflow" && c.String("output") != "":
		return advice.Usage(errors.New("mlflow has no --output"), "--uri says where the server is")
	case format == "mlflow" && c.String("uri") == "":
		return advice.Usage(errors.New("there is no server to export to"), "name it with --uri http://127.0.0.1:5000, or in MLFLOW_TRACKING_URI")
	case format != "mlflow" && (c.String("experiment") != ""):
		return advice.Usage(errors.New("--experiment is for mlflow"), "")
	}
	return nil
}

// exported chooses what is exported.
func exported(ctx context.Context, c *cli.Context, db *store.Store, named []string) (*export.Source, error) {
	q := store.RunQuery{Best: !c.Bool("attempts")}
	var of []store.SweepInfo
	var title string
	if c.Bool("all") {
		all, err := db.Sweeps(ctx)
		if err != nil {
			return nil, err
		}
		of, title = all, "the database"
	} else {
		sweep, err := db.FindSweep(ctx, sweepName(named))
		if err != nil {
			return nil, err
		}
		of, title, q.Trials = []store.SweepInfo{sweep}, sweep.Name, sweep.ID
	}
	if text := c.String("where"); text != "" {
		schema, err := question.StoreSchema(ctx, db, q.Trials)
		if err != nil {
			return nil, err
		}
		if q.Where, err = question.Condition("--where", text, schema); err != nil {
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
	s.Metrics = *c.Generic("metric").(*texts)
	for _, metric := range s.Metrics {
		if !slices.Contains(known.Metrics, metric) {
			return nil, advice.Nothing(fmt.Errorf("no run has recorded %q", metric), "recorded are "+strings.Join(known.Metrics, ", "))
		}
	}
	s.Settings, err = settingsOf(ctx, c, db, of, known)
	return s, err
}

// settingsOf are the paths of the settings that tables show beside the columns that every run has.
func settingsOf(ctx context.Context, c *cli.Context, db *store.Store, of []store.SweepInfo, known store.Names) ([]string, error) {
	var paths []string
	if c.Bool("settings") {
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

func (p *program) exportAs(ctx context.Context, c *cli.Context, format string, s *export.Source) error {
	switch format {
	case "parquet":
		return p.exportParquet(ctx, c, s)
	case "tensorboard":
		return p.exportTensorBoard(ctx, c, s)
	case "mlflow":
		return p.exportMLflow(ctx, c, s)
	}
	write := s.JSONLines
	switch {
	case format == "csv" && c.Bool("wide"):
		write = s.WideCSV
	case format == "csv" && c.Bool("steps"):
		write = s.StepsCSV
	case format == "csv":
		write = s.LongCSV
	}
	path := c.String("output")
	if path == "" || path == "-" {
		return write(ctx, p.stdout)
	}
	if !c.Bool("force") {
		if err := export.Absent(path); err != nil {
			return err
		}
	}
	if err := export.WriteFile(path, func(w io.Writer) error { return write(ctx, w) }); err != nil {
		return inFolder(path, err)
	}
	p.wrote(path)
	return nil
}

func (p *program) exportParquet(ctx context.Context, c *cli.Context, s *export.Source) error {
	dir := c.String("output")
	tables := []struct {
		path  string
		write func(context.Context, io.Writer) error
	}{{filepath.Join(dir, "runs.parquet"), s.ParquetRuns}, {filepath.Join(dir, "points.parquet"), s.ParquetPoints}}
	if !c.Bool("force") {
		for _, t := range tables {
			if err := export.Absent(t.path); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, t := range tables {
		if err := export.WriteFile(t.path, func(w io.Writer) error { return t.write(ctx, w) }); err != nil {
			return err
		}
		p.wrote(t.path)
	}
	return nil
}

func (p *program) exportTensorBoard(ctx context.Context, c *cli.Context, s *export.Source) error {
	dir := c.String("output")
	if !c.Bool("force") {
		paths, err := s.TensorBoardPaths(ctx)
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := export.Absent(filepath.Join(dir, path)); err != nil {
				return err
			}
		}
	}
	if err := s.TensorBoard(ctx, dir); err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%s below %s: tensorboard --logdir %[2]s\n", stats.Count(len(s.Runs), "run", "runs"), filepath.ToSlash(dir))
	return nil
}

func (p *program) exportMLflow(ctx context.Context, c *cli.Context, s *export.Source) error {
	server := export.MLflowServer{URI: c.String("uri"), User: p.env("MLFLOW_TRACKING_USERNAME"), Password: p.env("MLFLOW_TRACKING_PASSWORD"),
		Token: p.env("MLFLOW_TRACKING_TOKEN"), Patience: time.Minute,
		Waiting: func(err error, wait time.Duration) { fmt.Fprintf(p.stderr, "%v; again in %v\n", err, wait) }}
	result, err := s.MLflow(ctx, server, c.String("experiment"))
	if done := result.Made + result.Continued + result.Skipped; done > 0 {
		fmt.Fprintf(p.stderr, "%s made, %d continued, %d there already; %s written\n", stats.Count(result.Made, "run", "runs"), result.Continued, result.Skipped,
			stats.Count(int(result.Points), "value", "values"))
	}
	if result.Cut > 0 {
		fmt.Fprintf(p.stderr, "%s longer than the server takes, and kept in part\n", stats.Count(result.Cut, "setting was", "settings were"))
	}
	return err
}

// exporting shows how far an export is, where somebody looks and it takes its time.
func (p *program) exporting(runs int) func(done int) {
	if !isTerminal(p.stderr) {
		return nil
	}
	last := time.Now()
	return func(done int) {
		if time.Since(last) > 500*time.Millisecond {
			last = time.Now()
			fmt.Fprintf(p.stderr, "\r%d of %d runs ", done, runs)
		}
	}
}

func (p *program) exportingDone(s *export.Source) {
	if s.Seen != nil {
		fmt.Fprint(p.stderr, "\r\x1b[K")
	}
}
