package stats

import "math"

// Profile is the performance profile ρ[solver][k]: the part of the problems that the solver solved
// within taus[k] times the time of the best solver there. times is by solver and problem, at
// least 0, +Inf for a miss. A problem that all missed counts as missed. A profile depends on
// which solvers are compared. NaN if any time is, or there are no problems.
// Dolan & Moré 2002, Mathematical Programming 91.
func Profile(times [][]float64, taus []float64) [][]float64 {
	rho := make([][]float64, len(times))
	for s, ratios := range ratiosToBest(times) {
		rho[s] = make([]float64, len(taus))
		for k, tau := range taus {
			for _, r := range ratios {
				switch {
				case math.IsNaN(r):
					rho[s][k] = r
				case r <= tau && !math.IsInf(r, 1):
					rho[s][k]++
				}
			}
			rho[s][k] /= float64(len(ratios))
		}
	}
	return rho
}

// ProfileScore is for each solver the mean height of its Profile from 1 to rmax:
// 1/(rmax−1) · ∫ ρ dτ, integrated as the step function it is. It is 1 for the fastest everywhere, and
// a time above rmax times the best is a miss; AlgoPerf has rmax = 4. NaN if any time is,
// for no problems and for rmax ≤ 1.
// Dahl et al. 2023, "Benchmarking Neural Network Training Algorithms".
func ProfileScore(times [][]float64, rmax float64) []float64 {
	scores := make([]float64, len(times))
	for s, ratios := range ratiosToBest(times) {
		if !(rmax > 1) {
			scores[s] = math.NaN()
			continue
		}
		for _, r := range ratios {
			if !(r > rmax) { // a NaN too
				scores[s] += (rmax - r) / (rmax - 1)
			}
		}
		scores[s] /= float64(len(ratios))
	}
	return scores
}

// ratiosToBest are the times over the best on each problem; all NaN if one of them is.
func ratiosToBest(times [][]float64) [][]float64 {
	ratios := make([][]float64, len(times))
	if len(times) == 0 {
		return ratios
	}
	spoilt := 0.0 // or NaN
	best := make([]float64, len(times[0]))
	for w := range best {
		best[w] = math.Inf(1)
		for s := range times {
			if len(times[s]) != len(best) {
				panic("stats: solvers do not have the same problems")
			}
			best[w] = min(best[w], times[s][w])
			if math.IsNaN(times[s][w]) {
				spoilt = math.NaN()
			}
		}
	}
	for s := range times {
		ratios[s] = make([]float64, len(best))
		for w, t := range times[s] {
			switch {
			case math.IsInf(t, 1):
				ratios[s][w] = t + spoilt
			case t == best[w]: // also 0 of 0
				ratios[s][w] = 1 + spoilt
			default:
				ratios[s][w] = t/best[w] + spoilt
			}
		}
	}
	return ratios
}
