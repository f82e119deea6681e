package runner

import (
	"math"
	"time"
)

// member is a trial in training. It has a place in a cohort or is an attempt of a program: either
// place or attempt is set.
type member struct {
	trial Trial
	run   RunID
	// recorded is the last epoch whose points have gone to the recorder. After a fault a trial
	// begins again and gives the same points, which are not recorded twice.
	recorded int
	told     bool // of a metric that is not finite
	unsaved  bool // its state cannot be saved
	ended    bool
	end      Status // when ended
	share    Share  // that it has, or had last
	spent    Cost   // before the pause, or before the fault
	tries    int    // after a fault

	place   *place
	attempt *attempt
}

// place is the state that a member of a cohort takes from one lockstep to the next.
type place struct {
	from    *checkpoint   // where it goes on; nil to begin at the beginning
	took    time.Duration // its share of the cohort's training time; kept only where there is a timeout
	monitor string        // the metric that pruning looks at; empty without pruning
	curve   []float64     // of monitor, after the epochs 1, 2, …
	// coefficients are those of the penalty of a trial that was paused and cannot be saved.
	coefficients map[string]float64
}

// newMember is a trial whose run has been opened.
func (x *execution) newMember(t Trial, b Begun) *member {
	m := &member{trial: t, run: b.Run, recorded: b.Recorded}
	if c := t.Task.Command; c != nil {
		m.attempt = &attempt{execution: x, member: m, name: c.Name, rule: t.Stop, epoch: -1, best: math.NaN()}
		return m
	}
	m.place = &place{}
	if p := x.options.Prune; p != nil {
		m.place.monitor = p.Rule.Monitor
	}
	return m
}

// from is the epoch that a member goes on from in lockstep with others; 0 to begin at the
// beginning. A program that is paused waits by itself.
func (m *member) from() int {
	if m.place == nil || m.place.from == nil {
		return 0
	}
	return m.place.from.epoch
}

// best is the best value that a member has reached up to a rung; NaN without one.
func (m *member) best(p *Pruning, rung int) float64 {
	if m.attempt != nil {
		return m.attempt.best
	}
	return p.bestOf(m.place.curve, rung) // the member may be past the rung
}

// paused is the end of a paused member that is not trained further. The caller adds the reason.
func (m *member) paused() End {
	if m.attempt != nil {
		return End{Run: m.run, Cost: m.spent}
	}
	at := m.place.from
	if m.unsaved {
		return End{Run: m.run, Cost: m.spent, Coefficients: m.place.coefficients}
	}
	return End{Run: m.run, Cost: at.cost, Coefficients: at.coefficients}
}
