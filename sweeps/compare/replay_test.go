package compare

import (
	"math"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
)

// trained is a trial of one seed with a curve of val_loss from epoch 0 on.
func trained(c Curves, run int64, optimizer string, status runner.Status, values ...float64) runner.Result {
	for epoch, v := range values {
		p := runner.CurvePoint{Epoch: epoch, Value: v}
		c.Loss[run] = append(c.Loss[run], runner.CurvePoint{Epoch: epoch, Value: 1})
		c.Monitor[run], c.Metric[run] = append(c.Monitor[run], p), append(c.Metric[run], p)
	}
	return runner.Result{Point: runner.Key(optimizer), Optimizer: optimizer, LR: 1, RunID: run, Status: status, Found: true,
		Epochs: len(values) - 1, Wall: time.Duration(len(values)-1) * time.Second, Plugin: time.Duration(len(values)-1) * time.Millisecond, Reason: "why"}
}

func newCurves() Curves {
	metric := map[int64][]runner.CurvePoint{}
	return Curves{Loss: map[int64][]runner.CurvePoint{}, Monitor: map[int64][]runner.CurvePoint{}, Metric: metric, Kept: metric}
}

func rule(t *testing.T, text string) stop.Rule {
	t.Helper()
	r, err := stop.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	r.Monitor = "val_loss"
	return r
}

func replayed(t *testing.T, q Question, rules ...string) *Replay {
	t.Helper()
	c := newCurves()
	results := []runner.Result{
		trained(c, 1, "late", runner.StatusFinished, 9, 5, 6, 6, 6, 1), // its best comes after a plateau
		trained(c, 2, "early", runner.StatusFinished, 9, 4, 2, 3, 3, 3),
		trained(c, 3, "cut", runner.StatusStopped, 9, 7, 8),
		trained(c, 4, "wild", runner.StatusDiverged, 9, 10, 12, math.NaN()),
		{Point: "failed", Optimizer: "failed", RunID: 5, Status: runner.StatusFailed},
		{Point: "missing", Optimizer: "missing"},
	}
	var parsed []stop.Rule
	for _, text := range rules {
		parsed = append(parsed, rule(t, text))
	}
	return BuildReplay(q, "val_loss", parsed, results, c)
}

func TestReplay(t *testing.T) {
	p := replayed(t, question, "patience:2", "patience:100")
	if p.Trials != 4 || p.LeftOut != 2 || len(p.Censored) != 1 || p.Censored[0] != (Censored{3, 2, "why"}) {
		t.Errorf("%d trials, %d left out, censored %+v", p.Trials, p.LeftOut, p.Censored)
	}
	impatient, patient := p.Rules[0], p.Rules[1]
	if got := impatient; got.Stops != 2 || got.Unknown != 1 || got.Epochs != 3+4+2+3 || got.Stored != 5+5+2+3 || got.BeforeBest != 1 ||
		got.MeanLoss != 4.0/3 || got.MaxLoss != 4 || got.Wall != 12*time.Second || got.Plugin != 12*time.Millisecond {
		t.Errorf("patience:2 gives %+v", got)
	}
	if got := patient; got.Stops != 0 || got.Unknown != 1 || got.Saved() != 0 || got.BeforeBest != 0 || got.MaxLoss != 0 {
		t.Errorf("patience:100 gives %+v", got)
	}
	if ranking(p.Stored) != "late early cut wild" || ranking(impatient.Report) != "early late cut wild" {
		t.Errorf("ranked %s, and with patience:2 %s", ranking(p.Stored), ranking(impatient.Report))
	}
	if p.SameWinner(impatient) || !p.SameWinner(patient) {
		t.Error("the winner changes with patience:2 only")
	}
	if n := impatient.Report.Counts[runner.StatusDiverged]; n != 1 {
		t.Errorf("%d diverged, want the one that did", n)
	}
}

// A rule can gain where the last epoch counts, and has no value where an epoch counts that it cut off.
func TestReplayOfOtherEpochs(t *testing.T) {
	q := question
	q.At = "last"
	if got := replayed(t, q, "patience:2").Rules[0]; got.MaxLoss != 5 || got.MeanLoss != 5.0/3 {
		t.Errorf("after the last epoch: worse by %v, at most %v", got.MeanLoss, got.MaxLoss)
	}
	q.At = "epoch:4"
	p := replayed(t, q, "patience:2")
	if got := p.Rules[0]; got.MaxLoss != 0 || !p.SameWinner(p.Rules[0]) || got.Report.Points[1].Complete {
		t.Errorf("after epoch 4: %+v", got.Report.Points)
	}
}

func TestReplayOfAMax(t *testing.T) {
	c := newCurves()
	results := []runner.Result{trained(c, 1, "a", runner.StatusFinished, 0, 0.5, 0.4, 0.4, 0.9)}
	r := rule(t, "patience:2")
	r.Goal = stop.Max
	q := question
	q.Goal, q.Keep.Goal = stop.Max, stop.Max
	if got := BuildReplay(q, "val_loss", []stop.Rule{r}, results, c).Rules[0]; got.MaxLoss != 0.4 || got.BeforeBest != 1 || got.Epochs != 3 {
		t.Errorf("%+v", got)
	}
}
