package report

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// ofValues is a grid of two optimizers over learning rates and λ, 0 among them, with values and curves from a few numbers.
func ofValues(numbers ...float64) *compare.Report {
	var lists [][]runner.Result
	next := 0
	take := func() float64 {
		next++
		return numbers[next%len(numbers)]
	}
	for _, optimizer := range []string{"sgd", "adam"} {
		for _, lr := range []float64{1e-3, math.Nextafter(1e-3, 1), 0.1} {
			for _, lambda := range []float64{0, 1e-4, 1e-2} {
				lists = append(lists, comparetest.Results(optimizer, lr, lambda, take(), take(), take()))
			}
		}
	}
	all := comparetest.Join(lists...)
	curves := map[int64][]runner.CurvePoint{}
	for i := range all {
		all[i].RunID = int64(i + 1)
		for _, epoch := range []int{0, 1, 2, math.MaxInt32} {
			curves[all[i].RunID] = append(curves[all[i].RunID], runner.CurvePoint{Epoch: epoch, Value: take()})
		}
	}
	r := compare.Build(question, all, nil)
	r.Curves = curves
	return r
}

// checkTexts prints every picture and table. Those of any values have a size that depends on the numbers of points only.
func checkTexts(t *testing.T, numbers ...float64) {
	t.Helper()
	yes := true
	r := ofValues(numbers...)
	for _, v := range []View{{Width: 80, Curves: 3, Color: true}, {Width: 60, Curves: 3, ASCII: true, Limits: compare.Limits{Log: &yes}}} {
		var b bytes.Buffer
		Text(&b, r, v)
		Sensitivity(&b, r, v)
		if b.Len() > 60_000 {
			t.Errorf("of %v the report takes %d bytes", numbers, b.Len())
		}
	}
	for _, write := range []func(*bytes.Buffer) error{func(b *bytes.Buffer) error { return Markdown(b, r, View{}) }, func(b *bytes.Buffer) error { return TeX(b, r, View{}) }, func(b *bytes.Buffer) error { return JSON(b, r, false) }} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Errorf("of %v: %v", numbers, err)
		}
	}
	for _, c := range []Curve{{Values: numbers}, {Values: numbers, Width: 20, Height: 3}} {
		drawn(c)
	}
	labels := map[string]bool{}
	for _, line := range drawn(Curve{Values: numbers, Height: 12}) {
		if label, _, ok := strings.Cut(line, " ┤"); ok {
			if label = strings.TrimSpace(label); labels[label] {
				t.Errorf("the curve of %v has the label %s twice", numbers, label)
			}
			labels[label] = true
		}
	}
}

func TestTextsOfAnyValues(t *testing.T) {
	odd := []float64{0, 1, math.Nextafter(1, 0), 30, math.Nextafter(30, 31), 1e9, 1000000000.0000001, math.Ln2, math.Nextafter(math.Ln2, 1), 1e308, -1e308, math.MaxFloat64,
		5e-324, 1e-310, 1e-15, -1, math.Inf(1), math.Inf(-1), nan}
	for i, a := range odd {
		checkTexts(t, a)
		checkTexts(t, a, odd[(i+1)%len(odd)])
		checkTexts(t, a, 1, odd[(i+7)%len(odd)], 0.5)
	}
}

func FuzzTexts(f *testing.F) {
	f.Add(1., math.Nextafter(1, 2), 0.5, 0.)
	f.Add(1e308, -1e308, 5e-324, nan)
	f.Fuzz(func(t *testing.T, a, b, c, d float64) { checkTexts(t, a, b, c, d) })
}

// One point is a table and a picture, too.
func TestOnePointAndNone(t *testing.T) {
	for _, r := range []*compare.Report{compare.Build(question, comparetest.Results("sgd", 0.1, 0, 1), nil), compare.Build(question, nil, nil)} {
		var b bytes.Buffer
		Text(&b, r, View{Width: 80, Curves: 3})
		Sensitivity(&b, r, View{Width: 80})
		Curves(&b, r, View{Width: 80, Curves: 3})
	}
}

func TestMapsOfEqualValuesSaySo(t *testing.T) {
	for want, r := range map[string]*compare.Report{"█ all complete points are equal": ofValues(0.5, 0.5000000000000001), "█ best quarter of all points … ░ worst": ofValues(0.5, 0.6, 0.7, 0.8, 0.9)} {
		var b bytes.Buffer
		Maps(&b, r, View{Width: 80})
		if !strings.Contains(b.String(), want) {
			t.Errorf("the map does not say %q:\n%s", want, b.String())
		}
	}
}

// Two learning rates that read alike in four digits are two columns, and two rows of the table.
func TestNumbersThatReadAlikeAreTwoPlaces(t *testing.T) {
	r := compare.Build(question, comparetest.Join(comparetest.Results("sgd", 0.10001, 0, 1, 2), comparetest.Results("sgd", 0.10002, 0, 3, 4)), nil)
	if m := r.Maps("", "")[0]; len(m.Columns.Ticks) != 2 || m.Columns.Ticks[0].Text != "0.10001" || m.Columns.Ticks[1].Text != "0.10002" {
		t.Errorf("the columns are %v", m.Columns.Ticks)
	}
	var b bytes.Buffer
	Text(&b, r, View{Width: 80})
	if !strings.Contains(b.String(), "1  0.10001") || !strings.Contains(b.String(), "2  0.10002") {
		t.Errorf("the table does not tell them apart:\n%s", b.String())
	}
}

// A loss is never more than 100 % below another.
func TestDifferencesBesideALossNearZero(t *testing.T) {
	r := compare.Build(question, comparetest.Join(comparetest.Results("sgd", 0.1, 0, 1e-15, 2.1e-14, 2e-16), comparetest.Results("adam", 0.1, 0, 1e-17, 2e-17, 5e-18)), nil)
	var b bytes.Buffer
	Text(&b, r, View{Width: 120})
	if strings.Contains(b.String(), "%  [") || strings.Contains(b.String(), "-100%") || strings.Contains(b.String(), "100 % [") {
		t.Errorf("a difference is in percent:\n%s", b.String())
	}
}

// 0 stands apart from powers of ten, as a row and as a column, within the width.
func TestZeroStandsApart(t *testing.T) {
	r := ofValues(0.5, 0.6, 0.7, 0.8, 0.9)
	for _, v := range []View{{Width: 80}, {Width: 60, ASCII: true}, {Width: 80, Columns: "lambda", Rows: "lr"}} {
		var b bytes.Buffer
		Maps(&b, r, v)
		sign := "┄┄"
		if v.ASCII {
			sign = "--"
		}
		if v.Columns != "" {
			sign = "│ "
		}
		if !strings.Contains(b.String(), sign) {
			t.Errorf("0 does not stand apart:\n%s", b.String())
		}
		for line := range strings.Lines(b.String()) {
			if utf8.RuneCountInString(line) > v.Width+1 {
				t.Errorf("%q is wider than %d", line, v.Width)
			}
		}
	}
}

func TestCurvesThatReachZero(t *testing.T) {
	c := Chart{Series: []Series{{Name: "a", X: []float64{1, 2, 3, 4}, Y: []float64{1, 0.1, 0.001, 0}}}, XName: "epoch"}
	var b bytes.Buffer
	c.Write(&b)
	lines := strings.Split(b.String(), "\n")
	if bottom := lines[15]; !strings.HasPrefix(strings.TrimSpace(bottom), "0 ┤") || !strings.Contains(bottom, "a") {
		t.Errorf("0 has no place below the axis:\n%s", b.String())
	}
	for _, text := range []string{"0.001 ┤", "0.1 ┤", "1 ┤"} {
		if !strings.Contains(b.String(), text) {
			t.Errorf("the axis has no %s:\n%s", text, b.String())
		}
	}
}

// Words that do not fit are shortened; numbers are not.
func TestTablesShortenWordsBeforeATerminalBreaksThem(t *testing.T) {
	long := strings.Repeat("abcdef", 11)
	for _, v := range []View{{Width: 60}, {Width: 80}, {Width: 60, ASCII: true}} {
		table := []TableColumn{{Head: "file", Cells: []string{long + "1", long + "2"}}, {Head: "loss", Cells: []string{"0.271 ± 0.021", "0.272 ± 0.022"}}, {Head: "optimizer", Cells: []string{"sgd", long}}}
		var b bytes.Buffer
		Columns(&b, table, v)
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > v.Width {
				t.Errorf("%q is %d wide, of %d", line, n, v.Width)
			}
		}
		number, sign := "0.271 ± 0.021", "…"
		if v.ASCII {
			number, sign = "0.271 +- 0.021", "..."
		}
		if text := b.String(); !strings.Contains(text, number) || !strings.Contains(text, sign) || !strings.Contains(text, "f1 ") || !strings.Contains(text, "f2 ") {
			t.Errorf("numbers are cut, or names lose their ends:\n%s", text)
		}
	}
}
