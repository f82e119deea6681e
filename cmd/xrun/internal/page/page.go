// Package page writes a report as one HTML file that needs nothing else: no network, no fonts, no server.
//
// Names in it come from sweep files, plugins and command lines of others. They reach the page as text only: through
// html/template, through the figures' own escaping, and as escaped JSON. A policy in the page runs no script but its
// own. A page stays below [Limit] bytes, and says what it leaves out for that.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/figure"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Limit is the largest size of a page in bytes.
const Limit = 500_000

// A Provenance describes the origin of the results.
type Provenance struct {
	Version      string // of xrun, which wrote the page
	Sweeps       []Sweep
	Runs         string   // by status
	First, Last  string   // when runs began and ended
	Environments []string // each with its number of runs
	Commits      []string
	Plugins      []Plugin
}

// A Sweep is the source of a sweep.
type Sweep struct {
	Name, File, Digest, Created, Notes, Tags string
	Text, Resolved                           string // the file as written, and all of its points
	Overrides                                []string
}

// A Plugin is a component that runs used.
type Plugin struct {
	Role, Name, Version, Digest, Protocol string
	Runs                                  int
}

//go:embed page.html
var source string

//go:embed page.css
var css string

//go:embed page.js
var script string

// parsed makes every text printable: see plain.
var parsed = template.Must(template.New("page").Funcs(template.FuncMap{"plain": plain,
	"text":    func(s string) string { return clip(lines(s), 40_000) },
	"percent": func(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) },
}).Parse(source))

// content holds the values of the template.
type content struct {
	Policy        string
	Style         template.CSS
	Script        template.JS
	Title         string
	Verdict       []string
	Heading, Same string
	Arms, Points  *tabular
	Shown, Listed int
	Figures       []drawing
	Shares        []compare.Share
	Notes         []string
	Methods       []string
	Provenance    Provenance
	Constants     [][2]string
	JSON          template.JS
	Cut           string // points that the JSON leaves out
}

// tabular is a table by rows.
type tabular struct {
	Heads []head
	Rows  [][]string
}

type head struct {
	Name  string
	Right bool
}

// A drawing is a figure of the page, or the reason why it is missing.
type drawing struct {
	Kind, Title, Missing string
	SVG                  template.HTML
	Wide                 bool
}

// Sizes of parts of a page in bytes: all but figures and data, and all but data.
const (
	textPart   = 200_000
	figurePart = 400_000
)

// MostRows is the largest number of points in the table.
const MostRows = 200

// Write writes the page of a report. Curves and profiles need the report's curves. Of the view only the axes of maps
// and the number of curves count.
func Write(w io.Writer, r *compare.Report, p Provenance, v report.View) error {
	c := &content{Style: template.CSS(css + figure.Style), Script: template.JS(script), Title: r.Sweep, Verdict: strings.Split(r.Verdict(), "\n"),
		Heading: r.Heading(), Same: report.SameLine(r), Notes: report.Notes(r), Methods: r.Methods(), Provenance: p, Listed: len(r.Listed(0)), Shares: r.Shares}
	sum := sha256.Sum256([]byte(script))
	c.Policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	for _, s := range r.Same {
		c.Constants = append(c.Constants, [2]string{s.Path, s.Value.String()})
	}
	c.Constants = c.Constants[:min(len(c.Constants), 300)]
	if len(r.Arms) > 1 {
		c.Arms = table(report.ArmTable(r), 100)
	}
	rows := min(MostRows, max(c.Listed, 1))
	text, err := c.write()
	for ; err == nil; rows /= 2 {
		c.Points = table(report.PointTable(r, rows), rows)
		c.Shown = len(c.Points.Rows)
		if text, err = c.write(); len(text) <= textPart || rows < 2 {
			break
		}
	}
	if err != nil {
		return err
	}
	size := len(text)
	curves := "Curves of the chosen points"
	if v.Curves > 0 {
		curves = fmt.Sprintf("Curves of the first %d points", v.Curves)
	}
	for _, f := range []drawing{{Kind: "heatmap", Title: "Maps", Wide: true}, {Kind: "curves", Title: curves}, {Kind: "sensitivity", Title: "Sensitivity to the learning rate"},
		{Kind: "profile", Title: "Time to target"}, {Kind: "ranks", Title: "Ranks"}, {Kind: "parallel", Title: "All points", Wide: true}} {
		var b bytes.Buffer
		switch err := figure.Draw(&b, r, f.Kind, "svg", figure.Options{Inline: true, Columns: v.Columns, Rows: v.Rows, Top: v.Curves}); {
		case err != nil:
			f.Missing = err.Error()
		case size+b.Len() > figurePart:
			f.Missing = fmt.Sprintf("left out, because the page would become too large: xrun plot %s -o %s.svg", f.Kind, f.Kind)
		default:
			f.SVG = template.HTML(b.String())
			size += b.Len()
		}
		size += 300
		c.Figures = append(c.Figures, f)
	}
	if c.JSON, c.Cut, err = twin(r, Limit-size-2000); err != nil {
		return err
	}
	if text, err = c.write(); err != nil {
		return err
	}
	if len(text) > Limit {
		return fmt.Errorf("a page of %d bytes is larger than %d", len(text), Limit)
	}
	_, err = w.Write(text)
	return err
}

func (c *content) write() ([]byte, error) {
	var b bytes.Buffer
	err := parsed.Execute(&b, c)
	return b.Bytes(), err
}

func table(columns []report.TableColumn, most int) *tabular {
	t := &tabular{}
	for _, c := range columns {
		t.Heads = append(t.Heads, head{c.Head, c.Right})
		for i, cell := range c.Cells[:min(len(c.Cells), most)] {
			if len(t.Rows) <= i {
				t.Rows = append(t.Rows, nil)
			}
			t.Rows[i] = append(t.Rows[i], cell)
		}
	}
	return t
}

// twin is the report for machines in at most so many bytes. It leaves out points, the last first.
func twin(r *compare.Report, room int) (js template.JS, cut string, err error) {
	var whole bytes.Buffer
	if err := report.JSON(&whole, r); err != nil {
		return "", "", err
	}
	text, err := escaped(whole.Bytes())
	if err == nil && len(text) <= room {
		return template.JS(text), "", nil
	}
	var parts map[string]json.RawMessage
	var points []json.RawMessage
	if err = errors.Join(err, json.Unmarshal(whole.Bytes(), &parts)); err == nil {
		err = json.Unmarshal(parts["points"], &points)
	}
	if err != nil {
		return "", "", err
	}
	all := len(points)
	for n := all / 2; ; n /= 2 {
		if parts["points"], err = json.Marshal(points[:n]); err != nil {
			return "", "", err
		}
		parts["points_left_out"] = json.RawMessage(fmt.Sprint(all - n))
		if n == 0 {
			delete(parts, "arms") // they list all points
		}
		short, err := json.Marshal(parts)
		if err == nil {
			text, err = escaped(short)
		}
		if err != nil {
			return "", "", err
		}
		if len(text) <= room {
			return template.JS(text), fmt.Sprintf("the data in this page are of the first %d of %d points; xrun compare --json has all", n, all), nil
		}
		if n == 0 {
			return "{}", "there is no room for data in this page; xrun compare --json has them", nil
		}
	}
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
		if r < utf8.RuneSelf || visible(r) == r {
			seen.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&seen, "\\u%04x", unit)
		}
	}
	return seen.Bytes(), nil
}

// plain is a text of one line. It replaces characters that control a terminal or turn the direction of writing.
func plain(words string) string { return clip(strings.Map(visible, words), 2_000) }

// lines is a text of several lines likewise.
func lines(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return visible(r)
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

func visible(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
		return '\ufffd'
	}
	return r
}

func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + fmt.Sprintf("… (%d more bytes)", len(text)-most)
}

// Date writes a time for a page.
func Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}
