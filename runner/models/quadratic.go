package models

import (
	"math"
	"math/rand/v2"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

// quadratic is J(θ) = ½ Σ dᵢθᵢ² for i = 0 … n−1, with the eigenvalues dᵢ = κ^(−i/(n−1)), that is
// from 1 down to 1/κ in equal ratios (1 alone if n is 1). θ starts at draws from N(0, 1); the minimum
// is 0, at 0. It takes no data.
type quadratic[F plugins.Float] struct {
	eigenvalues []F
	layout      plugins.Layout
}

func newQuadratic[F plugins.Float](c Config) *quadratic[F] {
	q := &quadratic[F]{eigenvalues: make([]F, c.Dimension)}
	q.layout = plugins.Layout{{Name: "theta", Shape: []int{c.Dimension}, Role: plugins.RoleWeight, Penalized: true}}
	for i := range q.eigenvalues {
		q.eigenvalues[i] = F(math.Pow(c.Condition, -float64(i)/float64(max(1, c.Dimension-1))))
	}
	return q
}

func (q *quadratic[F]) Layout() plugins.Layout { return q.layout }

func (q *quadratic[F]) Metrics() []string { return metricsOfLoss }

func (q *quadratic[F]) Init(params []F, rng *rand.Rand) {
	for i := range params {
		params[i] = F(rng.NormFloat64())
	}
}

func (q *quadratic[F]) Gradient(_ data.Part[F], s Slab[F], active []int) {
	for _, slot := range active {
		params, grads := s.params(slot, len(q.eigenvalues)), s.grads(slot, len(q.eigenvalues))
		for i, d := range q.eigenvalues {
			grads[i] = d * params[i]
		}
	}
}

func (q *quadratic[F]) Evaluate(_ data.Part[F], s Slab[F], active []int, out []Score) {
	for i, slot := range active {
		sum := 0.0
		params := s.params(slot, len(q.eigenvalues))
		for j, d := range q.eigenvalues {
			x := float64(params[j])
			sum += float64(float64(d) * float64(x*x))
		}
		out[i] = Score{Loss: sum / 2}
	}
}
