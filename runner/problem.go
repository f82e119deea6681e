package runner

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/models"
	"github.com/xrun-dev/xrun/runner/streams"
)

// problem is what a cohort trains: a model with its data, in this process or in a plugin. Slots whose
// component reported an error are named; the others are done.
type problem[F plugins.Float] interface {
	// metrics are what evaluate reports, the first of them being plugins.MetricTrainLoss.
	metrics() []string

	// init writes the parameters that training starts from.
	init(ctx context.Context, active []int) ([]*SlotError, error)

	// batches is the number of steps in an epoch, next begins one. The steps of an epoch count
	// from 0.
	batches() int
	next()

	// gradient writes the gradients of slots on the mini-batch of a step.
	gradient(ctx context.Context, step int, slots []int) ([]*SlotError, error)

	// loss writes to dst the mean losses of slots on the mini-batch of the newest gradient, at
	// the parameters that it was taken at.
	loss(dst []float64, slots []int)

	// evaluate writes the metrics of each active slot to the slice of dst with its index.
	evaluate(ctx context.Context, active []int, dst [][]float64) ([]*SlotError, error)
}

// native is a problem that xrun computes itself.
type native[F plugins.Float] struct {
	parts  data.Parts[F]
	config models.Config
	model  models.Model[F]
	slab   models.Slab[F]
	order  *batches[F]
	batch  data.Part[F] // of the newest gradient
	seed   int64

	names   []string
	sets    []evaluated[F]
	scores  []models.Score // for the losses of a mini-batch
	scoring *scoring[F]    // nil if no metric of rows is asked for
	double  *data.Part[float64]
	// constants are what a constant predictor scores, once they have been asked for.
	constants map[string]float64
	taken     float64 // of the room for memory
}

// evaluated is one part of the data that metrics are computed on.
type evaluated[F plugins.Float] struct {
	prefix string // of its metrics
	part   data.Part[F]
	scores []models.Score
}

// newNative loads the data of a task and makes its model, for a number of slots.
func newNative[F plugins.Float](ctx context.Context, w *worker, t Task, seed int64, slots int) (made *native[F], err error) {
	parts, err := loadParts[F](w, t, seed)
	if err != nil {
		return nil, err
	}
	n := &native[F]{parts: parts, seed: seed, config: models.Config{
		Name: t.Model, Kind: data.Kind(t.Kind), Inputs: parts.Train.D, Classes: parts.Train.Classes, Sparse: parts.Train.IsSparse(),
		Hidden: t.Hidden, Activation: t.Activation, PenalizeBias: t.PenalizeBias,
		Dimension: t.Dimension, Condition: t.Condition, Noise: t.Noise,
	}}
	if t.ClassWeight != "" {
		n.config.ClassWeights = balanced(parts.Train.OfClasses())
	}
	for _, part := range []evaluated[F]{{prefix: PartTrain, part: parts.Train}, {prefix: PartValidation, part: parts.Validation}, {prefix: PartTest, part: parts.Test}} {
		if part.prefix == PartTrain || part.part.N > 0 {
			part.scores = make([]models.Score, slots)
			n.sets = append(n.sets, part)
		}
	}
	shared, each := t.needs(n.config)
	n.taken = shared + float64(each*float64(slots)) + n.prepareScores(t)
	what := "the trial"
	if slots > 1 {
		what = fmt.Sprintf("a cohort of %d trials", slots)
	}
	if err := w.room.take(ctx, what, n.taken, w.options.Drain); err != nil {
		return nil, err
	}
	defer func() {
		if made == nil {
			w.room.release(n.taken)
		}
	}()
	if n.model, err = models.New[F](n.config); err != nil {
		return nil, err
	}
	n.order = newBatches(parts.Train, t, seed)
	n.scores = make([]models.Score, slots)
	for _, set := range n.sets {
		for _, name := range n.model.Metrics() {
			n.names = append(n.names, set.prefix+name)
		}
	}
	return n, nil
}

// balanced are the weights under which all classes count alike in the loss: m/(C·m_c) for one that m_c of m training rows
// have, where C classes have any. They are those of scikit-learn's class_weight="balanced". A class without training rows
// has the weight 1.
func balanced(rows []int) []float64 {
	train, present := 0, 0
	for _, n := range rows {
		if train += n; n > 0 {
			present++
		}
	}
	weights := make([]float64, len(rows))
	for class, n := range rows {
		if weights[class] = 1; n > 0 {
			weights[class] = float64(train) / float64(float64(present)*float64(n))
		}
	}
	return weights
}

func (n *native[F]) metrics() []string { return n.names }

func (n *native[F]) init(_ context.Context, active []int) ([]*SlotError, error) {
	theta := make([]F, n.model.Layout().Dim())
	n.model.Init(theta, n.initStream())
	for _, slot := range active {
		copy(n.slab.Params[slot*n.slab.Stride:], theta)
	}
	return nil, nil
}

func (n *native[F]) initStream() *rand.Rand { return streams.New(n.seed, streams.Init) }

func (n *native[F]) batches() int { return n.order.steps() }
func (n *native[F]) next()        { n.order.epoch() }

func (n *native[F]) gradient(_ context.Context, step int, slots []int) ([]*SlotError, error) {
	n.batch = n.order.batch(step)
	n.model.Gradient(n.batch, n.slab, slots)
	return nil, nil
}

func (n *native[F]) loss(dst []float64, slots []int) {
	scores := n.scores[:len(slots)]
	n.model.Evaluate(n.batch, n.slab, slots, scores)
	for i, s := range scores {
		dst[i] = s.Loss
	}
}

func (n *native[F]) evaluate(_ context.Context, active []int, dst [][]float64) ([]*SlotError, error) {
	for _, set := range n.sets {
		n.model.Evaluate(set.part, n.slab, active, set.scores[:len(active)])
	}
	own := n.model.Metrics()
	for i := range active {
		for s, set := range n.sets {
			for m, name := range own {
				dst[i][s*len(own)+m], _ = set.scores[i].Value(name)
			}
		}
	}
	return nil, nil
}

// remote is a problem that a plugin computes.
type remote struct {
	plugin  Objective
	names   []string // in the order of the runner
	index   []int    // where they are in the plugin's order
	epoch   int
	losses  []float64 // by slot, of the newest gradient
	scratch []float64
	raw     [][]float64
}

func newRemote(plugin Objective, metrics []string, slots int) *remote {
	r := &remote{plugin: plugin, losses: make([]float64, slots), scratch: make([]float64, slots), raw: make([][]float64, slots)}
	first := slices.Index(metrics, plugins.MetricTrainLoss)
	r.names, r.index = []string{plugins.MetricTrainLoss}, []int{first}
	for i, name := range metrics {
		if i != first {
			r.names, r.index = append(r.names, name), append(r.index, i)
		}
	}
	for i := range r.raw {
		r.raw[i] = make([]float64, len(metrics))
	}
	return r
}

func (r *remote) metrics() []string { return r.names }

func (r *remote) init(ctx context.Context, active []int) ([]*SlotError, error) {
	return r.plugin.Init(ctx, active)
}

func (r *remote) batches() int { return r.plugin.Problem().Batches }
func (r *remote) next()        { r.epoch++ }

func (r *remote) gradient(ctx context.Context, step int, slots []int) ([]*SlotError, error) {
	losses := r.scratch[:len(slots)]
	failed, err := r.plugin.Gradient(ctx, slots, r.epoch, step, losses)
	for i, slot := range slots {
		r.losses[slot] = losses[i]
	}
	return failed, err
}

func (r *remote) loss(dst []float64, slots []int) {
	for i, slot := range slots {
		dst[i] = r.losses[slot]
	}
}

func (r *remote) evaluate(ctx context.Context, active []int, dst [][]float64) ([]*SlotError, error) {
	raw := r.raw[:len(active)]
	failed, err := r.plugin.Metrics(ctx, active, raw)
	for i := range active {
		for m, at := range r.index {
			dst[i][m] = raw[i][at]
		}
	}
	return failed, err
}
