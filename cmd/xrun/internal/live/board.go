package live

import (
	"fmt"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A board holds the state of a sweep: what each of its trials has come to. Events of the runner and results from the
// database lead to the same board.
type board struct {
	question compare.Question
	trials   map[runner.Key]*entry
	order    []*entry // of the sweep
	problems []*problem
	ended    int
}

// An entry is a trial on the board.
type entry struct {
	runner.Result
	// again: the trial has ended, but trains again in this session, or will.
	again   bool
	own     bool     // this session trains it, or has
	problem *problem // nil if it is not known
	at      int      // its point in the problem's grid
}

func (e *entry) ended() bool { return e.Status.Ended() && !e.again }

// name names the trial's point.
func (e *entry) name() string {
	if e.problem == nil {
		return compare.Label{Optimizer: e.Optimizer, Regularizer: e.Regularizer, LR: e.LR, Lambda: e.Lambda}.String()
	}
	return e.problem.name(e.at)
}

// A problem is the points of one data set, or of the whole sweep.
type problem struct {
	question  compare.Question
	grid      *compare.Grid
	trials    [][]*runner.Result // by point
	standings []compare.Standing
	stale     []int // points whose standings have changed
	leader    int   // -1 if there is none
	picture   []string
	drawn     bool // picture is of the standings as they are
}

// newBoard makes the board of all trials of a sweep.
func newBoard(q compare.Question, results []runner.Result, again []runner.Key) *board {
	b := &board{question: q, trials: make(map[runner.Key]*entry, len(results))}
	for _, r := range results {
		if b.trials[r.Trial] == nil {
			e := &entry{Result: r}
			b.trials[r.Trial], b.order = e, append(b.order, e)
		}
	}
	for _, key := range again {
		if e := b.trials[key]; e != nil {
			e.again = true
		}
	}
	for _, e := range b.order {
		if e.ended() {
			b.ended++
		}
	}
	b.arrange()
	return b
}

// add adds a trial that the sweep was not known to have.
func (b *board) add(r runner.Result) *entry {
	e := &entry{Result: r}
	b.trials[r.Trial], b.order = e, append(b.order, e)
	if e.ended() {
		b.ended++
	}
	b.arrange()
	return e
}

// extend adds the trials that the sweep was not known to have. Those of a later stage are entered while it is watched.
func (b *board) extend(results []runner.Result) {
	known := len(b.order)
	for _, r := range results {
		if b.trials[r.Trial] == nil {
			e := &entry{Result: r}
			b.trials[r.Trial], b.order = e, append(b.order, e)
			if e.ended() {
				b.ended++
			}
		}
	}
	if len(b.order) > known {
		b.arrange()
	}
}

// arrange sorts the trials into points, and these into problems.
func (b *board) arrange() {
	results := make([]runner.Result, len(b.order))
	for i, e := range b.order {
		results[i] = e.Result
	}
	type place struct {
		problem *problem
		at      int
	}
	places := map[runner.Key]place{}
	b.problems = nil
	for _, grid := range compare.Grids(b.question, results) {
		n := grid.Len()
		p := &problem{question: b.question, grid: grid, trials: make([][]*runner.Result, n), standings: make([]compare.Standing, n), leader: -1}
		for i := range n {
			places[grid.Point(i)] = place{p, i}
			p.stale = append(p.stale, i)
		}
		b.problems = append(b.problems, p)
	}
	for _, e := range b.order {
		at := places[e.Point]
		if e.problem, e.at = at.problem, at.at; e.problem != nil {
			e.problem.trials[e.at] = append(e.problem.trials[e.at], &e.Result)
		}
	}
}

// change changes a trial, and what depends on it.
func (b *board) change(e *entry, change func()) {
	before := e.ended()
	change()
	if after := e.ended(); after && !before {
		b.ended++
	} else if before && !after {
		b.ended--
	}
	if p := e.problem; p != nil {
		p.stale = append(p.stale, e.at)
	}
}

// begin takes it that an attempt at a trial has begun. A result that it has counts until there is a new one.
func (b *board) begin(e *entry) {
	b.change(e, func() {
		if e.Status.Done() {
			e.again = true
			return
		}
		e.Status, e.Keeps, e.again = runner.StatusRunning, false, false
	})
}

// end takes the end of an attempt.
func (b *board) end(e *entry, run int64, end runner.End) {
	b.change(e, func() {
		e.again = e.again && !end.Status.Ended() // an interrupted one has not been trained again
		if e.Status.Done() && !end.Status.CountsOver(e.Status) {
			return
		}
		e.RunID, e.Status, e.Reason, e.Epochs, e.Keeps = run, end.Status, end.Reason, end.Epochs, end.Kept != nil
		if end.Kept != nil {
			e.Kept = *end.Kept
		}
	})
}

// lead is the leading point of a problem, -1 if there is none. It does the work of the changes since the last call.
func (p *problem) lead() int {
	if len(p.stale) == 0 {
		return p.leader
	}
	for _, i := range p.stale {
		p.standings[i] = compare.StandingOf(p.trials[i])
	}
	p.stale, p.drawn = p.stale[:0], false
	p.leader = compare.Leader(p.question.Goal, p.standings)
	return p.leader
}

// best describes the leading point: "val_loss 1.25 (1 of 3 seeds)  adam lr 0.1". It is empty without one.
func (p *problem) best() string {
	at := p.lead()
	if at < 0 {
		return ""
	}
	interval := stats.MeanT(p.standings[at].Values, compare.Level)
	return p.question.Metric + " " + stats.Uncertain(interval) + " (" + seedsOf(interval.N, len(p.trials[at])) + ")  " + p.name(at)
}

// name names a point, and its problem if there are several.
func (p *problem) name(at int) string {
	name := p.grid.Name(at)
	if p.grid.Problem != "" {
		name += " on " + p.grid.Problem
	}
	return name
}

// seedsOf is how many of the seeds of a point have a value: "1 of 3 seeds", or "3 seeds" if all have.
func seedsOf(n, all int) string {
	if n < all {
		return fmt.Sprintf("%d of %d seeds", n, all)
	}
	return stats.Count(n, "seed", "seeds")
}
