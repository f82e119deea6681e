package compare

import (
	"math"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
)

// Curves are the curves that a replay needs, by run.
type Curves struct {
	Loss    map[int64][]runner.CurvePoint // in training
	Monitor map[int64][]runner.CurvePoint
	Metric  map[int64][]runner.CurvePoint // of the Question
	Kept    map[int64][]runner.CurvePoint // of the metric that chooses the kept epoch
}

// A Replay applies stopping rules to the stored curves of a sweep. Nothing is trained, so a curve
// that ended early by the sweep's own rule is censored: its rest is unknown, and no rule can be seen
// to be more patient than that one.
type Replay struct {
	Question
	Monitor string
	Trials  int // with a result and its curves
	LeftOut int // without
	// Censored are the curves that the sweep's own rule, or its pruning, ended.
	Censored []Censored
	Stored   *Report // of the curves as they are
	Rules    []Replayed
}

// Censored is a curve that ends early by the sweep's own rule.
type Censored struct {
	Run    int64
	Epochs int
	Reason string
}

// Replayed is one rule applied to every curve.
type Replayed struct {
	Rule    stop.Rule
	Stops   int // trials that it ends before their curve does
	Unknown int // censored curves that it does not stop
	// Epochs is the number of epochs under the rule, Stored without it.
	Epochs, Stored int
	// Wall and Plugin are the times of all trials under the rule, estimated by their epochs. The
	// wall times of trials that trained together overlap.
	Wall, Plugin time.Duration
	// BeforeBest is the number of trials that it ends before the best epoch of their curve.
	BeforeBest int
	// MeanLoss and MaxLoss are how much worse the values of trials get; NaN if no trial has both values.
	MeanLoss, MaxLoss float64
	Report            *Report // of the curves as the rule leaves them
}

// BuildReplay applies rules, each complete with its monitor and goal, to the curves of results.
func BuildReplay(q Question, monitor string, rules []stop.Rule, results []runner.Result, c Curves) *Replay {
	p := &Replay{Question: q, Monitor: monitor}
	var kept []runner.Result
	for _, r := range results {
		if !r.Status.Done() || len(c.trial(r.RunID).metric) < 2 {
			p.LeftOut++
			continue
		}
		kept = append(kept, r)
		if r.Status == runner.StatusStopped || r.Status == runner.StatusPruned {
			p.Censored = append(p.Censored, Censored{r.RunID, r.Epochs, r.Reason})
		}
	}
	p.Trials = len(kept)
	stored, _ := p.replay(stop.Rule{}, kept, c)
	p.Stored = stored.Report
	for _, rule := range rules {
		replayed, values := p.replay(rule, kept, c)
		replayed.compare(q.Goal, p.values(p.Stored), values)
		p.Rules = append(p.Rules, replayed)
	}
	return p
}

// keep chooses the epoch that counts: by At, or by the sweep's own metric.
func (p *Replay) keep() runner.Keep {
	if p.At != "" {
		return runner.Keep{Metric: p.Metric, Goal: p.Goal, At: p.At}
	}
	return p.Keep
}

// A curve holds the values of one trial, by epoch from 0 on.
type curve struct{ loss, monitor, metric, kept []float64 }

func (c Curves) trial(run int64) curve {
	t := curve{dense(c.Loss[run]), dense(c.Monitor[run]), dense(c.Metric[run]), dense(c.Kept[run])}
	n := min(len(t.loss), len(t.monitor), len(t.metric), len(t.kept))
	return curve{t.loss[:n], t.monitor[:n], t.metric[:n], t.kept[:n]}
}

// points are values by epoch from 0 on.
func points(values []float64) []runner.CurvePoint {
	all := make([]runner.CurvePoint, len(values))
	for epoch, v := range values {
		all[epoch] = runner.CurvePoint{Epoch: epoch, Value: v}
	}
	return all
}

// dense drops what comes after a gap.
func dense(points []runner.CurvePoint) []float64 {
	var values []float64
	for i, p := range points {
		if p.Epoch != i {
			break
		}
		values = append(values, p.Value)
	}
	return values
}

// replay cuts every curve where the rule ends it. The zero rule cuts none.
func (p *Replay) replay(rule stop.Rule, results []runner.Result, c Curves) (Replayed, map[int64]float64) {
	out := Replayed{Rule: rule}
	question := p.Question
	question.Keep, question.At = p.keep(), ""
	cut := make([]runner.Result, len(results))
	for i, r := range results {
		t := c.trial(r.RunID)
		last := len(t.metric) - 1
		end := last
		if rule.Monitor != "" {
			o := rule.Replay(t.loss, t.monitor)
			end = o.Epochs
			if o.Decision.Stop && !o.Decision.Diverged && end < last {
				out.Stops++
				r.Status, r.Reason = runner.StatusStopped, o.Decision.Message
			} else if !o.Decision.Stop && (r.Status == runner.StatusStopped || r.Status == runner.StatusPruned) {
				out.Unknown++
			}
			if best, ok := (runner.Keep{Goal: p.Goal, At: runner.AtBest}).Value(runner.StatusFinished, points(t.metric)); ok && end < best.Epoch {
				out.BeforeBest++
			}
		}
		out.Epochs += end
		out.Stored += last
		share := float64(end) / float64(last)
		out.Wall += time.Duration(share * float64(r.Wall))
		out.Plugin += time.Duration(share * float64(r.Plugin))
		r.Epochs = end
		if r.Kept, r.Keeps = question.Keep.Value(r.Status, points(t.kept[:end+1])); r.Keeps {
			r.Kept.Value = t.metric[r.Kept.Epoch]
		}
		cut[i] = r
	}
	out.Report = Build(question, cut, nil)
	return out, p.values(out.Report)
}

// values are the values of a report's trials, by run.
func (p *Replay) values(r *Report) map[int64]float64 {
	values := map[int64]float64{}
	for _, s := range r.Points {
		for _, seed := range s.Seeds {
			values[seed.Run] = seed.Value
		}
	}
	return values
}

// compare measures how much worse values are than the stored ones. It leaves out runs that lack either
// value, as a rule that stops before epoch N lacks the value there.
func (r *Replayed) compare(goal stop.Goal, stored, values map[int64]float64) {
	sum, n := 0.0, 0
	r.MaxLoss = math.NaN()
	for _, s := range r.Report.Points { // in order: a sum depends on it
		for _, seed := range s.Seeds {
			loss := values[seed.Run] - stored[seed.Run]
			if goal == stop.Max {
				loss = -loss
			}
			if math.IsNaN(loss) {
				continue
			}
			sum += loss
			n++
			if !(r.MaxLoss >= loss) {
				r.MaxLoss = loss
			}
		}
	}
	r.MeanLoss = sum / float64(n)
}

// Saved is the share of the stored epochs that the rule leaves out.
func (r Replayed) Saved() float64 {
	if r.Stored == 0 {
		return 0
	}
	return 1 - float64(r.Epochs)/float64(r.Stored)
}

// SameWinner reports whether the same point wins as without the rule, on each problem if there are several.
func (p *Replay) SameWinner(r Replayed) bool {
	stored, now := p.Stored.Each(), r.Report.Each()
	if len(stored) != len(now) {
		return false
	}
	for i := range stored {
		before, was := stored[i].Best()
		after, is := now[i].Best()
		if was != is || before.Point != after.Point {
			return false
		}
	}
	return true
}
