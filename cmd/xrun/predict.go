package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner/trained"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) predictCommand() *cli.Command {
	return &cli.Command{
		Name:      "predict",
		Usage:     "let a trained model predict the rows of a CSV file",
		ArgsUsage: "RUN|MODEL.safetensors DATA.csv",
		Description: `RUN is the number of a run or the beginning of a trial's key; MODEL is a file that xrun best has written. Columns are found by
their names, in any order, and others are passed over. With the target among them, stderr says how good the predictions are.`,
		Flags:  append([]cli.Flag{storeFlag(), &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE` instead of stdout"}}, hostFlags()...),
		Action: p.predict,
	}
}

func (p *program) predict(c *cli.Context) (err error) {
	args, err := positional(c, 2, 2, "RUN|MODEL.safetensors DATA.csv")
	if err != nil {
		return err
	}
	m, err := p.model(c, args[0])
	if err != nil {
		return err
	}
	in, err := os.Open(args[1])
	if err != nil {
		return advice.Usage(err, "the second argument is a CSV file whose first line names the columns")
	}
	defer in.Close()
	var out io.Writer = p.stdout
	if name := c.String("output"); name != "" {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return advice.Usage(err, "choose another name, or remove it first")
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	b := bufio.NewWriter(out)
	s := &scorer{model: m, file: args[1]}
	if err := errors.Join(s.all(in, b), b.Flush()); err != nil {
		return err
	}
	fmt.Fprintln(p.stderr, s.summary())
	return nil
}

// model reads a model from a file, or makes that of a run.
func (p *program) model(c *cli.Context, name string) (*trained.Model, error) {
	if strings.HasSuffix(name, ".safetensors") {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, advice.Usage(err, "xrun best -o model.safetensors writes one")
		}
		m, err := trained.Read(content)
		if err != nil {
			return nil, advice.Usage(fmt.Errorf("%s: %w", name, err), "")
		}
		return m, nil
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	r, err := db.FindRun(c.Context, name)
	if err != nil {
		return nil, err
	}
	artifact, err := db.ArtifactOf(c.Context, r.ID)
	if err != nil {
		return nil, err
	}
	meta, err := p.describeModel(c, db, r, nil)
	if err != nil {
		return nil, err
	}
	content, err := trained.Attach(artifact.Content, meta)
	if err != nil {
		return nil, err
	}
	m, err := trained.Read(content)
	if err != nil {
		return nil, advice.Usage(fmt.Errorf("run %d cannot predict: %w", r.ID, err), "linear, logistic, softmax and mlp on dense data can")
	}
	return m, nil
}

// scorer predicts rows and, where the target is among the columns, notes how good it is.
type scorer struct {
	model   *trained.Model
	file    string
	columns []int // of the features
	target  int   // −1 without

	rows          int
	scored        int
	loss, correct float64
}

func (s *scorer) all(in io.Reader, out io.Writer) error {
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
				return advice.Usage(fmt.Errorf("%s:%d:%d: %s is %q, not a number", s.file, line, at, s.model.Features[j], record[column]), "every feature needs a finite number in every row")
			}
		}
		y := s.model.Predict(x)
		if err := s.score(r, record, y); err != nil {
			return err
		}
		if err := w.Write(s.row(y)); err != nil {
			return err
		}
		s.rows++
	}
}

func (s *scorer) wrong(r *csv.Reader, err error) error {
	if errors.Is(err, io.EOF) {
		return advice.Usage(fmt.Errorf("%s is empty", s.file), "its first line has to name the columns")
	}
	return advice.Usage(fmt.Errorf("%s: %w", s.file, err), "")
}

// find looks the features up in the header.
func (s *scorer) find(header []string) error {
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = strings.TrimSpace(strings.TrimPrefix(name, "\uFEFF"))
	}
	var lacking []string
	for _, feature := range s.model.Features {
		i := slices.Index(names, feature)
		if i < 0 {
			lacking = append(lacking, feature)
		}
		s.columns = append(s.columns, i)
	}
	s.target = slices.Index(names, s.model.Target)
	if len(lacking) > 0 {
		const most = 10
		text := strings.Join(lacking[:min(most, len(lacking))], ", ")
		if n := len(lacking) - most; n > 0 {
			text += fmt.Sprintf(" and %d more", n)
		}
		return advice.Usage(fmt.Errorf("%s lacks %s that the model was trained on: %s", s.file, stats.Count(len(lacking), "column", "columns"), text),
			"it has "+strings.Join(names[:min(most, len(names))], ", "))
	}
	return nil
}

func (s *scorer) head() []string {
	head := []string{s.model.Target}
	for _, class := range s.model.Classes {
		head = append(head, "p("+class+")")
	}
	return head
}

func (s *scorer) row(y []float64) []string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	if s.model.Classes == nil {
		return []string{number(y[0])}
	}
	row := []string{s.model.Classes[likeliest(y)]}
	for _, v := range y {
		row = append(row, number(v))
	}
	return row
}

// likeliest is the class of the highest probability, the first of equal ones.
func likeliest(p []float64) int { return slices.Index(p, slices.Max(p)) }

// score compares a prediction with the target of its row, if it has one.
func (s *scorer) score(r *csv.Reader, record []string, y []float64) error {
	if s.target < 0 || strings.TrimSpace(record[s.target]) == "" {
		return nil
	}
	text := strings.TrimSpace(record[s.target])
	line, at := r.FieldPos(s.target)
	s.scored++
	if s.model.Classes == nil {
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return advice.Usage(fmt.Errorf("%s:%d:%d: the target %s is %q, not a number", s.file, line, at, s.model.Target, text), "leave it empty where it is not known")
		}
		s.loss += float64((y[0]-want)*(y[0]-want)) / 2
		return nil
	}
	class := slices.IndexFunc(s.model.Classes, func(name string) bool { return sameClass(name, text) })
	if class < 0 {
		return advice.Usage(fmt.Errorf("%s:%d:%d: %s is %q, which is no class that the model was trained on", s.file, line, at, s.model.Target, text),
			"classes: "+strings.Join(s.model.Classes[:min(10, len(s.model.Classes))], ", "))
	}
	s.loss -= math.Log(y[class])
	if likeliest(y) == class {
		s.correct++
	}
	return nil
}

// sameClass compares labels as texts, or as numbers where both are.
func sameClass(a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && x == y
}

func (s *scorer) summary() string {
	text := stats.Count(s.rows, "row", "rows") + " predicted"
	if s.scored == 0 {
		return text
	}
	n := float64(s.scored)
	text += fmt.Sprintf("; over %s with a target: loss %s", stats.Count(s.scored, "row", "rows"), stats.Number(s.loss/n))
	if s.model.Classes != nil {
		return text + ", accuracy " + stats.Number(s.correct/n)
	}
	return text + ", rmse " + stats.Number(math.Sqrt(2*s.loss/n))
}
