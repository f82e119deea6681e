package data

import (
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
)

// Encoded reports whether the features have to be encoded.
func (s *Set) Encoded() bool { return s.columns != nil }

// most is the largest number of inputs that the column becomes, whichever rows train.
func (c *column) most(s Schema) int {
	n := 1
	if c.as == AsCategory {
		n = len(c.levels)
		if s.Rare > 0 {
			counts := make([]int, len(c.levels)+1)
			for v := range c.values.All() {
				counts[int(v)]++
			}
			n = 1
			for _, count := range counts[1:] {
				if count >= s.Rare {
					n++
				}
			}
		}
	}
	if c.gaps > 0 && (c.as == AsCategory && s.ruleOf(c.name) != MissingMostFrequent || c.as != AsCategory && s.ruleOf(c.name) == MissingIndicator) {
		n++
	}
	return n
}

// Encode fits the encoding of the set on its training rows. It is nil for a set without one.
func (s *Set) Encode(train []int, standardize bool) *Encoding {
	if !s.Encoded() {
		return nil
	}
	e := &Encoding{Schema: s.Schema, Columns: make([]EncodedColumn, len(s.columns))}
	for j := range s.columns {
		c := &s.columns[j]
		e.Columns[j] = EncodedColumn{Name: c.name, As: c.as}
		if c.as == AsCategory {
			e.Columns[j].fitLevels(c, train, s.Schema)
		} else {
			e.Columns[j].fitNumbers(c, train, s.Schema, standardize)
		}
	}
	return e
}

// fitLevels finds the categories that have inputs.
func (e *EncodedColumn) fitLevels(c *column, train []int, s Schema) {
	counts := make([]int, len(c.levels)+1)
	for _, i := range train {
		counts[int(c.values.At(i))]++
	}
	byLevel := make(map[string]int, len(c.levels)+1)
	for k, level := range c.levels {
		if counts[k+1] > 0 {
			byLevel[level] = counts[k+1]
		}
	}
	switch rule := s.ruleOf(c.name); rule {
	case "", MissingDropRows:
	case MissingMostFrequent:
		best := ""
		if len(byLevel) == 0 {
			best = MissingLevel // no training row has a value
		}
		for level, n := range byLevel {
			if n > byLevel[best] || n == byLevel[best] && level < best {
				best = level
			}
		}
		e.FillLevel = &best
		if counts[0] > 0 {
			byLevel[best] += counts[0]
		}
	default:
		level := MissingLevel
		e.FillLevel = &level
		if counts[0] > 0 {
			byLevel[level] += counts[0]
		}
	}
	for level, n := range byLevel {
		if n < s.Rare {
			e.Rare = true
		} else {
			e.Levels = append(e.Levels, level)
		}
	}
	if e.Rare { // a category that is spelled as the input of rare ones shares it
		e.Levels = slices.DeleteFunc(e.Levels, func(level string) bool { return level == RareLevel })
	}
	slices.Sort(e.Levels)
}

// fitNumbers finds what fills gaps, and how values are scaled.
func (e *EncodedColumn) fitNumbers(c *column, train []int, s Schema, standardize bool) {
	e.Levels = slices.Clone(c.levels)
	var present []float64
	for _, i := range train {
		if v := c.values.At(i); !math.IsNaN(v) {
			present = append(present, v)
		}
	}
	if rule := s.ruleOf(c.name); rule != "" && rule != MissingDropRows {
		fill := fillOf(rule, present)
		e.Fill = &fill
		e.Indicator = rule == MissingIndicator && len(present) < len(train)
	}
	if !standardize {
		return
	}
	var x Numbers
	for _, i := range train {
		x.append(e.filled(c.values.At(i)))
	}
	one := &Set{Features: []string{c.name}, X: x, Y: make([]float64, x.Len())}
	mean, factor, _ := one.measure(all(one))
	e.Mean, e.Factor = &mean[0], &factor[0]
}

// fillOf is the value of a gap; 0 where no training row has a value.
func fillOf(rule string, present []float64) float64 {
	n := len(present)
	if n == 0 {
		return 0
	}
	switch rule {
	case MissingMedian:
		sorted := slices.Sorted(slices.Values(present))
		if n%2 == 1 {
			return sorted[n/2]
		}
		if sum := sorted[n/2-1] + sorted[n/2]; isFinite(sum) {
			return sum / 2
		}
		return float64(sorted[n/2-1]/2) + float64(sorted[n/2]/2)
	case MissingMostFrequent:
		sorted := slices.Sorted(slices.Values(present))
		best, most := sorted[0], 0
		for from := 0; from < n; {
			to := from
			for to < n && sorted[to] == sorted[from] {
				to++
			}
			if to-from > most {
				best, most = sorted[from], to-from
			}
			from = to
		}
		return best
	}
	sum := 0.0
	for _, v := range present {
		sum += v
	}
	if isFinite(sum) {
		return sum / float64(n)
	}
	mean := 0.0
	for _, v := range present {
		mean += v / float64(n)
	}
	return mean
}

// filled is a value, or what a gap is filled with.
func (e *EncodedColumn) filled(v float64) float64 {
	if math.IsNaN(v) && e.Fill != nil {
		return *e.Fill
	}
	return v
}

// scaled is a value as the model has it.
func (e *EncodedColumn) scaled(v float64) float64 {
	if e.Mean == nil {
		return v
	}
	return float64((v - *e.Mean) * *e.Factor)
}

// width is the number of inputs.
func (e *EncodedColumn) width() int {
	n := 1
	if e.As == AsCategory {
		if n = len(e.Levels); e.Rare {
			n++
		}
	}
	if e.Indicator {
		n++
	}
	return n
}

// at is the input of a category; −1 if it has none.
func (e *EncodedColumn) at(level string) int {
	if i, ok := slices.BinarySearch(e.Levels, level); ok {
		return i
	}
	if e.Rare {
		return len(e.Levels)
	}
	return -1
}

// width is the number of inputs of the model.
func (e *Encoding) width() (n int) {
	for j := range e.Columns {
		n += e.Columns[j].width()
	}
	return n
}

// encodedPart makes the inputs of some rows of a set whose columns are those of the training data.
func encodedPart[F plugins.Float](s *Set, e *Encoding, rows []int) Part[F] {
	d := e.width()
	p := Part[F]{X: make([]F, len(rows)*d), N: len(rows), D: d, Classes: len(s.Classes)}
	offset := 0
	for j := range e.Columns {
		is, c := &e.Columns[j], &s.columns[j]
		if is.As == AsCategory {
			inputs := make([]int, len(c.levels)+1)
			inputs[0] = -1
			if is.FillLevel != nil {
				inputs[0] = is.at(*is.FillLevel)
			}
			for k, level := range c.levels {
				inputs[k+1] = is.at(level)
			}
			for r, i := range rows {
				if at := inputs[int(c.values.At(i))]; at >= 0 {
					p.X[r*d+offset+at] = 1
				}
			}
		} else {
			for r, i := range rows {
				v := c.values.At(i)
				p.X[r*d+offset] = F(is.scaled(is.filled(v)))
				if is.Indicator && math.IsNaN(v) {
					p.X[r*d+offset+1] = 1
				}
			}
		}
		offset += is.width()
	}
	p.addTargets(s, rows)
	return p
}

// A Tally counts what rows had that training did not.
type Tally struct {
	Unknown map[string]int // by column, categories that training did not have
	Gaps    map[string]int // by column, values that were missing and filled
}

func count1(counts *map[string]int, name string) {
	if *counts == nil {
		*counts = map[string]int{}
	}
	(*counts)[name]++
}

// Row appends the inputs of a row of texts to dst. cell gives the text of a column; a column that is not there counts as a gap.
// The error, an [Error], has no place in a file yet.
func (e *Encoding) Row(dst []float64, cell func(column string) (text string, ok bool), tally *Tally) ([]float64, error) {
	for j := range e.Columns {
		c := &e.Columns[j]
		text, ok := cell(c.Name)
		var wrong *Error
		if dst, wrong = c.append(dst, text, ok && !gap(text), e.Schema, tally); wrong != nil {
			wrong.Column, wrong.ofRow = c.Name, true
			return dst, wrong
		}
	}
	return dst, nil
}

// append adds the inputs of a cell.
func (e *EncodedColumn) append(dst []float64, text string, present bool, s Schema, tally *Tally) ([]float64, *Error) {
	if !present {
		if e.Fill == nil && e.FillLevel == nil {
			return dst, &Error{Message: "the value is missing (" + fmt.Sprintf("%q", clip(text)) + ")",
				hint: "fill the cell in: training had no rule for gaps of this column"}
		}
		count1(&tally.Gaps, e.Name)
	}
	if e.As == AsCategory {
		if !present {
			text = *e.FillLevel
		}
		from := len(dst)
		dst = append(dst, make([]float64, e.width())...)
		at := e.at(text)
		if _, own := slices.BinarySearch(e.Levels, text); present && !own {
			count1(&tally.Unknown, e.Name)
		}
		if at >= 0 {
			dst[from+at] = 1
		}
		return dst, nil
	}
	v := math.NaN()
	if present {
		var wrong *Error
		if v, wrong = e.value(text, s); wrong != nil {
			return dst, wrong
		}
	}
	dst = append(dst, e.scaled(e.filled(v)))
	if e.Indicator {
		missing := 0.0
		if !present {
			missing = 1
		}
		dst = append(dst, missing)
	}
	return dst, nil
}

// value reads a cell that has a value.
func (e *EncodedColumn) value(text string, s Schema) (float64, *Error) {
	switch e.As {
	case AsDate:
		if v, ok := date(text); ok {
			return v, nil
		}
		return 0, &Error{Message: fmt.Sprintf("%q is not a date", clip(text)), hint: dateHint}
	case AsOrdinal:
		if at := slices.Index(e.Levels, text); at >= 0 {
			return float64(at), nil
		}
		return 0, &Error{Message: fmt.Sprintf("%q is not one of the values that training had", clip(text)), hint: suggest(clip(text), e.Levels, "its values are")}
	case AsFlag:
		if v, ok := flagOf(text); ok {
			return v, nil
		}
	}
	v, ok := s.number(text)
	switch {
	case !ok:
		return 0, &Error{Message: fmt.Sprintf("%q is not a number", clip(text))}
	case !isFinite(v):
		return 0, &Error{Message: fmt.Sprintf("%q is not a finite number", clip(text))}
	case e.As == AsFlag && v != 0 && v != 1:
		return 0, &Error{Message: fmt.Sprintf("%q says neither true nor false", clip(text)), hint: "true, false, yes, no, 1 and 0 are its values"}
	}
	return v, nil
}
