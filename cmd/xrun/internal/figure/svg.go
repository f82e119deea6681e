package figure

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
)

// svg writes text as text, in a typeface as wide as the measured one.
type svg struct {
	body          bytes.Buffer
	width, height float64
	about         string
	inline        bool
}

// Style is the style sheet of inline figures. The page defines --ink, --muted, --rule, --paper and --blank.
const Style = `.fi{fill:var(--ink)}.fm{fill:var(--muted)}.fr{fill:var(--rule)}.fp{fill:var(--paper)}.fb{fill:var(--blank)}
.si{stroke:var(--ink)}.sm{stroke:var(--muted)}.sr{stroke:var(--rule)}.sp{stroke:var(--paper)}.sb{stroke:var(--blank)}`

// classes are the colours that follow a page's theme.
var classes = map[color.NRGBA]string{ink: "i", muted: "m", rule: "r", paper: "p", blank: "b"}

func newSVG(width, height float64, about string, o Options) *svg {
	return &svg{width: width, height: height, about: about, inline: o.Inline}
}

// number has two decimals at most: a hundredth of a point cannot be seen.
func number(x float64) string {
	x = math.Round(x*100) / 100
	if x == 0 {
		x = 0 // no -0
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func escaped(words string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(words)) // into memory
	return b.String()
}

func (p *svg) place(pt vg.Point) string {
	return number(pt.X.Points()) + " " + number(p.height-pt.Y.Points())
}

func (p *svg) data(path vg.Path) string {
	var b bytes.Buffer
	for _, c := range path {
		switch c.Type {
		case vg.MoveComp:
			b.WriteString("M" + p.place(c.Pos))
		case vg.LineComp:
			b.WriteString("L" + p.place(c.Pos))
		case vg.CloseComp:
			b.WriteString("z")
		}
	}
	return b.String()
}

// paint is the attribute for a colour; class is added to a class attribute instead.
// A fixed colour does not follow the theme: it suits what lies below it.
func (p *svg) paint(name string, c color.NRGBA, fixed bool) (attribute, class string) {
	opaque := c
	opaque.A = 255
	if letter, ok := classes[opaque]; ok && p.inline && !fixed {
		class = name[:1] + letter
	} else {
		attribute = fmt.Sprintf(` %s="#%02x%02x%02x"`, name, c.R, c.G, c.B)
	}
	if c.A < 255 {
		attribute += fmt.Sprintf(` %s-opacity="%s"`, name, number(float64(c.A)/255))
	}
	return attribute, class
}

func classed(class string) string {
	if class == "" {
		return ""
	}
	return ` class="` + class + `"`
}

func (p *svg) fill(c color.NRGBA, path vg.Path) {
	attribute, class := p.paint("fill", c, false)
	fmt.Fprintf(&p.body, "<path%s%s d=\"%s\"/>\n", classed(class), attribute, p.data(path))
}

func (p *svg) stroke(s stroke, path vg.Path) {
	attribute, class := p.paint("stroke", s.color, s.fixed)
	if len(s.dash) > 0 {
		attribute += ` stroke-dasharray="`
		for i, d := range s.dash {
			if i > 0 {
				attribute += " "
			}
			attribute += number(d)
		}
		attribute += `"`
	}
	fmt.Fprintf(&p.body, "<path%s fill=\"none\"%s stroke-width=\"%s\" d=\"%s\"/>\n", classed(class), attribute, number(s.width), p.data(path))
}

func (p *svg) text(t text) {
	attribute, class := p.paint("fill", t.color, t.fixed)
	if t.bold {
		attribute += ` font-weight="bold"`
	}
	x, y := number(t.x), number(p.height-t.y)
	if t.quarters == 1 {
		attribute += fmt.Sprintf(` transform="rotate(-90 %s %s)"`, x, y)
	}
	fmt.Fprintf(&p.body, "<text%s%s x=\"%s\" y=\"%s\" font-size=\"%s\">%s</text>\n", classed(class), attribute, x, y, number(t.size), escaped(t.words))
}

func (p *svg) begin(note func() string) {
	if p.inline {
		fmt.Fprintf(&p.body, "<g><title>%s</title>", escaped(clean(note())))
	}
}

func (p *svg) end() {
	if p.inline {
		p.body.WriteString("</g>\n")
	}
}

func (p *svg) finish(w io.Writer) error {
	size := fmt.Sprintf(` width="%smm" height="%smm"`, number(p.width/perMillimetre), number(p.height/perMillimetre))
	ground := fmt.Sprintf("<rect width=\"%s\" height=\"%s\" fill=\"#ffffff\"/>\n", number(p.width), number(p.height))
	head := "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	if p.inline {
		size, ground, head = "", "", ""
	}
	_, err := fmt.Fprintf(w, "%s<svg xmlns=\"http://www.w3.org/2000/svg\"%s viewBox=\"0 0 %s %s\" role=\"img\" aria-label=\"%s\" font-family=\"Liberation Sans, Arial, Helvetica, sans-serif\">\n%s%s</svg>\n",
		head, size, number(p.width), number(p.height), escaped(p.about), ground, p.body.Bytes())
	return err
}
