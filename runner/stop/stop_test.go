package stop

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// watch feeds values to a rule from epoch 1 on and returns the epoch at which it stops, 0 if it
// does not, with its last decision and its best epoch.
func watch(p Rule, values ...float64) (stopped int, last Decision, best int) {
	w := p.Start(1)
	for i, v := range values {
		if last = w.Observe(i+1, 1, v); last.Stop {
			stopped = i + 1
			break
		}
	}
	best, _ = w.Best()
	return stopped, last, best
}

func TestPatience(t *testing.T) {
	rule := Rule{Monitor: "val_loss", Goal: Min, Patience: 2, Delta: Absolute}
	with := func(change func(*Rule)) Rule {
		p := rule
		change(&p)
		return p
	}
	for name, c := range map[string]struct {
		rule          Rule
		values        []float64
		stopped, best int
	}{
		"improves for ever":               {rule, []float64{5, 4, 3, 2, 1}, 0, 5},
		"two in a row without":            {rule, []float64{5, 4, 4.5, 4.2}, 4, 2},
		"one in a row without":            {rule, []float64{5, 6, 4, 6, 3}, 0, 5},
		"a tie is none":                   {rule, []float64{5, 5, 5}, 3, 1},
		"the first value is one":          {rule, []float64{math.MaxFloat64, math.MaxFloat64, 1, 2}, 0, 3},
		"without patience":                {with(func(p *Rule) { p.Patience = 0 }), []float64{1, 2, 3, 4, 5, 6}, 0, 1},
		"exactly the threshold is none":   {with(func(p *Rule) { p.MinDelta = 0.5 }), []float64{2, 1.5, 1.5}, 3, 1},
		"more than the threshold":         {with(func(p *Rule) { p.MinDelta = 0.5 }), []float64{2, 1.25, 0.5, 0}, 0, 3},
		"small gains add up":              {with(func(p *Rule) { p.MinDelta = 0.5 }), []float64{2, 1.75, 1.25, 1, 0.5}, 0, 5},
		"small gains that come too late":  {with(func(p *Rule) { p.MinDelta = 1 }), []float64{2, 1.75, 1.5, 0}, 3, 1},
		"relative":                        {with(func(p *Rule) { p.MinDelta, p.Delta = 0.5, Relative }), []float64{8, 3, 2, 1.5}, 4, 2},
		"relative to a negative best":     {with(func(p *Rule) { p.MinDelta, p.Delta = 0.5, Relative }), []float64{-8, -11, -12}, 3, 1},
		"relative, negative, improving":   {with(func(p *Rule) { p.MinDelta, p.Delta = 0.5, Relative }), []float64{-8, -11, -13}, 0, 3},
		"max":                             {with(func(p *Rule) { p.Goal = Max }), []float64{1, 2, 1.5, 2}, 4, 2},
		"max with a threshold":            {with(func(p *Rule) { p.Goal, p.MinDelta = Max, 0.5 }), []float64{1, 1.5, 1.75, 2, 2.25}, 5, 3},
		"not watched before start_from":   {with(func(p *Rule) { p.StartFrom = 4 }), []float64{1, 2, 3, 9, 8, 7}, 0, 6},
		"patience counts watched epochs":  {with(func(p *Rule) { p.StartFrom = 4 }), []float64{1, 1, 1, 1, 1, 1}, 6, 4},
		"start_from 1 watches everything": {with(func(p *Rule) { p.StartFrom = 1 }), []float64{1, 1, 1}, 3, 1},
		"target reached":                  {with(func(p *Rule) { p.Target, p.HasTarget = 3, true }), []float64{5, 4, 3, 2}, 3, 3},
		"target passed":                   {with(func(p *Rule) { p.Target, p.HasTarget = 3, true }), []float64{5, 1}, 2, 2},
		"target of a max":                 {with(func(p *Rule) { p.Goal, p.Target, p.HasTarget = Max, 3, true }), []float64{2, 3}, 2, 2},
		"target before start_from":        {with(func(p *Rule) { p.Target, p.HasTarget, p.StartFrom = 3, true, 3 }), []float64{1, 5, 6}, 0, 3},
		"no monitor":                      {Rule{Patience: 1}, []float64{1, 2, 3}, 0, 0},
	} {
		stopped, last, best := watch(c.rule, c.values...)
		if stopped != c.stopped || best != c.best {
			t.Errorf("%s: stops at epoch %d with best %d, want %d and %d", name, stopped, best, c.stopped, c.best)
		}
		if last.Stop != (last.Message != "") {
			t.Errorf("%s: stop is %v, but the message is %q", name, last.Stop, last.Message)
		}
		if last.Diverged {
			t.Errorf("%s: diverged: %s", name, last.Message)
		}
	}
}

func TestDivergence(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	limited := Rule{Monitor: "val_loss", Goal: Min, DivergenceFactor: 10}
	for name, c := range map[string]struct {
		rule        Rule
		loss, value float64
		diverged    bool
	}{
		"finite":                       {Rule{Monitor: "val_loss"}, 1e300, 1e300, false},
		"loss NaN":                     {Rule{}, nan, 1, true},
		"loss infinite":                {Rule{}, inf, 1, true},
		"loss minus infinite":          {Rule{}, -inf, 1, true},
		"monitored NaN":                {Rule{Monitor: "val_loss"}, 1, nan, true},
		"monitored infinite":           {Rule{Monitor: "val_loss", Goal: Max}, 1, inf, true},
		"nothing monitored":            {Rule{}, 1, nan, false},
		"NaN before start_from":        {Rule{Monitor: "val_loss", StartFrom: 9}, 1, nan, true},
		"at the limit":                 {limited, 20, 1, false},
		"past the limit":               {limited, 20.001, 1, true},
		"past the limit, unmonitored":  {Rule{DivergenceFactor: 10}, 21, 1, true},
		"the limit is for the loss":    {limited, 1, 1e9, false},
		"a factor of 0 is no limit":    {Rule{}, 1e9, 1, false},
		"past the limit at the target": {Rule{Monitor: "v", DivergenceFactor: 10, Target: 5, HasTarget: true}, 21, 1, true},
	} {
		d := c.rule.Start(2).Observe(1, c.loss, c.value)
		if d.Diverged != c.diverged || d.Stop != c.diverged {
			t.Errorf("%s: %+v, want diverged %v", name, d, c.diverged)
		}
		if c.diverged && !strings.Contains(d.Message, "epoch 1") {
			t.Errorf("%s: the message %q does not name the epoch", name, d.Message)
		}
	}
}

// The best is that of the watched epochs.
func TestBestOfTheRule(t *testing.T) {
	w := Rule{Monitor: "val_loss", Goal: Min, StartFrom: 2}.Start(1)
	if epoch, value := w.Best(); epoch != 0 || !math.IsNaN(value) {
		t.Errorf("best of nothing is %v at epoch %d, want NaN at 0", value, epoch)
	}
	for i, v := range []float64{1, 5, 5, 4, 6} {
		w.Observe(i+1, 1, v)
	}
	if epoch, value := w.Best(); epoch != 4 || value != 4 {
		t.Errorf("best is %v at epoch %d, want 4 at 4", value, epoch)
	}
}

// No curve ends before Earliest, and some curve ends there.
func TestEarliest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, text := range []string{"patience:1", "patience:3", "patience:3,start_from=4", "patience:2,min_delta=0.5,best_update=any", "gl:5", "gl:5,start_from=1",
		"gl:1,start_from=5", "pq:0.5,strip=2", "pq:0.5,strip=3,start_from=3", "up:1,strip=1", "up:2,strip=2", "up:2,strip=2,start_from=3", "patience:4,target=0.5",
		"up:3,target=0.5,start_from=2"} {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		r.Monitor = "val_loss"
		least := math.MaxInt
		for range 3000 {
			w := r.Start(1)
			for epoch := 1; epoch < 20; epoch++ {
				if w.Observe(epoch, 0.1+random.Float64(), 0.1+random.Float64()).Stop {
					least = min(least, epoch)
					break
				}
			}
		}
		if got := r.Earliest(); got != least {
			t.Errorf("%s: the earliest is %d, and curves end at %d", text, got, least)
		}
	}
	for _, r := range []Rule{{}, {Patience: 3}, {Monitor: "J", Patience: 0}, {DivergenceFactor: 2}} {
		if got := r.Earliest(); got != 0 {
			t.Errorf("%+v never stops a trial, the earliest is %d", r, got)
		}
	}
}
