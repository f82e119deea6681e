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
	{id: "objective/metrics", required: true, after: "objective/initial", run: (*subject).metrics},
	{id: "objective/batches", required: true, after: "objective/metrics", run: (*subject).batches},
}, behind("objective/batches", sameBits), []check{
	{id: "gradient/finite-differences", required: true, after: "objective/batches", run: (*subject).slopes},
	{id: "gradient/not-finite", required: true, after: "slots/independent", run: (*subject).notFinite},
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
		for range 2 {
			if err = slotErrors(b.Init(ctx, []int{0})); err != nil {
				break
			}
			theta := make([]float64, b.dim)
			b.get(b.params, 0, theta)
			if i := notANumber(theta); i >= 0 {
				err = failf("θ₀[%d] is %v", i, theta[i])
				break
			}
			if want == nil {
				want = bytes.Clone(b.of(b.params, 0))
			}
			if !bytes.Equal(want, b.of(b.params, 0)) {
				err = failf("θ₀ is another when it is asked for again with the same seed: draw it from Instance.Seed alone, anew at each call")
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

// batches checks that a mini-batch depends on its epoch and number only, not on earlier calls.
func (s *subject) batches(ctx context.Context) (string, error) {
	b, err := s.open(ctx, s.shared, plugins.Float64, nil, s.trials[:1])
	if err != nil {
		return "", err
	}
	defer b.Close()
	if err := slotErrors(b.Init(ctx, []int{0})); err != nil {
		return "", err
	}
	start := bytes.Clone(b.of(b.params, 0))
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
			return "", failf("a gradient changes the parameters, which are the optimizer's to change: compute on a copy")
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
	b, err := s.open(ctx, s.shared, plugins.Float64, nil, s.trials[:1])
	if err != nil {
		return "", err
	}
	defer b.Close()
	if err := slotErrors(b.Init(ctx, []int{0})); err != nil {
		return "", err
	}
	start := bytes.Clone(b.of(b.params, 0))
	var before []float64
	for range 2 {
		values := [][]float64{make([]float64, len(s.Metrics))}
		if err := slotErrors(b.Metrics(ctx, []int{0}, values)); err != nil {
			return "", err
		}
		if !bytes.Equal(start, b.of(b.params, 0)) {
			return "", failf("evaluation changes the parameters: compute on a copy")
		}
		for i, v := range values[0] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return "", failf("%s is %v at θ₀", s.Metrics[i], v)
			}
			if before != nil && math.Float64bits(before[i]) != math.Float64bits(v) {
				return "", failf("%s is %.17g and then %.17g at the same parameters: evaluation must not draw", s.Metrics[i], before[i], v)
			}
		}
		before = values[0]
	}
	return "", nil
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
