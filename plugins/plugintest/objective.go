package plugintest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// objectiveChecks are in the order in which one builds on the other: what starts anywhere, or depends on
// the calls before, gives other bits everywhere.
var objectiveChecks = slices.Concat([]check{
	{id: "objective/initial", required: true, run: (*subject).initial},
	{id: "objective/gradient", required: true, after: "objective/initial", run: (*subject).written},
	{id: "objective/metrics", required: true, after: "objective/gradient", run: (*subject).metrics},
	{id: "objective/batches", required: true, after: "objective/metrics", run: (*subject).batches},
}, behind("objective/batches", sameBits), []check{
	{id: "gradient/finite-differences", required: true, after: "objective/batches", run: (*subject).slopes},
	{id: "gradient/not-finite", required: true, after: "slots/independent", run: (*subject).notFinite},
	{id: "objective/mean", required: true, after: "gradient/finite-differences", run: (*subject).mean},
	{id: "objective/epoch", measures: true, after: "gradient/finite-differences", run: (*subject).epoch},
	{id: "timing", measures: true, run: (*subject).gradientTiming},
})

// behind is a list of checks the first of which, as they build on it, comes after another.
func behind(after string, list []check) []check {
	list = slices.Clone(list)
	list[0].after = after
	return list
}

// learn takes one step of plain gradient descent with an objective: epochs and batches follow from the
// number of the step, and metrics are looked at now and then.
func (s *subject) learn(ctx context.Context, b *bench, r recipe, step int, histories []history) error {
	for _, slot := range r.active {
		if v, ok := r.poison[r.slots[slot]]; ok {
			theta := make([]float64, b.dim)
			for i := range theta {
				theta[i] = v
			}
			b.put(b.params, slot, theta)
		}
	}
	losses := make([]float64, len(r.active))
	failed, err := b.Gradient(ctx, r.active, 1+step/3, 7*step%b.Problem().Batches, losses)
	if err := s.unless(r, failed, err); err != nil {
		return err
	}
	metrics := make([][]float64, len(r.active))
	for i := range metrics {
		metrics[i] = make([]float64, len(s.Metrics))
	}
	if step%4 == 3 {
		failed, err := b.Metrics(ctx, r.active, metrics)
		if err := s.unless(r, failed, err); err != nil {
			return err
		}
	}
	theta, grad := make([]float64, b.dim), make([]float64, b.dim)
	for i, slot := range r.active {
		b.get(b.params, slot, theta)
		b.get(b.grads, slot, grad)
		for j, g := range grad {
			theta[j] -= float64(0.01 * g)
		}
		b.put(b.params, slot, theta)
		entry := append(bytes.Clone(b.of(b.params, slot)), b.of(b.grads, slot)...)
		for _, v := range append(metrics[i], losses[i]) {
			entry = binary.LittleEndian.AppendUint64(entry, math.Float64bits(v))
		}
		at := r.slots[slot]
		histories[at] = append(histories[at], entry)
	}
	return nil
}

// begin writes the parameters that a session of an objective starts from. Trials differ in these only,
// those but the first being moved a little.
func (s *subject) begin(ctx context.Context, b *bench, trials []trial) error {
	if err := slotErrors(b.Init(ctx, upTo(len(trials)))); err != nil {
		return err
	}
	theta := make([]float64, b.dim)
	for slot, t := range trials {
		if t.seed == s.trials[0].seed {
			continue
		}
		b.get(b.params, slot, theta)
		for i, x := range draws(b.dim, t.seed, 1) {
			theta[i] += 0.01 * x
		}
		b.put(b.params, slot, theta)
	}
	return nil
}

// initial wants the same θ₀ whenever it is asked for, and numbers.
func (s *subject) initial(ctx context.Context) (string, error) {
	var want []byte
	for try := range 4 {
		w := s.shared
		if try == 3 {
			w = s.other
		}
		b, err := s.open(ctx, w, plugins.Float64, nil, s.trials[:1])
		if err != nil {
			return "", err
		}
		for call := range 2 {
			before := draws(b.dim, 31, uint64(2*try+call)) // what is written may not depend on what was there
			b.put(b.params, 0, before)
			if err = slotErrors(b.Init(ctx, []int{0})); err != nil {
				break
			}
			theta := make([]float64, b.dim)
			b.get(b.params, 0, theta)
			if i, n := left(theta, before); n > 0 {
				err = failf("%s leaves %s: element %d stays at %v, which it held before; write every element, and %s", s.word.initial, share(n, b.dim), i, theta[i], s.word.inPlace)
				break
			}
			if i := notANumber(theta); i >= 0 {
				err = failf("θ₀[%d] is %v", i, theta[i])
				break
			}
			if want == nil {
				want = bytes.Clone(b.of(b.params, 0))
			}
			if !bytes.Equal(want, b.of(b.params, 0)) {
				err = failf("θ₀ is another when it is asked for again with the same seed: draw it from %s alone, anew at each call, and set it rather than add it to what the parameters hold", s.word.seed)
				break
			}
			losses := make([]float64, 1)
			if err = slotErrors(b.Gradient(ctx, []int{0}, 1, 0, losses)); err != nil {
				break
			}
		}
		b.Close()
		if err != nil {
			return "", err
		}
	}
	other := *s
	other.seed++
	b, err := other.open(ctx, s.shared, plugins.Float64, nil, s.trials[:1])
	if err != nil {
		return "", err
	}
	defer b.Close()
	if err := slotErrors(b.Init(ctx, []int{0})); err != nil {
		return "", err
	}
	if bytes.Equal(want, b.of(b.params, 0)) {
		return "θ₀ is the same for another seed", nil
	}
	return "", nil
}

// left counts the elements that are what they were before, and names the first.
func left(now, before []float64) (first, n int) {
	for i := range now {
		if now[i] == before[i] {
			if n == 0 {
				first = i
			}
			n++
		}
	}
	return first, n
}

// share is how many of some elements, in words.
func share(n, of int) string {
	if n == of {
		return "all elements as they were"
	}
	return fmt.Sprintf("%d of %d elements as they were", n, of)
}

// begun opens the objective once, at its θ₀, which is start.
func (s *subject) begun(ctx context.Context) (b *bench, start []byte, err error) {
	if b, err = s.open(ctx, s.shared, plugins.Float64, nil, s.trials[:1]); err != nil {
		return nil, nil, err
	}
	if err := slotErrors(b.Init(ctx, []int{0})); err != nil {
		b.Close()
		return nil, nil, err
	}
	return b, bytes.Clone(b.of(b.params, 0)), nil
}

// written wants a gradient to be written whole, over whatever is there, and the loss with it.
func (s *subject) written(ctx context.Context) (string, error) {
	b, start, err := s.begun(ctx)
	if err != nil {
		return "", err
	}
	defer b.Close()
	var want []float64
	var first float64
	for n, size := range []float64{0, 1, 30} {
		before, grad, losses := draws(b.dim, 33, uint64(n)), make([]float64, b.dim), []float64{math.NaN()}
		for i := range before {
			before[i] *= size
		}
		b.put(b.grads, 0, before)
		if err := slotErrors(b.Gradient(ctx, []int{0}, 1, 0, losses)); err != nil {
			return "", err
		}
		if !bytes.Equal(start, b.of(b.params, 0)) {
			return "", failf("%s changes the parameters, which are the optimizer's to change: compute on a copy", s.word.gradient)
		}
		b.get(b.grads, 0, grad)
		if n == 0 {
			want, first = grad, losses[0]
			continue
		}
		if i, n := left(grad, before); n > 0 {
			return "", failf("%s leaves %s: element %d of the gradient stays at %v, which it held before; write every element, also those that are 0: %s[:] = …", s.word.gradient, share(n, b.dim), i, grad[i], s.word.grad)
		}
		for i, g := range grad {
			if math.Float64bits(g) == math.Float64bits(want[i]) || math.IsNaN(g) && math.IsNaN(want[i]) {
				continue
			}
			b.put(b.grads, 0, make([]float64, b.dim)) // as at first
			if err := slotErrors(b.Gradient(ctx, []int{0}, 1, 0, losses)); err != nil {
				return "", err
			}
			again := make([]float64, b.dim)
			b.get(b.grads, 0, again)
			if math.Float64bits(again[i]) != math.Float64bits(want[i]) {
				return "", failf("the same epoch and batch give another gradient the next time: element %d is %.6g, and then %.6g; what is drawn for a mini-batch has to follow from the seed, the epoch and the batch alone", i, want[i], again[i])
			}
			how := "depends on what it held before"
			if math.Abs(g-before[i]-want[i]) <= 1e-9*(math.Abs(before[i])+math.Abs(want[i])) {
				how = "is added to what it held before"
			}
			return "", failf("the gradient %s: element %d is %.6g after 0, and %.6g after %.6g; write it over what is there: %s[:] = …, not +=", how, i, want[i], g, before[i], s.word.grad)
		}
		if math.Float64bits(losses[0]) != math.Float64bits(first) && !math.IsNaN(first) {
			return "", failf("the loss of the same mini-batch is %.17g and then %.17g", first, losses[0])
		}
	}
	return "", nil
}

// batches checks that a mini-batch depends on its epoch and number only, not on earlier calls.
func (s *subject) batches(ctx context.Context) (string, error) {
	b, start, err := s.begun(ctx)
	if err != nil {
		return "", err
	}
	defer b.Close()
	last := b.Problem().Batches - 1
	seen := map[[2]int][]byte{}
	losses := []float64{0}
	metrics := [][]float64{make([]float64, len(s.Metrics))}
	for n, at := range [][2]int{{1, 0}, {1, last}, {2, 0}, {1, 0}, {3, last}, {1, last}, {2, 0}, {3, last}, {1, 0}} {
		if n == 5 {
			if err := slotErrors(b.Metrics(ctx, []int{0}, metrics)); err != nil {
				return "", err
			}
		}
		if err := slotErrors(b.Gradient(ctx, []int{0}, at[0], at[1], losses)); err != nil {
			return "", err
		}
		if math.IsNaN(losses[0]) || math.IsInf(losses[0], 0) {
			return "", failf("at θ₀ the loss of batch %d of epoch %d is %v", at[1], at[0], losses[0])
		}
		if !bytes.Equal(start, b.of(b.params, 0)) {
			return "", failf("%s changes the parameters, which are the optimizer's to change: compute on a copy", s.word.gradient)
		}
		got := binary.LittleEndian.AppendUint64(bytes.Clone(b.of(b.grads, 0)), math.Float64bits(losses[0]))
		if before, ok := seen[at]; ok && !bytes.Equal(before, got) {
			return "", failf("batch %d of epoch %d gives another loss or gradient after other batches were asked for: choose its examples by seed, epoch and batch alone", at[1], at[0])
		}
		seen[at] = got
	}
	if last > 0 && bytes.Equal(seen[[2]int{1, 0}], seen[[2]int{1, last}]) {
		return "the first batch of an epoch gives what the last one gives", nil
	}
	return "", nil
}

// metrics wants numbers at θ₀, the same twice, and parameters that stay as they are.
func (s *subject) metrics(ctx context.Context) (string, error) {
	b, start, err := s.begun(ctx)
	if err != nil {
		return "", err
	}
	defer b.Close()
	var before []float64
	for range 2 {
		values := [][]float64{make([]float64, len(s.Metrics))}
		for i := range values[0] {
			values[0][i] = math.NaN() // what is not written is not a number
		}
		if err := slotErrors(b.Metrics(ctx, []int{0}, values)); err != nil {
			return "", err
		}
		if !bytes.Equal(start, b.of(b.params, 0)) {
			return "", failf("evaluation changes the parameters: compute on a copy")
		}
		for i, v := range values[0] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return "", failf("%s is %v at θ₀: %s has to give every metric a finite number", s.Metrics[i], v, s.word.evaluate)
			}
			if before != nil && math.Float64bits(before[i]) != math.Float64bits(v) {
				return "", failf("%s is %.17g and then %.17g at the same parameters: evaluation must not draw", s.Metrics[i], before[i], v)
			}
		}
		before = values[0]
	}
	return "", s.follows(ctx, b, before)
}

// follows wants train_loss to change with the parameters, if the loss of a mini-batch does: an evaluation that looks at
// other parameters than those it is given does not.
func (s *subject) follows(ctx context.Context, b *bench, before []float64) error {
	at := slices.Index(s.Metrics, plugins.MetricTrainLoss)
	if at < 0 {
		return nil
	}
	losses, theta := []float64{0}, make([]float64, b.dim)
	b.get(b.params, 0, theta)
	if err := slotErrors(b.Gradient(ctx, []int{0}, 1, 0, losses)); err != nil {
		return err
	}
	first := losses[0]
	for i, x := range draws(b.dim, 35, 1) {
		theta[i] += 0.1 * x
	}
	b.put(b.params, 0, theta)
	if err := slotErrors(b.Gradient(ctx, []int{0}, 1, 0, losses)); err != nil {
		return err
	}
	values := [][]float64{make([]float64, len(s.Metrics))}
	if err := slotErrors(b.Metrics(ctx, []int{0}, values)); err != nil {
		return err
	}
	if math.Abs(losses[0]-first) > 1e-6*math.Abs(first) && values[0][at] == before[at] {
		return failf("%s stays at %.8g when the parameters change, while the loss of a mini-batch goes from %.8g to %.8g: %s has to look at the parameters that it is given",
			plugins.MetricTrainLoss, before[at], first, losses[0], s.word.evaluate)
	}
	return nil
}

// gradientTiming measures a gradient and an evaluation.
func (s *subject) gradientTiming(ctx context.Context) (string, error) {
	b, err := s.open(ctx, s.shared, plugins.Float32, nil, s.trials[:1])
	if err != nil {
		return "", err
	}
	defer b.Close()
	if err := slotErrors(b.Init(ctx, []int{0})); err != nil {
		return "", err
	}
	losses, n := []float64{0}, 0
	i0, t0 := b.Cost()
	for began := time.Now(); n < 1 || n < 200 && time.Since(began) < time.Second; n++ {
		if err := slotErrors(b.Gradient(ctx, []int{0}, 1, n%b.Problem().Batches, losses)); err != nil {
			return "", err
		}
	}
	i1, t1 := b.Cost()
	return fmt.Sprintf("%s a gradient and %s for the way there and back", micro((i1-i0)/time.Duration(n)), micro((t1-t0)/time.Duration(n))), nil
}

// touch lets a component do its work once.
func (s *subject) touch(ctx context.Context, b *bench, slots []int) error {
	switch s.Kind {
	case plugins.KindRegularizer:
		return s.penalty(ctx, b, slots)
	case plugins.KindObjective:
		return slotErrors(b.Gradient(ctx, slots, 1, 0, make([]float64, len(slots))))
	}
	bad, err := b.step(ctx, slots, s.rate, smooth)
	for _, slot := range slots {
		if err == nil && bad[slot] != nil {
			err = &runner.SlotError{Slot: slot, Plugin: s.ref, Err: bad[slot]}
		}
	}
	return err
}
