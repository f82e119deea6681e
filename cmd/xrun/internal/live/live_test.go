package live

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
)

func TestSpark(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		curve []float64
		width int
		want  string
	}{
		{nil, 5, ""},
		{[]float64{3}, 5, "▁"},
		{[]float64{3, 3, 3}, 5, "▁▁▁"},
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, 8, "▁▂▃▄▅▆▇█"},
		{[]float64{7, 0}, 8, "█▁"},
		{[]float64{0, nan, 7, inf, -inf}, 8, "▁×█××"},
		{[]float64{nan, nan}, 8, "××"},
		{[]float64{0, 9, 9, 9, 9, 9, 9, 9, 7}, 3, "▁█▆"}, // the ends are among the points
		{[]float64{0, 5e-324}, 3, "▁█"},
		{[]float64{-1e308, 0, 1e308}, 3, "▁▄█"},
	} {
		if got := Spark(c.curve, c.width); got != c.want {
			t.Errorf("Spark(%v, %d) = %q, want %q", c.curve, c.width, got, c.want)
		}
	}
	long := make([]float64, 1000)
	for width := 2; width < 30; width++ {
		if got := utf8.RuneCountInString(Spark(long, width)); got != width {
			t.Errorf("1000 points in %d columns take %d", width, got)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"λλλ", 3, "λλλ"}, {"λλλλ", 2, "λ…"}, {"abc", 1, "…"}, {"abc", 0, "abc"}, {"", 3, ""}} {
		if got := clip(c.line, c.width); got != c.want {
			t.Errorf("clip(%q, %d) = %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

func trialOf(optimizer string, lr float64, seed int64) runner.Trial {
	return runner.Trial{Task: runner.Task{Epochs: 4}, Optimizer: runner.Choice{Label: optimizer, Component: optimizer}, LR: lr, Seed: seed}
}

// follow shows a view the epochs of a trial, and its end.
func follow(v *View, id int, trial runner.Trial, end *runner.End, values ...float64) {
	for epoch, value := range values {
		v.Observe(runner.Progress{Trial: trial, Run: runner.RunID(id), Epoch: epoch, Metrics: []string{"train_loss", "val_loss"}, Values: []float64{9, value}})
	}
	if end != nil {
		if kept, ok := (runner.Keep{Goal: v.options.Goal, At: runner.AtBest}).Value(end.Status, curveOf(values)); ok {
			end.Kept = &kept
		}
		v.Observe(runner.Progress{Trial: trial, Run: runner.RunID(id), Epoch: end.Epochs, End: end})
	}
}

// curveOf is a curve from epoch 0 on.
func curveOf(values []float64) (curve []runner.CurvePoint) {
	for epoch, v := range values {
		curve = append(curve, runner.CurvePoint{Epoch: epoch, Value: v})
	}
	return curve
}

func finished() *runner.End { return &runner.End{Status: runner.StatusFinished, Epochs: 4} }

func failed() *runner.End {
	return &runner.End{Status: runner.StatusFailed, Epochs: 2, Reason: "plugin x exited", Error: "plugin x exited\nlast words"}
}

func TestPlainLines(t *testing.T) {
	var b bytes.Buffer
	v := New(Options{Out: &b, Sweep: "small", Metric: "val_loss", Goal: stop.Min, Trials: 3, Before: 2})
	v.Start()
	follow(v, 1, trialOf("sgd", 0.1, 0), finished(), 5, 4, 3, 2, 2.5)
	follow(v, 2, trialOf("sgd", 0.1, 1), &runner.End{Status: runner.StatusDiverged, Epochs: 2}, 5, math.NaN())
	follow(v, 3, trialOf("sgd", 0.5, 1), failed(), 5)
	v.Notice("stopping")
	v.Stop()
	clock := regexp.MustCompile(`\d\d:\d\d:\d\d `)
	took := regexp.MustCompile(` · \S+\n$`)
	got := took.ReplaceAllString(clock.ReplaceAllString(b.String(), ""), " · TIME\n")
	want := `1/3 sgd lr 0.1 λ 0 seed 0: finished after 4 epochs, val_loss 2
2/3 sgd lr 0.1 λ 0 seed 1: diverged after 2 epochs, last val_loss NaN
failed: sgd lr 0.5 λ 0 seed 1, epoch 2
    plugin x exited
    last words
3/3 sgd lr 0.5 λ 0 seed 1: failed after 2 epochs, last val_loss 5
stopping
small: 1 finished · 1 diverged · 1 failed · 2 done before · TIME
`
	if got != want {
		t.Errorf("the lines are\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("there are escape sequences without a terminal")
	}
}

// A large sweep has about twenty lines, not one for each trial.
func TestPlainLinesOfALargeSweep(t *testing.T) {
	var b bytes.Buffer
	v := New(Options{Out: &b, Metric: "val_loss", Goal: stop.Min, Trials: 1000})
	v.Start()
	for i := range 1000 {
		follow(v, i, trialOf("sgd", 0.1, int64(i)), finished(), 2, 1)
	}
	v.Stop()
	if n := strings.Count(b.String(), "\n"); n < 20 || n > 25 {
		t.Errorf("%d lines for 1000 trials:\n%s", n, &b)
	}
	if !strings.Contains(b.String(), " 1000/1000 100% · best val_loss 1 (1000 seeds)  sgd lr 0.1 λ 0\n") {
		t.Errorf("the last line does not name the best:\n%s", &b)
	}
}

func TestSilence(t *testing.T) {
	var b bytes.Buffer
	v := New(Options{Out: &b, Sweep: "small", Metric: "val_loss", Goal: stop.Min, Trials: 1, Silent: true})
	v.Start()
	follow(v, 1, trialOf("sgd", 0.1, 0), finished(), 5, 4)
	if b.Len() > 0 {
		t.Errorf("a silent view says %q", &b)
	}
	follow(v, 2, trialOf("sgd", 0.1, 1), failed(), 5)
	if !strings.Contains(b.String(), "failed: ") {
		t.Error("a silent view hides a failure")
	}
}

func TestAFailureIsShownOnce(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		var b bytes.Buffer
		v := New(Options{Out: &b, Terminal: terminal, Width: 80, Metric: "val_loss", Goal: stop.Min, Trials: 100})
		for i := range 20 {
			follow(v, i, trialOf("sgd", 0.1, int64(i)), failed(), 5)
		}
		other := failed()
		other.Reason, other.Error = "another", "another\n"+strings.Repeat("line\n", 100)
		follow(v, 20, trialOf("sgd", 0.1, 20), other, 5)
		if n := strings.Count(b.String(), "last words"); n != 1 {
			t.Errorf("terminal %v: the same failure is shown %d times", terminal, n)
		}
		if n := strings.Count(b.String(), "another"); n != 1 {
			t.Errorf("terminal %v: another failure is shown %d times", terminal, n)
		}
		if n := strings.Count(b.String(), "    line"); n > 12 {
			t.Errorf("terminal %v: a long error takes %d lines", terminal, n)
		}
	}
}

// screen is what a terminal shows of what was written: it knows the codes of the view, to the first
// column, cursor up and erase below, and fails on anything else.
func screen(t *testing.T, written string) []string {
	t.Helper()
	code := regexp.MustCompile("^\r\x1b\\[(\\d+)A\x1b\\[J")
	var lines []string
	for len(written) > 0 {
		if up := code.FindStringSubmatch(written); up != nil {
			n, err := strconv.Atoi(up[1])
			if err != nil || n > len(lines) {
				t.Fatalf("the cursor goes up %s lines of %d", up[1], len(lines))
			}
			lines, written = lines[:len(lines)-n], written[len(up[0]):]
			continue
		}
		line, rest, ended := strings.Cut(written, "\n")
		if !ended || strings.Contains(line, "\x1b") {
			t.Fatalf("unexpected on a terminal: %q", line)
		}
		lines, written = append(lines, line), rest
	}
	return lines
}

func TestDrawingErasesWhatItDrew(t *testing.T) {
	const width = 60
	var b bytes.Buffer
	v := New(Options{Out: &b, Terminal: true, Width: width, Sweep: "small", Metric: "val_loss", Goal: stop.Min, Trials: 40, Workers: 2})
	v.cancel = func() {} // drawn by hand: no ticking
	v.redraw()
	drawn := func() {
		t.Helper()
		v.redraw()
		shown := screen(t, b.String())
		if len(shown) != v.drawn+failures(shown) {
			t.Errorf("%d lines are on the screen, the view knows of %d:\n%s", len(shown), v.drawn, strings.Join(shown, "\n"))
		}
		for _, line := range shown {
			if n := utf8.RuneCountInString(line); n >= width && !strings.HasPrefix(line, "failed") {
				t.Errorf("a line of %d columns wraps on a screen of %d: %q", n, width, line)
			}
		}
	}
	id := 0
	for seed := range int64(2) {
		for _, lr := range []float64{0.001, 0.01, 0.1, 1} {
			id++
			follow(v, id, trialOf("an optimizer with a long name, so that its line is cut", lr, seed), nil, 5, 4, 3)
			drawn()
		}
	}
	for i := range id {
		end := finished()
		if i == 3 {
			end = failed()
		}
		follow(v, i+1, trialOf("an optimizer with a long name, so that its line is cut", []float64{0.001, 0.01, 0.1, 1}[i%4], int64(i/4)), end)
		drawn()
	}
	v.Notice("stopping")
	drawn()
	v.Stop()
	shown := screen(t, b.String())
	if len(shown) != 4 || !strings.HasPrefix(shown[3], "small: 7 finished · 1 failed · ") {
		t.Errorf("what is left on the screen is\n%s", strings.Join(shown, "\n"))
	}
}

// failures counts the lines about failures, which stay on the screen.
func failures(shown []string) int {
	for i, line := range shown {
		if strings.HasPrefix(line, "failed: ") {
			return i + 3
		}
	}
	return 0
}

func TestBest(t *testing.T) {
	for goal, want := range map[stop.Goal]string{stop.Min: "a", stop.Max: "b"} {
		v := New(Options{Out: &bytes.Buffer{}, Silent: true, Metric: "val_loss", Goal: goal, Trials: 9})
		follow(v, 1, trialOf("a", 1, 0), finished(), 3, 1, 2)
		follow(v, 2, trialOf("a", 1, 1), finished(), 3, 1, 2)
		follow(v, 3, trialOf("b", 1, 0), finished(), 9, 8, 9)
		follow(v, 4, trialOf("b", 1, 1), finished(), 9, 8, 9)
		follow(v, 5, trialOf("c", 1, 0), finished(), -100, 100)                                              // fewer seeds
		follow(v, 6, trialOf("d", 1, 0), &runner.End{Status: runner.StatusDiverged, Epochs: 1}, -1000, 1000) // no result
		best, interval := v.best()
		if best == nil || best.optimizer != want || interval.N != 2 {
			t.Errorf("%s: best is %v of %d seeds, want %s of 2", goal, fmt.Sprint(best), interval.N, want)
		}
	}
}
