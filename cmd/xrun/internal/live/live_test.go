package live

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
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
		{[]float64{0, 9, 9, 9, 9, 9, 9, 9, 7}, 3, "▁█▇"}, // the ends are among the points
		{[]float64{0, 5e-324}, 3, "▁▁"},                  // no picture shows so little
		{[]float64{1, math.Nextafter(1, 2)}, 3, "▁▁"},
		{[]float64{-1e308, 0, 1e308}, 3, "▁▅█"},
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

// before is the state of a sweep of these trials before it begins.
func before(sweep string, goal stop.Goal, trials ...runner.Trial) State {
	s := State{Question: compare.Question{Sweep: sweep, Metric: "val_loss", Goal: goal}}
	for _, t := range trials {
		s.Results = append(s.Results, runner.Result{Trial: t.Key(), Point: t.Point(), Optimizer: t.Optimizer.Label, LR: t.LR, Lambda: t.Lambda, Seed: t.Seed})
	}
	return s
}

// follow shows a view the epochs of a trial, and its end.
func follow(v *View, id int, trial runner.Trial, end *runner.End, values ...float64) {
	for epoch, value := range values {
		v.Observe(runner.Progress{Trial: trial, Run: runner.RunID(id), Epoch: epoch, Metrics: []string{"train_loss", "val_loss"}, Values: []float64{9, value}})
	}
	if end != nil {
		if kept, ok := (runner.Keep{Goal: v.options.Question.Goal, At: runner.AtBest}).Value(end.Status, curveOf(values)); ok {
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
	state := before("small", stop.Min, trialOf("sgd", 0.1, 0), trialOf("sgd", 0.1, 1), trialOf("sgd", 0.5, 1), trialOf("sgd", 0.9, 0), trialOf("sgd", 0.9, 1))
	for i := 3; i < 5; i++ {
		state.Results[i].RunID, state.Results[i].Status = int64(90+i), runner.StatusFinished
	}
	v := New(Options{Out: &b, State: state})
	v.Start()
	follow(v, 1, trialOf("sgd", 0.1, 0), finished(), 5, 4, 3, 2, 2.5)
	follow(v, 2, trialOf("sgd", 0.1, 1), &runner.End{Status: runner.StatusDiverged, Epochs: 2}, 5, math.NaN())
	follow(v, 3, trialOf("sgd", 0.5, 1), failed(), 5)
	v.Notice("stopping")
	v.Stop()
	clock := regexp.MustCompile(`\d\d:\d\d:\d\d `)
	took := regexp.MustCompile(` · \S+\n$`)
	got := took.ReplaceAllString(clock.ReplaceAllString(b.String(), ""), " · TIME\n")
	want := `3/5 sgd lr 0.1 λ 0 seed 0: finished after 4 epochs, val_loss 2
4/5 sgd lr 0.1 λ 0 seed 1: diverged after 2 epochs, last val_loss NaN
failed: sgd lr 0.5 λ 0 seed 1, epoch 2
    plugin x exited
    last words
5/5 sgd lr 0.5 λ 0 seed 1: failed after 2 epochs, last val_loss 5
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
	var trials []runner.Trial
	for i := range 1000 {
		trials = append(trials, trialOf("sgd", 0.1, int64(i)))
	}
	v := New(Options{Out: &b, State: before("large", stop.Min, trials...)})
	v.Start()
	for i, t := range trials {
		follow(v, i, t, finished(), 2, 1)
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
	v := New(Options{Out: &b, Silent: true, State: before("small", stop.Min, trialOf("sgd", 0.1, 0), trialOf("sgd", 0.1, 1))})
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
		v := New(Options{Out: &b, Terminal: terminal, Width: 80, State: before("many", stop.Min)})
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
	v := New(Options{Out: &b, Terminal: true, Width: width, Workers: 2, State: before("small", stop.Min)})
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

// A point with one easy seed does not lead one that is better on it, nor does one that has a seed without a value.
func TestBest(t *testing.T) {
	for goal, want := range map[stop.Goal]string{
		stop.Min: "val_loss 1 (2 of 3 seeds)  a lr 1 λ 0",
		stop.Max: "val_loss 12 (1 of 3 seeds)  c lr 1 λ 0",
	} {
		var trials []runner.Trial
		for _, name := range []string{"a", "b", "c", "d"} {
			for seed := range int64(3) {
				trials = append(trials, trialOf(name, 1, seed))
			}
		}
		v := New(Options{Out: &bytes.Buffer{}, Silent: true, State: before("small", goal, trials...)})
		follow(v, 1, trialOf("a", 1, 0), finished(), 3, 1, 1)
		follow(v, 2, trialOf("a", 1, 1), finished(), 3, 1, 1)
		follow(v, 3, trialOf("b", 1, 0), finished(), 9, 8, 8)
		follow(v, 4, trialOf("b", 1, 1), finished(), 9, 18, 18)
		follow(v, 5, trialOf("c", 1, 0), finished(), 50, 12, 12)                                             // one seed
		follow(v, 6, trialOf("d", 1, 0), &runner.End{Status: runner.StatusDiverged, Epochs: 1}, -1000, 1000) // no result
		if got := v.bests(); len(got) != 1 || got[0] != want {
			t.Errorf("%s: best is %q, want %q", goal, got, want)
		}
	}
}

// The share of the bar is never above 1, nor the count above the number of trials: not for trials that train again, that
// are interrupted, or that the sweep was not known to have.
func TestCountsNeverExceedTheTrials(t *testing.T) {
	count := regexp.MustCompile(`(\d+)/(\d+) `)
	check := func(t *testing.T, text string, lines int) {
		t.Helper()
		found := count.FindAllStringSubmatch(text, -1)
		if len(found) != lines {
			t.Errorf("%d lines have counts, want %d:\n%s", len(found), lines, text)
		}
		for _, m := range found {
			n, _ := strconv.Atoi(m[1])
			of, _ := strconv.Atoi(m[2])
			if of == 0 || n > of {
				t.Errorf("%s in\n%s", m[0], text)
			}
		}
	}
	done := func(results []runner.Result) []runner.Result {
		for i := range results {
			results[i].RunID, results[i].Status, results[i].Epochs = int64(i+1), runner.StatusFinished, 4
			results[i].Found, results[i].Keeps, results[i].Kept = true, true, runner.Kept{Epoch: 4, Value: 1}
		}
		return results
	}
	a, b := trialOf("a", 1, 0), trialOf("a", 1, 1)
	interrupted := &runner.End{Status: runner.StatusInterrupted, Epochs: 2}
	t.Run("again", func(t *testing.T) {
		var out bytes.Buffer
		state := before("again", stop.Min, a, b)
		state.Results, state.Again = done(state.Results), []runner.Key{a.Key(), b.Key()}
		v := New(Options{Out: &out, State: state})
		v.Start()
		follow(v, 3, a, finished(), 5, 4)
		follow(v, 4, b, interrupted, 5, 4)
		follow(v, 4, b, finished(), 5, 4)
		v.Stop()
		check(t, out.String(), 3)
		if text := out.String(); !strings.Contains(text, " 1/2 a") || !strings.Contains(text, " 2/2 a") || strings.Contains(text, "done before") {
			t.Errorf("the repetition is not counted from 0:\n%s", text)
		}
	})
	t.Run("not expected again", func(t *testing.T) { // as trials that were pruned and are revived
		var out bytes.Buffer
		state := before("again", stop.Min, a, b)
		state.Results = done(state.Results)
		v := New(Options{Out: &out, State: state})
		v.Start()
		follow(v, 3, a, nil, 5, 4)
		if got := v.share(); got >= 1 {
			t.Errorf("the share is %v while a trial trains", got)
		}
		follow(v, 3, a, finished())
		v.Stop()
		check(t, out.String(), 1)
	})
	t.Run("unknown", func(t *testing.T) {
		var out bytes.Buffer
		v := New(Options{Out: &out, State: before("none", stop.Min)})
		v.Start()
		follow(v, 3, a, finished(), 5, 4)
		follow(v, 4, b, finished(), 5, 4)
		v.Stop()
		check(t, out.String(), 2)
	})
	t.Run("watched", func(t *testing.T) {
		var out bytes.Buffer
		state := before("again", stop.Min, a, b)
		state.Results = done(state.Results)
		v := New(Options{Out: &out, Watching: true, State: state})
		v.Start()
		now := slices.Clone(state.Results)
		running := now[0]
		running.RunID, running.Status, running.Epochs, running.Keeps = 9, runner.StatusRunning, 1, false
		now[0].Again = &running
		v.Update(now)
		if v.board.ended != 1 || len(v.running()) != 1 {
			t.Errorf("%d of 2 trials have ended, %d train, while one trains again", v.board.ended, len(v.running()))
		}
		now = slices.Clone(state.Results)
		now[0].RunID = 9
		v.Update(now)
		v.Stop()
		check(t, out.String(), 1)
		if len(v.running()) > 0 {
			t.Error("a trial trains on after its end")
		}
	})
}

// What other processes have come to counts. It is no end of this session, and does not change this session's own trials.
func TestOtherProcessesTrainSomeOfTheSweep(t *testing.T) {
	a, b, c := trialOf("a", 1, 0), trialOf("b", 1, 0), trialOf("c", 1, 0)
	state := before("shared", stop.Min, a, b, c)
	v := New(Options{Out: &bytes.Buffer{}, Silent: true, State: state})
	follow(v, 1, a, finished(), 5, 4)
	follow(v, 2, b, nil, 5)
	now := slices.Clone(state.Results) // the ends of a and the begin of b are not stored yet
	now[2].RunID, now[2].Status, now[2].Keeps, now[2].Kept = 3, runner.StatusFinished, true, runner.Kept{Value: 3}
	v.take(now)
	if got := v.bests(); v.board.ended != 2 || len(got) != 1 || got[0] != "val_loss 3 (1 seed)  c lr 1 λ 0" {
		t.Errorf("%d trials have ended, the best is %q", v.board.ended, got)
	}
	if text := v.summary(); !strings.HasPrefix(text, "1 finished · ") {
		t.Errorf("the session has done %q", text)
	}
	if len(v.running()) != 1 {
		t.Error("its own trial does not train any more")
	}
}

// The remaining time is estimated by what this session has done, not by what was done before.
func TestRemainingTime(t *testing.T) {
	var trials []runner.Trial
	for seed := range int64(100) {
		trials = append(trials, trialOf("a", 1, seed))
	}
	state := before("long", stop.Min, trials...)
	for i := range 80 {
		state.Results[i].RunID, state.Results[i].Status = int64(i+1), runner.StatusFinished
	}
	state.Results[80].RunID, state.Results[80].Status, state.Results[80].Epochs = 81, runner.StatusInterrupted, 2
	v := New(Options{Out: &bytes.Buffer{}, Silent: true, State: state})
	if got := v.left(); got != "" {
		t.Errorf("%q is left before anything is done", got)
	}
	v.Observe(runner.Progress{Trial: trials[80], Run: 81, Epoch: 3, Metrics: []string{"val_loss"}, Values: []float64{1}})
	v.Observe(runner.Progress{Trial: trials[80], Run: 81, Epoch: 4, End: finished()}) // half a trial of this session
	follow(v, 82, trials[81], finished(), 1, 1)
	v.began = time.Now().Add(-15 * time.Second) // for 1.5 trials; 18 are left
	if got := v.left(); got != ", ~3m0s left" {
		t.Errorf("%q is left, want 3 minutes", got)
	}
}

// The curve of a trial that goes on begins with what was stored, up to where it goes on.
func TestTheCurveOfAResumedTrial(t *testing.T) {
	a := trialOf("a", 1, 0)
	for first, want := range map[int]int{1: 4, 3: 4, 4: 4} {
		state := before("one", stop.Min, a)
		state.Results[0].RunID, state.Results[0].Status, state.Results[0].Epochs = 1, runner.StatusInterrupted, 3
		state.Curves = map[runner.Key][]runner.CurvePoint{a.Key(): curveOf([]float64{9, 8, 7, 6})}
		v := New(Options{Out: &bytes.Buffer{}, Silent: true, State: state})
		for epoch := first; epoch <= 4; epoch++ {
			v.Observe(runner.Progress{Trial: a, Run: 1, Epoch: epoch, Metrics: []string{"val_loss"}, Values: []float64{9 - float64(epoch)}})
		}
		if got := v.running()[0].curve; len(got) != want || got[0] != 8 || got[want-1] != 5 {
			t.Errorf("from epoch %d: the curve is %v", first, got)
		}
	}
}

// The map has the axes that vary.
func TestMapsHaveTheAxesThatVary(t *testing.T) {
	wide := func(names ...string) (s State) {
		s.Question = compare.Question{Metric: "val_loss", Axes: map[runner.Key][]runner.Setting{}}
		s.Question.Names = runner.NewAxisNames([]string{"task.batch", "task.activation"})
		for i, name := range names {
			r := runner.Result{Trial: runner.Key(fmt.Sprint(i)), Point: runner.Key(fmt.Sprint("p", i)), Optimizer: "sgd", RunID: int64(i + 1),
				LR: 0.1, Status: runner.StatusFinished, Keeps: true, Kept: runner.Kept{Value: float64(i)}}
			var batch int64
			if _, err := fmt.Sscanf(name, "lr %g batch %d", &r.LR, &batch); err == nil {
				s.Question.Axes[r.Point] = []runner.Setting{{Path: "batch", Value: plugins.Integer(batch)}}
			} else {
				s.Question.Axes[r.Point] = []runner.Setting{{Path: "activation", Value: plugins.Text(name)}}
			}
			s.Results = append(s.Results, r)
		}
		return s
	}
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"lr 0.1 batch 8", "lr 0.2 batch 8", "lr 0.1 batch 16", "lr 0.2 batch 16"}, "sgd   lr 0.1 → 0.2\n  batch 8  ◆◆▓▓\n  batch 16 ▒▒░░   · not yet  ◆ best"},
		{[]string{"lr 0.1 batch 8", "lr 0.1 batch 16", "lr 0.1 batch 32"}, "sgd   batch 8 → 32\n  ◆◆▓▓▒▒   · not yet  ◆ best"},
		{[]string{"relu", "tanh"}, "sgd   activation relu, tanh\n  ◆◆▒▒   · not yet  ◆ best"},
		{[]string{"relu"}, ""},
	} {
		v := New(Options{Out: &bytes.Buffer{}, Silent: true, State: wide(c.names...)})
		if got := strings.Join(v.board.problems[0].heatmap(80), "\n"); got != c.want {
			t.Errorf("%q: the map is\n%s\nwant\n%s", c.names, got, c.want)
		}
	}
}

// What trains on a large sweep costs little: the work is done at ends, not at each redraw.
func BenchmarkRedraw(b *testing.B) {
	s := State{Question: compare.Question{Sweep: "large", Metric: "val_loss"}}
	for i := range 30_000 {
		point := i / 3
		s.Results = append(s.Results, runner.Result{Trial: runner.Key(fmt.Sprint(i)), Point: runner.Key(fmt.Sprint("p", point)), Optimizer: "sgd", RunID: int64(i + 1), Seed: int64(i % 3),
			LR: float64(point%50 + 1), Lambda: float64(point / 50 % 10), Status: runner.StatusFinished, Keeps: true, Kept: runner.Kept{Value: float64(i)}})
	}
	v := New(Options{Out: io.Discard, Terminal: true, Width: 120, State: s})
	e := v.board.order[29_999]
	for name, change := range map[string]bool{"unchanged": false, "changed": true} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				if change {
					v.board.end(e, 1, runner.End{Status: runner.StatusFinished, Kept: &runner.Kept{Value: 7}})
				}
				v.redraw()
			}
		})
	}
}

// The trials of a later stage, and the stage itself, are shown while a sweep is watched.
func TestAWatchSeesTheNextStage(t *testing.T) {
	first := before("staged", stop.Min, trialOf("a", 1, 0), trialOf("b", 1, 0))
	for i := range first.Results {
		first.Results[i].RunID, first.Results[i].Status = int64(i+1), runner.StatusFinished
	}
	first.Stage = "stage 1 of at most 3: 1 seed for 2 points"
	var out bytes.Buffer
	v := New(Options{Out: &out, Watching: true, Width: 80, State: first})
	if got := v.Shown()[0]; got != "2/2 1.0000" || v.lines()[1] != first.Stage {
		t.Errorf("the first stage is shown as %q and %q", got, v.lines()[1])
	}
	next := append(slices.Clone(first.Results), before("staged", stop.Min, trialOf("a", 1, 1)).Results...)
	for range 2 {
		v.Stage("stage 2 of at most 3: 2 seeds for 1 point")
		v.Update(next)
	}
	if got := v.Shown()[0]; got != "2/3 0.6667" || v.lines()[1] != "stage 2 of at most 3: 2 seeds for 1 point" {
		t.Errorf("the second stage is shown as %q and %q", got, v.lines()[1])
	}
	if got := out.String(); got != "staged: stage 2 of at most 3: 2 seeds for 1 point\n" {
		t.Errorf("it printed %q", got)
	}
}
