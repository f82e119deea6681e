package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

var question = compare.Question{Sweep: "small", Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}

var nan = math.NaN()

// small is a report with everything in it.
func small() *compare.Report {
	return compare.Build(question, comparetest.Join(
		comparetest.Results("sgd", 0.01, 0, 0.9, 0.95), comparetest.Results("sgd", 0.1, 0, 0.5, 0.52), comparetest.Results("sgd", 0.01, 1, 0.91, 0.94),
		comparetest.Ended(runner.StatusDiverged, comparetest.Results("sgd", 0.1, 1, 0.7, 0.7)),
		comparetest.Results("=adam", 0.01, 0, 0.4, 0.5), comparetest.Results("=adam", 0.1, 0, 0.2, 0.26), comparetest.Results("=adam", 0.01, 1, nan, nan),
		comparetest.Ended(runner.StatusFailed, comparetest.Results("=adam", 0.1, 1, 0.21, 0.3))), nil)
}

// bowl is a grid of two optimizers whose loss is a parabola in log lr and log λ, with curves of the chosen points.
func bowl(lrs, lambdas, seeds int) *compare.Report {
	var all []runner.Result
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
				list := comparetest.Results(optimizer, lr, lambda, values...)
				for k := range list {
					id++
					list[k].RunID = id
				}
				if i == lrs-1 && o == 0 {
					comparetest.Ended(runner.StatusDiverged, list)
				}
				all = append(all, list...)
			}
		}
	}
	r := compare.Build(question, all, nil)
	r.Curves = map[int64][]runner.CurvePoint{}
	for _, s := range r.Points {
		for _, seed := range s.Seeds {
			for epoch := range 21 {
				r.Curves[seed.Run] = append(r.Curves[seed.Run], runner.CurvePoint{Epoch: epoch, Value: seed.Value + 2*math.Exp(-float64(epoch)*math.Sqrt(s.LR))})
			}
		}
	}
	return r
}

func TestTablesFitByLeavingOutWhatMattersLeast(t *testing.T) {
	r := small()
	for _, width := range []int{0, 200, 100, 80, 70, 50} {
		var b bytes.Buffer
		left := writeColumns(&b, printer{r}.columns(r.Listed(0), false), View{Width: width})
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); width >= 70 && n > width {
				t.Errorf("width %d: a line has %d characters:\n%s", width, n, &b)
				break
			}
		}
		if !strings.Contains(b.String(), "0.230 ± 0.381") || !strings.Contains(b.String(), "optimizer") {
			t.Errorf("width %d: numbers or names are gone:\n%s", width, &b)
		}
		if width == 0 && left != nil || width == 50 && len(left) == 0 {
			t.Errorf("width %d: left out are %v", width, left)
		}
	}
}

func TestASCII(t *testing.T) {
	r := small()
	r.Checks = []compare.CheckResult{{Name: "c", Where: "p < 0.05", Facts: "p is missing"}}
	var b bytes.Buffer
	Text(&b, r, View{ASCII: true, Explain: true})
	for i, c := range b.String() {
		if c > 126 {
			t.Fatalf("%q at %d is not ASCII:\n%s", c, i, b.String()[max(0, i-200):i])
		}
	}
}

func TestMarkdownAndTeX(t *testing.T) {
	r := compare.Build(question, comparetest.Join(comparetest.Results("a|b_<i>", 1, 0, 1, 2), comparetest.Results("c&d%$#", 1, 0, 3, 4)), nil)
	var md, tex bytes.Buffer
	if err := Markdown(&md, r, View{Top: 0}); err != nil {
		t.Fatal(err)
	}
	if err := TeX(&tex, r, View{Top: 0}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(md.String(), `a\|b\_&lt;i>`) || strings.Contains(md.String(), "<i>") {
		t.Errorf("the Markdown is\n%s", &md)
	}
	if !strings.Contains(tex.String(), `c\&d\%\$\#`) || !strings.Contains(tex.String(), `\toprule`) || strings.Contains(tex.String(), "±") {
		t.Errorf("the TeX is\n%s", &tex)
	}
}

func TestInfinitiesAreNoReasonToFail(t *testing.T) {
	inf := math.Inf(1)
	for name, values := range map[string][]float64{"one": {1, inf, 2}, "all": {inf, inf, inf}} {
		for _, goal := range []stop.Goal{stop.Min, stop.Max} {
			q := question
			q.Goal = goal
			all := comparetest.Join(comparetest.Results("adam", 1, 0, values...), comparetest.Results("adam", 2, 0, values...), comparetest.Results("sgd", 1, 0, 1, 2, 3), comparetest.Results("sgd", 2, 0, values...))
			for i := range all {
				all[i].Summary.Max = all[i].Summary.Min
			}
			r := compare.Build(q, all, nil)
			var b bytes.Buffer
			Text(&b, r, View{Explain: true})
			if err := JSON(&b, r, false); err != nil {
				t.Errorf("%s, %s: %v", name, goal, err)
			}
		}
	}
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
				Maps(&b, bowl(9, 5, 3), v)
				b.WriteByte('\n')
				Maps(&b, bowl(40, 25, 1), v)
				b.WriteByte('\n')
				Curves(&b, bowl(9, 5, 3), v)
				b.WriteByte('\n')
				Sensitivity(&b, bowl(9, 5, 3), v)
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
	Maps(&b, r, View{Top: 5, Width: 80})
	if !strings.Contains(b.String(), " more columns, 76 more rows: --all") || !strings.Contains(b.String(), "◆") {
		t.Errorf("of 100 × 100 points in 80 columns is shown\n%s", &b)
	}
	b.Reset()
	Maps(&b, r, View{Width: 120})
	if strings.Contains(b.String(), "more") || strings.Count(b.String(), "\n") < 200 {
		t.Errorf("of 100 × 100 points in 120 columns not all are shown\n%s", &b)
	}
}

func TestColorIsNeverTheOnlySign(t *testing.T) {
	var plain, colored bytes.Buffer
	r := bowl(9, 5, 3)
	Maps(&plain, r, View{Top: 5, Width: 120})
	Maps(&colored, r, View{Top: 5, Width: 120, Color: true})
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

func TestReplayAsTextAndJSON(t *testing.T) {
	p := replayed(t, question, "patience:2", "gl:900")
	var text, machine bytes.Buffer
	ReplayText(&text, p)
	for _, want := range []string{
		"small · 4 trials replayed, nothing trained · monitor val_loss · val_loss ↓ at its best epoch\n",
		"patience:2      2  12 of 15  20.0 %",
		"all epochs: late lr 1 λ 0, val_loss 1\n",
		"patience:2: another point wins: early lr 1 λ 0, val_loss 2\n",
		"gl:900: the same point wins, with val_loss 1\n",
		"2 trials without a result or without these curves left out.\n",
		"The curve of run 3 ends at epoch 2 by the sweep's own rule: what more epochs",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("there is no %q in\n%s", want, text.String())
		}
	}
	if err := ReplayJSON(&machine, p); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Format int `json:"xrun_replay"`
		Rules  []struct {
			Rule   string
			Epochs int
			Winner struct{ Optimizer string }
			Same   bool `json:"same_winner"`
		}
	}
	if err := json.Unmarshal(machine.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	if r := out.Rules[0]; out.Format != 1 || len(out.Rules) != 2 || r.Rule != "patience:2" || r.Epochs != 12 || r.Winner.Optimizer != "early" || r.Same {
		t.Errorf("got %+v", out)
	}
}

func TestOneSeedHasNoInterval(t *testing.T) {
	r := compare.Build(question, comparetest.Join(comparetest.Results("a", 1, 0, 0.5), comparetest.Results("b", 1, 0, 0.25)), nil)
	var b bytes.Buffer
	Text(&b, r, View{})
	if text := b.String(); strings.Contains(text, "0 ±") || strings.Contains(text, "0.25 ±") || strings.Contains(text, "≈") || strings.Contains(text, "NaN") {
		t.Errorf("one seed is shown with an interval:\n%s", text)
	}
	if !strings.Contains(b.String(), "one seed: no uncertainty can be given") {
		t.Errorf("nothing says that one seed is not enough:\n%s", &b)
	}
}

func TestGoldenText(t *testing.T) {
	var b bytes.Buffer
	Text(&b, small(), View{Top: 5})
	tests.Golden(t, filepath.Join("testdata", "small.txt"), b.String())
}

func TestJSONHoldsWhatJSONCannot(t *testing.T) {
	r := compare.Build(question, comparetest.Join(comparetest.Results("a", 1, 0, 1, math.Inf(1)), comparetest.Results("b", 1, 1, nan, nan)), nil)
	var b bytes.Buffer
	if err := JSON(&b, r, false); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Format int `json:"xrun_compare"`
		Points []struct {
			Rank   int
			Result struct {
				Mean any
				Half any `json:"ci95_half_width"`
				N    int
			}
			Seeds []struct {
				Seed   int
				Status string
				Value  any
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &b)
	}
	if out.Format != 2 || len(out.Points) != 2 || len(out.Points[0].Seeds) != 2 || len(out.Points[1].Seeds) != 2 {
		t.Fatalf("the JSON is %s", &b)
	}
	if got := out.Points[0].Seeds; got[0].Value != 1.0 || got[1].Value != "+Inf" || got[0].Status != "finished" {
		t.Errorf("the seeds are %+v", got)
	}
	last := out.Points[1]
	if last.Rank != 2 || last.Result.Mean != nil || last.Result.Half != nil || last.Result.N != 0 || last.Seeds[0].Value != nil || last.Seeds[0].Status != "" {
		t.Errorf("a point without results is %+v", last)
	}
}

// The verdict as data: of several arms, of rates, and of sweeps that have none.
func TestGoldenDecisions(t *testing.T) {
	rates, none := question, question
	rates.Metric, rates.Keep.Metric, rates.Goal = "val_accuracy", "val_accuracy", stop.Max
	none.Equal = stats.Margin{Unit: stats.MarginNone}
	grid := func(arms map[string]float64, rest float64) (all []runner.Result) {
		for _, name := range []string{"sgd", "adam", "lion"} {
			for i := range 4 {
				worse := rest * float64(i)
				v := arms[name] + worse
				all = append(all, comparetest.Results(name, float64(i+1), 0, v+0.001*float64(i), v+0.002, v-0.001, v+0.003-0.002*arms[name])...)
			}
		}
		return all
	}
	type decided struct {
		Verdict  string          `json:"verdict"`
		Decision json.RawMessage `json:"decision"`
		Arms     []struct {
			Name     string          `json:"name"`
			Outcome  string          `json:"outcome,omitempty"`
			Decision json.RawMessage `json:"decision,omitempty"`
			Test     struct {
				Name    string          `json:"name"`
				Scale   string          `json:"scale"`
				DF      json.RawMessage `json:"df,omitempty"`
				PriorDF json.RawMessage `json:"prior_df,omitempty"`
			} `json:"test"`
		} `json:"arms"`
	}
	all := map[string]decided{}
	for name, r := range map[string]*compare.Report{
		"arms":      compare.Build(question, grid(map[string]float64{"sgd": 0.5, "adam": 0.4, "lion": 0.5004}, 0.3), nil),
		"rates":     compare.Build(rates, grid(map[string]float64{"sgd": 0.9, "adam": 0.8995, "lion": 0.85}, -0.2), nil),
		"no margin": compare.Build(none, grid(map[string]float64{"sgd": 0.5, "adam": 0.4995, "lion": 0.6}, 0.3), nil),
		"few":       compare.Build(question, comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3), comparetest.Results("adam", 1, 0, 1.1, 1.8, 3.3)), nil),
		"one seed":  compare.Build(question, comparetest.Join(comparetest.Results("sgd", 1, 0, 1), comparetest.Results("adam", 1, 0, 1.1)), nil),
		"one arm":   compare.Build(question, comparetest.Results("sgd", 1, 0, 1, 2), nil),
	} {
		var b bytes.Buffer
		if err := JSON(&b, r, false); err != nil {
			t.Fatal(err)
		}
		var d decided
		if err := json.Unmarshal(b.Bytes(), &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = d
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	// Logarithms and powers differ in their last digits between machines.
	rounded := regexp.MustCompile(`-?\d+\.\d{4,}(e-?\d+)?`).ReplaceAllStringFunc(string(text), func(number string) string {
		x, err := strconv.ParseFloat(number, 64)
		if err != nil {
			t.Fatal(err)
		}
		return strconv.FormatFloat(x, 'g', 6, 64)
	})
	tests.Golden(t, filepath.Join("testdata", "decisions.json"), rounded+"\n")
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := CSV(&b, small(), false); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 9 {
		t.Fatalf("%d rows, want a heading and 8", len(rows))
	}
	if got := strings.Join(rows[1][:6], " "); got != "1 '=adam  0.1 0 val_loss" {
		t.Errorf("the first row begins %q", got)
	}
	if got := strings.Join(rows[1][8:14], " "); got != "  2 10 false true" {
		t.Errorf("the first row ends %q", got)
	}
	if got := strings.Join(rows[8], ","); got != "8,'=adam,l2,0.01,1,val_loss,,,,,0,,false,false,,,,,,,false,0" {
		t.Errorf("the row of a point without results is %q", got)
	}
}

func TestNothingYet(t *testing.T) {
	for name, r := range map[string]*compare.Report{
		"no trials":  compare.Build(question, nil, nil),
		"no results": compare.Build(question, comparetest.Results("a", 1, 0, nan, nan), nil),
	} {
		var b bytes.Buffer
		Text(&b, r, View{})
		if !strings.HasPrefix(b.String(), "No trial of small has a val_loss yet.\n") {
			t.Errorf("%s:\n%s", name, &b)
		}
		if err := JSON(&b, r, false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATargetIsShown(t *testing.T) {
	q := question
	q.HasTarget, q.Target = true, 0.5
	r := compare.Build(q, comparetest.Join(comparetest.Results("adam", 1, 0, 0.1, 0.2), comparetest.Results("sgd", 2, 0, 0.4, 0.9)), nil)
	r.Curves = map[int64][]runner.CurvePoint{}
	for _, p := range r.Points {
		for _, seed := range p.Seeds {
			r.Curves[seed.Run] = []runner.CurvePoint{{Epoch: 0, Value: 0.3}, {Epoch: 1, Value: 0.8}, {Epoch: 2, Value: seed.Value}}
		}
	}
	var b bytes.Buffer
	Text(&b, r, View{})
	if !strings.Contains(b.String(), "reached 0.5") || !strings.Contains(b.String(), "1 of 2") {
		t.Errorf("the target is not shown:\n%s", &b)
	}
}

// curves are the curves of trials, as a replay reads them.
func curves(c comparetest.Curves) compare.Curves {
	return compare.Curves{Loss: c.Loss, Monitor: c.Metric, Metric: c.Metric, Kept: c.Metric}
}

// parsed are rules of early stopping that watch val_loss.
func parsed(t *testing.T, texts ...string) []stop.Rule {
	t.Helper()
	var rules []stop.Rule
	for _, text := range texts {
		r, err := stop.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		r.Monitor = "val_loss"
		rules = append(rules, r)
	}
	return rules
}

func replayed(t *testing.T, q compare.Question, rules ...string) *compare.Replay {
	t.Helper()
	c := comparetest.NewCurves()
	results := c.Endings()
	return compare.BuildReplay(q, "val_loss", parsed(t, rules...), results, curves(c))
}

// astray is a grid of equally noisy points of which one has a seed far from its others.
func astray() *compare.Report {
	random := rand.New(rand.NewPCG(8, 9))
	var all []runner.Result
	for i, lr := range []float64{1e-3, 1e-2, 0.1, 1} {
		for j, lambda := range []float64{0, 0.1, 1, 10} {
			values := make([]float64, 7)
			for k := range values {
				values[k] = 0.1 * math.Exp(float64(i+j)/60+0.05*random.NormFloat64())
			}
			if i == 2 && j == 1 {
				values[3] *= 5
			}
			all = append(all, comparetest.Results("sgd", lr, lambda, values...)...)
		}
	}
	return compare.Build(question, all, nil)
}

// An unstable point is marked in every form, by a sign that is explained, and by how many seeds went astray.
func TestUnstablePointsAreMarked(t *testing.T) {
	r := astray()
	at := 0
	for i := range r.Points {
		if r.Points[i].Unstable {
			at = i
		}
	}
	if at == 0 {
		t.Fatal("no point is unstable")
	}
	forms := map[string]func(*bytes.Buffer){
		"text":  func(b *bytes.Buffer) { Text(b, r, View{}) },
		"ascii": func(b *bytes.Buffer) { Text(b, r, View{ASCII: true, Width: 120}) },
		"wide":  func(b *bytes.Buffer) { Maps(b, r, View{Width: 26}) },
		"thin":  func(b *bytes.Buffer) { Maps(b, r, View{Width: 16}) },
		"md":    func(b *bytes.Buffer) { Markdown(b, r, View{}) },
		"tex":   func(b *bytes.Buffer) { TeX(b, r, View{}) },
		"json":  func(b *bytes.Buffer) { JSON(b, r, false) },
		"csv":   func(b *bytes.Buffer) { CSV(b, r, false) },
	}
	rank := fmt.Sprint(at + 1)
	want := map[string][]string{
		"text":  {"≈*  " + rank + "  ", "1 of 7 astray", "\n* unstable: its seeds differ far more", "  * unstable\n", "*", "note: 1 point is unstable: #" + rank + " sgd lr 0.1 l2 λ 0.1 (1 of 7 seeds went astray)"},
		"ascii": {"1 of 7 astray", "\n* unstable: its seeds"},
		"wide":  {"* unstable"},
		"thin":  {"* unstable"},
		"md":    {`| ≈\* | ` + rank + " |", `\* unstable: its seeds`, "1 of 7 seeds went astray"},
		"tex":   {"{}^{*}" + rank, "% * unstable: its seeds"},
		"json":  {`"unstable": true`, `"astray": 1`},
		"csv":   {",true,1\n"},
	}
	for form, write := range forms {
		var b bytes.Buffer
		write(&b)
		for _, words := range want[form] {
			if !strings.Contains(b.String(), words) {
				t.Errorf("%s lacks %q:\n%s", form, words, &b)
			}
		}
	}
	if text := UnstableLine(r, at+1); !strings.HasPrefix(text, "* unstable") || UnstableLine(r, at) != "" {
		t.Errorf("the sign is explained by %q, and above it by %q", text, UnstableLine(r, at))
	}
}

// The reasons for the set of the best stand in a table below the methods, with a picture of the noise that fits the width.
func TestExplainGivesReasons(t *testing.T) {
	r := astray()
	for _, v := range []View{{Explain: true}, {Explain: true, Width: 60}, {Explain: true, Width: 80, ASCII: true}} {
		var b bytes.Buffer
		Text(&b, r, v)
		_, text, _ := strings.Cut(b.String(), "How these numbers are computed")
		for _, words := range []string{"What cannot be told from the best\n", "standard errors (SE)", "best with", "behind by", "expected by the others", "Noise against the mean\n", "* unstable"} {
			if !strings.Contains(text, words) && !strings.Contains(strings.ReplaceAll(text, "\n", " "), words) /* wrapped somewhere */ {
				t.Errorf("%+v: no %q in\n%s", v, words, text)
			}
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); v.Width > 0 && n > v.Width || v.ASCII && strings.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
				t.Errorf("%+v: the line %q has %d characters", v, line, n)
			}
		}
		c, ok := r.Contention()
		if !ok || len(c.Members) == 0 {
			t.Fatal("nothing is tied")
		}
		for _, m := range c.Members {
			if name := r.Name(r.Points[m.Point]); !v.ASCII && v.Width == 0 && !strings.Contains(text, name) {
				t.Errorf("%s is tied, and has no row", name)
			}
		}
	}
}
