package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/models"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/runner/streams"
)

// lockstep trains the members that have not ended, as slots 0, 1, … of one slab.
type lockstep[F plugins.Float] struct {
	worker  *worker
	members []*member
	task    Task
	until   int // the epoch after which to pause

	problem   problem[F]
	native    *native[F] // the problem, if it is one that xrun computes itself; else nil
	layout    plugins.Layout
	session   io.Closer
	stepper   Stepper
	penalizer Penalizer
	memory    Memory
	meter     Costs
	slab      models.Slab[F]

	active  []int     // slots still training
	lossy   bool      // an optimizer wants the loss
	rates   []float64 // by index of active
	watches []*stop.Watch

	scheduled bool             // rates change
	newest    []float64        // by slot: the rate of the newest step, or of the first
	plateaus  []schedule.State // by slot

	keepers []*Keeper
	kept    [][]F  // by slot: the parameters of the epoch that counts; nil if they are those of the newest epoch, or there is none
	trained [][]F  // by slot: the parameters to train on from, where others are evaluated
	costs   []Cost // by slot: its shares, and gradients beyond one a step
	shared  Cost   // the total that has been shared out
	steps   int64  // since the beginning of training
	before  int64  // steps before the trials were paused
	began   time.Time
	counted time.Time     // the time until then has been shared out, for the timeout
	saved   time.Time     // when the last checkpoint was taken, or training began
	saving  time.Duration // how long the last checkpoint took

	optima []float64 // by slot, where they have been needed

	metrics   []string
	penalties []float64 // scratch
	update    Update
}

// run trains until every member has ended or is paused. The worker deals with the *Fault or *SlotError
// that it returns; members that ended before it have ended for good.
func (l *lockstep[F]) run(ctx context.Context) error {
	defer func() {
		if l.native != nil {
			l.worker.room.release(l.native.taken)
		}
	}()
	if err := l.open(ctx); err != nil {
		return err
	}
	defer l.session.Close()
	defer func() {
		for _, slot := range l.active { // left over by an error
			l.members[slot].spent = l.cost(slot)
		}
	}()
	epoch, err := l.resume(ctx)
	if err != nil {
		return err
	}
	l.setRates()
	l.saved = time.Now()
	l.counted = l.saved
	if epoch == 0 {
		if err := l.evaluate(ctx, 0); err != nil {
			return err
		}
	}
	for epoch++; len(l.active) > 0; epoch++ {
		if epoch > l.until {
			return l.pause(ctx, epoch-1)
		}
		if l.worker.draining() {
			return l.interrupt(ctx, epoch-1)
		}
		if err := l.train(ctx); err != nil {
			return err
		}
		if len(l.active) == 0 {
			break
		}
		if err := l.evaluate(ctx, epoch); err != nil {
			return err
		}
		l.expire()
		if l.due(epoch) {
			if err := l.keep(ctx, epoch); err != nil {
				return err
			}
		}
	}
	return l.flush(ctx)
}

// open loads the data, opens the plugins and sets θ₀.
func (l *lockstep[F]) open(ctx context.Context) (err error) {
	seed := l.members[0].trial.Seed
	spec := PluginSpec{DType: l.task.DType, Objective: l.task.Objective, ObjectiveSeed: seed, PenalizeBias: l.task.PenalizeBias}
	if l.task.Objective == nil {
		if l.native, err = newNative[F](ctx, l.worker, l.task, seed, len(l.members)); err != nil {
			return err
		}
		l.problem = l.native
		if err := l.judgeable(); err != nil {
			return err
		}
		spec.Layout, spec.Examples = l.native.model.Layout(), max(l.native.parts.Train.N, 1)
		if slices.ContainsFunc(l.members, func(m *member) bool { return m.trial.asksFor(plugins.FeatureInputs) }) {
			spec.Layout = named(spec.Layout, l.native.parts.Inputs)
		}
		spec.Loss, spec.NullGradient = l.task.loss(), l.nullGradient()
	} else if l.task.Objective.Has(plugins.FeatureData) {
		if spec.Data, err = l.worker.dataFor(l.task, seed); err != nil {
			return err
		}
	}
	for slot, m := range l.members {
		spec.Slots = append(spec.Slots, PluginSlot{
			Optimizer: m.trial.Optimizer, Regularizer: m.trial.Regularizer, LR: m.trial.LR, Lambda: m.trial.Lambda,
			Seed: streams.Seed(seed, streams.Noise),
		})
		l.lossy = l.lossy || m.trial.Optimizer.Has(plugins.FeatureLoss)
		l.active = append(l.active, slot)
		l.rates = append(l.rates, m.trial.LR)
	}
	session, err := l.worker.plugins.Open(ctx, spec)
	if err != nil {
		return err
	}
	l.session, l.stepper, l.penalizer, l.memory, l.meter = session, session, session, session, session
	defer func() {
		if err != nil {
			err = errors.Join(err, l.session.Close())
		}
	}()
	params, grads, stride := session.Slabs()
	l.slab = models.Slab[F]{Params: elements[F](params), Grads: elements[F](grads), Stride: stride}
	if l.native != nil {
		l.layout, l.native.slab = spec.Layout, l.slab
	} else {
		l.layout = session.Problem().Layout
		l.problem = newRemote(session, l.task.Metrics, len(l.members))
	}
	if err := l.prepare(); err != nil {
		return err
	}
	if err := l.prepareMeasures(ctx); err != nil {
		return err
	}
	l.watches = make([]*stop.Watch, len(l.members))
	l.keepers = make([]*Keeper, len(l.members))
	l.kept = make([][]F, len(l.members))
	l.trained = make([][]F, len(l.members))
	l.penalties = make([]float64, len(l.members))
	l.costs = make([]Cost, len(l.members))
	l.newest = make([]float64, len(l.members))
	l.plateaus = make([]schedule.State, len(l.members))
	failed, err := l.problem.init(ctx, l.active)
	for _, f := range failed {
		l.fail(f)
	}
	return err
}

// prepare names the metrics and checks that every monitor is among them.
func (l *lockstep[F]) prepare() error {
	l.scheduled = l.members[0].trial.scheduled() // as are all of the cohort, or none
	l.nameMetrics()
	if p := l.worker.options.Prune; p != nil {
		if err := l.reports("pruning", p.Rule.Monitor); err != nil {
			return err
		}
	}
	for _, m := range l.members {
		if err := l.reports("early stopping", m.trial.Stop.Monitor); err != nil {
			return err
		}
		if err := l.reports("what is kept", m.trial.Keep.Metric); err != nil {
			return err
		}
		if err := m.trial.Optimizer.Schedule.Check(); err != nil {
			return err
		}
		if err := l.reports("the schedule", m.trial.Optimizer.Schedule.Monitor); err != nil {
			return err
		}
	}
	return nil
}

// reports returns an error if the task does not report a monitor; an empty one is no error.
func (l *lockstep[F]) reports(who, monitor string) error {
	if monitor == "" || slices.Contains(l.metrics, monitor) {
		return nil
	}
	return fmt.Errorf("%s monitors %s, which this task does not report; it reports %s", who, monitor, strings.Join(l.metrics, ", "))
}

// params are the parameters of one slot.
func (l *lockstep[F]) params(slot int) []F {
	return l.slab.Params[slot*l.slab.Stride:][:l.layout.Dim()]
}

// nameMetrics sets the metrics that an epoch reports, in their order.
func (l *lockstep[F]) nameMetrics() {
	l.metrics = append(append(slices.Clone(l.problem.metrics()), plugins.MetricPenalty, plugins.MetricJ), l.task.Report...)
	if l.scheduled {
		l.metrics = append(l.metrics, plugins.MetricRate)
	}
}

// train takes the steps of one epoch.
func (l *lockstep[F]) train(ctx context.Context) error {
	l.problem.next()
	for i := range l.problem.batches() {
		if ctx.Err() != nil {
			return errors.Join(l.flush(ctx), context.Cause(ctx))
		}
		if err := l.step(ctx, i); err != nil {
			return errors.Join(l.flush(ctx), err)
		}
		l.expire()
		if len(l.active) == 0 {
			return l.flush(ctx)
		}
	}
	return nil
}

// evaluate computes and records the metrics of an epoch and lets the stopping rules decide.
func (l *lockstep[F]) evaluate(ctx context.Context, epoch int) error {
	if err := l.enterEvaluation(ctx, epoch); err != nil {
		return errors.Join(l.flush(ctx), err)
	}
	defer l.leaveEvaluation()
	slots := append([]int(nil), l.active...)
	own := len(l.problem.metrics())
	scores := make([][]float64, len(slots)) // with room for penalty, J, and the metrics on request
	for i := range scores {
		scores[i] = make([]float64, own, len(l.metrics))
	}
	unscored, err := l.problem.evaluate(ctx, slots, scores)
	if err != nil {
		return errors.Join(l.flush(ctx), err)
	}
	penalty := l.penalties[:len(slots)]
	failed, err := l.penalizer.Penalty(ctx, penalty, slots)
	if err != nil {
		return errors.Join(l.flush(ctx), err)
	}
	for _, f := range append(unscored, failed...) {
		l.fail(f)
	}
	j := map[int]float64{}
	for i, slot := range slots {
		j[slot] = scores[i][0] + penalty[i]
	}
	measured, err := l.measure(ctx, j)
	if err != nil {
		return errors.Join(l.flush(ctx), err)
	}
	for i, slot := range slots {
		m := l.members[slot]
		if m.ended {
			continue // without a penalty there is no J
		}
		values := append(scores[i], penalty[i], j[slot])
		values = append(values, measured[slot]...)
		if l.scheduled {
			values = append(values, l.newest[slot])
		}
		fresh := epoch > m.recorded
		if fresh {
			l.update.Points = append(l.update.Points, Points{Run: m.run, Epoch: epoch, Metrics: l.metrics, Values: values})
			m.recorded = epoch
		}
		l.worker.observe(Progress{Trial: m.trial, Run: m.run, Epoch: epoch, Metrics: l.metrics, Values: values})
		l.judge(m, epoch, values)
		l.decide(slot, epoch, values, fresh)
	}
	return l.flush(ctx)
}

// judge keeps the value that pruning compares at its rungs.
func (l *lockstep[F]) judge(m *member, epoch int, values []float64) {
	if p := l.worker.options.Prune; p != nil && epoch > 0 {
		m.place.curve = append(m.place.curve[:epoch-1], values[slices.Index(l.metrics, p.Rule.Monitor)])
	}
}

// decide asks the stopping rule of a slot and ends its trial where it says so. fresh says that the epoch has not been
// recorded before.
func (l *lockstep[F]) decide(slot, epoch int, values []float64, fresh bool) {
	m := l.members[slot]
	loss := values[0]
	if epoch == 0 {
		l.watches[slot] = m.trial.Stop.Start(loss)
		l.keepers[slot] = m.trial.Keep.Start()
		return
	}
	l.observeRate(slot, values)
	l.observeKept(slot, epoch, values)
	d := l.watches[slot].Observe(epoch, loss, l.valueOf(m.trial.Stop.Monitor, values))
	if keep := m.trial.Keep.Metric; !d.Diverged && keep != "" {
		if judged := l.watches[slot].Judge(epoch, keep, l.valueOf(keep, values)); judged.Stop {
			d = judged
		}
	}
	if !d.Diverged && fresh {
		l.tell(slot, epoch, values)
	}
	switch {
	case d.Diverged:
		l.decided(slot, d, "diverged")
		l.end(slot, epoch, StatusDiverged, d.Message)
	case d.Stop:
		l.decided(slot, d, "early_stop")
		l.end(slot, epoch, StatusStopped, d.Message)
	case epoch == m.trial.Task.Epochs:
		l.end(slot, epoch, StatusFinished, "")
	}
}

// tell records, once for a trial, that metrics other than the one it is judged by are not finite.
func (l *lockstep[F]) tell(slot, epoch int, values []float64) {
	m := l.members[slot]
	if m.told {
		return
	}
	unknown := ""
	if l.optima != nil && math.IsNaN(l.optima[slot]) {
		unknown = Suboptimality // an event of its own has told why
	}
	if message := notFinite(epoch, l.metrics, values, unknown); message != "" {
		m.told = true
		l.update.Events = append(l.update.Events, Event{Run: m.run, At: time.Now(), Kind: "warning", Epoch: epoch, Message: message})
	}
}

// notFinite says which metrics of an epoch, but one, are NaN or infinite; empty if none is.
func notFinite(epoch int, metrics []string, values []float64, but string) string {
	var all []string
	for i, name := range metrics {
		if v := values[i]; name != but && (math.IsNaN(v) || math.IsInf(v, 0)) {
			all = append(all, fmt.Sprintf("%s is %v", name, v))
		}
	}
	if all == nil {
		return ""
	}
	return fmt.Sprintf("%s at epoch %d: stored as it is, and not told again", strings.Join(all, ", "), epoch)
}

// valueOf is the value of a metric among those of an epoch; NaN for none of that name.
func (l *lockstep[F]) valueOf(metric string, values []float64) float64 {
	if i := slices.Index(l.metrics, metric); i >= 0 {
		return values[i]
	}
	return math.NaN()
}

// observeKept copies the parameters of an epoch that may be the one that counts. Where the last one counts there is
// nothing to copy: its parameters are there when the trial ends.
func (l *lockstep[F]) observeKept(slot, epoch int, values []float64) {
	keep := l.members[slot].trial.Keep
	if l.keepers[slot].Observe(epoch, l.valueOf(keep.Metric, values)) && keep.At != AtLast && keep.At != "" {
		l.kept[slot] = append(l.kept[slot][:0], l.params(slot)...)
	}
}

// decided records what a stopping rule has decided, with the facts it rests on in one line of JSON.
func (l *lockstep[F]) decided(slot int, d stop.Decision, kind string) {
	l.update.Events = append(l.update.Events, Event{Run: l.members[slot].run, At: time.Now(), Kind: kind, Epoch: d.Facts.Epoch,
		Message: d.Message, Detail: d.Facts.JSON()})
}

// end closes the run of a slot and takes the slot out of the lockstep.
func (l *lockstep[F]) end(slot, epoch int, status Status, reason string) {
	m := l.members[slot]
	e := End{Run: m.run, At: time.Now(), Status: status, Reason: reason, Epochs: epoch, Cost: l.cost(slot)}
	if kept, ok := l.keepers[slot].Kept(); ok && status.Keeps() {
		params := l.params(slot)
		if kept.Epoch < epoch {
			params = l.kept[slot]
		}
		e.Kept, e.Parameters = &kept, safetensors(l.layout, params)
	}
	l.close(slot, e)
}

// fail ends the trial of a slot whose component reported an error.
func (l *lockstep[F]) fail(f *SlotError) {
	m := l.members[f.Slot]
	if m.ended {
		return
	}
	text := f.Error()
	message, detail, _ := strings.Cut(text, "\n")
	at := time.Now()
	l.update.Events = append(l.update.Events, Event{Run: m.run, At: at, Kind: "fault", Epoch: max(m.recorded, 0), Message: message, Detail: detail})
	l.close(f.Slot, End{Run: m.run, At: at, Status: StatusFailed, Reason: message, Error: text, Lasting: true, Epochs: max(m.recorded, 0), Cost: l.cost(f.Slot)})
}

func (l *lockstep[F]) close(slot int, e End) {
	m := l.members[slot]
	m.ended, m.end = true, e.Status
	e.Coefficients = l.penalizer.Coefficients(slot)
	if l.native != nil {
		e.Constants = l.native.constantsOf(l.task)
	}
	l.update.Ends = append(l.update.Ends, e)
	for i, s := range l.active {
		if s == slot {
			l.active = append(l.active[:i], l.active[i+1:]...)
			l.rates = append(l.rates[:i], l.rates[i+1:]...)
			break
		}
	}
	l.worker.observe(Progress{Trial: m.trial, Run: m.run, Epoch: e.Epochs, End: &e})
}

// interrupt ends the trials in training because the sweep was asked to stop, and keeps checkpoints.
func (l *lockstep[F]) interrupt(ctx context.Context, epoch int) error {
	if l.worker.options.Checkpoint.enabled() && epoch > 0 {
		// If a plugin cannot save its state now, the trial goes on from its last checkpoint, or begins again.
		if saved, err := l.save(ctx, epoch); err == nil {
			if err := l.checkpoint(saved); err != nil {
				return errors.Join(l.flush(ctx), err)
			}
		}
	}
	for len(l.active) > 0 {
		l.end(l.active[0], epoch, StatusInterrupted, fmt.Sprintf("stopped by the user after epoch %d", epoch))
	}
	return l.flush(ctx)
}

// cost is the cost of a slot. The time that the plugins took since a slot last ended is shared
// equally among the active slots.
func (l *lockstep[F]) cost(slot int) Cost {
	plugin, transport := l.meter.Cost()
	n := time.Duration(len(l.active))
	for _, s := range l.active {
		l.costs[s].Plugin += (plugin - l.shared.Plugin) / n
		l.costs[s].Transport += (transport - l.shared.Transport) / n
	}
	l.shared.Plugin, l.shared.Transport = plugin, transport
	c := l.costs[slot]
	c.Wall += time.Since(l.began)
	c.Steps += l.steps - l.before
	c.GradientEvals += l.steps - l.before
	return c
}

// flush hands the gathered update to the recorder.
func (l *lockstep[F]) flush(ctx context.Context) error {
	u := l.update
	l.update = Update{}
	return l.worker.record(ctx, u)
}

// recordError is the failure of a recorder to take results: it ends the sweep.
type recordError struct{ err error }

func (e *recordError) Error() string { return fmt.Sprintf("record results: %v", e.err) }
func (e *recordError) Unwrap() error { return e.err }
