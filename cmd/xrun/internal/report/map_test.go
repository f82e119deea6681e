package report

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/internal/tests"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// bowl is a grid of two optimizers whose loss is a parabola in log lr and log λ, with curves of the chosen settings.
func bowl(lrs, lambdas, seeds int) *Report {
	var all []store.Result
	id := int64(0)
	for o, optimizer := range []string{"sgd", "adam"} {
		for i := range lrs {
			lr := math.Pow(10, -4+float64(i)*4/float64(max(1, lrs-1)))
			for j := range lambdas {
				lambda := 0.0
				if j > 0 {
					lambda = math.Pow(10, -4+float64(j)*5/float64(lambdas))
				}
				var values []float64
				for seed := range seeds {
					x, y := math.Log10(lr)+2-float64(o), float64(j)-float64(lambdas)/3
					values = append(values, 0.2+0.1*x*x+0.3*y*y/float64(lambdas*lambdas)+0.01*float64(seed)+0.03*float64(o))
				}
				list := results(optimizer, lr, lambda, values...)
				for k := range list {
					id++
					list[k].RunID = id
				}
				if i == lrs-1 && o == 0 {
					ended(runner.StatusDiverged, list)
				}
				all = append(all, list...)
			}
		}
	}
	r := Build(question, all, nil)
	r.Curves = map[int64][]store.CurvePoint{}
	for _, s := range r.Settings {
		for _, seed := range s.Seeds {
			for epoch := range 21 {
				r.Curves[seed.Run] = append(r.Curves[seed.Run], store.CurvePoint{Epoch: epoch, Value: seed.Value + 2*math.Exp(-float64(epoch)*math.Sqrt(s.LR))})
			}
		}
	}
	return r
}

func TestGoldenMapsAndCurves(t *testing.T) {
	for _, width := range []int{60, 80, 120, 200} {
		for _, ascii := range []bool{false, true} {
			name := fmt.Sprintf("maps_%d", width)
			if ascii {
				name += "_ascii"
			}
			t.Run(name, func(t *testing.T) {
				var b bytes.Buffer
				v := View{Top: 5, Width: width, ASCII: ascii, Curves: 3}
				bowl(9, 5, 3).WriteMaps(&b, v)
				b.WriteByte('\n')
				bowl(40, 25, 1).WriteMaps(&b, v)
				b.WriteByte('\n')
				bowl(9, 5, 3).WriteCurves(&b, v)
				b.WriteByte('\n')
				bowl(9, 5, 3).WriteSensitivity(&b, v)
				for _, line := range strings.Split(b.String(), "\n") {
					if n := utf8.RuneCountInString(line); n > width && strings.ContainsAny(line, "█░▒▓#:=│|") && !strings.HasPrefix(line, "mean") {
						t.Errorf("a line of %d characters:\n%s", n, line)
					}
					if ascii && strings.ContainsFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }) {
						t.Errorf("not ASCII: %s", line)
					}
				}
				tests.Golden(t, filepath.Join("testdata", name+".txt"), b.String())
			})
		}
	}
}

// What does not fit is counted, never left out in silence.
func TestWideMapsSayWhatTheyLeaveOut(t *testing.T) {
	r := bowl(100, 100, 1)
	var b bytes.Buffer
	r.WriteMaps(&b, View{Top: 5, Width: 80})
	if !strings.Contains(b.String(), " more columns, 76 more rows: --all") || !strings.Contains(b.String(), "◆") {
		t.Errorf("of 100 × 100 settings in 80 columns is shown\n%s", &b)
	}
	b.Reset()
	r.WriteMaps(&b, View{Width: 120})
	if strings.Contains(b.String(), "more") || strings.Count(b.String(), "\n") < 200 {
		t.Errorf("of 100 × 100 settings in 120 columns not all are shown\n%s", &b)
	}
}

func TestMapsOfOtherAxes(t *testing.T) {
	axes := map[runner.Key][]runner.Setting{}
	var all []store.Result
	for _, batch := range []int64{128, 16, 64} {
		for _, lr := range []float64{0.1, 0.01} {
			list := results("a", lr, 0, float64(batch)*lr)
			list[0].Point = runner.Key(fmt.Sprint(batch, lr))
			axes[list[0].Point] = []runner.Setting{{Path: "task.batch", Value: plugins.Integer(batch)}}
			all = append(all, list...)
		}
	}
	q := question
	q.Axes = axes
	r := Build(q, all, nil)
	if err := r.CheckAxes("batch", "lr"); err != nil {
		t.Error(err)
	}
	maps := r.Maps("batch", "lr")
	if len(maps) != 1 || maps[0].Columns.Name != "task.batch" || len(maps[0].Columns.Ticks) != 3 || maps[0].Columns.Ticks[0].Text != "16" || maps[0].Cells[0][0] != 0 {
		t.Errorf("the map of batch and lr is %+v", maps)
	}
	// lr and λ, with the batch held where the best setting has it.
	if maps = r.Maps("lr", "lambda"); len(maps) != 1 || maps[0].Title != "a · task.batch 16" || len(maps[0].Columns.Ticks) != 2 {
		t.Errorf("the map of lr and λ is %+v", maps)
	}
	var unknown *AxisError
	if err := r.CheckAxes("lr", "width"); !errors.As(err, &unknown) || unknown.Hint() != "the axes are lr, lambda, optimizer, regularizer, task.batch" {
		t.Errorf("an unknown axis is %v", err)
	}
	if err := r.CheckAxes("lr", "lr"); err == nil {
		t.Error("a map of lr and lr is none")
	}
}

func TestColorIsNeverTheOnlySign(t *testing.T) {
	var plain, colored bytes.Buffer
	r := bowl(9, 5, 3)
	r.WriteMaps(&plain, View{Top: 5, Width: 120})
	r.WriteMaps(&colored, View{Top: 5, Width: 120, Color: true})
	if !strings.Contains(colored.String(), "\x1b[48;5;") {
		t.Fatal("nothing is coloured")
	}
	text := colored.String()
	for {
		from := strings.Index(text, "\x1b[")
		if from < 0 {
			break
		}
		to := strings.IndexByte(text[from:], 'm')
		text = text[:from] + text[from+to+1:]
	}
	trim := func(s string) string {
		lines := strings.Split(s, "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		return strings.Join(lines, "\n")
	}
	if trim(text) != trim(plain.String()) {
		t.Errorf("without its colours a map is\n%s\nwant\n%s", text, &plain)
	}
}
