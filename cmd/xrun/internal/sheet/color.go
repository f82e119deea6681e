package sheet

import (
	"fmt"
	"math"
	"strings"
)

// Levels is the number of colours of a map: more cannot be told apart.
const Levels = 64

// The anchors of the maps' colours, from best to worst, as lightness, chroma and hue in OKLCH (Ottosson 2020). Best lies furthest
// from the paper in each theme, and lightness falls or rises steadily.
var (
	lightRamp = [][3]float64{{.33, .105, 262}, {.49, .105, 242}, {.74, .085, 208}, {.86, .055, 180}, {.945, .028, 150}}
	darkRamp  = [][3]float64{{.93, .07, 165}, {.79, .095, 195}, {.62, .095, 225}, {.455, .075, 248}, {.30, .028, 255}}
)

// A shade is a colour in linear light.
type shade [3]float64

// oklch is the sRGB colour of a lightness, a chroma and a hue in degrees.
func oklch(lightness, chroma, hue float64) shade {
	a, b := chroma*math.Cos(hue*math.Pi/180), chroma*math.Sin(hue*math.Pi/180)
	cube := func(x float64) float64 { return x * x * x }
	l := cube(lightness + .3963377774*a + .2158037573*b)
	m := cube(lightness - .1055613458*a - .0638541728*b)
	s := cube(lightness - .0894841775*a - 1.291485548*b)
	return shade{4.0767416621*l - 3.3077115913*m + .2309699292*s, -1.2684380046*l + 2.6097574011*m - .3413193965*s, -.0041960863*l - .7034186147*m + 1.707614701*s}
}

// rampAt is the colour at a share of a ramp: 0 is best.
func rampAt(ramp [][3]float64, share float64) shade {
	at := share * float64(len(ramp)-1)
	i := min(len(ramp)-2, int(at))
	f := at - float64(i)
	var c [3]float64
	for k := range c {
		c[k] = ramp[i][k] + (ramp[i+1][k]-ramp[i][k])*f
	}
	return oklch(c[0], c[1], c[2])
}

// hex writes a colour as CSS does.
func (s shade) hex() string {
	text := "#"
	for _, x := range s {
		x = min(1, max(0, x))
		if x <= .0031308 {
			x *= 12.92
		} else {
			x = 1.055*math.Pow(x, 1/2.4) - .055
		}
		text += fmt.Sprintf("%02x", int(math.Round(255*x)))
	}
	return text
}

// luminance is the relative luminance of a colour as in WCAG 2.
func luminance(hex string) float64 {
	var rgb [3]int
	fmt.Sscanf(hex, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2])
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		x := float64(rgb[i]) / 255
		if x <= .04045 {
			x /= 12.92
		} else {
			x = math.Pow((x+.055)/1.055, 2.4)
		}
		sum += weight * x
	}
	return sum
}

// contrast is the ratio of two colours' luminances as in WCAG 2: from 1 to 21.
func contrast(a, b string) float64 {
	x, y := luminance(a)+.05, luminance(b)+.05
	return max(x, y) / min(x, y)
}

// inkOn is black or white, whichever is easier to read on a colour.
func inkOn(hex string) string {
	if contrast(hex, "#000000") >= contrast(hex, "#ffffff") {
		return "#000"
	}
	return "#fff"
}

// rampCSS are the classes of the maps' colours: q0 is best. A class paints a cell's rectangle, and its color is that of the
// digits. A browser without light-dark() shows the light theme's.
func rampCSS() string {
	var b strings.Builder
	for i := range Levels {
		share := float64(i) / (Levels - 1)
		light, dark := rampAt(lightRamp, share).hex(), rampAt(darkRamp, share).hex()
		fmt.Fprintf(&b, ".q%d>rect{fill:%s;fill:light-dark(%[2]s,%s)}", i, light, dark)
		on, onDark := inkOn(light), inkOn(dark)
		if on != "#000" || onDark != "#000" {
			fmt.Fprintf(&b, ".q%d{color:%s;color:light-dark(%s,%s)}", i, on, on, onDark)
		}
	}
	light, dark := rampAt(lightRamp, 1).hex(), rampAt(darkRamp, 1).hex()
	fmt.Fprintf(&b, ".bt{fill:%s;fill:light-dark(%[1]s,%s)}", light, dark) // the arrow behind the last colour
	return b.String()
}

// axisCSS are the classes of a facet's size: c7 has seven columns, w44 cells of at least 44 px.
func axisCSS() string {
	var b strings.Builder
	for n := 1; n <= mostTicks+1; n++ {
		fmt.Fprintf(&b, ".c%d{--c:%d}", n, n)
	}
	for w := leastCell; w <= widestCell; w++ {
		fmt.Fprintf(&b, ".w%d{--w:%d}", w, w)
	}
	return b.String()
}
