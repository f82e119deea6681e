package ui

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// made is the answer as HTML: the head of the page, and the content of its view.
type made struct{ top, view template.HTML }

func (s *Server) getSheet(q *request) error {
	html, err := q.html()
	if err != nil {
		return err
	}
	return q.compressed("text/html; charset=utf-8", func(w io.Writer) error {
		_, err := io.WriteString(w, string(html.view))
		return err
	})
}

// html writes the answer as HTML.
func (q *request) html() (made, error) {
	a, about, err := q.about()
	if err != nil {
		return made{}, err
	}
	r := a.report
	maps := q.maps()
	if err := maps.Check(r); err != nil {
		return made{}, err
	}
	var names []string
	failed := 0
	for _, sweep := range q.sweeps {
		names = append(names, itoa(sweep.ID))
		failed += sweep.Counts[runner.StatusFailed] + sweep.Counts[runner.StatusDiverged]
	}
	o := sheet.Options{Command: q.command("compare"), Maps: maps, Live: progress(r, about.live)}
	if o.Provenance, err = question.ProvenanceOf(q.Context(), q.db.Store, names, r, q.s.o.Version); err != nil {
		return made{}, err
	}
	if failed > 0 {
		if o.Words, err = question.LastWords(q.Context(), q.db.Store, names); err != nil {
			return made{}, err
		}
	}
	if r, err = q.withCurves(r); err != nil {
		return made{}, err
	}
	d := sheet.Of(r, o)
	var top, view bytes.Buffer
	if err := sheet.WriteTop(&top, d, true); err != nil {
		return made{}, err
	}
	if err := sheet.Write(&view, d); err != nil {
		return made{}, err
	}
	return made{template.HTML(top.String()), template.HTML(view.String())}, nil
}

// withCurves is a report with the curves of the first points of its table: it draws them beside their values.
func (q *request) withCurves(r *compare.Report) (*compare.Report, error) {
	curves, err := q.db.CurvesOf(q.Context(), r.Metric, r.Wanted(sheet.FirstPoints))
	if err != nil {
		return nil, err
	}
	some := *r // it is shared with other requests
	some.Curves, some.Problems = curves, nil
	for _, sub := range r.Problems {
		copied := *sub
		copied.Curves = curves
		some.Problems = append(some.Problems, &copied)
	}
	return &some, nil
}

// mostBars is the largest number of seeds whose progress is drawn one by one.
const mostBars = 6

// progress is how far a sweep in training is; nil if none trains.
func progress(r *compare.Report, now *Live) *sheet.Live {
	if now == nil {
		return nil
	}
	out := &sheet.Live{All: now.Trials, Running: len(now.Training) + now.More, Stage: now.Stage, Elapsed: took(now.Elapsed)}
	if now.Left != nil {
		out.Left = "about " + took(*now.Left)
	}
	seeds := map[int64]int{} // places of bars
	var order []int64
	points := map[runner.Key][]string{} // values of seeds that have ended
	for _, sub := range r.Each() {
		for _, seed := range sub.Seeds {
			if _, known := seeds[seed]; !known {
				seeds[seed] = len(order)
				order = append(order, seed)
			}
		}
	}
	bars := make([]sheet.Bar, len(order))
	for i, seed := range order {
		bars[i].Name = fmt.Sprintf("seed %d", seed)
	}
	if len(order) > mostBars {
		bars = []sheet.Bar{{Name: "all seeds"}}
	}
	for _, sub := range r.Each() {
		for _, at := range sub.ArmsInOrder() {
			arm := sub.Arms[at]
			name := arm.Name
			if sub.Problem != "" {
				name = sub.Problem + ", " + name
			}
			for i := range bars {
				bars[i].Parts = append(bars[i].Parts, sheet.Step{Name: name})
			}
			for _, point := range arm.Points {
				s := &sub.Points[point]
				for _, seed := range s.Seeds {
					bar := &bars[0]
					if len(bars) == len(order) {
						bar = &bars[seeds[seed.Seed]]
					}
					step := &bar.Parts[len(bar.Parts)-1]
					step.All++
					switch seed.Status {
					case runner.StatusRunning:
						step.Running++
					case runner.StatusFailed:
						out.Failed++
						step.Done++
					case runner.StatusDiverged:
						out.Diverged++
						out.Done++
						step.Done++
					default:
						if seed.Status.Ended() {
							out.Done++
							step.Done++
							points[s.Point] = append(points[s.Point], stats.Short(seed.Value, 3))
						}
					}
				}
			}
		}
	}
	out.Bars = bars
	for _, t := range now.Training {
		out.Training = append(out.Training, sheet.Training{Run: t.Run, Point: t.Point, Name: t.Name, Seed: t.Seed, Epoch: t.Epoch, Epochs: t.Epochs, Value: t.Text, Before: join(points[t.Point])})
	}
	return out
}

func join(values []string) string {
	const most = 4
	text := ""
	for i, v := range values[:min(len(values), most)] {
		if i > 0 {
			text += ", "
		}
		text += v
	}
	if more := len(values) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// took writes a time as a sentence has it: "8.1 s", "12 min", "3 h 5 min".
func took(seconds number) string {
	d := time.Duration(float64(seconds) * float64(time.Second))
	switch {
	case d < time.Minute:
		return stats.Short(d.Seconds(), 2) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}
