package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/internal/tests"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// results are the seeds 0, 1, … of one setting; a NaN is a seed without a result.
func results(optimizer string, lr, lambda float64, values ...float64) []store.Result {
	var all []store.Result
	for seed, v := range values {
		r := store.Result{Point: runner.Key(fmt.Sprint(optimizer, lr, lambda)), Optimizer: optimizer, LR: lr, Lambda: lambda, Seed: int64(seed)}
		if lambda > 0 {
			r.Regularizer = "l2"
		}
		if !math.IsNaN(v) {
			r.RunID, r.Status, r.Found, r.Epochs = int64(100*lr)+int64(seed)+1, runner.StatusFinished, true, 10
			r.Summary = store.Summary{First: 9, Last: v + 1, Min: v, MinStep: 7, Max: v + 2, MaxStep: 3, Count: 11}
		}
		all = append(all, r)
	}
	return all
}

func ended(status runner.Status, all []store.Result) []store.Result {
	all[len(all)-1].Status = status
	return all
}

var question = Question{Sweep: "small", Metric: "val_loss", Goal: stop.Min, At: "best"}

func ranking(r *Report) string {
	var names []string
	for _, s := range r.Settings {
		names = append(names, s.Optimizer)
	}
	return strings.Join(names, " ")
}

func join(lists ...[]store.Result) []store.Result {
	var all []store.Result
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

var nan = math.NaN()

func TestRanking(t *testing.T) {
	best := func(change func(*Question)) Question {
		q := question
		change(&q)
		return q
	}
	for name, c := range map[string]struct {
		question Question
		results  []store.Result
		want     string
	}{
		"by the mean": {question, join(results("c", 1, 0, 3, 5), results("a", 1, 0, 1, 1), results("b", 1, 0, 0, 4)), "a b c"},
		"by the mean, max": {best(func(q *Question) { q.Goal = stop.Max }),
			join(results("c", 1, 0, 3, 5), results("a", 1, 0, 1, 1), results("b", 1, 0, 0, 4)), "c b a"},
		"equal means keep their order":        {question, join(results("b", 1, 0, 2, 4), results("a", 1, 0, 3, 3), results("c", 1, 0, 1, 5)), "b a c"},
		"a missing seed goes behind":          {question, join(results("b", 1, 0, 1, nan), results("a", 1, 0, 5, 5)), "a b"},
		"a diverged seed goes behind":         {question, join(ended(runner.StatusDiverged, results("b", 1, 0, 1, 1)), results("a", 1, 0, 5, 5)), "a b"},
		"a failed seed goes behind":           {question, join(ended(runner.StatusFailed, results("b", 1, 0, 1, 1)), results("a", 1, 0, 5, 5)), "a b"},
		"a running seed goes behind":          {question, join(ended(runner.StatusRunning, results("b", 1, 0, 1, 1)), results("a", 1, 0, 5, 5)), "a b"},
		"an early stop is complete":           {question, join(ended(runner.StatusStopped, results("b", 1, 0, 1, 1)), results("a", 1, 0, 5, 5)), "b a"},
		"the incomplete among themselves":     {question, join(results("c", 1, 0, nan, nan), results("b", 1, 0, 4, nan), results("a", 1, 0, 3, nan)), "a b c"},
		"at an epoch that some did not reach": {best(func(q *Question) { q.At, q.ValueAt = "epoch:3", map[int64]float64{101: 9, 102: 9, 201: 1} }), join(results("b", 2, 0, 1, 1), results("a", 1, 0, 5, 5)), "a b"},
	} {
		if got := ranking(Build(c.question, c.results, nil)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWhichValueIsTaken(t *testing.T) {
	for _, c := range []struct {
		at    string
		goal  stop.Goal
		value float64
		epoch int
	}{{"best", stop.Min, 4, 7}, {"best", stop.Max, 6, 3}, {"last", stop.Min, 5, 10}, {"epoch:3", stop.Min, 8, 0}} {
		q := Question{Metric: "val_loss", Goal: c.goal, At: c.at, ValueAt: map[int64]float64{101: 8}}
		got := Build(q, results("a", 1, 0, 4), nil).Settings[0].Seeds[0]
		if got.Value != c.value || got.Epoch != c.epoch {
			t.Errorf("%s %s: %v at epoch %d, want %v at %d", c.goal, c.at, got.Value, got.Epoch, c.value, c.epoch)
		}
	}
}

// Seeds are paired: a difference that is the same for every seed is certain however much they vary.
func TestTies(t *testing.T) {
	r := Build(question, join(
		results("best", 1, 0, 1, 5, 9), results("worse", 1, 0, 1.1, 5.1, 9.1001), results("tied", 1, 0, 2, 4, 9.5),
		results("incomplete", 1, 0, 1, nan, nan)), nil)
	want := map[string]bool{"best": false, "worse": false, "tied": true, "incomplete": false}
	for _, s := range r.Settings {
		if s.Tied != want[s.Optimizer] {
			t.Errorf("%s is tied: %v, difference %+v", s.Optimizer, s.Tied, s.Versus)
		}
	}
	if got := r.Settings[1].Versus; r.Settings[1].Optimizer != "worse" || got.N != 3 || math.Abs(got.Value-0.1) > 1e-3 {
		t.Errorf("the difference of the second is %+v over %d seeds", got, got.N)
	}
	if got := r.Settings[3].Versus; got.N != 1 || !math.IsNaN(got.Half()) {
		t.Errorf("the difference over one common seed is %+v", got)
	}
}

func TestOneSeedHasNoInterval(t *testing.T) {
	r := Build(question, join(results("a", 1, 0, 0.5), results("b", 1, 0, 0.25)), nil)
	var b bytes.Buffer
	r.Text(&b, View{})
	if text := b.String(); strings.Contains(text, "0 ±") || strings.Contains(text, "0.25 ±") || strings.Contains(text, "≈") || strings.Contains(text, "NaN") {
		t.Errorf("one seed is shown with an interval:\n%s", text)
	}
	if !strings.Contains(b.String(), "one seed: no uncertainty can be given") {
		t.Errorf("nothing says that one seed is not enough:\n%s", &b)
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.25: "0.25", 0.1: "0.1", 100: "100", 1: "1", 0.01: "1e-2", 1e-3: "1e-3", 0.0031622776601683794: "3.162e-3",
		99999: "100000", 12346: "12350", 123456: "1.235e5", -0.5: "-0.5", -1e-7: "-1e-7", 0.099999999: "1e-1", math.Inf(1): "+Inf", 1e300: "1e300",
	} {
		if got := Number(x); got != want {
			t.Errorf("Number(%v) = %q, want %q", x, got, want)
		}
	}
	if got := Number(nan); got != "NaN" {
		t.Errorf("Number(NaN) = %q", got)
	}
}

func TestUncertain(t *testing.T) {
	for _, c := range []struct {
		mean, half float64
		want       string
	}{
		{0.27143, 0.0021, "0.2714 ± 0.0021"},
		{0.27143, 0.021, "0.271 ± 0.021"},
		{0.27143, 1.04, "0.271 ± 1.040"},
		{507.3, 64.9, "507 ± 65"},
		{507.3, 649, "507 ± 649"},
		{1, 0.1, "1.00 ± 0.10"},
		{-3.14159, 0.012, "-3.142 ± 0.012"},
		{0.5, nan, "0.5"},
		{1.0986122886, nan, "1.09861"},
		{0.5, 0, "0.5"},
		{nan, nan, "–"},
		{math.Inf(1), nan, "+Inf"},
		{1, 1e-15, "1"}, // rounding, not spread
		{2e9, 1234, "2000000000 ± 1.2e+03"},
	} {
		if got := Uncertain(stats.Interval{Value: c.mean, Low: c.mean - c.half, High: c.mean + c.half, N: 2}); got != c.want {
			t.Errorf("%v ± %v is %q, want %q", c.mean, c.half, got, c.want)
		}
	}
}

// small is a report with everything in it.
func small() *Report {
	return Build(question, join(
		results("sgd", 0.01, 0, 0.9, 0.95), results("sgd", 0.1, 0, 0.5, 0.52), results("sgd", 0.01, 1, 0.91, 0.94),
		ended(runner.StatusDiverged, results("sgd", 0.1, 1, 0.7, 0.7)),
		results("=adam", 0.01, 0, 0.4, 0.5), results("=adam", 0.1, 0, 0.2, 0.26), results("=adam", 0.01, 1, nan, nan),
		ended(runner.StatusFailed, results("=adam", 0.1, 1, 0.21, 0.3))), nil)
}

func TestGoldenText(t *testing.T) {
	var b bytes.Buffer
	small().Text(&b, View{Top: 5})
	tests.Golden(t, filepath.Join("testdata", "small.txt"), b.String())
}

func TestJSONHoldsWhatJSONCannot(t *testing.T) {
	r := Build(question, join(results("a", 1, 0, 1, math.Inf(1)), results("b", 1, 1, nan, nan)), nil)
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Format   int `json:"xrun_compare"`
		Settings []struct {
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
	if out.Format != 1 || len(out.Settings) != 2 || len(out.Settings[0].Seeds) != 2 || len(out.Settings[1].Seeds) != 2 {
		t.Fatalf("the JSON is %s", &b)
	}
	if got := out.Settings[0].Seeds; got[0].Value != 1.0 || got[1].Value != "+Inf" || got[0].Status != "finished" {
		t.Errorf("the seeds are %+v", got)
	}
	last := out.Settings[1]
	if last.Rank != 2 || last.Result.Mean != nil || last.Result.Half != nil || last.Result.N != 0 || last.Seeds[0].Value != nil || last.Seeds[0].Status != "" {
		t.Errorf("a setting without results is %+v", last)
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := small().CSV(&b); err != nil {
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
	if got := strings.Join(rows[8], ","); got != "8,'=adam,l2,0.01,1,val_loss,,,,,0,,false,false,,,,,," {
		t.Errorf("the row of a setting without results is %q", got)
	}
}

func TestNothingYet(t *testing.T) {
	for name, r := range map[string]*Report{
		"no trials":  Build(question, nil, nil),
		"no results": Build(question, results("a", 1, 0, nan, nan), nil),
	} {
		var b bytes.Buffer
		r.Text(&b, View{})
		if !strings.HasPrefix(b.String(), "No trial of small has a val_loss yet.\n") {
			t.Errorf("%s:\n%s", name, &b)
		}
		if err := r.JSON(&b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
