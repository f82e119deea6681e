package schedule

import (
	"math"

	"github.com/xrun-dev/xrun/plugins/elementary"
)

// Multiplier is the factor of the trial's rate at s = at in a training of the length total, both in units of Per. It
// depends on these two alone, never on the factor before, so a trial that continues after an interruption gets the same
// bits. The factor of Plateau comes on top: see [State.Multiplier].
func (s Schedule) Multiplier(at, total int) float64 {
	horizon := max(total-s.Warmup, 1) // a warm-up may be longer than training
	if at < s.Warmup {
		return float64(float64(at+1) / float64(s.Warmup) * s.own(0, horizon))
	}
	return s.own(at-s.Warmup, horizon)
}

// own is the kind's factor at its own clock u, of horizon.
func (s Schedule) own(u, horizon int) float64 {
	switch s.Kind {
	case Step:
		return elementary.Pow(s.Gamma, float64(u/s.StepSize))
	case Multistep:
		passed := 0
		for _, m := range s.Milestones {
			if m <= u {
				passed++
			}
		}
		return elementary.Pow(s.Gamma, float64(passed))
	case Exponential:
		return elementary.Pow(s.Gamma, float64(u)/float64(s.Timescale))
	case Inverse:
		return 1 / (1 + float64(s.Rate*float64(u)/float64(s.Timescale)))
	case InverseSqrt:
		k := s.Timescale
		if k == 0 {
			k = max(s.Warmup, 1)
		}
		return 1 / math.Sqrt(1+float64(u)/float64(k))
	case Polynomial:
		left := 1 - s.progress(u, horizon)
		return s.EndFactor + float64((1-s.EndFactor)*elementary.Pow(left, s.Power))
	case Cosine:
		if s.T0 > 0 {
			return s.restarting(u)
		}
		return s.MinFactor + float64((1-s.MinFactor)*halfCosine(s.progress(u, horizon)))
	case Onecycle:
		return s.onecycle(u, horizon)
	case WSD:
		return s.wsd(u, horizon)
	}
	return 1
}

// progress is u/T, at most 1.
func (s Schedule) progress(u, horizon int) float64 {
	if s.TMax > 0 {
		horizon = s.TMax
	}
	if u >= horizon {
		return 1
	}
	return float64(u) / float64(horizon)
}

// halfCosine goes from 1 at x = 0 down to 0 at x = 1.
func halfCosine(x float64) float64 { return float64(0.5 * (1 + elementary.Cospi(x))) }

// restarting finds the cycle of u with whole numbers: a logarithm could round it into a neighbouring cycle.
func (s Schedule) restarting(u int) float64 {
	cycle, length := 0, s.T0
	if s.TMul <= 1 {
		cycle, u = u/length, u%length
	} else {
		for u >= length {
			u -= length
			length *= s.TMul
			cycle++
		}
	}
	height := float64((1 - s.MinFactor) * elementary.Pow(s.MMul, float64(cycle)))
	return s.MinFactor + float64(height*halfCosine(float64(u)/float64(length)))
}

// onecycle has its peak at PctStart·T − 1 and its end at T − 1, as in PyTorch.
func (s Schedule) onecycle(u, horizon int) float64 {
	start := 1 / s.DivFactor
	end := start / s.FinalDivFactor
	peak, last := float64(s.PctStart*float64(horizon))-1, float64(horizon-1)
	at := math.Min(float64(u), last)
	if at <= peak && peak > 0 {
		return 1 + float64((start-1)*halfCosine(at/peak))
	}
	peak = math.Max(peak, 0)
	if last <= peak {
		return 1
	}
	return end + float64((1-end)*halfCosine((at-peak)/(last-peak)))
}

func (s Schedule) wsd(u, horizon int) float64 {
	decay := max(1, int(math.Round(float64(s.DecayFraction*float64(horizon)))))
	x := float64(u-(horizon-decay)) / float64(decay)
	if x <= 0 {
		return 1
	}
	x = math.Min(x, 1)
	if s.DecayShape == OneMinusSqrt {
		x = math.Sqrt(x)
	}
	return s.EndFactor + float64((1-s.EndFactor)*(1-x))
}
