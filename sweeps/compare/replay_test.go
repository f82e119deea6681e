package compare

import (
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// curves are the curves of trials, as a replay reads them.
func curves(c comparetest.Curves) Curves {
	return Curves{Loss: c.Loss, Monitor: c.Metric, Metric: c.Metric, Kept: c.Metric}
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

func replayed(t *testing.T, q Question, rules ...string) *Replay {
	t.Helper()
	c := comparetest.NewCurves()
	results := c.Endings()
	return BuildReplay(q, "val_loss", parsed(t, rules...), results, curves(c))
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
	c := comparetest.NewCurves()
	results := []runner.Result{c.Trained(1, "a", runner.StatusFinished, 0, 0.5, 0.4, 0.4, 0.9)}
	rules := parsed(t, "patience:2")
	rules[0].Goal = stop.Max
	q := question
	q.Goal, q.Keep.Goal = stop.Max, stop.Max
	if got := BuildReplay(q, "val_loss", rules, results, curves(c)).Rules[0]; got.MaxLoss != 0.4 || got.BeforeBest != 1 || got.Epochs != 3 {
		t.Errorf("%+v", got)
	}
}
