package builtin

import "math"

// wolfe is a line search for the strong Wolfe conditions,
//
//	f(α) ≤ f(0) + decrease·α·f′(0) and |f′(α)| ≤ curvature·|f′(0)|,
//
// by reverse communication: begin sets it up, the caller evaluates f and f′ at step, and next
// returns what follows. Nocedal, Wright 2006, Numerical Optimization, algorithms 3.5 and 3.6, with cubic
// interpolation (eq. 3.59). A value or slope that is not finite counts as too far.
type wolfe struct {
	decrease, curvature float64
	limit               int // evaluations

	step      float64 // to evaluate next
	tries     int
	start     trial
	low, high trial // before a minimum is bracketed, low is the trial before this one
	bracketed bool
}

// trial is f and f′ at a step.
type trial struct{ step, loss, slope float64 }

// verdict is the judgement of a line search on a trial point.
type verdict int

const (
	tryAgain  verdict = iota // evaluate at step
	accepted                 // the conditions hold at step
	exhausted                // they cannot be met within the limit, or between neighbouring numbers
)

// The interpolated step keeps this share of the bracket away from its ends; a trial that is not
// finite shortens the bracket to this share; and no trial is more than maxGrowth times the last.
const (
	bracketMargin = 0.1
	maxGrowth     = 10
)

// begin starts a search from loss and slope < 0 at 0, with a first step > 0.
func (w *wolfe) begin(loss, slope, step float64) {
	w.start = trial{0, loss, slope}
	w.low, w.bracketed = w.start, false
	w.step, w.tries = step, 0
}

// next takes f and f′ at w.step.
func (w *wolfe) next(loss, slope float64) verdict {
	w.tries++
	now := trial{w.step, loss, slope}
	sane := finite(loss) && finite(slope)
	enough := sane && loss <= w.start.loss+float64(w.decrease*w.step*w.start.slope)
	if enough && math.Abs(slope) <= -w.curvature*w.start.slope {
		return accepted
	}
	if w.tries >= w.limit {
		return exhausted
	}
	switch {
	case w.bracketed && (!enough || loss >= w.low.loss):
		w.high = now
	case w.bracketed:
		if slope*(w.high.step-w.low.step) >= 0 {
			w.high = w.low
		}
		w.low = now
	case !enough || loss >= w.low.loss:
		w.high, w.bracketed = now, true
	case slope >= 0:
		w.low, w.high, w.bracketed = now, w.low, true
	default:
		w.step = extrapolated(w.low, now)
		w.low = now
		return tryAgain
	}
	w.step = interpolated(w.low, w.high)
	if w.step == w.low.step || w.step == w.high.step {
		return exhausted
	}
	return tryAgain
}

// extrapolated is a step beyond now, where f still falls.
func extrapolated(before, now trial) float64 {
	least, most := now.step+float64(bracketMargin*(now.step-before.step)), float64(maxGrowth*now.step)
	step := cubicMinimizer(before, now)
	if !finite(step) || step > most {
		return most
	}
	return max(step, least)
}

// interpolated is a step inside the bracket.
func interpolated(low, high trial) float64 {
	width := high.step - low.step
	if !finite(high.loss) || !finite(high.slope) {
		return low.step + float64(bracketMargin*width)
	}
	share := (cubicMinimizer(low, high) - low.step) / width
	if !finite(share) {
		share = 0.5
	}
	share = min(max(share, bracketMargin), 1-bracketMargin)
	return low.step + float64(share*width)
}

// cubicMinimizer is the minimiser of the cubic through two trials, NaN if there is none.
func cubicMinimizer(a, b trial) float64 {
	d1 := a.slope + b.slope - 3*(a.loss-b.loss)/(a.step-b.step)
	d2 := math.Copysign(math.Sqrt(float64(d1*d1)-float64(a.slope*b.slope)), b.step-a.step)
	return b.step - (b.step-a.step)*(b.slope+d2-d1)/(b.slope-a.slope+float64(2*d2))
}

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
