package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

const hostile = "</text></svg><script>alert(1)</script>\x00\x1b[31m\u202e\"'&"

// sample is a grid of optimizers over learning rates and λ, one of which diverges at the largest rate.
func sample(optimizers []string, lrs, lambdas, seeds int) *compare.Report {
	var all []runner.Result
	curves := map[int64][]runner.CurvePoint{}
	id := int64(0)
	for o, optimizer := range optimizers {
		for i := range lrs {
			lr := math.Pow(10, -4+4*float64(i)/float64(max(1, lrs-1)))
			for j := range lambdas {
				for seed := range seeds {
					id++
					x := math.Log10(lr) + 2 - float64(o)/2
					v := 0.2 + 0.1*x*x + 0.01*float64(j*j) + 0.02*float64(o) + 0.003*float64((seed*7+o*3)%5)
					res := runner.Result{Trial: runner.Key(fmt.Sprint(o, i, j, seed)), Point: runner.Key(fmt.Sprint(o, i, j)), Optimizer: optimizer, LR: lr, Seed: int64(seed),
						RunID: id, Status: runner.StatusFinished, Found: true, Epochs: 40, Keeps: true, Kept: runner.Kept{Epoch: 40, Value: v}}
					if j > 0 {
						res.Lambda, res.Regularizer = math.Pow(10, float64(j-3)), "l2"
					}
					if o == 0 && i == lrs-1 {
						res.Status = runner.StatusDiverged
					}
					if o == 1 && i == 0 {
						res.Status, res.Found = runner.StatusPruned, false
					}
					for epoch := range 41 {
						curves[id] = append(curves[id], runner.CurvePoint{Epoch: epoch, Value: v + 2*math.Exp(-float64(epoch)/5)})
					}
					all = append(all, res)
				}
			}
		}
	}
	r := compare.Build(compare.Question{Sweep: hostile, Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}, all, nil)
	r.Curves = curves
	return r
}

func drawn(t *testing.T, r *compare.Report, kind, format string, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Draw(&b, r, kind, format, o); err != nil {
		t.Fatalf("%s as %s: %v", kind, format, err)
	}
	return b.Bytes()
}

func TestEveryKindInEveryFormatIsTheSameEachTime(t *testing.T) {
	r := sample([]string{"sgd", "adam", "lion"}, 7, 4, 5)
	for _, kind := range Kinds {
		for _, format := range Formats {
			o := Options{DPI: 60, Title: hostile, Members: true}
			a, b := drawn(t, r, kind, format, o), drawn(t, r, kind, format, o)
			if !bytes.Equal(a, b) {
				t.Errorf("%s as %s is not the same twice", kind, format)
			}
			if head := map[string]string{"svg": "<?xml", "png": "\x89PNG", "pdf": "%PDF"}[format]; !strings.HasPrefix(string(a), head) {
				t.Errorf("%s as %s begins %q", kind, format, a[:8])
			}
		}
	}
}

func TestPNGHasTheSizeAskedFor(t *testing.T) {
	w, h, err := ParseSize("85x60mm")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range Kinds {
		img, err := png.Decode(bytes.NewReader(drawn(t, sample([]string{"a", "b", "c"}, 5, 3, 4), kind, "png", Options{Width: w, Height: h, DPI: 254})))
		if err != nil {
			t.Fatal(err)
		}
		if got := img.Bounds().Size(); got != (image.Point{X: 850, Y: 600}) {
			t.Errorf("%s has %v pixels, want 850 × 600", kind, got)
		}
	}
}

var sizes = regexp.MustCompile(`font-size="([0-9.]+)"`)

// Names come from sweep files and plugins of others: nothing of them becomes markup, and what is drawn can be read.
func TestSVGIsWellFormedAndLegible(t *testing.T) {
	r := sample([]string{hostile, hostile + "2", "\"><svg onload=alert(1)>"}, 7, 4, 5)
	for _, inline := range []bool{false, true} {
		for _, kind := range Kinds {
			text := drawn(t, r, kind, "svg", Options{Inline: inline, Title: hostile})
			elements := map[string]bool{}
			for d := xml.NewDecoder(bytes.NewReader(text)); ; {
				token, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				if e, ok := token.(xml.StartElement); ok {
					elements[e.Name.Local] = true
					for _, a := range e.Attr {
						if strings.HasPrefix(a.Name.Local, "on") {
							t.Errorf("%s has an attribute %s", kind, a.Name.Local)
						}
					}
				}
			}
			for name := range elements {
				if !strings.Contains(" svg rect path text g title ", " "+name+" ") {
					t.Errorf("%s has an element %s", kind, name)
				}
			}
			for _, m := range sizes.FindAllSubmatch(text, -1) {
				if x, err := strconv.ParseFloat(string(m[1]), 64); err != nil || x < 7 {
					t.Errorf("%s has text of %s points", kind, m[1])
				}
			}
			if bytes.Contains(text, []byte("NaN")) || bytes.Contains(text, []byte("Inf")) || bytes.Contains(text, []byte("\u202e")) {
				t.Errorf("%s contains what cannot be drawn", kind)
			}
		}
	}
}

// A picture that would be empty or wrong is an error that says what to do.
func TestNothingToDraw(t *testing.T) {
	one := sample([]string{"sgd"}, 1, 1, 1)
	two := sample([]string{"sgd", "adam"}, 3, 1, 5)
	few := sample([]string{"a", "b", "c"}, 3, 1, 2)
	empty := compare.Build(compare.Question{Sweep: "empty", Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}, nil, nil)
	for _, c := range []struct {
		report *compare.Report
		kinds  string
	}{{one, "heatmap sensitivity parallel profile ranks"}, {two, "ranks"}, {few, "ranks"}, {empty, strings.Join(Kinds, " ")}} {
		for _, kind := range strings.Fields(c.kinds) {
			err := Draw(io.Discard, c.report, kind, "svg", Options{})
			var hinted interface{ Hint() string }
			if !errors.As(err, &hinted) || hinted.Hint() == "" {
				t.Errorf("%s of %d points: %v, want an error with a hint", kind, len(c.report.Points), err)
			}
		}
	}
}

func TestLargeGridsAndOddOnes(t *testing.T) {
	for _, r := range []*compare.Report{sample([]string{"a"}, 100, 100, 1), sample([]string{"a", "b", "c"}, 2, 1, 3), sample(strings.Fields("a b c d e f g h i j k l m n o p"), 3, 2, 3)} {
		for _, kind := range []string{"heatmap", "parallel", "sensitivity", "curves"} {
			drawn(t, r, kind, "svg", Options{Width: 60, Height: 40})
			drawn(t, r, kind, "svg", Options{})
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string][2]float64{"": {}, "single": {85, 0}, "double": {178, 0}, "85x60mm": {85, 60}, "3x2in": {76.2, 50.8}} {
		w, h, err := ParseSize(text)
		if err != nil || math.Abs(w-want[0]) > 1e-9 || math.Abs(h-want[1]) > 1e-9 {
			t.Errorf("%q is %v × %v, %v; want %v", text, w, h, err, want)
		}
	}
	for _, text := range []string{"big", "85x60", "85mm", "x60mm", "-85x60mm", "1x1mm", "NaNx60mm", "1e9x60mm"} {
		if _, _, err := ParseSize(text); err == nil {
			t.Errorf("%q is a size", text)
		}
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, c := range []struct {
		scale compare.Scale
		want  string
	}{
		{compare.Scale{Low: 0, High: 1, Log: false}, "0 0.2 0.4 0.6 0.8 1"}, {compare.Scale{Low: 0.118, High: 0.527, Log: false}, "0.2 0.3 0.4 0.5"}, {compare.Scale{Low: -1, High: 1, Log: false}, "-1 -0.5 0 0.5 1"},
		{compare.Scale{Low: 0.1, High: 10, Log: true}, "0.1 0.2 0.5 1 2 5 10"},
	} {
		var got []string
		for _, tick := range labelled(c.scale, 5) {
			got = append(got, tick.text)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%+v has ticks %s, want %s", c.scale, text, c.want)
		}
	}
}

// What is hidden or missing has no colour, let alone the best one.
func TestCellsWithoutAValueAreBlank(t *testing.T) {
	r := sample([]string{"sgd", "adam"}, 3, 2, 2)
	for i := range r.Points {
		if i > 0 {
			r.Points[i].Interval.Value = math.NaN()
		}
	}
	svg := string(drawn(t, r, "heatmap", "svg", Options{}))
	if strings.Contains(svg, "NaN") && !strings.Contains(svg, "not complete") {
		t.Error("a cell without a value has one")
	}
	if scaled(math.NaN()) != blank {
		t.Error("NaN has a colour")
	}
	r.Choice, r.ChoiceName = map[int64]float64{1: 0.5}, "val_loss"
	for _, kind := range []string{"heatmap", "parallel", "sensitivity"} {
		var none *NothingError
		if err := Draw(io.Discard, r, kind, "svg", Options{}); !errors.As(err, &none) {
			t.Errorf("%s of a metric that nothing is chosen by: %v", kind, err)
		}
	}
}

// Unstable points have a sign that does not depend on colour, in the map and in the picture of noise, and a title with words.
func TestUnstablePointsHaveASign(t *testing.T) {
	r := sample([]string{"sgd", "adam", "lion"}, 7, 4, 5)
	for _, kind := range []string{"heatmap", "noise"} {
		svg := func() string {
			var b bytes.Buffer
			if err := Draw(&b, r, kind, "svg", Options{Inline: true}); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		r.Points[3].Unstable, r.Points[3].Astray = false, 0
		without := svg()
		r.Points[3].Unstable, r.Points[3].Astray = true, 2
		with := svg()
		if words := "unstable: 2 of 5 seeds went astray"; strings.Contains(without, "unstable") || strings.Count(with, words) != 1 || strings.Count(with, "unstable") != 2 {
			t.Errorf("%s: a title or the caption lacks %q", kind, words)
		}
		if n := strings.Count(with, "<path") - strings.Count(without, "<path"); n < 1 {
			t.Errorf("%s: an unstable point has no sign of its own", kind)
		}
	}
	if err := Check(compare.Build(compare.Question{Sweep: "s", Metric: "val_loss", Goal: stop.Min, Test: compare.TestWelch}, nil, nil), "noise", Options{}); err == nil {
		t.Error("there is a picture of noise without any")
	}
}
