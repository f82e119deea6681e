// Package page writes a report as one HTML file that needs nothing else: no network, no fonts, no server. It is a frozen copy of
// the page of `xrun ui`, and reads without script.
//
// Names in it come from sweep files, plugins and command lines of others. They reach the page as text only: through package
// sheet and html/template, through the figures' own escaping, and as escaped JSON. A policy in the page runs no script but its
// own. A page stays below [Limit] bytes, and says what it leaves out for that.
package page

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/figure"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Limit is the largest size of a page in bytes.
const Limit = 500_000

//go:embed page.html
var source string

// copying is the script of a page without another one: a click copies a command.
//
//go:embed page.js
var copying string

// loading unpacks the data and the script of a page, which take half of the room so.
//
//go:embed load.js
var loading string

// Hands are the script and the style by which a page is the page of `xrun ui`; without them it has the answer and can be read.
type Hands struct{ Script, Style string }

// parsed makes every text printable.
var parsed = template.Must(template.New("page").Funcs(template.FuncMap{"plain": sheet.Plain,
	"text": func(s string) string { return sheet.Clip(sheet.Lines(s), 40_000) },
}).Parse(source))

// content holds the values of the template.
type content struct {
	Policy        string
	Style         template.CSS
	Script        template.JS // that runs first
	Code          template.JS // a script that it unpacks
	Sheet         sheet.Data
	Top, Fragment template.HTML
	Parts         []*part // figures: of all problems, and of each
	Provenance    question.Provenance
	Constants     [][2]string
	JSON          template.JS
	Cut           string // points that the JSON leaves out
}

// A part is the figures of one problem.
type part struct {
	Name    string
	Figures []drawing
}

// A drawing is a figure of the page, or the reason why it is missing.
type drawing struct {
	Kind, Title, Missing string
	ID                   string // of its heading; empty where a kind stands several times
	SVG                  template.HTML
	Wide                 bool
}

// Sizes of parts of a page in bytes: all but figures, data and the script, and all that is. What the text leaves is for the data, and
// then for figures, which a script draws better.
const (
	textPart   = 220_000
	figurePart = Limit - 4_000
)

// MostRows is the largest number of points in the table.
const MostRows = 200

// From so many points on, the page has the first rows and so many cells of maps only.
const (
	manyPoints = 600
	fewCells   = 300
)

// Curves and values of each that the data have: of the best points, and of those that arms chose.
const (
	bestCurves  = 24
	curveValues = 100
)

// Write writes the page of a report. Curves and profiles need the report's curves. Of the view only the axes of maps, the number
// of curves and whether runs are shown count. Options say what the sheet shows beside the report. Without hands a click copies a
// command and nothing more.
func Write(w io.Writer, r *compare.Report, p question.Provenance, v report.View, o sheet.Options, hands Hands) error {
	c := &content{Style: template.CSS(sheet.Style() + hands.Style + figure.Style), Script: template.JS(copying), Provenance: p}
	nav, allowed := hands.Script != "", hashOf(copying)
	if nav {
		code, err := deflated([]byte(hands.Script))
		if err != nil {
			return err
		}
		c.Script, c.Code = template.JS(loading), template.JS(code)
		allowed = hashOf(loading) + "' '" + hashOf(hands.Script)
	}
	c.Policy = "default-src 'none'; style-src '" + hashOf(string(c.Style)) + "'; script-src '" + allowed + "'; base-uri 'none'; form-action 'none'"
	for _, s := range r.Same {
		c.Constants = append(c.Constants, [2]string{s.Path, s.Value.String()})
	}
	c.Constants = c.Constants[:min(len(c.Constants), 300)]
	o.Maps.Columns, o.Maps.Rows, o.Runs, o.Provenance = v.Columns, v.Rows, v.Runs, p
	o.Points = MostRows
	if len(r.Points) > manyPoints { // the data have them, and need the room
		o.Points, o.Cells = sheet.FirstPoints, fewCells
	}
	var text []byte
	for ; ; o.Points /= 2 {
		c.Sheet = sheet.Of(r, o)
		var top, fragment bytes.Buffer
		if err := sheet.WriteTop(&top, c.Sheet, nav); err != nil {
			return err
		}
		if err := sheet.Write(&fragment, c.Sheet); err != nil {
			return err
		}
		c.Top, c.Fragment = template.HTML(top.String()), template.HTML(fragment.String())
		var err error
		if text, err = c.write(); err != nil {
			return err
		}
		if len(text)-len(c.Script)-len(c.Code) <= textPart || o.Points < 2 {
			break
		}
	}
	const other = 8_000 // for what figures leave out, and where they stand
	var err error
	if c.JSON, c.Cut, err = twin(r, sheet.BesideOf(r, o.Command), Limit-len(text)-other); err != nil {
		return err
	}
	size := len(text) + len(c.JSON)
	c.figures(r, v, &size)
	if text, err = c.write(); err != nil {
		return err
	}
	if len(text) > Limit {
		return fmt.Errorf("a page of %d bytes is larger than %d", len(text), Limit)
	}
	_, err = w.Write(text)
	return err
}

// hashOf is a source of a policy that allows a text by its hash.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (c *content) write() ([]byte, error) {
	var b bytes.Buffer
	err := parsed.Execute(&b, c)
	return b.Bytes(), err
}

// figures draws what the sheet has no room for, as long as the page stays small enough.
func (c *content) figures(r *compare.Report, v report.View, size *int) {
	curves := "Curves of the chosen points"
	if v.Curves > 0 {
		curves = fmt.Sprintf("Curves of the first %d points", v.Curves)
	}
	profile, ranks := drawing{Kind: "profile", Title: "Time to target"}, drawing{Kind: "ranks", Title: "Ranks"}
	draw := func(of *compare.Report, f drawing, into *part) {
		var b bytes.Buffer
		switch err := figure.Draw(&b, of, f.Kind, "svg", figure.Options{Inline: true, Columns: v.Columns, Rows: v.Rows, Top: v.Curves}); {
		case err != nil:
			f.Missing = err.Error()
		case *size+b.Len() > figurePart:
			f.Missing = fmt.Sprintf("left out, because the page would become too large: xrun plot %s -o %s.svg", f.Kind, f.Kind)
		default:
			f.SVG = template.HTML(b.String())
			*size += b.Len()
		}
		if r.Across == nil || f.Kind == profile.Kind || f.Kind == ranks.Kind {
			f.ID = f.Kind
		}
		*size += 300
		into.Figures = append(into.Figures, f)
	}
	if r.Across != nil {
		all := &part{}
		draw(r, ranks, all)
		draw(r, profile, all)
		c.Parts = append(c.Parts, all)
	}
	for _, sub := range r.Each() {
		of := &part{Name: sub.Problem}
		for _, f := range []drawing{{Kind: "curves", Title: curves}, {Kind: "sensitivity", Title: "Sensitivity to the learning rate"},
			profile, ranks, {Kind: "parallel", Title: "All points", Wide: true}, {Kind: "noise", Title: "Noise against the mean"}} {
			if f.Kind == "noise" && len(sub.Scatter()) == 0 {
				continue
			}
			if r.Across == nil || f.Kind != profile.Kind && f.Kind != ranks.Kind {
				draw(sub, f, of)
			}
		}
		c.Parts = append(c.Parts, of)
	}
}

// data is what the page's script reads: the answers that the server of `xrun ui` gives.
type data struct {
	Answer json.RawMessage `json:"answer"` // of xrun compare --json, without points
	Points *sheet.Points   `json:"points"`
	Curves *sheet.Curves   `json:"curves,omitempty"`
}

// twin is the data of the page in at most so many bytes. What is too long as JSON is deflated: {"deflated": "…"} holds the same
// in base64. If that is too long as well, it leaves out points, the last first.
func twin(r *compare.Report, beside sheet.Beside, room int) (js template.JS, cut string, err error) {
	var answer bytes.Buffer
	if err := report.JSONSummary(&answer, r, beside); err != nil {
		return "", "", err
	}
	raw := answer.Bytes()
	all := len(sheet.Places(r))
	for n := within(all, room); ; {
		points := sheet.PointsOf(r, 0, n, false, true)
		d := data{Answer: raw, Points: &points}
		if n > 0 && r.Choice == nil {
			curves, err := sheet.CurvesOf(r, chosen(r), sheet.CurveQuestion{Metrics: []string{r.Metric}, By: "epoch", Seeds: true, Most: curveValues}, curveOf(r), nil)
			if err != nil {
				return "", "", err
			}
			d.Curves = &curves
		}
		text, err := json.Marshal(d)
		if err == nil {
			text, err = escaped(text)
		}
		if err != nil {
			return "", "", err
		}
		if len(text) > room {
			if text, err = deflated(text); err != nil {
				return "", "", err
			}
		}
		if len(text) <= room {
			if n < all && r.Choice == nil {
				cut = fmt.Sprintf("the data in this page are of the first %d of %d points; xrun compare --json has all", n, all)
			}
			return template.JS(text), cut, nil
		}
		if n == 0 {
			return "{}", "there is no room for data in this page; xrun compare --json has them", nil
		}
		n = min(n-1, int(0.99*float64(n)*float64(room)/float64(len(text))))
	}
}

// curveOf finds the curve of a run among those that a report was given.
func curveOf(r *compare.Report) func(int64, string) ([]runner.CurvePoint, error) {
	return func(run int64, _ string) ([]runner.CurvePoint, error) {
		for _, sub := range r.Each() {
			if curve := sub.Curves[run]; len(curve) > 0 {
				return curve, nil
			}
		}
		return nil, nil
	}
}

// within is the number of points, halved as often as they surely need more than so many bytes: their keys alone are 16 bytes of
// chance each, which take 21 in base64.
func within(points, room int) int {
	const least = 21
	for points > 16 && points*least > room {
		points = points * 4 / 5
	}
	return points
}

// chosen are the best points of each problem, and those that arms chose.
func chosen(r *compare.Report) (points []sheet.Place) {
	for _, sub := range r.Each() {
		listed := sub.Listed(max(1, bestCurves/len(r.Each())))
		for _, a := range sub.Arms {
			if a.Chosen >= 0 && !slices.Contains(listed, a.Chosen) {
				listed = append(listed, a.Chosen)
			}
		}
		for _, i := range listed {
			points = append(points, sheet.Place{Report: sub, Index: i})
		}
	}
	return points[:min(len(points), 2*bestCurves)]
}

// deflated is JSON that holds other JSON, compressed.
func deflated(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return json.Marshal(map[string][]byte{"deflated": b.Bytes()})
}

// escaped is JSON without characters that could end a script or start markup, and without invisible ones.
func escaped(text []byte) ([]byte, error) {
	var compact, safe bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, err
	}
	json.HTMLEscape(&safe, compact.Bytes())
	var seen bytes.Buffer
	for _, r := range safe.String() {
		if r < utf8.RuneSelf || !sheet.Invisible(r) {
			seen.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&seen, "\\u%04x", unit)
		}
	}
	return seen.Bytes(), nil
}
