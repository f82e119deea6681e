package plugintest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/xrun-dev/xrun/plugins"
)

// How finely a step has to tell inputs apart. A relative change of 2⁻¹³ is 1/8 to 1/4 of the distance between
// neighbours in float16 (11 bits), and 1024 of them in float32 (24 bits); 2⁻²⁶ is the same share in float32, and
// 2²⁶ of them in float64 (53 bits). Rounded to the smaller type, about a fifth of all elements notice.
const (
	halfStep  = 1.0 / (1 << 13)
	floatStep = 1.0 / (1 << 26)
	wideStep  = 0.1 // is seen in every format, down to 3 bits
	noticed   = 0.5 // the share of the elements that answer which has to notice the small change
	answers   = 0.3 // the share of elements that have to answer, else nothing is said: those of sign rules do not
	clearly   = 16  // how many roundings of the result the answer to the small change has to be, by that to the wide one
	precisely = 3   // steps before the one that is looked at: the first ones of many rules are signs
)

// precision changes each element of the gradient, or of the parameters, by a little before one step, up or down, and
// counts how many elements of the result differ: of those that answer to a wide change so much that in proportion a little one
// is many times the rounding of the result. With the defaults only: others may make a sign of a gradient.
func (s *subject) precision(ctx context.Context) (string, error) {
	conventions := 1
	for conventions < len(s.trials) && len(s.trials[conventions].settings) == len(s.trials[0].settings)+1 &&
		!s.trials[conventions].settings[plugins.SettingConvention].IsZero() {
		conventions++
	}
	for _, dtype := range dtypes {
		for _, t := range s.trials[:conventions] {
			for _, of := range []string{"gradient", "parameters"} {
				share, err := s.notice(ctx, t, dtype, of == "parameters", halfStep)
				if err != nil {
					return "", err
				}
				if share < noticed {
					return "", failf("with %s and %s a step does not see a relative change of %.2g in the %s: it makes a difference to %.0f %% of the elements, of those that a change of %g moves. It is computed in float16 or with fewer bits: compute in the type of %s, and keep what is remembered in it",
						t, dtype, halfStep, of, 100*share, wideStep, s.word.theta)
				}
				if dtype == plugins.Float32 {
					continue
				}
				if share, err = s.notice(ctx, t, dtype, of == "parameters", floatStep); err != nil {
					return "", err
				}
				if share < noticed {
					return "", failf("with %s and float64 a step does not see a relative change of %.2g in the %s: it makes a difference to %.0f %% of the elements, of those that a change of %g moves. It is computed in float32: compute in the type of %s, and keep what is remembered in it",
						t, floatStep, of, 100*share, wideStep, s.word.theta)
				}
			}
		}
	}
	return "", nil
}

// notice is the share of elements that notice a relative change, of those that answer; 1 if too few answer.
func (s *subject) notice(ctx context.Context, t trial, dtype plugins.DType, parameters bool, by float64) (float64, error) {
	b, err := s.open(ctx, s.shared, dtype, matrix(256), []trial{t, t, t})
	if err != nil {
		return 0, err
	}
	defer b.Close()
	change := []float64{0, by, wideStep}
	slots, theta := upTo(3), make([]float64, b.dim)
	// From 0, parameters have the size of a few steps, and hide none of them by their own rounding.
	for step := range precisely + 1 {
		last := step == precisely
		sign := rand.New(rand.NewPCG(t.seed, 4000))
		signs := make([]float64, b.dim)
		for i := range signs {
			signs[i] = 1 - 2*float64(sign.IntN(2))
		}
		for slot := range slots {
			if !last || !parameters {
				continue
			}
			b.get(b.params, slot, theta)
			for i := range theta {
				theta[i] *= 1 + signs[i]*change[slot]
			}
			b.put(b.params, slot, theta)
		}
		bad, err := b.step(ctx, slots, func(int) float64 { return t.lr }, func(slot int, theta, grad []float64) float64 {
			rng := rand.New(rand.NewPCG(t.seed, 3000+uint64(step)))
			loss := 0.0
			for i := range grad {
				d, at := 0.5+rng.Float64(), rng.NormFloat64() // ½Σ d(θ − at)²
				grad[i] = d * (theta[i] - at)
				loss += grad[i] * (theta[i] - at) / 2
				if last && !parameters {
					grad[i] *= 1 + signs[i]*change[slot]
				}
			}
			return loss
		})
		if err == nil {
			err = reported(bad, []trial{t, t, t}, slots)
		}
		if err != nil {
			return 0, err
		}
	}
	var x [3][]float64
	for slot := range slots {
		x[slot] = make([]float64, b.dim)
		b.get(b.params, slot, x[slot])
	}
	rounding := math.Ldexp(1, -53)
	if dtype == plugins.Float32 {
		rounding = math.Ldexp(1, -24)
	}
	answer, differ := 0, 0
	for i, at := range x[0] {
		if x[2][i] == at || math.Abs(x[2][i]-at)*by/wideStep < clearly*rounding*math.Abs(at) {
			continue
		}
		answer++
		if x[1][i] != at {
			differ++
		}
	}
	if float64(answer) < answers*float64(b.dim) {
		return 1, nil
	}
	return float64(differ) / float64(answer), nil
}

// closely is how far a float32 regularizer may be from the float64 one, in units of the largest element: some hundred
// roundings. Float16 is off by up to 5e-4.
const closely = 5e-5

// regularizerPrecision compares gradients and proximal maps in float32 with those in float64 at the same points.
func (s *subject) regularizerPrecision(ctx context.Context) (string, error) {
	for _, t := range s.trials {
		t.lambda = 0.7
		var gradients, maps [2][]float64
		xs := points(4, layout.Dim(), 11)
		for _, x := range xs {
			for i := range x {
				x[i] = float64(float32(x[i]))
			}
		}
		for n, dtype := range dtypes {
			b, err := s.open(ctx, s.shared, dtype, layout, []trial{t})
			if err != nil {
				return "", fmt.Errorf("with λ = %g and %s: %w", t.lambda, t, err)
			}
			g := &gauge{bench: b, s: s, t: t, slots: upTo(1), values: make([]float64, 1)}
			for _, x := range xs {
				v, err := g.gradient(ctx, x, nil)
				var mapped []float64
				if err == nil && s.proximal(t) {
					g.put(g.params, 0, x)
					if mapped, err = g.map1(ctx, 0.5); err == nil {
						for i := range mapped {
							mapped[i] -= x[i]
						}
					}
				}
				if err != nil {
					b.Close()
					return "", err
				}
				gradients[n], maps[n] = append(gradients[n], v...), append(maps[n], mapped...)
			}
			if err := b.Close(); err != nil {
				return "", err
			}
		}
		for _, what := range []struct {
			name string
			of   [2][]float64
		}{{"gradient", gradients}, {"proximal map", maps}} {
			largest := 0.0
			for _, x := range what.of[0] {
				largest = max(largest, math.Abs(x))
			}
			for i, x := range what.of[0] {
				if y := what.of[1][i]; math.Abs(x-y) > closely*largest+1e-6*closely {
					return "", failf("with λ = 0.7 and %s the %s in float32 has %.8g where float64 has %.8g: it is computed with fewer bits", t, what.name, y, x)
				}
			}
		}
	}
	return "", nil
}

// map1 is the proximal map of what lies in the first slot.
func (g *gauge) map1(ctx context.Context, step float64) ([]float64, error) {
	x := make([]float64, g.dim)
	g.get(g.params, 0, x)
	mapped, err := g.prox(ctx, [][]float64{x}, step)
	if err != nil {
		return nil, err
	}
	return mapped[0], nil
}
