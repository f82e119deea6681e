package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
)

func (p *program) compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "say which setting of a sweep is best, and how sure that is",
		ArgsUsage: "[SWEEP]",
		Description: `Rows are settings, their seeds folded into mean ± 95 % confidence interval. SWEEP is a name or
an id of the database; the newest is the default. It can be read while a sweep writes.`,
		Flags: []cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "csv", Usage: "print CSV, one row a setting"},
			&cli.StringFlag{Name: "metric", Usage: "compare by `METRIC` instead of the sweep's"},
			&cli.StringFlag{Name: "goal", Usage: "min or max, for --metric"},
			&cli.StringFlag{Name: "at", Usage: "best, last or epoch:N"},
			&cli.IntFlag{Name: "top", Usage: "show the first `N` settings", Value: 20},
			&cli.BoolFlag{Name: "all", Usage: "show all settings"},
		},
		Action: p.compare,
	}
}

func (p *program) compare(c *cli.Context) error {
	args, err := positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	if c.Bool("json") && c.Bool("csv") {
		return &usage{errors.New("--json and --csv exclude each other"), "choose one"}
	}
	db, err := p.readStore(c)
	if err != nil {
		return err
	}
	defer db.Close()
	r, err := buildReport(c.Context, db, sweepName(args), question{metric: c.String("metric"), goal: c.String("goal"), at: c.String("at")})
	if err != nil {
		return err
	}
	switch {
	case c.Bool("json"):
		return r.JSON(p.stdout)
	case c.Bool("csv"):
		return r.CSV(p.stdout)
	}
	top := c.Int("top")
	if c.Bool("all") {
		top = 0
	}
	r.Text(p.stdout, top)
	return nil
}

// sweepName is what a sweep is called on the command line: by its name, its id, or its file, whose
// name it has unless the file says otherwise. None is the newest.
func sweepName(args []string) string {
	if len(args) == 0 {
		return ""
	}
	if strings.HasSuffix(args[0], ".toml") {
		return strings.TrimSuffix(filepath.Base(args[0]), ".toml")
	}
	return args[0]
}

// question overrides what a sweep asks; empty fields leave it.
type question struct{ metric, goal, at string }

// buildReport answers a sweep's question from the store.
func buildReport(ctx context.Context, db *store.Store, name string, q question) (*report.Report, error) {
	sweep, err := db.FindSweep(ctx, name)
	if err != nil {
		return nil, err
	}
	ask := report.Question{Sweep: sweep.Name, Metric: sweep.Metric, Goal: stop.Goal(sweep.Goal), At: sweep.At}
	if q.metric != "" {
		ask.Metric, ask.Goal = q.metric, goalOf(sweep, q.metric)
	}
	switch q.goal {
	case "":
	case "min", "max":
		ask.Goal = stop.Goal(q.goal)
	default:
		return nil, &usage{fmt.Errorf("--goal %q is neither min nor max", q.goal), "write --goal min or --goal max"}
	}
	if q.at != "" {
		ask.At = q.at
	}
	results, err := db.Results(ctx, sweep.ID, ask.Metric)
	if err != nil {
		return nil, err
	}
	if err := knownMetric(ctx, db, results, ask.Metric); err != nil {
		return nil, err
	}
	if ask.At != "best" && ask.At != "last" {
		number, named := strings.CutPrefix(ask.At, "epoch:")
		epoch, err := strconv.Atoi(number)
		if !named || err != nil || epoch < 0 {
			return nil, &usage{fmt.Errorf("--at %q is not best, last or an epoch", ask.At), "write best, last or epoch:40"}
		}
		if ask.ValueAt, err = db.ValueAt(ctx, sweep.ID, ask.Metric, epoch); err != nil {
			return nil, err
		}
	}
	varying, same, err := db.Varying(ctx, sweep.ID)
	if err != nil {
		return nil, err
	}
	if err := describeAxes(ctx, db, sweep.ID, &ask, varying, same); err != nil {
		return nil, err
	}
	return report.Build(ask, results, same), nil
}

// describeAxes fills in what further axes a sweep has. varying are the settings that differ between its
// trials, same what all have in common.
func describeAxes(ctx context.Context, db *store.Store, sweep int64, ask *report.Question, varying []string, same []runner.Setting) (err error) {
	ask.Command = slices.ContainsFunc(same, func(s runner.Setting) bool { return s.Path == "task.command" })
	ask.Axes, err = db.Axes(ctx, sweep, varying)
	return err
}

// goalOf says which way a metric gets better: the sweep's own as the sweep says.
func goalOf(sweep store.SweepInfo, metric string) stop.Goal {
	switch {
	case metric == sweep.Metric:
		return stop.Goal(sweep.Goal)
	case strings.HasSuffix(metric, "accuracy") || strings.HasSuffix(metric, "r2"):
		return stop.Max
	}
	return stop.Min
}

// knownMetric refuses a metric that no run has recorded though runs have recorded others.
func knownMetric(ctx context.Context, db *store.Store, results []store.Result, metric string) error {
	var any int64
	for _, r := range results {
		if r.Found {
			return nil
		}
		if r.RunID != 0 {
			any = r.RunID
		}
	}
	if any == 0 {
		return nil
	}
	known, err := db.Metrics(ctx, any)
	if err != nil || len(known) == 0 {
		return err
	}
	var names []string
	for _, m := range known {
		names = append(names, m.Metric)
	}
	return &nothingError{fmt.Errorf("no run has recorded %q", metric), "recorded are " + strings.Join(names, ", ")}
}

// nothingError is a question that no row answers.
type nothingError struct {
	err  error
	hint string
}

func (e *nothingError) Error() string { return e.err.Error() }
func (e *nothingError) Hint() string  { return e.hint }
func (e *nothingError) Is(target error) bool {
	return target == store.ErrNotFound
}

func missing(err error) bool { return errors.Is(err, store.ErrNotFound) }
