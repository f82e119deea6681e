package models

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/blas"
)

// chunk is the number of rows in one step of work. It is a constant because it decides how sums are rounded. 256 rows of
// wide data, with the numbers computed from them, fit the second-level cache.
const chunk = 256

// network is a chain of dense layers, h = act(W·h + b), under a head that turns the last outputs
// into a loss. Without hidden layers it is linear, logistic or softmax regression.
//
// The slots of a cohort share the input X of the first layer, so their first-layer weights stand side by
// side in panels, and one product serves all slots of a panel. The layers after it have inputs
// of their own in each slot, and one product each, of a shape that is the same for all.
type network[F plugins.Float] struct {
	with       blas.Backend
	layers     []layer
	layout     plugins.Layout
	dim        int
	activation activation[F] // nil without hidden layers
	name       string        // of the activation
	head       head[F]
	sparse     bool // inputs are sparse, and weights and sums nil: first layers stay in the slab

	panel   blas.Panel
	slots   int // that share a panel
	weights []F // first layer of one panel, in × Width
	sums    []F // its gradient
	biases  []F // of the first layer, Width
	z       []F // chunk × Width: outputs of the first layer
	dz      []F // and, with hidden layers, the derivatives of the loss by them
	deep    []deep[F]
	byBias  [][]float64 // for each slot of a panel: sums of derivatives, by output of every layer
	tallies []tally     // for each slot of a panel
}

// layer is one dense layer: W is out × in, at w in the parameter vector, b at b.
type layer struct{ in, out, w, b int }

// deep is the working memory of a layer after the first.
type deep[F plugins.Float] struct {
	weights [][]F // for each slot of a panel, W transposed
	biases  [][]F // for each slot of a panel
	z       []F   // chunk × out: outputs of the slot at work
	dz      []F   // the derivatives of the loss by them
}

func newNetwork[F plugins.Float](c Config, with blas.Backend) *network[F] {
	n := &network[F]{with: with, head: newHead[F](c), sparse: c.Sparse}
	outputs := 1
	if c.classifies() && c.Name != "logistic" {
		outputs = c.Classes
	}
	n.addLayers(c, outputs)
	if len(c.Hidden) > 0 {
		n.activation, n.name = newActivation[F](c.Activation), c.Activation
	}
	n.allocate()
	return n
}

func (n *network[F]) addLayers(c Config, outputs int) {
	in, suffix := c.Inputs, ""
	for i, out := range append(append([]int(nil), c.Hidden...), outputs) {
		if c.Name == "mlp" {
			suffix = fmt.Sprint(i + 1)
		}
		l := layer{in: in, out: out, w: n.dim, b: n.dim + in*out}
		n.layers = append(n.layers, l)
		n.layout = append(n.layout,
			plugins.Tensor{Name: "W" + suffix, Shape: []int{out, in}, Role: plugins.RoleWeight, Offset: l.w, Penalized: true},
			plugins.Tensor{Name: "b" + suffix, Shape: []int{out}, Role: plugins.RoleBias, Offset: l.b, Penalized: c.PenalizeBias})
		n.dim += in*out + out
		in = out
	}
}

// panelOf chooses how first layers share products. The more columns share one, the less each pays for the packing of the
// inputs. If all columns must be in every product, models with few outputs use narrow panels: in float64, 16 columns
// reach three quarters of the speed of 64, and a lone trial wastes little on padding. A layer that is too wide to share
// has a product of its own, without padding.
func panelOf(with blas.Backend, d plugins.DType, outputs int) (p blas.Panel, slots int) {
	p = with.Panel(d, 256)
	if p.Step > 16 {
		want := 64
		switch {
		case outputs <= 4:
			want = 16
		case outputs <= 10:
			want = 32
		}
		p = with.Panel(d, want)
	}
	if slots = p.Width / outputs; slots < 2 {
		return blas.Panel{Width: outputs, Step: 1}, 1
	}
	return p, slots
}

func (n *network[F]) allocate() {
	first := n.layers[0]
	if n.sparse {
		n.slots = max(1, maxSparseOutputs/first.out)
		n.panel = blas.Panel{Width: n.slots * first.out, Step: 1}
	} else {
		n.panel, n.slots = panelOf(n.with, plugins.DTypeOf[F](), first.out)
		n.weights = make([]F, first.in*n.panel.Width)
		n.sums = make([]F, first.in*n.panel.Width)
		n.biases = make([]F, n.panel.Width)
	}
	n.z = make([]F, chunk*n.panel.Width)
	if len(n.layers) > 1 {
		n.dz = make([]F, chunk*n.panel.Width)
	}
	for _, l := range n.layers[1:] {
		d := deep[F]{z: make([]F, chunk*l.out), dz: make([]F, chunk*l.out)}
		for range n.slots {
			d.weights = append(d.weights, make([]F, l.in*l.out))
			d.biases = append(d.biases, make([]F, l.out))
		}
		n.deep = append(n.deep, d)
	}
	for range n.slots {
		n.byBias = append(n.byBias, make([]float64, n.biasCount()))
	}
	n.tallies = make([]tally, n.slots)
}

func (n *network[F]) biasCount() int {
	count := 0
	for _, l := range n.layers {
		count += l.out
	}
	return count
}

func (n *network[F]) Layout() plugins.Layout { return n.layout }

func (n *network[F]) Metrics() []string { return n.head.metrics() }

// Init leaves models without hidden layers at 0. In an mlp, biases are 0 and the weights of every layer are
// drawn from N(0, 2/in) for relu (He, Zhang, Ren, Sun 2015, eq. 10), and uniformly
// from ±√(6/(in+out)) for tanh (Glorot, Bengio 2010, eq. 16).
func (n *network[F]) Init(params []F, rng *rand.Rand) {
	clear(params)
	if n.activation == nil {
		return
	}
	for _, l := range n.layers {
		for i := range params[l.w:l.b] {
			switch n.name {
			case "relu":
				params[l.w+i] = F(rng.NormFloat64() * math.Sqrt(2/float64(l.in)))
			case "tanh":
				params[l.w+i] = F((rng.Float64()*2 - 1) * math.Sqrt(6/float64(l.in+l.out)))
			}
		}
	}
}
