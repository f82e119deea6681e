package plugintest

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
)

// prox compares the proximal map with its definition: no other point may have a smaller
// ½‖z − x‖² + step·R(z) than the one it maps x to. A regularizer whose value is 0 everywhere and that
// has no gradient is a limit: R stands for 0 inside of it and ∞ outside, and the map is the projection.
func (s *subject) prox(ctx context.Context) (string, error) {
	if !s.Has(plugins.FeatureProx) {
		return "", skipf("it does not declare %s", plugins.FeatureProx)
	}
	mode, _ := s.Setting(plugins.SettingMode)
	tried := 0
	trials := s.trials
	for _, t := range s.trials {
		if !s.proximal(t) { // the same settings, by the map
			trials = append(slices.Clip(trials), s.mapped(t))
		}
	}
	for _, t := range trials {
		if !s.proximal(t) {
			continue
		}
		for _, lambda := range []float64{0.3, 5} {
			t.lambda = lambda
			g, err := s.gauge(ctx, t, layout)
			if err != nil {
				continue // refused as the same settings in the other mode were not, which settings/limits sees
			}
			tried++
			err = g.minimal(ctx, len(mode.Choices) == 1)
			g.Close()
			if err != nil {
				return "", err
			}
		}
	}
	if tried == 0 {
		return "", failf("declares %s, but opens with no mode = %q", plugins.FeatureProx, plugins.ModeProximal)
	}
	return "", nil
}

// mapped is a trial whose proximal map takes part in steps.
func (s *subject) mapped(t trial) trial {
	settings := plugins.Settings{}
	for name, v := range t.settings {
		settings[name] = v
	}
	settings[plugins.SettingMode] = plugins.Choice(plugins.ModeProximal)
	t.settings = settings
	return t
}

// minimal looks for points that are better than the one mapped to.
func (g *gauge) minimal(ctx context.Context, limit bool) error {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, step := range []float64{0.05, 1} {
		xs := points(3, g.dim, 8)
		for i := range xs[2] {
			xs[2][i] *= 10
		}
		ys, err := g.prox(ctx, xs, step)
		if err != nil {
			return err
		}
		again, err := g.prox(ctx, xs, step)
		if err != nil {
			return err
		}
		for k, x := range xs {
			y := ys[k]
			if i := notANumber(y); i >= 0 {
				return failf("with λ = %g, %s and step %g the proximal map of %g is %g", g.t.lambda, g.t, step, x[i], y[i])
			}
			if !slices.Equal(y, again[k]) {
				return failf("with λ = %g and %s the proximal map of the same point is another at the second call", g.t.lambda, g.t)
			}
			others := g.others(rng, x, y)
			if limit {
				// Of what is inside, the map knows: it maps there.
				if others, err = g.prox(ctx, append(others, y), step); err != nil {
					return err
				}
				last := others[len(others)-1]
				if d := distance(last, y); d > 1e-20*(1+distance(y, make([]float64, len(y)))) {
					return failf("with λ = %g and %s a point that has been projected moves by %.3g when it is projected again", g.t.lambda, g.t, math.Sqrt(d))
				}
			}
			values, err := g.at(ctx, append(others, y))
			if err != nil {
				return err
			}
			own := distance(x, y)/2 + step*values[len(others)]
			for n, z := range others {
				if other := distance(x, z)/2 + step*values[n]; other < own-1e-9*(1+math.Abs(own)) {
					return failf("with λ = %g, %s and step %g the proximal map leads to ½‖z − x‖² + step·R(z) = %.10g, but %.10g is possible, at the distance %.3g from there",
						g.t.lambda, g.t, step, own, other, math.Sqrt(distance(y, z)))
				}
			}
		}
	}
	return nil
}

// others are points to compare y, which x was mapped to, with: x, 0, between and beyond the two, y
// with each element changed, without it, and random ones around.
func (g *gauge) others(rng *rand.Rand, x, y []float64) [][]float64 {
	zero := make([]float64, len(x))
	all := [][]float64{x, zero}
	between := func(a, b []float64, share float64) []float64 {
		z := make([]float64, len(a))
		for i := range z {
			z[i] = a[i] + share*(b[i]-a[i])
		}
		return z
	}
	for _, share := range []float64{-0.3, -0.03, 0.003, 0.03, 0.3, 0.7} {
		all = append(all, between(y, x, share), between(y, zero, share))
	}
	for i := range y {
		for _, by := range []float64{0.1, 0.01, 1e-3} {
			for _, sign := range []float64{1, -1} {
				z := slices.Clone(y)
				z[i] += sign * by * (1 + math.Abs(y[i]))
				all = append(all, z)
			}
		}
		z := slices.Clone(y)
		z[i] = 0
		all = append(all, z)
	}
	for _, width := range []float64{1e-3, 0.03, 1} {
		for range 8 {
			z := slices.Clone(y)
			for i := range z {
				z[i] += width * rng.NormFloat64()
			}
			all = append(all, z)
		}
	}
	return all
}

// distance is ‖a − b‖².
func distance(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		d := a[i] - b[i]
		sum += float64(d * d)
	}
	return sum
}
