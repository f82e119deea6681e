package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/figure"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

func (p *program) plotCommand() *cli.Command {
	return &cli.Command{
		Name:      "plot",
		Usage:     "draw a figure of a sweep: " + strings.Join(figure.Kinds, ", "),
		ArgsUsage: "KIND [SWEEP...]",
		Description: `heatmap      a map for each arm: two axes, the others at their best
curves       the metric over the epochs, mean and 95 % band over seeds
sensitivity  the best value at each learning rate
parallel     points as lines across all axes
profile      how soon arms reach targets (Dolan and Moré 2002), with AlgoPerf's score
ranks        a critical difference diagram (Demšar 2006) over data sets, or over seeds; three of them and three arms
noise        how much the seeds of each point scatter against its mean, with what the others let expect

Several data sets have a profile and ranks over all of them; --where chooses one for the other kinds.

The ending of FILE gives the format: svg, png or pdf. Without -o all but parallel and profile are drawn
in the terminal.

xrun plot heatmap -o map.pdf
xrun plot curves -o curves.svg --top 5 --size double
xrun plot sensitivity digits -o lr.png --size 85x60mm --dpi 600`,
		Flags: slices.Concat(questionFlags(), outputFlags("write the figure to `FILE`"), []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: strings.Join(figure.Formats, ", ") + "; by default the ending of the file"},
			&cli.StringFlag{Name: "axes", Aliases: []string{"heatmap"}, Usage: "the `AXES` of maps, columns first", DefaultText: "lr,lambda, or others that vary"},
			&cli.IntFlag{Name: "top", Usage: "curves of the first `N` points instead of each arm's chosen one"},
			&cli.BoolFlag{Name: "members", Usage: "draw the curve of every seed too"},
			&cli.StringFlag{Name: "size", Usage: "single or double, for columns of a paper, or `WxH` such as 85x60mm or 3.3x2.4in"},
			&cli.IntFlag{Name: "dpi", Usage: "dots per inch of PNG", Value: 300},
			&cli.StringFlag{Name: "title", Usage: "write `TEXT` above"},
			&cli.BoolFlag{Name: "log", Usage: "curves and sensitivity: a logarithmic axis of values, with a place of its own for 0 and below; --log=false a linear one. By default the values choose"},
			&cli.StringFlag{Name: "ylim", Usage: "curves and sensitivity: the axis of values from `LOW,HIGH`; either may be empty"},
			&cli.IntFlag{Name: "width", Usage: "fit a drawing in the terminal into `COLUMNS` characters"},
		}),
		Action: p.plot,
	}
}

func (p *program) plot(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) == 0 || !slices.Contains(figure.Kinds, args[0]) {
		kinds := "the kinds are " + strings.Join(figure.Kinds, ", ")
		if len(args) == 0 {
			return advice.Usage(errors.New("plot needs KIND"), kinds)
		}
		return advice.Usage(fmt.Errorf("there is no figure %q", args[0]), commandline.DidYouMean("", args[0], figure.Kinds, kinds))
	}
	kind := args[0]
	format, err := plotFormat(c.String("output"), c.String("format"))
	if err != nil {
		return err
	}
	o := figure.Options{DPI: c.Int("dpi"), Title: c.String("title"), Top: c.Int("top"), Members: c.Bool("members")}
	if o.Width, o.Height, err = figure.ParseSize(c.String("size")); err != nil {
		return advice.Usage(err, "write --size single, --size double, --size 85x60mm or --size 3.3x2.4in")
	}
	if o.DPI < 30 || o.DPI > 2400 {
		return advice.Usage(fmt.Errorf("--dpi %d is not between 30 and 2400", o.DPI), "300 is for print, 96 for a screen")
	}
	if o.Top < 0 {
		return advice.Usage(fmt.Errorf("--top %d is negative", o.Top), "0 is each arm's chosen point")
	}
	defer collectLess()()
	view := p.plainView()
	view.Top, view.Curves = 20, o.Top
	if c.IsSet("width") {
		view.Width = c.Int("width")
	}
	if view.Width != 0 && view.Width < 40 {
		return advice.Usage(fmt.Errorf("--width %d is less than 40", view.Width), "0 is any width")
	}
	if o.Limits, err = plotLimits(c, kind); err != nil {
		return err
	}
	view.Limits = o.Limits
	if view.Columns, view.Rows, err = axesOf(p.axesFlag(), c.String("axes")); err != nil {
		return err
	}
	o.Columns, o.Rows = view.Columns, view.Rows
	r, err := p.plotReport(c.Context, c.String("store"), kind, questionOf(c), args[1:], o)
	if err != nil {
		return err
	}
	if kind == "heatmap" {
		if err := r.CheckAxes(o.Columns, o.Rows); err != nil {
			return axisError(p.axesFlag(), err)
		}
	}
	to := p.target(c, "output")
	if to.Path == "" {
		return p.plotText(kind, r, view)
	}
	var b bytes.Buffer
	if err := figure.Draw(&b, r, kind, format, o); err != nil {
		return advice.AsNothing(err)
	}
	return p.deliver(to, b.Bytes())
}

// plotLimits are what --log and --ylim ask of the axis of values.
func plotLimits(c *cli.Context, kind string) (l compare.Limits, err error) {
	for _, flag := range []string{"log", "ylim"} {
		if c.IsSet(flag) && kind != "curves" && kind != "sensitivity" {
			return l, advice.Usage(fmt.Errorf("--%s has no meaning for a figure of kind %s", flag, kind), "it is for curves and sensitivity, whose values have an axis")
		}
	}
	if c.IsSet("log") {
		log := c.Bool("log")
		l.Log = &log
	}
	if !c.IsSet("ylim") {
		return l, nil
	}
	l, err = figure.ParseLimits(c.String("ylim"), l.Log)
	return l, advice.AsUsage(err)
}

// plotReport reads the report that a figure shows.
func (p *program) plotReport(ctx context.Context, path, kind string, q question.Question, sweeps []string, o figure.Options) (*compare.Report, error) {
	db, err := p.readStore(ctx, path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if kind == "curves" || kind == "profile" {
		q.Curves = max(o.Top, 5)
	}
	names := make([]string, len(sweeps))
	for i := range sweeps {
		names[i] = sweepName(sweeps[i : i+1])
	}
	return question.Answer(ctx, db, names, q)
}

// axesFlag is the flag that gave the axes: --axes, or --heatmap as in compare.
func (p *program) axesFlag() string {
	if slices.ContainsFunc(p.args, func(arg string) bool {
		return strings.HasPrefix(strings.TrimLeft(arg, "-"), "heatmap=") || arg == "--heatmap"
	}) {
		return "heatmap"
	}
	return "axes"
}

// plotText draws a figure in the terminal.
func (p *program) plotText(kind string, r *compare.Report, v report.View) error {
	var b bytes.Buffer
	var err error
	switch kind {
	case "heatmap":
		if r.Choice == nil && r.Across == nil {
			report.Maps(&b, r, v)
		}
	case "curves":
		if v.Curves == 0 {
			v.Curves = 5
		}
		if err = figure.Check(r, kind, figure.Options{Top: v.Curves}); err == nil {
			report.Curves(&b, r, v)
		}
	case "sensitivity":
		if err = figure.Check(r, kind, figure.Options{}); err == nil {
			report.Sensitivity(&b, r, v)
		}
	case "noise":
		if err = figure.Check(r, kind, figure.Options{}); err == nil {
			report.Noise(&b, r, v)
		}
	case "ranks":
		err = report.Ranking(&b, r, v)
	default:
		return advice.Usage(fmt.Errorf("a figure of kind %s is not drawn in the terminal", kind), fmt.Sprintf("write it to a file: xrun plot %s -o %s.svg", kind, kind))
	}
	if err == nil && b.Len() == 0 {
		err = figure.Check(r, kind, figure.Options{Columns: v.Columns, Rows: v.Rows})
	}
	if err != nil {
		return advice.AsNothing(err)
	}
	_, err = p.stdout.Write(b.Bytes())
	return err
}

// plotFormat is the format of a file.
func plotFormat(file, format string) (string, error) {
	if format == "" {
		format = strings.ToLower(strings.TrimPrefix(filepath.Ext(file), "."))
	}
	switch {
	case file == "" || slices.Contains(figure.Formats, format):
		return format, nil
	case format == "" || file == "-" && format == "":
		return "", advice.Usage(fmt.Errorf("%s does not give the format", file), "--format is one of "+strings.Join(figure.Formats, ", "))
	}
	return "", advice.Usage(fmt.Errorf("there is no format %q", format), commandline.DidYouMean("", format, figure.Formats, "the formats are "+strings.Join(figure.Formats, ", ")))
}
