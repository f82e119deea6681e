package models

import "github.com/xrun-dev/xrun/plugins/elementary"

// eigenvalues of the quadratics: dᵢ = κ^(−i/(n−1)) for i = 0 … n−1 with the condition κ: from 1
// down to 1/κ in equal ratios, 1 alone if n is 1. Nil for other models.
func (c Config) eigenvalues() []float64 {
	if f, ok := FunctionNamed(c.Name); !ok || !f.Conditioned {
		return nil
	}
	d := make([]float64, c.Dimension)
	for i := range d {
		d[i] = elementary.Pow(c.Condition, -float64(i)/float64(max(1, c.Dimension-1)))
	}
	return d
}

// quadratic is ½·Σ dᵢxᵢ². The noisy one is J(θ; c) = ½·Σ dᵢ(θᵢ − cᵢ)² with c drawn from N(0, σ²) at every step,
// as in Schaul, Zhang, LeCun 2013 (ICML), 3: its gradients are right on average. Its loss is
// reported without the noise, and so without the ½·σ²·Σ dᵢ that no θ can undo.
func quadratic(x, d []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += float64(d[i] * float64(v*v))
	}
	return sum / 2
}

func quadraticGradient(grad, x, d []float64) {
	for i, v := range x {
		grad[i] = float64(d[i] * v)
	}
}
