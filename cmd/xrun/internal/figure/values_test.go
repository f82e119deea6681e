package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// ofValues is a grid of two optimizers over learning rates and λ, 0 among them, with values and curves from a few numbers.
func ofValues(goal stop.Goal, numbers ...float64) *compare.Report {
	var all []runner.Result
	curves := map[int64][]runner.CurvePoint{}
	next := 0
	take := func() float64 {
		next++
		return numbers[next%len(numbers)]
	}
	for _, optimizer := range []string{"sgd", "adam"} {
		for _, lr := range []float64{1e-3, math.Nextafter(1e-3, 1), 1e-1} {
			for _, lambda := range []float64{0, 1e-4, 1e-2} {
				for seed := range 3 {
					id := int64(len(all) + 1)
					v := take()
					res := runner.Result{Trial: runner.Key(fmt.Sprint(id)), Point: runner.Key(fmt.Sprint(optimizer, lr, lambda)), Optimizer: optimizer, LR: lr, Lambda: lambda,
						Seed: int64(seed), RunID: id, Status: runner.StatusFinished, Found: true, Epochs: 3, Keeps: true, Kept: runner.Kept{Epoch: 3, Value: v},
						Summary: runner.Summary{First: v, Last: v, Min: v, Max: v, Mean: v, Count: 4}}
					if lambda > 0 {
						res.Regularizer = "l2"
					}
					curves[id] = []runner.CurvePoint{{Epoch: 0, Value: take()}, {Epoch: 1, Value: take()}, {Epoch: 2, Value: take()}, {Epoch: math.MaxInt32, Value: v}}
					all = append(all, res)
				}
			}
		}
	}
	r := compare.Build(compare.Question{Sweep: "s", Metric: "val_loss", Goal: goal, Keep: runner.Keep{Metric: "val_loss", Goal: goal, At: runner.AtBest}}, all, nil)
	r.Curves = curves
	return r
}

// odd are numbers that pictures have met.
var odd = []float64{0, 1, math.Nextafter(1, 0), 30, math.Nextafter(30, 31), 1e9, 1000000000.0000001, math.Ln2, math.Nextafter(math.Ln2, 1), 1e308, -1e308, math.MaxFloat64,
	5e-324, 1e-310, 1e-15, -1, math.Inf(1), math.Inf(-1), math.NaN()}

// checkFigures draws every kind. A figure of any values has a size that depends on their number only, and places that are numbers.
func checkFigures(t *testing.T, numbers ...float64) {
	t.Helper()
	yes, low := true, 1e-3
	for _, goal := range []stop.Goal{stop.Min, stop.Max} {
		r := ofValues(goal, numbers...)
		for _, kind := range Kinds {
			for _, o := range []Options{{Inline: true, Members: true}, {Limits: compare.Limits{Log: &yes}}, {Top: 5, Limits: compare.Limits{Low: &low}}} {
				if o.Limits != (compare.Limits{}) && kind != "curves" && kind != "sensitivity" {
					continue
				}
				var b bytes.Buffer
				err := Draw(&b, r, kind, "svg", o)
				var nothing *NothingError
				if err != nil {
					if !errors.As(err, &nothing) && kind != "profile" && kind != "ranks" {
						t.Errorf("%s of %v: %v", kind, numbers, err)
					}
					continue
				}
				if b.Len() > 200_000 {
					t.Errorf("%s of %v takes %d bytes", kind, numbers, b.Len())
				}
				d := xml.NewDecoder(&b)
				for {
					token, err := d.Token()
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatalf("%s of %v: %v", kind, numbers, err)
					}
					if e, ok := token.(xml.StartElement); ok {
						for _, a := range e.Attr {
							if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
								t.Errorf("%s of %v has %s=%q", kind, numbers, a.Name.Local, a.Value)
							}
						}
					}
				}
			}
		}
	}
}

func TestFiguresOfAnyValues(t *testing.T) {
	for i, a := range odd {
		checkFigures(t, a)
		checkFigures(t, a, odd[(i+1)%len(odd)])
		checkFigures(t, a, 1, odd[(i+7)%len(odd)], 0.5)
	}
}

func FuzzFigures(f *testing.F) {
	f.Add(1., math.Nextafter(1, 2), 0.5, 0.)
	f.Add(1e308, -1e308, 5e-324, math.NaN())
	f.Fuzz(func(t *testing.T, a, b, c, d float64) { checkFigures(t, a, b, c, d) })
}

// The other formats draw the same places: one odd report is enough.
func TestOddFiguresInEveryFormat(t *testing.T) {
	r := ofValues(stop.Min, 1e307, -1e307, 1, math.Nextafter(1, 0))
	for _, kind := range []string{"heatmap", "curves", "sensitivity", "parallel"} {
		for _, format := range []string{"png", "pdf"} {
			drawn(t, r, kind, format, Options{DPI: 40})
		}
	}
}

func TestMapsOfEqualValuesSaySo(t *testing.T) {
	equal := string(drawn(t, ofValues(stop.Min, 0.5, 0.5000000000000001), "heatmap", "svg", Options{}))
	if !strings.Contains(equal, ">all are equal<") || strings.Contains(equal, ">best<") {
		t.Error("a map of equal values does not say that all are equal, or says what is best")
	}
	if other := string(drawn(t, ofValues(stop.Min, 0.5, 0.6, 0.7, 0.8, 0.9), "heatmap", "svg", Options{})); strings.Contains(other, "all are equal") {
		t.Error("a map of different values says that all are equal")
	}
}

// Digits lie on the colours of cells, which a dark theme does not change.
func TestDigitsOnCellsDoNotFollowTheTheme(t *testing.T) {
	svg := string(drawn(t, sample([]string{"sgd"}, 4, 2, 3), "heatmap", "svg", Options{Inline: true}))
	black, white := strings.Count(svg, `<text fill="#000000"`), strings.Count(svg, `<text fill="#ffffff"`)
	if black == 0 || white == 0 || strings.Contains(svg, `<text class="fp"`) {
		t.Errorf("%d digits are black and %d white, and some may have the colour of the page", black, white)
	}
}

// λ = 0 has no place among the powers of ten: its cells stand apart.
func TestZeroStandsApart(t *testing.T) {
	apart := compare.Axis{Name: "λ", Ticks: []compare.Tick{{Text: "0", Number: 0}, {Text: "1e-3", Number: 1e-3}, {Text: "1e-2", Number: 1e-2}, {Text: "0.1", Number: 0.1}}}
	even := compare.Axis{Name: "dropout", Ticks: []compare.Tick{{Text: "0", Number: 0}, {Text: "0.1", Number: 0.1}, {Text: "0.2", Number: 0.2}, {Text: "0.3", Number: 0.3}}}
	if begin, end := cellsOf(apart); begin[1] != 1+zeroGap || end != 4+zeroGap {
		t.Errorf("the cells begin at %v and end at %v", begin, end)
	}
	if begin, end := cellsOf(even); begin[1] != 1 || end != 4 {
		t.Errorf("evenly spaced, the cells begin at %v and end at %v", begin, end)
	}
}
