// Package figure draws reports for papers and pages: maps, curves, sensitivity to the learning rate, parallel
// coordinates, performance profiles, ranks and noise, as SVG, PNG or PDF.
//
// The same report and options give the same bytes. The colour-blind can tell the colours apart, and no fact is shown by
// colour alone. The package computes no statistics; they are the report's.
package figure

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Kinds are the kinds of figures.
var Kinds = []string{"heatmap", "curves", "sensitivity", "parallel", "profile", "ranks", "noise"}

// Formats are the formats of figures, and the endings of their files.
var Formats = []string{"svg", "png", "pdf"}

// Options choose how a figure is drawn.
type Options struct {
	Width, Height float64 // in millimetres; 0 suits the kind
	DPI           int     // of PNG; defaults to 300
	Title         string
	Columns, Rows string         // axes of maps; default to lr and lambda
	Top           int            // draws the curves of the first so many points, 0 of each arm's chosen one
	Members       bool           // draws the curve of every seed too
	Limits        compare.Limits // of the values of curves and sensitivity
	// Inline is for SVG in a page: its ink, rules and paper have the classes of [Style], and cells have titles.
	Inline bool
	// ID makes the ids of an inline SVG different from those of others in the page.
	ID string
}

// A NothingError is a figure that would be empty or wrong.
type NothingError struct{ what, hint string }

func (e *NothingError) Error() string { return e.what }

// Hint is what a person can do.
func (e *NothingError) Hint() string { return e.hint }

// painters draw the kinds. They return the height that they need, in points; called with no sheet they only measure.
var painters = map[string]func(*sheet, *compare.Report, Options) error{
	"heatmap": heatmap, "curves": curves, "sensitivity": sensitivity, "parallel": parallel, "profile": profile, "ranks": ranks, "noise": noise,
}

// Draw writes a figure of the kind in the format. Curves and profiles need the report's curves.
func Draw(w io.Writer, r *compare.Report, kind, format string, o Options) error {
	paint, ok := painters[kind]
	if !ok {
		return fmt.Errorf("there is no figure %q", kind)
	}
	if !slices.Contains(Formats, format) {
		return fmt.Errorf("there is no format %q", format)
	}
	if err := hidden(r, kind); err != nil {
		return err
	}
	if o.DPI == 0 {
		o.DPI = 300
	}
	if o.Width == 0 {
		o.Width = singleColumn
		if kind == "heatmap" || kind == "parallel" {
			o.Width = doubleColumn
		}
	}
	s := &sheet{width: o.Width * perMillimetre, height: o.Height * perMillimetre, size: 7.5, title: o.Title}
	s.pen = &measuring{}
	if err := paint(s, r, o); err != nil {
		return err
	}
	s.pen = newPen(format, s.width, s.height, kind+" of "+clean(r.Sweep), o)
	if err := paint(s, r, o); err != nil {
		return err
	}
	return s.pen.finish(w)
}

// Check is the error of [Draw], without a figure.
func Check(r *compare.Report, kind string, o Options) error {
	return Draw(io.Discard, r, kind, "svg", o)
}

// hidden refuses figures of all points if points are chosen by another metric: a reader would choose by the figure. It
// refuses figures of several problems, whose values have no common scale.
func hidden(r *compare.Report, kind string) error {
	if r.Across != nil && kind != "profile" && kind != "ranks" {
		return &NothingError{fmt.Sprintf("%s has %s, and a figure of kind %s shows one", r.Sweep, r.ProblemsOf(len(r.Problems)), kind),
			"--where chooses one, as --where \"" + r.ChooseProblem() + "\"; xrun plot ranks and profile are over all"}
	}
	if r.Choice == nil || kind != "heatmap" && kind != "parallel" && kind != "sensitivity" && kind != "noise" {
		return nil
	}
	return &NothingError{fmt.Sprintf("%s is shown for chosen points only, and a figure of kind %s shows all", r.Metric, kind),
		fmt.Sprintf("--metric %s draws the metric that chooses points; xrun plot curves --metric %s draws chosen points", r.ChoiceName, r.Metric)}
}

// Widths of a column of text in millimetres, as most journals have them.
const (
	singleColumn  = 85
	doubleColumn  = 178
	perMillimetre = 72 / 25.4
)

// ParseSize reads single, double, 85x60mm or 3.3x2.4in into millimetres; a height of 0 suits the figure.
func ParseSize(text string) (width, height float64, err error) {
	switch text {
	case "":
		return 0, 0, nil
	case "single":
		return singleColumn, 0, nil
	case "double":
		return doubleColumn, 0, nil
	}
	unit := 1.0
	number, ok := strings.CutSuffix(text, "mm")
	if !ok {
		unit = 25.4
		number, ok = strings.CutSuffix(text, "in")
	}
	first, second, found := strings.Cut(number, "x")
	width, errW := strconv.ParseFloat(first, 64)
	height, errH := strconv.ParseFloat(second, 64)
	if !ok || !found || errors.Join(errW, errH) != nil {
		return 0, 0, fmt.Errorf("%q is no size", text)
	}
	width, height = width*unit, height*unit
	if !(width >= 30 && height >= 20 && width <= 2000 && height <= 2000) {
		return 0, 0, fmt.Errorf("a figure of %s is too small or too large", text)
	}
	return width, height, nil
}
