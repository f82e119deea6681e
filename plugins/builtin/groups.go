package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// How parameters are grouped, the values of the setting groups.
const (
	byInput  = "input"
	byNeuron = "neuron"
	byTensor = "tensor"
)

// groupsSetting declares the choice of groups, the first being the default.
func groupsSetting(choices ...string) plugins.Setting {
	return plugins.ChoiceSetting("groups",
		"what shares a norm: the weights of a neuron, those of an input to a layer, or a whole tensor", choices...)
}

// group is every stride-th of the parameters from one on, count of them.
type group struct{ from, count, stride int }

// groupsOf splits the penalised tensors. A weight of shape [out, in] has a row for each neuron and a column
// for each input; of further dimensions, all but the first count as inputs. A vector of weights is one row,
// a vector of biases one column.
func groupsOf(layout plugins.Layout, by string) []group {
	var all []group
	for _, t := range layout {
		if !t.Penalized || t.Size() == 0 {
			continue
		}
		rows, columns := 1, t.Size()
		if len(t.Shape) > 1 || t.Role == plugins.RoleBias {
			rows, columns = t.Shape[0], t.Size()/t.Shape[0]
		}
		switch by {
		case byTensor:
			all = append(all, group{t.Offset, t.Size(), 1})
		case byNeuron:
			for i := range rows {
				all = append(all, group{t.Offset + i*columns, columns, 1})
			}
		case byInput:
			for j := range columns {
				all = append(all, group{t.Offset + j, rows, columns})
			}
		}
	}
	return all
}

// norm is the Euclidean norm of the group's parameters, in float64 so that no square overflows a float32.
func norm[F plugins.Float](g group, params []F) float64 {
	squares := 0.0
	for i, left := g.from, g.count; left > 0; i, left = i+g.stride, left-1 {
		x := float64(params[i])
		squares += float64(x * x)
	}
	return math.Sqrt(squares)
}

// multiply scales the group's parameters.
func multiply[F plugins.Float](g group, params []F, by F) {
	for i, left := g.from, g.count; left > 0; i, left = i+g.stride, left-1 {
		params[i] = F(params[i] * by)
	}
}
