package figure

import (
	"math"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// ranks draws a critical difference diagram: arms by their mean rank, joined if they are not told apart.
// Demšar 2006, Journal of Machine Learning Research 7.
func ranks(s *sheet, r *compare.Report, _ Options) error {
	k, err := r.Ranking()
	if err != nil {
		return err
	}
	n := len(k.Arms)
	caption := k.Caption()
	row := 1.5 * s.size
	lines := float64((n + 1) / 2)
	bars := 4.5 * float64(len(k.Groups))
	s.suit(2*margin + s.captionHeight(caption) + 4.2*s.size + bars + 8 + lines*row)
	b := s.area(caption)
	names := 0.0
	for _, i := range k.Arms {
		names = max(names, width(clean(r.Arms[i].Name), s.size, false))
	}
	names = min(names, b.width()*0.32) + 22
	left, right := b.left+names, b.right-names
	axis := b.top - 4*s.size
	x := func(rank float64) float64 { return left + (rank-1)/float64(n-1)*(right-left) }
	st := stroke{ink, 0.7, nil, false}
	s.segment(st, left, axis, right, axis)
	for rank := 1; rank <= n; rank++ {
		if n > 12 && rank%2 == 0 && rank != n {
			continue
		}
		s.segment(st, x(float64(rank)), axis, x(float64(rank)), axis+3)
		s.words(x(float64(rank)), axis+5, 0.5, 0, label(float64(rank)), style{})
	}
	// The critical difference, where it fits.
	end := min(x(1+k.CD), b.right-2)
	top := axis + 5 + 1.6*s.size
	words := "CD = " + label(math.Round(k.CD*100)/100)
	if 1+k.CD <= float64(n) {
		s.segment(stroke{ink, 1, nil, false}, left, top, end, top)
		for _, at := range []float64{left, end} {
			s.segment(stroke{ink, 0.7, nil, false}, at, top-2, at, top+2)
		}
		s.words((left+end)/2, top+2.5, 0.5, 0, words, style{})
	} else {
		s.words((left+right)/2, top+1, 0.5, 0, words+", more than all ranks span", style{})
	}
	for g, group := range k.Groups {
		y := axis - 4 - 4.5*float64(g)
		s.segment(stroke{ink, 2.2, nil, false}, x(k.Ranks[group[0]])-2.5, y, x(k.Ranks[group[1]])+2.5, y)
	}
	base := axis - bars - 6
	half := (n + 1) / 2
	for i, arm := range k.Arms {
		name := clip(clean(r.Arms[arm].Name), s.size, names-22)
		rank := x(k.Ranks[i])
		color := stroke{ink, 0.6, nil, false}
		value := label(math.Round(k.Ranks[i]*100) / 100)
		if i < half {
			y := base - row*float64(i) - row/2
			s.line(color, []float64{rank, rank, left - 4}, []float64{axis, y, y})
			s.words(left-6, y, 1, 0.5, name, style{})
			s.words(left-2, y+1.5, 0, 0, value, style{size: captionSize, color: muted})
		} else {
			y := base - row*float64(n-1-i) - row/2
			s.line(color, []float64{rank, rank, right + 4}, []float64{axis, y, y})
			s.words(right+6, y, 0, 0.5, name, style{})
			s.words(right+2, y+1.5, 1, 0, value, style{size: captionSize, color: muted})
		}
	}
	return nil
}
