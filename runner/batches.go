package runner

import (
	"math/rand/v2"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/streams"
)

// batches draws the mini-batches of a training set, in the order of its random stream. The
// mini-batches of a noisy test function are rows of draws from N(0, noise²).
type batches[F plugins.Float] struct {
	train    data.Part[F]
	size     int // 0 is the whole set
	sampling string
	rng      *rand.Rand
	order    []int
	buffer   data.Part[F]
	noise    float64
	draws    *rand.Rand
}

func newBatches[F plugins.Float](train data.Part[F], t Task, seed int64) *batches[F] {
	b := &batches[F]{train: train, size: min(t.Batch, train.N), sampling: t.Sampling, rng: streams.New(seed, streams.Order)}
	if t.Noise > 0 {
		b.noise, b.draws = t.Noise, streams.New(seed, streams.Noise)
		rows := max(t.Batch, 1)
		b.buffer = data.Part[F]{X: make([]F, rows*t.Dimension), N: rows, D: t.Dimension}
	}
	if b.size == 0 || train.N == 0 {
		return b
	}
	b.order = make([]int, train.N)
	for i := range b.order {
		b.order[i] = i
	}
	b.buffer = data.Part[F]{D: train.D, Classes: train.Classes}
	if train.IsSparse() {
		b.buffer.Sparse = data.CSR[F]{RowStart: make([]int, b.size), RowEnd: make([]int, b.size)}
	} else {
		b.buffer.X = make([]F, b.size*train.D)
	}
	if train.Labels != nil {
		b.buffer.Labels = make([]int32, b.size)
	}
	if train.Y != nil {
		b.buffer.Y = make([]F, b.size)
	}
	return b
}

// steps is the number of batches in an epoch; the last may be smaller.
func (b *batches[F]) steps() int {
	if b.order == nil {
		return 1
	}
	return (b.train.N + b.size - 1) / b.size
}

// epoch decides the order of the next epoch, or draws its noise.
func (b *batches[F]) epoch() {
	if b.draws != nil {
		for k := range b.buffer.X {
			b.buffer.X[k] = F(b.noise * streams.Normal(b.draws))
		}
	}
	switch {
	case b.order == nil:
	case b.sampling == "shuffle":
		b.rng.Shuffle(len(b.order), func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
	case b.sampling == "replacement":
		for i := range b.order {
			b.order[i] = b.rng.IntN(len(b.order))
		}
	}
}

// batch gathers batch i of the epoch. Sparse rows are not copied. It is valid until the next call.
func (b *batches[F]) batch(i int) data.Part[F] {
	if b.draws != nil {
		return b.buffer
	}
	if b.order == nil {
		return b.train
	}
	rows := b.order[i*b.size : min((i+1)*b.size, len(b.order))]
	out, d := b.buffer, b.train.D
	out.N = len(rows)
	if b.train.IsSparse() {
		b.train.Sparse.Pick(&out.Sparse, rows)
	} else {
		out.X = out.X[:out.N*d]
		for n, row := range rows {
			copy(out.X[n*d:(n+1)*d], b.train.X[row*d:(row+1)*d])
		}
	}
	if out.Labels != nil {
		out.Labels = out.Labels[:out.N]
		for n, row := range rows {
			out.Labels[n] = b.train.Labels[row]
		}
	}
	if out.Y != nil {
		out.Y = out.Y[:out.N]
		for n, row := range rows {
			out.Y[n] = b.train.Y[row]
		}
	}
	return out
}
