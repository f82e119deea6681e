// Package scoring predicts the rows of a file with a trained model, and judges the predictions if the targets are known.
package scoring

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/models"
	"github.com/xrun-dev/xrun/runner/trained"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// digits are those that a sweep shows of a value.
const digits = 6

// maxProblems limits the rows that an error names.
const maxProblems = 10

// A Scorer predicts the rows of one file.
type Scorer struct {
	model     *trained.Model
	file      string
	carry     []string
	rows      *data.Rows
	predictor trained.Predictor
	out       sheet
	judged    judged

	waiting   []waiting // rows that are not predicted yet
	predicted int
	problems  problems // rows that cannot be read
	infinite  problems // rows whose prediction is not finite
}

// waiting is what is kept of a row until it is predicted.
type waiting struct {
	place   string
	carried []string
	known   bool // whether it has a target
	target  float64
}

// problems are the first few faults of rows, and the number of all.
type problems struct {
	first []error
	hint  string // of the first
	count int
}

func (p *problems) add(err error) {
	if p.count++; p.count > maxProblems {
		return
	}
	if p.count == 1 {
		p.hint, _ = advice.HintOf(err)
	}
	p.first = append(p.first, err)
}

// Open opens a file of data for a model. The texts of the columns to carry are written before the predictions.
func Open(m *trained.Model, file string, carry []string) (*Scorer, error) {
	s := &Scorer{model: m, file: file, carry: carry}
	texts, numbers := s.head()
	head := slices.Concat(texts, numbers)
	for i, name := range head {
		if slices.Contains(head[:i], name) {
			return nil, advice.Usage(fmt.Errorf("the predictions would have two columns %q", name), "the columns of --id differ from each other, from the target and from the probabilities")
		}
	}
	var err error
	if s.predictor, err = m.Predictor(); err != nil {
		return nil, advice.Usage(err, "")
	}
	if s.rows, err = data.OpenRows(file, m.Inputs(carry)); err != nil {
		hint, _ := advice.HintOf(err)
		return nil, advice.Usage(err, hint)
	}
	return s, nil
}

// Close closes the file.
func (s *Scorer) Close() error { return s.rows.Close() }

// All predicts the rows up to the first that cannot be read, and writes the predictions to out in a format of [Formats]. It
// reads on for further faults. Its error is one of writing; [Scorer.Err] has those of rows.
func (s *Scorer) All(out io.Writer, format string) error {
	texts, numbers := s.head()
	var err error
	if s.out, err = newSheet(out, format, texts, numbers); err != nil {
		return err
	}
	for s.problems.count < maxProblems {
		row, err := s.rows.Next()
		if err == io.EOF { // not one that an error of the file wraps
			break
		}
		if err != nil {
			s.problems.add(err)
			continue
		}
		if s.problems.count > 0 {
			continue
		}
		s.waiting = append(s.waiting, waiting{row.Place, slices.Clone(row.Carried), row.Known, row.Target})
		if full := s.predictor.Add(row); full {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	if err := s.flush(); err != nil {
		return err
	}
	return s.out.Close()
}

// flush predicts the rows that wait, and writes them.
func (s *Scorer) flush() error {
	values, classes := s.predictor.Predict()
	n := s.predictor.Columns()
	for i, row := range s.waiting {
		mine := values[i*n:][:n]
		record, finite := row.carried, true
		for _, v := range mine {
			finite = finite && !math.IsNaN(v) && !math.IsInf(v, 0)
		}
		if !finite {
			s.infinite.add(fmt.Errorf("%s: the prediction is not a finite number", row.place))
		}
		if s.model.Classes != nil {
			class := ""
			if finite {
				class = s.model.Classes[classes[i]]
			}
			record = append(record, class)
		}
		if row.known {
			s.judged.add(s.model, row.target, mine, classes, i)
		}
		if err := s.out.Row(record, mine); err != nil {
			return err
		}
	}
	s.predicted += len(s.waiting)
	s.waiting = s.waiting[:0]
	return nil
}

// head names the columns of texts and those of numbers.
func (s *Scorer) head() (texts, numbers []string) {
	if s.model.Classes == nil {
		return s.carry, []string{s.model.Target}
	}
	for _, class := range s.model.Classes {
		numbers = append(numbers, "p("+class+")")
	}
	return append(slices.Clone(s.carry), s.model.Target), numbers
}

// Score judges the predictions of the rows with a target, and counts these.
func (s *Scorer) Score() (models.Score, int) { return s.predictor.Score() }

// Summary counts the rows, says what they had that training did not, and describes the errors of those with a target.
func (s *Scorer) Summary() string {
	lines := s.tallies()
	text := stats.Count(s.predicted, "row", "rows") + " predicted"
	if score, n := s.Score(); n > 0 {
		text += fmt.Sprintf("; over %s with a target: loss %s", stats.Count(n, "row", "rows"), strconv.FormatFloat(score.Loss, 'g', digits, 64))
		if s.model.Classes != nil {
			text += ", accuracy " + stats.Number(score.Accuracy)
		} else {
			text += ", rmse " + stats.Number(score.RMSE)
		}
		text += s.judged.text(s.model)
	}
	return strings.Join(append(lines, text), "\n")
}

// Err names the rows that cannot be read, or else those whose prediction is not finite; nil if there are none.
func (s *Scorer) Err() error {
	if p := s.problems; p.count > 0 {
		end := fmt.Sprintf("only the %d rows before are predicted", s.predicted)
		switch s.predicted {
		case 0:
			end = "no row is predicted"
		case 1:
			end = "only the row before is predicted"
		}
		if p.count == maxProblems {
			end = fmt.Sprintf("these are the first %d faults; ", maxProblems) + end
		}
		return advice.Usage(p.text(end), p.hint)
	}
	if p := s.infinite; p.count > 0 {
		end := ""
		if more := p.count - len(p.first); more > 0 {
			end = fmt.Sprintf("and so of %s more", stats.Count(more, "row", "rows"))
		}
		return advice.Failure(p.text(end), "the values of the row are too large for the model, or the model's own parameters are; the others are predicted")
	}
	return nil
}

// text has a fault a line, and an end.
func (p *problems) text(end string) error {
	lines := make([]string, 0, len(p.first)+1)
	for _, err := range p.first {
		lines = append(lines, err.Error())
	}
	if end != "" {
		lines = append(lines, end)
	}
	return errors.New(strings.Join(lines, "\n"))
}
