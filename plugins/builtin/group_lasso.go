package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

var groupLasso = plugins.NewRegularizer(plugins.Spec{
	Name:    "group_lasso",
	Summary: "sum of norms: whole groups of weights become zero",
	Doc: `R(θ) = κ·Σ √p_g·‖θ_g‖₂ over groups g of p_g parameters. groups = "input" has a group for
the weights that leave each input of a layer, in the first layer those of one feature; "neuron" one
for the weights that enter each neuron; "tensor" one for each tensor. Subgradient κ·√p_g·θ_g/‖θ_g‖, and 0 at
0. Proximal map for a step s: θ_g·max(1 − s·κ·√p_g/‖θ_g‖, 0), which leaves exact zeros.`,
	Citation:    "Yuan, Lin 2006 (JRSS B 68), eq. 2.1; proximal map: Parikh, Boyd 2014, Proximal Algorithms, 6.5.4",
	Revision:    1,
	Settings:    []plugins.Setting{groupsSetting(byInput, byNeuron, byTensor), strengthsOfGroups.setting(), mode},
	Conventions: strengthsOfGroups.conventions(),
	Features:    []string{plugins.FeatureProx, plugins.FeatureCoefficients},
}, newGroupLasso[float32], newGroupLasso[float64])

var strengthsOfGroups = strengths{
	{plugins.Convention{Name: meanSquares, Source: sourceMeanSquares,
		Rule: "κ = λ/(2m): groups of one parameter give l1"}, perExample},
	{plugins.Convention{Name: "plain", Source: "Yuan, Lin 2006 (JRSS B 68), eq. 2.1, over m",
		Rule: "κ = λ"}, plain},
}

type groupNorms[F plugins.Float] struct {
	coefficient float64
	groups      []group
	weights     []float64 // κ·√p of each group
}

func newGroupLasso[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	p, err := strengthsOfGroups.of(in, 1)
	if err != nil {
		return nil, err
	}
	r := &groupNorms[F]{coefficient: p.l1, groups: groupsOf(in.Layout, in.Settings.Choice("groups"))}
	for _, g := range r.groups {
		r.weights = append(r.weights, float64(p.l1*math.Sqrt(float64(g.count))))
	}
	return r, nil
}

func (r *groupNorms[F]) Coefficients() map[string]float64 {
	return map[string]float64{plugins.PartGroup: r.coefficient}
}

func (r *groupNorms[F]) Value(params []F) F {
	sum := 0.0
	for i, g := range r.groups {
		sum += float64(r.weights[i] * norm(g, params))
	}
	return F(sum)
}

func (r *groupNorms[F]) AddGradient(params, grad []F) {
	for i, g := range r.groups {
		n := norm(g, params)
		if n == 0 {
			continue
		}
		factor := r.weights[i] / n
		for k, left := g.from, g.count; left > 0; k, left = k+g.stride, left-1 {
			grad[k] += F(factor * float64(params[k]))
		}
	}
}

// Prox does nothing where the threshold is 0, so that a group of norm 0 is never divided by it.
func (r *groupNorms[F]) Prox(params []F, step F) {
	for i, g := range r.groups {
		threshold := float64(float64(step) * r.weights[i])
		if threshold == 0 {
			continue
		}
		switch n := norm(g, params); {
		case n > threshold:
			multiply(g, params, F(1-threshold/n))
		case n <= threshold: // not where n is NaN
			clearGroup(g, params)
		}
	}
}

// clearGroup sets the group's parameters to 0; a product with 0 could be −0.
func clearGroup[F plugins.Float](g group, params []F) {
	for i, left := g.from, g.count; left > 0; i, left = i+g.stride, left-1 {
		params[i] = 0
	}
}
