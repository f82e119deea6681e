package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func TestCellsInTeX(t *testing.T) {
	for cell, want := range map[string]string{
		"":                         "",
		"–":                        "--",
		"16":                       "16",
		"0.25":                     "0.25",
		"-3":                       "$-3$",
		"3.162e-2":                 `$3.162\times10^{-2}$`,
		"1e-2":                     "$10^{-2}$",
		"-1e12":                    "$-10^{12}$",
		"0.274 ± 0.204":            `$0.274 \pm 0.204$`,
		"1.5e-12 ± 1e-13":          `$1.5\times10^{-12} \pm 10^{-13}$`,
		"-43.1% [-72.5, -13.8]":    `$-43.1\,\%\ [-72.5, -13.8]$`,
		"50 %":                     `$50\,\%$`,
		"×12":                      `$\times12$`,
		"≈3":                       `$\approx3$`,
		"<0.001":                   "$<0.001$",
		"3 of 4":                   "3 of 4",
		"0.5+ decades":             "0.5+ decades",
		"#1":                       `\#1`,
		"∞":                        `$\infty$`,
		"NaN":                      "NaN",
		"baseline":                 "baseline",
		"adam lr 3e-4 λ 0.1 a_b -": `adam lr $3\times10^{-4}$ $\lambda$ 0.1 a\_b -`,
		"1cycle":                   "1cycle",
		`\input{x}$`:               `\textbackslash{}input\{x\}\$`,
	} {
		if got := texCell(cell); got != want {
			t.Errorf("%q is %s, want %s", cell, got, want)
		}
	}
	if got := texBold("0.5"); got != `\textbf{0.5}` {
		t.Error(got)
	}
	if got := texBold("0.5 ± 0.1"); got != `$\mathbf{0.5 \pm 0.1}$` {
		t.Error(got)
	}
}

func TestTeXHasTheArmsFirst(t *testing.T) {
	r := compare.Build(question, comparetest.Join(comparetest.Results("adam", 0.03162, 0, 1, 2, 3), comparetest.Results("sgd", 1, 0, 2, 3, 5), comparetest.Results("sgd", 2, 0, 4, 5, 6)), nil)
	r.Points[1].Tied = true
	r.Columns = []compare.Column{{Name: "word", Cells: []compare.Value{{Text: "1a", IsText: true}, {Text: "b", IsText: true}, {Text: "c", IsText: true}}},
		{Name: "number", Cells: []compare.Value{{Interval: stats.Interval{Value: 1}}, {Interval: stats.Interval{Value: 2}}, {Interval: stats.Interval{Value: 3}}}}}
	var b bytes.Buffer
	if err := TeX(&b, r, View{}); err != nil {
		t.Fatal(err)
	}
	arms, points, ok := strings.Cut(b.String(), "\n\n")
	if !ok || strings.Count(b.String(), `\begin{tabular}`) != 2 || !strings.Contains(arms, " & $p$ & ") || strings.Contains(points, " & $p$ & ") {
		t.Errorf("the tables are\n%s", &b)
	}
	for _, want := range []string{"\\begin{tabular}{rlrrrlr", "\n\\# & optimizer & ", "\n1 & adam & $3.162\\times10^{-2}$ & ", `$\mathbf{`, "\n$\\approx2$ & sgd & 1 & "} {
		if !strings.Contains(points, want) {
			t.Errorf("there is no %s in\n%s", want, points)
		}
	}
	if strings.Count(b.String(), "mathbf") != 2 || strings.ContainsAny(b.String(), "±≈×−") {
		t.Errorf("the tables are\n%s", &b)
	}
}
