package models

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/passes"
)

// PieceRows is the number of rows that a [Predictor] takes at a time.
const PieceRows = chunk

// A Predictor computes what one vector of parameters says of rows that come in pieces, and judges it where targets are
// known. Data of any length needs the memory of one piece.
type Predictor[F plugins.Float] struct {
	net     *network[F]
	slab    Slab[F]
	outputs int
	regress bool

	judged targets[F] // of rows that are not in the tally yet
	waits  int        // of them
	z      passes.Tile[F]
	tally  tally
	count  int // of rows in the tally
}

// NewPredictor makes a predictor of a model with data. It refuses an invalid configuration. params has the layout of
// the model.
func NewPredictor[F plugins.Float](c Config, params []F) (*Predictor[F], error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if _, ok := FunctionNamed(c.Name); ok {
		return nil, &configError{c.Name, "predicts no rows", "linear, logistic, softmax and mlp do"}
	}
	n := newNetwork[F](c)
	if len(params) != n.dim {
		return nil, &configError{c.Name, "has another number of parameters", ""}
	}
	p := &Predictor[F]{net: n, slab: Slab[F]{Params: params, Stride: n.dim}, outputs: n.layers[len(n.layers)-1].out, regress: !c.classifies()}
	p.judged = targets[F]{labels: make([]int32, chunk), y: make([]F, chunk)}
	p.z = tile(make([]F, p.outputs*stride[F](chunk)), p.outputs, chunk)
	return p, nil
}

// Outputs is a [Model] of data, which says what its outputs mean.
type Outputs[F plugins.Float] interface {
	// Columns is the number of values for a row: one for each class, or one number.
	Columns() int

	// Predict writes what a slot says of all rows of part, row by row, as [Predictor.Predict] does. The numbers of a slot are
	// the same to the last bit for any other slots.
	Predict(part data.Part[F], s Slab[F], slot int, values []float64, classes []int)
}

func (n *network[F]) Columns() int {
	if n.regress {
		return 1
	}
	return max(2, n.layers[len(n.layers)-1].out)
}

func (n *network[F]) Predict(part data.Part[F], s Slab[F], slot int, values []float64, classes []int) {
	columns := n.Columns()
	n.only[0] = slot
	for from := 0; from < part.N; from += chunk {
		examples := min(chunk, part.N-from)
		n.take(part, from, examples)
		first := n.forward(part, from, examples, s, n.only[:])
		likeliest := classes
		if !n.regress {
			likeliest = classes[from:][:examples]
		}
		n.head.predict(n.forwardDeep(first, examples, s.params(slot, n.dim)), examples, values[from*columns:][:examples*columns], likeliest)
	}
}

var onlySlot = []int{0}

// Columns is the number of values for a row: one for each class, or one number.
func (p *Predictor[F]) Columns() int { return p.net.Columns() }

// Predict computes a piece of at most [PieceRows] rows. values gets [Predictor.Columns] for each row: the number of a
// regression, or the probability of each class. classes gets the likeliest class, by the rule that accuracy counts by.
// known tells the rows whose targets are in the piece: they are judged.
func (p *Predictor[F]) Predict(piece data.Part[F], known []bool, values []float64, classes []int) {
	p.net.take(piece, 0, piece.N)
	first := p.net.forward(piece, 0, piece.N, p.slab, onlySlot)
	out := p.net.forwardDeep(first, piece.N, p.slab.Params)
	p.net.head.predict(out, piece.N, values, classes)
	for i := range piece.N {
		if !known[i] {
			continue
		}
		for j := range p.outputs {
			p.z.Data[j*p.z.Stride+p.waits] = out.Data[j*out.Stride+i]
		}
		p.judged.labels[p.waits], p.judged.y[p.waits] = p.net.targets.labels[i], p.net.targets.y[i]
		if p.waits++; p.waits == chunk {
			p.judge()
		}
	}
}

// judge moves the outputs and targets that wait into the tally, in the pieces in which Evaluate has them.
func (p *Predictor[F]) judge() {
	p.net.head.score(p.z, p.judged, p.waits, &p.tally)
	p.count += p.waits
	p.waits = 0
}

// Score judges the rows with a target so far, and says how many they are. Where all rows had one and all pieces but the
// last were full, it has the bits of [Model.Evaluate] over all of them; R2 is left out.
func (p *Predictor[F]) Score() (Score, int) {
	if p.waits > 0 {
		p.judge()
	}
	s := p.tally.score(p.count, p.regress, 0)
	s.R2 = 0
	return s, p.count
}
