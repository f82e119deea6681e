package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"unsafe"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/gemm"
	"github.com/xrun-dev/xrun/runner/passes"
	"github.com/xrun-dev/xrun/runner/streams"
)

// chunk is the number of rows in one step of work. It is a constant because it decides in which order losses and the
// derivatives by biases are summed. Products do not depend on it.
const chunk = 256

// mostInputs limits the features that are turned round at a time. Of wider data the products go on where the last ones ended.
const mostInputs = 4096

// mostOutputs limits the outputs of a first layer that are computed together, so that they stay in the second-level cache.
const mostOutputs = 256

// network is a chain of dense layers, h = act(W·h + b), under a head that turns the last outputs into a loss. Without hidden
// layers it is linear, logistic or softmax regression.
//
// Outputs are tiles: a row for each output, a column for each example. The first layers of several slots have the same
// inputs, and share a product; their outputs stand below each other. The layers after it have inputs of their own in each
// slot. Weights are read, and their gradients written, where they stand in the slab.
type network[F plugins.Float] struct {
	layers     []layer
	layout     plugins.Layout
	dim        int
	activation *activation[F] // nil without hidden layers
	head       head[F]
	sparse     bool // inputs are sparse
	regress    bool // the output is a number
	slots      int  // that are computed together

	inputs  []F   // of a chunk: a row for each feature, of mostInputs at a time, unless they are sparse
	places  []int // of the chunk's rows among the inputs
	targets targets[F]
	ones    []F
	outputs []F // of the first layer, for all slots that are computed together
	by      []F // derivatives of the loss by them, with hidden layers
	deep    []deep[F]
	turned  []F // the inputs of a deeper layer, a row for each example
	tallies []tally
	only    [1]int // the slot that predicts

	weights, biases, rows []int // where those of each slot stand: parameters, or gradients, and outputs
}

// layer is one dense layer: W is out × in, at w in the parameter vector, b at b.
type layer struct{ in, out, w, b int }

// deep is the working memory of a layer after the first, for one slot.
type deep[F plugins.Float] struct {
	outputs []F
	by      []F // derivatives of the loss by them
}

func newNetwork[F plugins.Float](c Config) *network[F] {
	n := &network[F]{head: newHead[F](c), sparse: c.Sparse, regress: !c.classifies()}
	outputs := 1
	if c.classifies() && c.Name != "logistic" {
		outputs = c.Classes
	}
	n.addLayers(c, outputs)
	if len(c.Hidden) > 0 {
		n.activation = newActivation[F](c.Activation)
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

func (n *network[F]) allocate() {
	first := n.layers[0]
	n.slots = max(1, mostOutputs/first.out)
	wide := stride[F](chunk)
	if !n.sparse {
		n.inputs = make([]F, min(first.in, mostInputs)*wide)
	}
	n.targets = targets[F]{labels: make([]int32, chunk), y: make([]F, chunk)}
	n.ones = make([]F, chunk)
	for i := range n.ones {
		n.ones[i] = 1
	}
	n.outputs = make([]F, n.slots*first.out*wide)
	widest := 0
	for _, l := range n.layers[1:] {
		n.deep = append(n.deep, deep[F]{outputs: make([]F, l.out*wide), by: make([]F, l.out*wide)})
		widest = max(widest, l.in)
	}
	if widest > 0 {
		n.by = make([]F, n.slots*first.out*wide)
		n.turned = make([]F, chunk*stride[F](widest))
	}
	n.places = make([]int, max(chunk, widest))
	n.weights, n.biases, n.rows = make([]int, n.slots), make([]int, n.slots), make([]int, n.slots)
}

// stride is the distance between the rows of a tile with so many columns: an odd number of cache lines, so that the rows
// do not compete for the same places in the cache.
func stride[F plugins.Float](columns int) int {
	var zero F
	line := 64 / int(unsafe.Sizeof(zero))
	lines := (passes.Padded(columns) + line - 1) / line
	return (lines | 1) * line
}

// tile views memory as a number of rows for a chunk of examples.
func tile[F plugins.Float](data []F, rows, examples int) passes.Tile[F] {
	return passes.Tile[F]{Data: data, Rows: rows, Stride: stride[F](examples)}
}

// slotOf views the rows of the i-th of several slots.
func slotOf[F plugins.Float](t passes.Tile[F], i, rows int) passes.Tile[F] {
	return passes.Tile[F]{Data: t.Data[i*rows*t.Stride:], Rows: rows, Stride: t.Stride}
}

// stack views matrices of rows that follow each other, in the order of memory.
func stack[F plugins.Float](data []F, at []int, rows, row int) gemm.Stack[F] {
	return gemm.Stack[F]{Data: data, At: at, Rows: rows, Row: row, Col: 1}
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
			switch n.activation.name {
			case "relu":
				params[l.w+i] = F(streams.Normal(rng) * math.Sqrt(2/float64(l.in)))
			case "tanh":
				params[l.w+i] = F((float64(rng.Float64()*2) - 1) * math.Sqrt(6/float64(l.in+l.out)))
			}
		}
	}
}
