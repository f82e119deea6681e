package figure

import (
	"strings"
	"sync"
	"unicode"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/vg"
)

// typeface is Liberation Sans, whose letters are as wide as Arial's and Helvetica's: its measures hold for an SVG shown
// in these.
var typeface = sync.OnceValue(func() [2]*sfnt.Font {
	var both [2]*sfnt.Font
	for i, source := range [][]byte{liberationsansregular.TTF, liberationsansbold.TTF} {
		f, err := sfnt.Parse(source)
		if err != nil {
			panic("figure: " + err.Error()) // it is part of the program
		}
		both[i] = f
	}
	return both
})

func face(bold bool) *sfnt.Font {
	if bold {
		return typeface()[1]
	}
	return typeface()[0]
}

// capital is the height of a capital letter, as a part of the size.
const capital = 0.72

// width measures a line of text, in the units of size.
func width(words string, size float64, bold bool) float64 {
	var buffer sfnt.Buffer
	f := face(bold)
	em := fixed.I(int(f.UnitsPerEm()))
	total := fixed.Int26_6(0)
	for _, r := range words {
		total += advance(f, &buffer, r, em)
	}
	return float64(total) / float64(em) * size
}

func advance(f *sfnt.Font, buffer *sfnt.Buffer, r rune, em fixed.Int26_6) fixed.Int26_6 {
	glyph, err := f.GlyphIndex(buffer, r)
	if err != nil {
		return 0
	}
	a, err := f.GlyphAdvance(buffer, glyph, em, font.HintingNone)
	if err != nil {
		return 0
	}
	return a
}

// outline is a text's letters as a path.
func outline(t text) vg.Path {
	var buffer sfnt.Buffer
	f := face(t.bold)
	em := fixed.I(int(f.UnitsPerEm()))
	scale := t.size / float64(em)
	var path vg.Path
	at := fixed.Int26_6(0)
	place := func(p fixed.Point26_6) vg.Point {
		x, y := float64(p.X+at)*scale, -float64(p.Y)*scale
		if t.quarters == 1 {
			x, y = -y, x
		}
		return vg.Point{X: vg.Points(t.x + x), Y: vg.Points(t.y + y)}
	}
	for _, r := range t.words {
		glyph, err := f.GlyphIndex(&buffer, r)
		if err != nil {
			continue
		}
		segments, err := f.LoadGlyph(&buffer, glyph, em, nil)
		if err != nil {
			continue
		}
		open := false
		for _, s := range segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if open {
					path.Close()
				}
				open = true
				path.Move(place(s.Args[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(place(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(place(s.Args[0]), place(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(place(s.Args[0]), place(s.Args[1]), place(s.Args[2]))
			}
		}
		if open {
			path.Close()
		}
		at += advance(f, &buffer, r, em)
	}
	return path
}

// clean replaces control characters and those that turn the direction of writing.
func clean(words string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || r == unicode.ReplacementChar {
			return '\ufffd'
		}
		return r
	}, words)
}

// clip shortens words to a width, the middle first: names differ at their ends.
func clip(words string, size, room float64) string {
	if width(words, size, false) <= room {
		return words
	}
	runes := []rune(words)
	for n := len(runes) - 1; n > 2; n-- {
		short := string(runes[:n-n/2]) + "…" + string(runes[len(runes)-n/2:])
		if width(short, size, false) <= room {
			return short
		}
	}
	return string(runes[:min(2, len(runes))]) + "…"
}

// wrap breaks words into lines of a width.
func wrap(words string, size, room float64) (lines []string) {
	line := ""
	for _, word := range strings.Fields(words) {
		if line != "" && width(line+" "+word, size, false) > room {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
