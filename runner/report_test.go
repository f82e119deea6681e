package runner

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// saidOf writes reports in the order of their metrics.
func saidOf(reports []Report) string {
	var b strings.Builder
	for _, r := range reports {
		if r.Doubt != nil {
			fmt.Fprintf(&b, "[doubt: %s]", r.Doubt.Why)
			continue
		}
		fmt.Fprintf(&b, "[%d", r.Epoch)
		for i, name := range r.Metrics {
			fmt.Fprintf(&b, " %s=%v", name, r.Values[i])
		}
		for _, name := range r.LeftOut {
			fmt.Fprintf(&b, " without %d bytes", len(name))
		}
		b.WriteString("]")
	}
	return b.String()
}

func TestReports(t *testing.T) {
	for _, c := range []struct{ line, want, rest string }{
		{`{"epoch": 3, "val_loss": 0.41, "acc": 87}`, "[3 acc=87 val_loss=0.41]", ""},
		{"  {\"epoch\":0} ", "[0]", "   "},
		{`{"epoch": 3.0, "a": 1e-3}`, "[3 a=0.001]", ""},
		{`{"a": NaN, "b": Infinity, "c": -Infinity, "epoch": 1}`, "[1 a=NaN b=+Inf c=-Inf]", ""},
		{`{"a": null, "epoch": 1}`, "[1 a=NaN]", ""},
		{`{"a": 1e400, "b": -1e400, "epoch": 1}`, "[1 a=+Inf b=-Inf]", ""},
		{`{"note \" NaN": "x", "a": NaN, "epoch": 1, "s": "NaN\\"}`, "[1 a=NaN]", ""},
		{`{"epoch": 2, "lr": [1, 2], "t": true, "s": "1", "o": {}, "a": 1}`, "[2 a=1]", ""},
		{`{"epoch": 2, "µ": 1}`, "[2 µ=1]", ""},
		{`{"epoch": 1, "epoch": 2}`, "[2]", ""},
		// wherever it stands, and how many there are
		{`evaluating ... {"epoch": 2, "a": 1}`, "[2 a=1]", "evaluating ... "},
		{`{"epoch": 2, "a": 1} done`, "[2 a=1]", " done"},
		{`4/4 ━━━ 0s {x} {"epoch": 2, "a": 1}, next`, "[2 a=1]", "4/4 ━━━ 0s {x} , next"},
		{`{"epoch": 1}{"epoch": 2} and {"epoch": 3}`, "[1][2][3]", " and "},
		{`{ {"epoch": 1}`, "[1]", "{ "},
		{`{"epoch": 1}}`, "[1]", "}"},
		{`[{"epoch": 1}]`, "[1]", "[]"},
		{`{"a": "{", "epoch": 1, "b": "}"}`, "[1]", ""},
		// numbers in the words of other languages
		{`{"epoch": 1, "a": nan, "b": -nan, "c": NAN, "d": nan(ind), "e": -1.#IND, "f": 1.#QNAN, "g": +NaN, "h": NA}`,
			"[1 a=NaN b=NaN c=NaN d=NaN e=NaN f=NaN g=NaN h=NaN]", ""},
		{`{"epoch": 1, "a": inf, "b": -inf, "c": INF, "d": Inf, "e": +Inf, "f": infinity, "g": -1.#INF}`,
			"[1 a=+Inf b=-Inf c=+Inf d=+Inf e=+Inf f=+Inf g=-Inf]", ""},
		{`{"epoch": 1, "a": "NaN", "b": "Infinity", "c": "-inf", "d": "info"}`, "[1 a=NaN b=+Inf c=-Inf]", ""},
		{`{"epoch": 1, "a": .5, "b": 5., "c": +5, "d": -.5}`, "[1 a=0.5 b=5 c=5 d=-0.5]", ""},
		// names
		{`{"epoch": 1, "val loss": 1, "top-5 error": 2, "` + strings.Repeat("x", 101) + `": 3}`, "[1 top-5 error=2 val loss=1 " + strings.Repeat("x", 101) + "=3]", ""},
		{`{"epoch": 1, "a": 1, "": 2, " ": 3, "b\u001b": 4, "` + strings.Repeat("x", MaxMetricBytes+1) + `": 5}`,
			fmt.Sprintf("[1 a=1 without 0 bytes without 1 bytes without 2 bytes without %d bytes]", MaxMetricBytes+1), ""},
		// no reports
		{"", "", ""}, {"{}", "", "{}"}, {"epoch 3", "", "epoch 3"}, {`"epoch": 1`, "", `"epoch": 1`}, {`{"other": 1}`, "", `{"other": 1}`},
		{`{"log": {"epochs": 1}}`, "", `{"log": {"epochs": 1}}`},
	} {
		reports, rest, doubt := ParseReports([]byte(c.line), []string{"val_loss"})
		if got := saidOf(reports); got != c.want || string(rest) != c.rest || doubt != nil {
			t.Errorf("%s is %s and the output %q, doubt %v; want %s and %q", c.line, got, rest, doubt, c.want, c.rest)
		}
	}
}

func TestALineThatLooksLikeAReportIsADoubt(t *testing.T) {
	for line, why := range map[string]string{
		`{"val_loss": 1}`:                  `it has no "epoch"`,
		`text {"epoch": "3"}`:              `its epoch is "3"`,
		`{"epoch": 1.5}`:                   "its epoch is 1.5",
		`{"epoch": -1}`:                    "its epoch is -1",
		`{"epoch": NaN}`:                   "its epoch is null",
		`{"epoch": 1e300}`:                 "its epoch is 1e300",
		`{"epoch": true}`:                  "its epoch is true",
		`{'epoch': 1, 'val_loss': 0.5}`:    "single quotes",
		`{"epoch": 1, "val_loss": 0.5`:     "not closed",
		`{"epoch": 1, "val_loss": tensor}`: "it is not JSON",
		`{"epoch": 1 "val_loss": 2}`:       "it is not JSON",
		`{"log": {"epoch": 1}}`:            `it has no "epoch"`,
		strings.Repeat(`{"epoch"`, 7000):   "not closed",
		`{"epoch": 1, "s": "` + strings.Repeat("x", MaxReportBytes) + `"}`: "longer than",
	} {
		reports, rest, doubt := ParseReports([]byte(line), []string{"val_loss"})
		if len(reports) != 0 || doubt == nil || !strings.Contains(doubt.Why, why) || len(doubt.Line) > 400 || string(rest) != line {
			t.Errorf("%.60s is %v, doubt %+v, want %s", line, reports, doubt, why)
		}
	}
}

func TestPatternsFindMetrics(t *testing.T) {
	const number = `([0-9.e+-]+|nan|inf)`
	loss := Pattern{"val_loss", "val_loss=" + number}
	acc := Pattern{"acc", "acc=" + number}
	epoch := Pattern{MetricEpoch, `Epoch (\S+)`}
	for name, c := range map[string]struct {
		patterns []Pattern
		lines    []string
		want     string
	}{
		"one":                  {[]Pattern{loss}, []string{"val_loss=0.5", "nothing", "at last val_loss=1e-3."}, "[1 val_loss=0.5][doubt: the pattern of val_loss finds \"1e-3.\", which is no number]"},
		"not finite":           {[]Pattern{loss}, []string{"val_loss=nan", "val_loss=inf"}, "[1 val_loss=NaN][2 val_loss=+Inf]"},
		"in one line":          {[]Pattern{loss, acc}, []string{"acc=1 val_loss=2", "acc=3 val_loss=4"}, "[1 acc=1 val_loss=2][2 acc=3 val_loss=4]"},
		"in two lines":         {[]Pattern{loss, acc}, []string{"val_loss=2", "acc=1", "val_loss=4", "acc=3"}, "[1 acc=1 val_loss=2][2 acc=3 val_loss=4]"},
		"in the other order":   {[]Pattern{loss, acc}, []string{"acc=1", "acc=2", "val_loss=2", "acc=3", "val_loss=4"}, "[1 acc=2 val_loss=2][2 acc=3 val_loss=4]"},
		"one is missing":       {[]Pattern{loss, acc}, []string{"val_loss=2", "val_loss=3", "acc=1", "val_loss=4"}, "[1 val_loss=2][2 acc=1 val_loss=3][3 val_loss=4]"},
		"with epochs":          {[]Pattern{epoch, loss}, []string{"val_loss=9", "Epoch 5", "val_loss=2", "val_loss=8", "Epoch 10", "val_loss=3"}, "[5 val_loss=2][10 val_loss=3]"},
		"epochs, one line":     {[]Pattern{epoch, loss}, []string{"Epoch 0 val_loss=2", "Epoch 0 val_loss=2", "val_loss=3 Epoch 1"}, "[0 val_loss=2][1 val_loss=3]"},
		"epochs, one missing":  {[]Pattern{epoch, loss, acc}, []string{"Epoch 1", "acc=1", "Epoch 2", "val_loss=2", "Epoch 3"}, "[1 acc=1][2 val_loss=2]"},
		"epochs, at the end":   {[]Pattern{epoch, loss, acc}, []string{"Epoch 1", "acc=1"}, "[1 acc=1]"},
		"no number of epoch":   {[]Pattern{epoch, loss}, []string{"Epoch 1.5 val_loss=2", "Epoch 2 val_loss=2"}, "[doubt: the pattern of epoch finds \"1.5\", which is no whole number of at least 0][2 val_loss=2]"},
		"twice in a line":      {[]Pattern{loss}, []string{"val_loss=1 val_loss=2"}, "[1 val_loss=2]"},
		"reports do not count": {[]Pattern{loss}, []string{`{"epoch": 7, "val_loss": 1}`, "val_loss=2"}, "[1 val_loss=2]"},
	} {
		var metrics []string
		for _, p := range c.patterns {
			if p.Metric != MetricEpoch {
				metrics = append(metrics, p.Metric)
			}
		}
		r, err := NewReader(metrics, c.patterns)
		if err != nil {
			t.Fatal(err)
		}
		var all []Report
		for i, line := range c.lines {
			if frame, rest := r.Line([]byte(line), false, true); len(frame) > 0 || string(rest) != line {
				t.Errorf("%s: what is overwritten is %v", name, frame)
			}
			some, _ := r.Line([]byte(line), i%2 == 1, false)
			all = append(all, some...)
		}
		if got := saidOf(append(all, r.End()...)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestPatternsThatAreNotRight(t *testing.T) {
	for text, want := range map[string]string{
		`val_loss=([0-9`: "missing closing ] `[0-9`", `val_loss=`: "has 0 groups", `(a)(b)`: "has 2 groups", `a**`: "nested repetition operator `**`", `(?=x)(y)`: "invalid or unsupported Perl syntax",
	} {
		if err := CheckPattern(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if err := CheckPattern(`val_loss=(?:≈)?(\S+)`); err != nil {
		t.Error(err)
	}
}

func FuzzParseReports(f *testing.F) {
	f.Add([]byte(`text {"epoch": 1, "a": NaN, "b": "\"Infinity"} {"epoch": 2, "c": nan(ind)}`))
	f.Add([]byte(`{"epoch": 1, 'a': {}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		reports, rest, doubt := ParseReports(line, []string{"a"})
		if len(rest) > len(line) || len(reports) > 0 && doubt != nil || len(reports) == 0 && string(rest) != string(line) {
			t.Errorf("%q leaves %q with the doubt %v", line, rest, doubt)
		}
		for _, r := range reports {
			if r.Epoch < 0 || len(r.Metrics) != len(r.Values) || !slices.IsSorted(r.Metrics) {
				t.Errorf("%q is taken for the report %v", line, r)
			}
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	for _, text := range []string{"nan", "-1.#IND", "+.5", "1e999", "0x1p-2", "1_000", "--1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, ok := ParseNumber(text)
		if ok && math.IsNaN(x) != strings.Contains(strings.ToLower(text), "n") && !math.IsInf(x, 0) {
			t.Errorf("%q is read as %v", text, x)
		}
	})
}

// A traceback on standard error shows the lines that log, and is no report gone wrong.
func TestATracebackIsNoDoubt(t *testing.T) {
	r, err := NewReader([]string{"val_loss"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line   string
		stderr bool
		doubts int
	}{
		{`    run.log({"val_loss": w * w})`, true, 0},
		{`    run.log({"val_loss": w * w})`, false, 1},
		{`{'epoch': 1, 'val_loss': 2}`, true, 1},
		{`{"epoch": 1, "val_loss": 2}`, true, 1}, // a report in the wrong place
	} {
		if reports, rest := r.Line([]byte(c.line), c.stderr, false); len(reports) != c.doubts || string(rest) != c.line {
			t.Errorf("%s: %d doubts, want %d, and %q is output", c.line, len(reports), c.doubts, rest)
		}
	}
}
