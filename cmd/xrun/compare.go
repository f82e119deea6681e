package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/page"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

func (p *program) compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "say which point of a sweep is best, and how sure that is",
		ArgsUsage: "[SWEEP...]",
		Description: `A row is a point: the mean over its seeds ± 95 % confidence interval. SWEEP is a name or an id of
the database; the newest is the default. Several sweeps of one metric are compared together. Data sets are
compared each by itself, and arms are ranked over them. A sweep may write meanwhile.

xrun compare --where "lr < 0.1 and optimizer in ['adam', 'sgd']" --sort "step(min(val_loss))"
xrun compare --baseline "optimizer == 'sgd'" --test wilcoxon --cols "last(train_loss), epochs"
xrun compare --tex > table.tex          also --json, --csv, --md, --html report.html`,
		Flags:  append(questionFlags(), formatFlags()...),
		Action: p.compare,
	}
}

// questionFlags are the flags of a question.
func questionFlags() []cli.Flag {
	return []cli.Flag{
		storeFlag(),
		&cli.StringFlag{Name: "where", Usage: "only points for which `EXPR` holds, such as \"lr < 0.1 and val_loss < 0.3\"; a metric is the mean over seeds; with --runs, only such runs"},
		&cli.StringFlag{Name: "metric", Usage: "compare by `METRIC` instead of the sweep's; a test metric is shown for chosen points only"},
		&cli.StringFlag{Name: "goal", Usage: "min or max, for --metric"},
		&cli.StringFlag{Name: "at", Usage: "best, last or epoch:N"},
		&cli.StringFlag{Name: "stat", Usage: "the statistic over seeds: " + question.Joined(compare.Stats)},
		&cli.StringFlag{Name: "test", Usage: "the test of arms: " + question.Joined(compare.Tests)},
		&cli.StringFlag{Name: "equal", Usage: "call values equal that are shown to differ by less than `X`: \"1 %\" of the baseline's, \"0.5 points\" of a rate, \"0.002\", or none"},
		&cli.StringFlag{Name: "scale", Usage: "how the moderated test tells values apart: " + question.Joined(compare.Differs) + "; the values choose by default"},
		&cli.StringFlag{Name: "baseline", Usage: "test against the best point for which `EXPR` holds"},
		&cli.StringFlag{Name: "by", Usage: "make arms by these `AXES` instead of optimizer,regularizer, such as optimizer,batch"},
		&cli.Float64Flag{Name: "target", Usage: "show how soon runs reached `VALUE`"},
	}
}

// formatFlags are the flags for the form of a comparison.
func formatFlags() []cli.Flag {
	return []cli.Flag{
		jsonFlag(),
		&cli.BoolFlag{Name: "csv", Usage: "print CSV, one row a point, or a run with --runs"},
		&cli.BoolFlag{Name: "md", Usage: "print Markdown"},
		&cli.BoolFlag{Name: "tex", Usage: "print a LaTeX table"},
		&cli.StringFlag{Name: "html", Usage: "write one `FILE` with everything, for a browser without a network; - is standard output"},
		forceFlag(),
		&cli.IntFlag{Name: "top", Usage: "show the first `N` points", Value: 20},
		&cli.BoolFlag{Name: "all", Usage: "show all points"},
		&cli.StringFlag{Name: "cols", Usage: "further columns, a list of `EXPRS`: \"min(val_loss), step(min(val_loss)), last(train_loss)\""},
		&cli.StringFlag{Name: "sort", Usage: "sort rows by `EXPRS`; - before one is largest first"},
		&cli.BoolFlag{Name: "runs", Usage: "show single runs instead of points"},
		&cli.StringFlag{Name: "heatmap", Usage: "the `AXES` of maps, columns first", DefaultText: "lr,lambda, or others that vary"},
		&cli.IntFlag{Name: "curves", Usage: "draw the curves of the first `N` points"},
		&cli.StringFlag{Name: "diff", Usage: "show the differences of two `RUNS`, such as 3,17; see xrun diff"},
		&cli.BoolFlag{Name: "explain", Usage: "show how each number was computed, with a paragraph for a paper"},
		&cli.IntFlag{Name: "width", Usage: "fit tables into `COLUMNS` characters; the terminal's width by default"},
	}
}

// formats are the flags that exclude each other: each chooses a form other than text.
var formats = []string{"json", "csv", "md", "tex", "html", "diff"}

func (p *program) compare(c *cli.Context) error {
	defer collectLess()()
	args := c.Args().Slice()
	chosen := ""
	for _, name := range formats {
		if !c.IsSet(name) {
			continue
		}
		if chosen != "" {
			return advice.Usage(fmt.Errorf("--%s and --%s exclude each other", chosen, name), "choose one")
		}
		chosen = name
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	if chosen == "diff" {
		return p.diffRuns(c.Context, db, strings.Split(c.String("diff"), ","), false)
	}
	view, err := viewOf(c, p.plainView())
	if err != nil {
		return err
	}
	q := questionOf(c)
	q.Runs, q.Arguments = view.Runs, storeArguments(db)
	q.Curves = max(view.Top, view.Curves)
	if view.Top == 0 {
		q.Curves = -1
	}
	if chosen == "html" {
		q.Curves = page.MostRows
	}
	if chosen == "json" || chosen == "csv" {
		q.Curves = 0
	}
	names := make([]string, len(args))
	for i := range args {
		names[i] = sweepName(args[i : i+1])
	}
	r, err := question.Answer(c.Context, db, names, q)
	if err != nil {
		return err
	}
	if len(r.Points) == 0 && q.Where != "" {
		return advice.Nothing(fmt.Errorf("no point of %s matches %s", r.Sweep, q.Where), "xrun compare --all shows all of them")
	}
	if _, ok := r.Best(); !ok && q.At != "" && len(r.Points) > 0 {
		return advice.Nothing(fmt.Errorf("no trial of %s has a %s at %s", r.Sweep, r.Metric, q.At), "xrun compare shows the kept epochs")
	}
	if err := r.CheckAxes(view.Columns, view.Rows); err != nil {
		return axisError("heatmap", err)
	}
	switch chosen {
	case "json":
		err = report.JSON(p.stdout, r, view.Runs)
	case "csv":
		err = report.CSV(p.stdout, r, view.Runs)
	case "md":
		err = report.Markdown(p.stdout, r, view)
	case "html":
		err = p.writePage(c.Context, db, names, r, view, sameCommand(c, r, "html", "force"), p.target(c, "html"))
	case "tex":
		err = report.TeX(p.stdout, r, view)
	default:
		report.Text(p.stdout, r, view)
	}
	if err == nil && r.Fails() {
		if chosen != "" {
			for _, line := range r.CheckLines() {
				fmt.Fprintln(p.stderr, line)
			}
		}
		err = advice.Exit(advice.ExitCheck)
	}
	return err
}

// questionOf is the question of the flags.
func questionOf(c *cli.Context) question.Question {
	return question.Question{Metric: c.String("metric"), Goal: c.String("goal"), At: c.String("at"), Stat: c.String("stat"), Test: c.String("test"), Equal: c.String("equal"), Scale: c.String("scale"),
		Baseline: c.String("baseline"), By: c.String("by"), Target: c.Float64("target"), HasTarget: c.IsSet("target"),
		Where: c.String("where"), Columns: c.String("cols"), Sort: c.String("sort")}
}

// plainView is the layout of a report without flags: it fits the terminal.
func (p *program) plainView() report.View {
	v := report.View{ASCII: p.env("XRUN_ASCII") != ""}
	if isTerminal(p.stdout) {
		v.Width, v.Color = p.width(), p.env("NO_COLOR") == "" && p.env("TERM") != "dumb"
	}
	return v
}

// viewOf is the layout that flags ask for; v is the layout without flags.
func viewOf(c *cli.Context, v report.View) (report.View, error) {
	v.Top, v.Curves, v.Explain, v.Runs = c.Int("top"), c.Int("curves"), c.Bool("explain"), c.Bool("runs")
	if c.Bool("all") {
		v.Top = 0
	}
	if c.IsSet("width") {
		v.Width = c.Int("width")
	}
	if v.Top < 0 || v.Curves < 0 {
		return v, advice.Usage(errors.New("--top and --curves must not be negative"), "--all shows all points")
	}
	if v.Width != 0 && v.Width < 40 {
		return v, advice.Usage(fmt.Errorf("--width %d is less than 40", v.Width), "0 is any width")
	}
	var err error
	v.Columns, v.Rows, err = axesOf("heatmap", c.String("heatmap"))
	return v, err
}

// axesOf reads the two axes of a flag; without it they are empty.
func axesOf(flag, text string) (columns, rows string, err error) {
	if text == "" {
		return "", "", nil // chosen by the axes that vary
	}
	columns, rows, ok := strings.Cut(text, ",")
	columns, rows = strings.TrimSpace(columns), strings.TrimSpace(rows)
	if !ok || columns == "" || rows == "" {
		return "", "", advice.Usage(fmt.Errorf("--%s %q are not two axes", flag, text), "for instance --"+flag+" lr,lambda")
	}
	return columns, rows, nil
}

// axisError is a mistake in the axes of a flag.
func axisError(flag string, err error) error {
	hint := "for instance --" + flag + " lr,lambda"
	var unknown *runner.AxisError
	if errors.As(err, &unknown) {
		hint = unknown.Hint()
	}
	return advice.Usage(fmt.Errorf("--%s: %w", flag, err), hint)
}

// sweepName is the name or id of a sweep on the command line. The name of a file without .toml is a sweep's name. Empty
// is the newest.
func sweepName(args []string) string {
	if len(args) == 0 {
		return ""
	}
	if strings.HasSuffix(args[0], ".toml") {
		return strings.TrimSuffix(filepath.Base(args[0]), ".toml")
	}
	return args[0]
}

// isTerminal reports whether a writer is a terminal.
func isTerminal(w io.Writer) bool {
	file := fileOf(w)
	return file != nil && term.IsTerminal(int(file.Fd()))
}

// fileOf is the file that a writer writes to; nil if it is none.
func fileOf(w io.Writer) *os.File {
	if o, ok := w.(*advice.Output); ok {
		w = o.To
	}
	file, _ := w.(*os.File)
	return file
}

// collectLess collects garbage less often until its result is called, unless GOGC says how often. A report holds what it
// has read until it is printed, so most collections find little: this saves a tenth of the time for 40,000 points.
func collectLess() (restore func()) {
	const byDefault, less = 100, 300
	was := debug.SetGCPercent(less)
	if was != byDefault {
		debug.SetGCPercent(was)
	}
	return func() { debug.SetGCPercent(was) }
}
