package figure

import (
	"image/color"
	"math"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
)

// What figures are drawn with. In a page these follow its theme.
var (
	ink   = color.NRGBA{0x1a, 0x1a, 0x1a, 255}
	muted = color.NRGBA{0x59, 0x59, 0x59, 255}
	rule  = color.NRGBA{0xdd, 0xdd, 0xdd, 255}
	paper = color.NRGBA{255, 255, 255, 255}
	blank = color.NRGBA{0xee, 0xee, 0xee, 255} // cells without a value
)

// palette is of Okabe and Ito 2008, without black and with grey for yellow, which white paper swallows.
var palette = []color.NRGBA{{0x00, 0x72, 0xb2, 255}, {0xd5, 0x5e, 0x00, 255}, {0x00, 0x9e, 0x73, 255}, {0xcc, 0x79, 0xa7, 255},
	{0x56, 0xb4, 0xe9, 255}, {0xe6, 0x9f, 0x00, 255}, {0x80, 0x80, 0x80, 255}}

// dashes tell lines apart without colour. Their number shares no factor with the number of colours.
var dashes = [][]float64{nil, {5, 1.5}, {1.5, 1.5}, {5, 1.5, 1.5, 1.5}, {3, 1.5}, {7, 1.5, 1.5, 1.5, 1.5, 1.5}}

// A stroke is the style of a series' line.
type stroke struct {
	color color.NRGBA
	width float64
	dash  []float64
	fixed bool // keeps its colour in every theme of a page
}

func series(i int) stroke {
	return stroke{palette[i%len(palette)], 1.2, dashes[i%len(dashes)], false}
}

func faint(c color.NRGBA, alpha uint8) color.NRGBA {
	c.A = alpha
	return c
}

// scaled is a colour of the perceptually uniform scale; blank for NaN.
func scaled(share float64) color.NRGBA {
	if math.IsNaN(share) {
		return blank
	}
	c := report.Viridis(share)
	return color.NRGBA{c.R, c.G, c.B, 255}
}

// over is the ink that is easier to read on a colour.
func over(c color.NRGBA) color.NRGBA {
	if report.Bright(color.RGBA{c.R, c.G, c.B, 255}) {
		return color.NRGBA{0, 0, 0, 255}
	}
	return color.NRGBA{255, 255, 255, 255}
}
