package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
)

// heatmap is the lr × λ plane of one optimizer and regularizer.
type heatmap struct {
	title   string
	lrs     []float64
	lambdas []float64
	cells   map[[2]float64]cell
}

type cell struct {
	text  string
	shade rune
}

// Shades go from worst to best.
var shades = []rune("░▒▓█")

// maps makes one map for each optimizer and regularizer that has at least two learning rates or
// two λ. Settings without a penalty stand in the λ = 0 row of every regularizer's map.
func (r *Report) maps() []heatmap {
	if !r.has(rate) || !r.has(lambda) {
		return nil // no plane
	}
	type arm struct{ optimizer, regularizer, axes string }
	var optimizers []string // best first
	regularizers := map[string][]string{}
	for _, s := range r.Settings {
		if !slices.Contains(optimizers, s.Optimizer) {
			optimizers = append(optimizers, s.Optimizer)
		}
		if s.Regularizer != "" && !slices.Contains(regularizers[s.Optimizer], s.Regularizer) {
			regularizers[s.Optimizer] = append(regularizers[s.Optimizer], s.Regularizer)
		}
	}
	var further []string // values of the other axes, best first
	for _, s := range r.Settings {
		if text := axesText(s.Axes); !slices.Contains(further, text) {
			further = append(further, text)
		}
	}
	var arms []arm
	for _, axes := range further {
		for _, o := range optimizers {
			for _, name := range regularizers[o] {
				arms = append(arms, arm{o, name, axes})
			}
			if len(regularizers[o]) == 0 {
				arms = append(arms, arm{o, "", axes})
			}
		}
	}
	var ranked []float64 // all complete means, best first: a shade is a share of them
	for _, s := range r.Settings {
		if s.Complete {
			ranked = append(ranked, s.Interval.Value)
		}
	}
	var all []heatmap
	for _, a := range arms {
		m := heatmap{title: a.optimizer, cells: map[[2]float64]cell{}}
		if a.regularizer != "" {
			m.title += " · " + a.regularizer
		}
		if a.axes != "" {
			m.title += " · " + a.axes
		}
		for i, s := range r.Settings {
			if s.Optimizer != a.optimizer || axesText(s.Axes) != a.axes || s.Regularizer != a.regularizer && s.Regularizer != "" {
				continue
			}
			m.lrs, m.lambdas = append(m.lrs, s.LR), append(m.lambdas, s.Lambda)
			m.cells[[2]float64{s.LR, s.Lambda}] = r.cell(s, i == 0, ranked)
		}
		slices.Sort(m.lrs)
		slices.Sort(m.lambdas)
		m.lrs, m.lambdas = slices.Compact(m.lrs), slices.Compact(m.lambdas)
		if len(m.lrs) > 1 || len(m.lambdas) > 1 {
			all = append(all, m)
		}
	}
	return all
}

func (r *Report) cell(s Setting, best bool, ranked []float64) cell {
	switch {
	case s.Count(runner.StatusDiverged) > 0:
		return cell{"", '✗'}
	case s.Count(runner.StatusFailed) > 0:
		return cell{"", '!'}
	case !s.Complete:
		return cell{"", '·'}
	}
	better := 0
	for _, v := range ranked {
		if v < s.Interval.Value && r.Goal != stop.Max || v > s.Interval.Value && r.Goal == stop.Max {
			better++
		}
	}
	c := cell{short(s.Interval.Value), shades[len(shades)-1-min(better*len(shades)/len(ranked), len(shades)-1)]}
	if best {
		c.text = "[" + c.text + "]"
	}
	return c
}

// short writes a cell's value in about five characters.
func short(x float64) string {
	if a := math.Abs(x); a != 0 && (a < 1e-3 || a >= 1e4) {
		return strconv.FormatFloat(x, 'e', 1, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

func (m heatmap) write(w io.Writer) {
	fmt.Fprintln(w, m.title)
	label := func(i int) string { return Number(m.lambdas[i]) }
	left, width := 4, 0
	for i := range m.lambdas {
		left = max(left, utf8.RuneCountInString(label(i)))
	}
	for _, lr := range m.lrs {
		width = max(width, len(Number(lr)))
	}
	for _, c := range m.cells {
		width = max(width, utf8.RuneCountInString(c.text)+1)
	}
	line := pad("λ\\lr", left)
	for _, lr := range m.lrs {
		line += "  " + pad(Number(lr), width)
	}
	fmt.Fprintln(w, " ", strings.TrimRight(line, " "))
	for i, lambda := range m.lambdas {
		line := pad(label(i), left)
		for _, lr := range m.lrs {
			c, ok := m.cells[[2]float64{lr, lambda}]
			if !ok {
				c = cell{"", ' '}
			}
			line += "  " + pad(string(c.shade)+c.text, width)
		}
		fmt.Fprintln(w, " ", strings.TrimRight(line, " "))
	}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
