package stop

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The definitions of the paper, as they stand there, on whole curves from epoch 1 on: the epoch
// at which the rule stops, 0 if never.
func byDefinition(r Rule, training, validation []float64) int {
	k := r.Strip
	gl := func(t int) float64 { return 100 * (validation[t-1]/slices.Min(validation[:t]) - 1) }
	var up func(s, t int) bool
	up = func(s, t int) bool {
		if s == 0 {
			return true
		}
		return t-k >= 1 && validation[t-1] > validation[t-k-1] && up(s-1, t-k)
	}
	for t := 1; t <= len(validation); t++ {
		stops := false
		switch {
		case r.Name == GL:
			stops = gl(t) > r.Alpha
		case t%k != 0:
		case r.Name == PQ:
			sum := 0.0
			for _, e := range training[t-k : t] {
				sum += e
			}
			stops = gl(t)/(1000*(sum/(float64(k)*slices.Min(training[t-k:t]))-1)) > r.Alpha
		case r.Name == UP:
			stops = up(r.Strips, t)
		}
		if stops {
			return t
		}
	}
	return 0
}

func TestPrecheltByDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	stops := map[Name]int{}
	for range 2000 {
		n := 20 + random.IntN(60)
		training, validation := []float64{3}, []float64{3}
		for i := 1; i <= n; i++ {
			x := float64(i) / float64(n)
			training = append(training, math.Exp(-3*x)+0.05*random.Float64())
			validation = append(validation, math.Exp(-4*x)+x*x*random.Float64()+0.1*random.Float64()+0.1)
		}
		for _, r := range []Rule{New(GL), New(PQ), New(UP)} {
			r.Monitor = "val_loss"
			r.Alpha *= 40 * random.Float64()
			r.Strip, r.Strips = 2+random.IntN(5), 1+random.IntN(4)
			want := byDefinition(r, training[1:], validation[1:])
			o := r.Replay(training, validation)
			got := 0
			if o.Decision.Stop {
				got = o.Epochs
				stops[r.Name]++
			}
			if got != want {
				t.Fatalf("%s stops at epoch %d, by its definition at %d", r, got, want)
			}
			if least := slices.Min(validation[1 : o.Epochs+1]); validation[o.BestEpoch] != least {
				t.Fatalf("%s takes %v at epoch %d for the best, not %v", r, validation[o.BestEpoch], o.BestEpoch, least)
			}
		}
	}
	for _, name := range []Name{GL, PQ, UP} {
		if n := stops[name]; n < 200 || n == 2000 {
			t.Errorf("%s stops %d of 2000 curves, which tells little", name, n)
		}
	}
}

func TestPrecheltAtTheEdges(t *testing.T) {
	rule := func(text string) Rule {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		r.Monitor = "val_loss"
		return r
	}
	max := func(r Rule) Rule { r.Goal = Max; return r }
	for name, c := range map[string]struct {
		rule     Rule
		training []float64 // of every epoch, if there is one only
		values   []float64
		stopped  int
	}{
		"gl of exactly alpha goes on":            {rule("gl:50"), []float64{1}, []float64{2, 3, 3}, 0},
		"gl above alpha":                         {rule("gl:50"), []float64{1}, []float64{2, 3.01}, 2},
		"gl of the first epoch is 0":             {rule("gl:1"), []float64{1}, []float64{9}, 0},
		"gl of a best of 0 never stops":          {rule("gl:1"), []float64{1}, []float64{0, 1, 2, 3}, 0},
		"gl below 0 never stops":                 {rule("gl:1"), []float64{1}, []float64{1, -1, 5, 9}, 0},
		"gl watches from start_from on":          {rule("gl:10,start_from=3"), []float64{1}, []float64{1, 5, 4, 4.3, 4.5}, 5},
		"pq decides at the end of a strip":       {rule("pq:0.1,strip=2"), []float64{2, 1.9, 1.8, 1.7}, []float64{1, 1, 9, 9}, 4},
		"pq without progress":                    {rule("pq:9999,strip=2"), []float64{1}, []float64{1, 1.0001}, 2},
		"pq without progress and without a loss": {rule("pq:1,strip=2"), []float64{1}, []float64{1, 1, 1, 1}, 0},
		"pq forgives while training goes fast":   {rule("pq:1,strip=2"), []float64{8, 4, 2, 1}, []float64{1, 1.3, 1.4, 1.3}, 0},
		"pq of a training loss of 0":             {rule("pq:1,strip=2"), []float64{1, 0}, []float64{1, 2}, 0},
		"up needs a strip to begin with":         {rule("up:1,strip=2"), []float64{1}, []float64{1, 2, 3}, 0},
		"up once":                                {rule("up:1,strip=2"), []float64{1}, []float64{1, 2, 3, 4}, 4},
		"up only looks at the ends":              {rule("up:1,strip=2"), []float64{1}, []float64{1, 2, 9, 2, 9, 1, 9, 0.5}, 0},
		"a tie is not up":                        {rule("up:2,strip=1"), []float64{1}, []float64{1, 2, 2, 3, 3, 4, 5}, 7},
		"up is down for max":                     {max(rule("up:2,strip=1")), []float64{1}, []float64{1, 2, 1.5, 1}, 4},
		"up below 0":                             {rule("up:2,strip=1"), []float64{1}, []float64{-3, -2, -1}, 3},
		"the target comes first":                 {rule("gl:1,target=0.5"), []float64{1}, []float64{0.4}, 1},
	} {
		training := []float64{1}
		for i := range c.values {
			training = append(training, c.training[min(i, len(c.training)-1)])
		}
		o := c.rule.Replay(training, append([]float64{1}, c.values...))
		got := 0
		if o.Decision.Stop {
			got = o.Epochs
		}
		if got != c.stopped || o.Decision.Diverged {
			t.Errorf("%s: stops at epoch %d, want %d: %+v", name, got, c.stopped, o.Decision)
		}
	}
}

func TestBestUpdateOnAny(t *testing.T) {
	creeping := []float64{5, 4.9, 4.8, 4.7, 4.6, 4.5, 4.4, 4.3}
	rule := Rule{Monitor: "val_loss", Goal: Min, Patience: 3, MinDelta: 0.25}
	if stopped, _, best := watch(rule, creeping...); stopped != 0 || best != 7 {
		t.Errorf("small gains that add up: stopped at %d with best %d, want never and 7", stopped, best)
	}
	rule.BestUpdate = OnAny
	if stopped, _, best := watch(rule, creeping...); stopped != 4 || best != 4 {
		t.Errorf("small gains each for themselves: stopped at %d with best %d, want 4 and 4", stopped, best)
	}
	if stopped, _, best := watch(rule, 5, 4.9, 4.9, 4.5, 4.5, 4.4, 4.6); stopped != 7 || best != 6 {
		t.Errorf("stopped at %d with best %d, want 7 and 6", stopped, best)
	}
}

// A trial that is taken up again decides as if it had not been interrupted.
func TestAWatchGoesOnFromItsState(t *testing.T) {
	validation := []float64{5, 4, 4.5, 3.9, 4.1, 4.2, 4.3, 4.1, 4.4, 4.6, 4.9, 5.2}
	for _, text := range []string{"patience:8", "gl:30", "pq:0.02,strip=3", "up:2,strip=2", "patience:6,min_delta=0.2,best_update=any"} {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		r.Monitor = "val_loss"
		for cut := range validation {
			whole, part := r.Start(6), r.Start(6)
			stopped := false
			for i, v := range validation {
				if i == cut {
					part = r.Resume(part.State)
				}
				loss := 1 / float64(i+1)
				want, got := whole.Observe(i+1, loss, v), part.Observe(i+1, loss, v)
				if got != want {
					t.Errorf("%s, cut after epoch %d: %+v at epoch %d, want %+v", text, cut, got, i+1, want)
				}
				stopped = stopped || want.Stop
			}
			if !stopped {
				t.Errorf("%s never stops", text)
			}
		}
	}
}

func TestFacts(t *testing.T) {
	r, err := Parse("gl:5")
	if err != nil {
		t.Fatal(err)
	}
	r.Monitor, r.DivergenceFactor = "val_loss", 10
	for _, c := range []struct{ loss, value, want any }{
		{1.0, 2.5, `{"rule":"gl:5","cause":"rule","metric":"val_loss","epoch":2,"value":2.5,"best_epoch":1,"best":2,"measure":"GL","measured":25,"limit":5}`},
		{40.0, 2.5, `{"rule":"gl:5","cause":"divergence","metric":"train_loss","epoch":2,"value":40,"best_epoch":1,"best":2,"measure":"loss/initial","measured":20,"limit":10}`},
		{math.Inf(1), 2.5, `{"rule":"gl:5","cause":"divergence","metric":"train_loss","epoch":2,"value":"+Inf","best_epoch":1,"best":2}`},
		{1.0, math.NaN(), `{"rule":"gl:5","cause":"divergence","metric":"val_loss","epoch":2,"value":null,"best_epoch":1,"best":2}`},
	} {
		w := r.Start(2)
		w.Observe(1, 1, 2)
		d := w.Observe(2, c.loss.(float64), c.value.(float64))
		if got := d.Facts.JSON(); got != c.want || !d.Stop {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got := (Facts{Best: math.NaN(), Value: math.Inf(-1), Measure: "m", Measured: math.Inf(1)}).JSON(); !json.Valid([]byte(got)) {
		t.Errorf("%s is no JSON", got)
	}
}
