package report

import (
	"fmt"
	"image/color"
	"math"
)

// viridis at tenths: a scale of colours that is even to the eye, in print and for the colour-blind.
// Smith and van der Walt 2015, matplotlib, CC0.
var viridis = [...]color.RGBA{{0x44, 0x01, 0x54, 255}, {0x48, 0x25, 0x76, 255}, {0x41, 0x44, 0x87, 255}, {0x35, 0x5f, 0x8d, 255}, {0x2a, 0x78, 0x8e, 255},
	{0x21, 0x91, 0x8c, 255}, {0x22, 0xa8, 0x84, 255}, {0x44, 0xbf, 0x70, 255}, {0x7a, 0xd1, 0x51, 255}, {0xbd, 0xdf, 0x26, 255}, {0xfd, 0xe7, 0x25, 255}}

// Viridis is the colour at a share of the scale: 0 is dark, 1 is bright. NaN is dark.
func Viridis(share float64) color.RGBA {
	if math.IsNaN(share) {
		share = 0
	}
	place := min(1, max(0, share)) * float64(len(viridis)-1)
	i := min(int(place), len(viridis)-2)
	part := place - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + part*(float64(b)-float64(a)))) }
	a, b := viridis[i], viridis[i+1]
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

// Bright reports whether black is easier to read on a colour than white, by its relative luminance as in WCAG 2.
func Bright(c color.RGBA) bool {
	linear := func(v uint8) float64 { return math.Pow(float64(v)/255, 2.2) }
	return 0.2126*linear(c.R)+0.7152*linear(c.G)+0.0722*linear(c.B) > 0.179
}

// indexed is the colour of a terminal's cube of 6 × 6 × 6 that is closest.
func indexed(c color.RGBA) int {
	steps := [...]int{0, 95, 135, 175, 215, 255}
	closest := func(v uint8) (at int) {
		for i, s := range steps {
			if math.Abs(float64(s-int(v))) < math.Abs(float64(steps[at]-int(v))) {
				at = i
			}
		}
		return at
	}
	return 16 + 36*closest(c.R) + 6*closest(c.G) + closest(c.B)
}

// painted is text on a colour of the scale, for a terminal.
func painted(text string, share float64) string {
	c := Viridis(share)
	ink := 231
	if Bright(c) {
		ink = 16
	}
	return fmt.Sprintf("\x1b[48;5;%d;38;5;%dm%s\x1b[0m", indexed(c), ink, text)
}
