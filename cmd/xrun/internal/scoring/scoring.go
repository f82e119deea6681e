// Package scoring predicts the rows of a CSV file with a trained model, and judges the predictions if the targets are
// known.
package scoring

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner/trained"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Scorer predicts rows, and counts errors if the target is among the columns.
type Scorer struct {
	Model   *trained.Model
	File    string // as errors name it
	columns []int  // of the features
	target  int    // −1 if it is not among them

	rows          int
	scored        int
	loss, correct float64
}

// All predicts every row of in and writes the predictions to out.
func (s *Scorer) All(in io.Reader, out io.Writer) error {
	r := csv.NewReader(bufio.NewReader(in))
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return s.wrong(r, err)
	}
	if err := s.find(header); err != nil {
		return err
	}
	w := csv.NewWriter(out)
	if err := w.Write(s.head()); err != nil {
		return err
	}
	x := make([]float64, len(s.columns))
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			w.Flush()
			return w.Error()
		}
		if err != nil {
			return s.wrong(r, err)
		}
		for j, column := range s.columns {
			if x[j], err = strconv.ParseFloat(strings.TrimSpace(record[column]), 64); err != nil || math.IsNaN(x[j]) || math.IsInf(x[j], 0) {
				line, at := r.FieldPos(column)
				return advice.Usage(fmt.Errorf("%s:%d:%d: %s is %q, not a number", s.File, line, at, s.Model.Features[j], record[column]), "every feature needs a finite number in every row")
			}
		}
		y := s.Model.Predict(x)
		if err := s.score(r, record, y); err != nil {
			return err
		}
		if err := w.Write(s.row(y)); err != nil {
			return err
		}
		s.rows++
	}
}

func (s *Scorer) wrong(r *csv.Reader, err error) error {
	if errors.Is(err, io.EOF) {
		return advice.Usage(fmt.Errorf("%s is empty", s.File), "its first line must name the columns")
	}
	return advice.Usage(fmt.Errorf("%s: %w", s.File, err), "")
}

// find looks the features up in the header.
func (s *Scorer) find(header []string) error {
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = strings.TrimSpace(strings.TrimPrefix(name, "\uFEFF"))
	}
	var lacking []string
	for _, feature := range s.Model.Features {
		i := slices.Index(names, feature)
		if i < 0 {
			lacking = append(lacking, feature)
		}
		s.columns = append(s.columns, i)
	}
	s.target = slices.Index(names, s.Model.Target)
	if len(lacking) > 0 {
		const most = 10
		text := strings.Join(lacking[:min(most, len(lacking))], ", ")
		if n := len(lacking) - most; n > 0 {
			text += fmt.Sprintf(" and %d more", n)
		}
		return advice.Usage(fmt.Errorf("%s lacks %s that the model was trained on: %s", s.File, stats.Count(len(lacking), "column", "columns"), text),
			"it has "+strings.Join(names[:min(most, len(names))], ", "))
	}
	return nil
}

func (s *Scorer) head() []string {
	head := []string{s.Model.Target}
	for _, class := range s.Model.Classes {
		head = append(head, "p("+class+")")
	}
	return head
}

func (s *Scorer) row(y []float64) []string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	if s.Model.Classes == nil {
		return []string{number(y[0])}
	}
	row := []string{s.Model.Classes[likeliest(y)]}
	for _, v := range y {
		row = append(row, number(v))
	}
	return row
}

// likeliest is the class with the highest probability, the first of equal ones.
func likeliest(p []float64) int { return slices.Index(p, slices.Max(p)) }

// score compares a prediction with the target of its row, if it has one.
func (s *Scorer) score(r *csv.Reader, record []string, y []float64) error {
	if s.target < 0 || strings.TrimSpace(record[s.target]) == "" {
		return nil
	}
	text := strings.TrimSpace(record[s.target])
	line, at := r.FieldPos(s.target)
	s.scored++
	if s.Model.Classes == nil {
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return advice.Usage(fmt.Errorf("%s:%d:%d: the target %s is %q, not a number", s.File, line, at, s.Model.Target, text), "leave unknown targets empty")
		}
		s.loss += float64((y[0]-want)*(y[0]-want)) / 2
		return nil
	}
	class := slices.IndexFunc(s.Model.Classes, func(name string) bool { return sameClass(name, text) })
	if class < 0 {
		return advice.Usage(fmt.Errorf("%s:%d:%d: %s is %q, which is no class that the model was trained on", s.File, line, at, s.Model.Target, text),
			"classes: "+strings.Join(s.Model.Classes[:min(10, len(s.Model.Classes))], ", "))
	}
	s.loss -= math.Log(y[class])
	if likeliest(y) == class {
		s.correct++
	}
	return nil
}

// sameClass compares labels as numbers if both are, or else as texts.
func sameClass(a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && x == y
}

// Summary counts the rows, and describes the errors of those with a target.
func (s *Scorer) Summary() string {
	text := stats.Count(s.rows, "row", "rows") + " predicted"
	if s.scored == 0 {
		return text
	}
	n := float64(s.scored)
	text += fmt.Sprintf("; over %s with a target: loss %s", stats.Count(s.scored, "row", "rows"), stats.Number(s.loss/n))
	if s.Model.Classes != nil {
		return text + ", accuracy " + stats.Number(s.correct/n)
	}
	return text + ", rmse " + stats.Number(math.Sqrt(2*s.loss/n))
}
