package figure

import (
	"image/color"
	"io"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// A pen draws. Places are in points from the lower left corner.
type pen interface {
	fill(c color.NRGBA, p vg.Path)
	stroke(s stroke, p vg.Path)
	// text writes a line of text from a place on, on its base line, turned by so many quarters counterclockwise.
	text(t text)
	// begin names what is drawn until end.
	begin(note func() string)
	end()
	finish(w io.Writer) error
}

// A text is a line of text with its style.
type text struct {
	x, y, size, width float64
	bold              bool
	quarters          int
	color             color.NRGBA
	fixed             bool // in every theme of a page
	words             string
}

// measuring is a pen without ink.
type measuring struct{}

func (*measuring) fill(color.NRGBA, vg.Path) {}
func (*measuring) stroke(stroke, vg.Path)    {}
func (*measuring) text(text)                 {}
func (*measuring) begin(func() string)       {}
func (*measuring) end()                      {}
func (*measuring) finish(io.Writer) error    { return nil }

func newPen(format string, width, height float64, about string, o Options) pen {
	w, h := vg.Points(width), vg.Points(height)
	switch format {
	case "png":
		c := vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(o.DPI), vgimg.UseBackgroundColor(paper))
		return &outliner{c, vgimg.PngCanvas{Canvas: c}}
	case "pdf":
		// The library stamps the time, but the same figure must be the same file.
		timeless()
		c := vgpdf.New(w, h)
		return &outliner{c, c}
	}
	return newSVG(width, height, about, o)
}

var timeless = sync.OnceFunc(func() {
	fpdf.SetDefaultCreationDate(time.Unix(0, 0).UTC())
	fpdf.SetDefaultModificationDate(time.Unix(0, 0).UTC())
	fpdf.SetDefaultCatalogSort(true)
})

// An outliner draws on a canvas of gonum's, text as outlines of its letters: its PDF fonts have only
// Western European letters, without λ.
type outliner struct {
	canvas vg.Canvas
	out    io.WriterTo
}

func (p *outliner) fill(c color.NRGBA, path vg.Path) {
	p.canvas.SetColor(c)
	p.canvas.Fill(path)
}

func (p *outliner) stroke(s stroke, path vg.Path) {
	p.canvas.SetColor(s.color)
	p.canvas.SetLineWidth(vg.Points(s.width))
	lengths := make([]vg.Length, len(s.dash))
	for i, d := range s.dash {
		lengths[i] = vg.Points(d)
	}
	p.canvas.SetLineDash(lengths, 0)
	p.canvas.Stroke(path)
}

func (p *outliner) text(t text) { p.fill(t.color, outline(t)) }

func (p *outliner) begin(func() string) {}
func (p *outliner) end()                {}

func (p *outliner) finish(w io.Writer) error {
	_, err := p.out.WriteTo(w)
	return err
}
