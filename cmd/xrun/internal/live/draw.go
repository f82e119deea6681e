package live

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// redraw replaces the view on the screen. The caller holds the lock.
func (v *View) redraw() {
	lines := v.lines()
	var b strings.Builder
	b.WriteString(v.eraseCode())
	for _, line := range lines {
		b.WriteString(clip(line, v.options.Width-1))
		b.WriteByte('\n')
	}
	fmt.Fprint(v.options.Out, b.String())
	v.drawn = len(lines)
}

// erase removes the view from the screen.
func (v *View) erase() {
	fmt.Fprint(v.options.Out, v.eraseCode())
	v.drawn = 0
}

func (v *View) eraseCode() string {
	if v.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", v.drawn) // \r: a ^C may stand on the line
}

func (v *View) lines() []string {
	share := v.share()
	width := 24
	if v.options.Width < 100 {
		width = 8
	}
	full := int(share * float64(width))
	hint := fmt.Sprintf("ctrl-c stops cleanly   %d workers", v.options.Workers)
	if v.options.Watching {
		hint = "ctrl-c ends the watching"
	}
	lines := []string{fmt.Sprintf("%s  %s%s  %d/%d  %.0f %%  %s%s   %s", v.options.Sweep,
		strings.Repeat("█", full), strings.Repeat("░", width-full), v.ended, v.options.Trials, 100*share,
		time.Since(v.began).Round(time.Second), v.left(), hint)}
	lines = append(lines, v.summary())
	if best := v.bestText("best  "); best != "" {
		lines = append(lines, best)
	}
	running := v.running()
	for i, t := range running {
		if i == 3 {
			lines = append(lines, fmt.Sprintf("      … and %d more in training", len(running)-i))
			break
		}
		head := "now   "
		if i > 0 {
			head = "      "
		}
		of := ""
		if n := t.trial.Task.Epochs; n > 0 {
			of = fmt.Sprintf("/%d", n)
		}
		lines = append(lines, fmt.Sprintf("%s%s seed %d  epoch %d%s  %s %s", head, t.point.name, t.trial.Seed, t.epoch, of,
			stats.Number(t.value), Spark(t.curve, 12)))
	}
	lines = append(lines, v.heatmap()...)
	if v.notice != "" {
		lines = append(lines, v.notice)
	}
	return lines
}

// heatmap is the lr × λ plane of the leading optimizer, a character for each point.
func (v *View) heatmap() []string {
	best, _ := v.best()
	if best == nil || best.noLambda {
		return nil
	}
	var lrs, lambdas, means []float64
	cells := map[[2]float64]*point{}
	for _, s := range v.points {
		if s.optimizer != best.optimizer || s.axes != best.axes {
			continue
		}
		lrs, lambdas = append(lrs, s.lr), append(lambdas, s.lambda)
		cells[[2]float64{s.lr, s.lambda}] = s
		if len(s.values) > 0 && !s.diverged {
			means = append(means, stats.MeanT(s.values, compare.Level).Value)
		}
	}
	slices.Sort(lrs)
	slices.Sort(lambdas)
	lrs, lambdas = slices.Compact(lrs), slices.Compact(lambdas)
	if len(lrs) < 2 || len(lambdas) > 12 {
		return nil
	}
	shades := []rune("█▓▒░")
	lines := []string{fmt.Sprintf("%s   lr %s → %s", best.optimizer, stats.Number(lrs[0]), stats.Number(lrs[len(lrs)-1]))}
	for _, lambda := range lambdas {
		row := []rune(fmt.Sprintf("λ %-8s", stats.Number(lambda)))
		for _, lr := range lrs {
			s := cells[[2]float64{lr, lambda}]
			glyph := '·'
			switch {
			case s == nil || len(s.values) == 0 && !s.diverged:
			case s == best:
				glyph = '◆'
			case s.diverged:
				glyph = '✗'
			default:
				rank := 0
				for _, m := range means {
					if v.better(m, stats.MeanT(s.values, compare.Level).Value) {
						rank++
					}
				}
				glyph = shades[min(rank*len(shades)/len(means), len(shades)-1)]
			}
			row = append(row, glyph, glyph)
		}
		lines = append(lines, "  "+string(row))
	}
	lines[len(lines)-1] += "   · not yet  ◆ best"
	return lines
}

// clip cuts a line to the width of the screen, so that it never wraps.
func clip(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}

// Spark draws the last values of a curve as bars.
func Spark(curve []float64, width int) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	if len(curve) > width { // take points evenly, the last one among them
		some := make([]float64, width)
		for i := range some {
			some[i] = curve[(len(curve)-1)*i/(width-1)]
		}
		curve = some
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range curve {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			low, high = min(low, x), max(high, x)
		}
	}
	scale := 1.0
	if math.IsInf(high-low, 0) { // a range that a float64 does not hold
		scale = 0.5
	}
	var b strings.Builder
	for _, x := range curve {
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			b.WriteRune('×')
		case high == low:
			b.WriteRune(bars[0])
		default:
			share := (x*scale - low*scale) / (high*scale - low*scale)
			b.WriteRune(bars[int(share*float64(len(bars)-1))])
		}
	}
	return b.String()
}
