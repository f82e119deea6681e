package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
	"github.com/xrun-dev/xrun/plugins/slots"
	"github.com/xrun-dev/xrun/runner"
)

// session is the open plugins of one cohort.
type session struct {
	worker        *Worker
	spec          runner.PluginSpec
	dim, stride   int // in elements
	params, grads []byte
	parts         []*part
	problem       plugins.Problem
	gains         []float64 // of each slot's stepper
	coefficients  []map[string]float64

	steps, penalties, values, evaluations []stage // of Step, AddPenalty, Penalty and Evaluate, in order
	inits, gradients, metrics             []stage // of Init, Gradient and Metrics

	inside, waits time.Duration
	scratch       []protocol.Command
	again         []bool // by slot: asked for another evaluation in this step
}

// part is one remote session: the slots of a cohort that use the same component in the same role.
type part struct {
	peer     *peer
	id       uint32
	kind     plugins.Kind
	features []string
	proximal bool
	member   []bool // by slot

	tasks []protocol.Task // of the command being built
}

// stage is one operation of one part.
type stage struct {
	part *part
	op   slots.Op
}

// reverse says that the slots which go on to the next stage are known only after this one.
func (s stage) reverse() bool {
	return s.op == slots.Step && slices.Contains(s.part.features, plugins.FeatureReverse)
}

// plan sets the order of a step: gradient, regularizer, optimizers (a base after what
// prepares its gradient, as they were opened), proximal map.
func (s *session) plan() {
	add := func(list *[]stage, op slots.Op, want func(*part) bool) {
		for _, p := range s.parts {
			if want(p) {
				*list = append(*list, stage{p, op})
			}
		}
	}
	regularizer := func(p *part) bool { return p.kind == plugins.KindRegularizer }
	optimizer := func(p *part) bool { return p.kind == plugins.KindOptimizer }
	objective := func(p *part) bool { return p.kind == plugins.KindObjective }
	add(&s.steps, slots.Penalize, func(p *part) bool { return regularizer(p) && !p.proximal })
	add(&s.steps, slots.Step, optimizer)
	add(&s.steps, slots.Prox, func(p *part) bool { return regularizer(p) && p.proximal })
	add(&s.penalties, slots.Penalize, regularizer)
	add(&s.values, slots.Value, regularizer)
	add(&s.evaluations, slots.Evaluate, func(p *part) bool { return optimizer(p) && slices.Contains(p.features, plugins.FeatureEval) })
	add(&s.inits, slots.Init, objective)
	add(&s.gradients, slots.Gradient, objective)
	add(&s.metrics, slots.Metrics, objective)
}

func (s *session) Slabs() (params, grads []byte, stride int) { return s.params, s.grads, s.stride }

func (s *session) Cost() (plugin, transport time.Duration) { return s.inside, s.waits }

func (s *session) Coefficients(slot int) map[string]float64 { return s.coefficients[slot] }

// Gain is what a slot's optimizer tells, 1 if nothing valid; see plugins.Gainer.
func (s *session) Gain(slot int) float64 { return s.gains[slot] }

func (s *session) Step(ctx context.Context, active []int, with runner.StepInputs) (again []int, failed []*runner.SlotError, err error) {
	failed, err = s.run(ctx, s.steps, work{active: active, rates: with.Rates, losses: with.Losses})
	for _, slot := range active {
		if s.again[slot] {
			again = append(again, slot)
			s.again[slot] = false
		}
	}
	return again, failed, err
}

func (s *session) Penalty(ctx context.Context, dst []float64, active []int) ([]*runner.SlotError, error) {
	clear(dst)
	failed, err := s.run(ctx, s.values, work{active: active, values: dst})
	for i, slot := range active {
		// Where the parameters have not diverged, neither has a penalty.
		if math.IsNaN(dst[i]) && err == nil && s.moderate(slot) && !slices.ContainsFunc(failed, func(e *runner.SlotError) bool { return e.Slot == slot }) {
			name := s.spec.Slots[slot].Regularizer.Plugin
			failed = append(failed, &runner.SlotError{Slot: slot, Plugin: name, Err: errors.New("gives a penalty that is not a number, at finite parameters")})
		}
	}
	return failed, err
}

// moderate reports whether the sum of squares of a slot's parameters is finite.
func (s *session) moderate(slot int) bool {
	width := s.spec.DType.Size()
	sum := 0.0
	for at := slot * s.stride * width; at < (slot*s.stride+s.dim)*width; at += width {
		v := 0.0
		if width == 4 {
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(s.params[at:])))
		} else {
			v = math.Float64frombits(binary.LittleEndian.Uint64(s.params[at:]))
		}
		sum = float64(v*v) + sum
	}
	return !math.IsInf(sum, 0) && !math.IsNaN(sum)
}

func (s *session) AddPenalty(ctx context.Context, active []int) ([]*runner.SlotError, error) {
	return s.run(ctx, s.penalties, work{active: active})
}

func (s *session) Evaluate(ctx context.Context, active []int) ([]*runner.SlotError, error) {
	return s.run(ctx, s.evaluations, work{active: active})
}

func (s *session) Problem() plugins.Problem { return s.problem }

func (s *session) Init(ctx context.Context, active []int) ([]*runner.SlotError, error) {
	return s.run(ctx, s.inits, work{active: active})
}

func (s *session) Gradient(ctx context.Context, active []int, epoch, batch int, losses []float64) ([]*runner.SlotError, error) {
	return s.run(ctx, s.gradients, work{active: active, epoch: epoch, batch: batch, values: losses})
}

func (s *session) Metrics(ctx context.Context, active []int, dst [][]float64) ([]*runner.SlotError, error) {
	return s.run(ctx, s.metrics, work{active: active, metrics: dst})
}

// work is what stages work with: numbers have the index of the active slots, and may be nil.
type work struct {
	active        []int
	rates, losses []float64
	epoch, batch  int         // of the mini-batch
	values        []float64   // is written to
	metrics       [][]float64 // likewise
}

// run does the stages in order for the active slots. Neighbouring stages of one process go out
// together: one ring of the bell serves the regularizer and the optimizer.
func (s *session) run(ctx context.Context, stages []stage, w work) ([]*runner.SlotError, error) {
	var failed []*runner.SlotError
	for len(stages) > 0 {
		n := 1
		for n < len(stages) && n < protocol.MaxCommands && stages[n].part.peer == stages[0].part.peer && !stages[n-1].reverse() {
			n++
		}
		more, err := s.send(ctx, stages[:n], w)
		failed = append(failed, more...)
		if err != nil {
			return failed, err
		}
		stages = stages[n:]
	}
	return failed, nil
}

// send runs stages of one process.
func (s *session) send(ctx context.Context, stages []stage, w work) ([]*runner.SlotError, error) {
	p := stages[0].part.peer
	commands := s.scratch[:0]
	for _, st := range stages {
		tasks := st.part.tasks[:0]
		for i, slot := range w.active {
			if !st.part.member[slot] || s.again[slot] {
				continue
			}
			t := protocol.Task{Slot: slot}
			if w.rates != nil {
				t.Rate = w.rates[i]
			}
			if w.losses != nil {
				t.Loss = w.losses[i]
			}
			if st.op == slots.Prox {
				t.Rate *= s.gains[slot]
			}
			tasks = append(tasks, t)
		}
		st.part.tasks = tasks
		if len(tasks) == 0 {
			continue
		}
		p.sequence++
		commands = append(commands, protocol.Command{Op: uint32(st.op), Session: st.part.id, Sequence: p.sequence, Tasks: tasks, Epoch: w.epoch, Batch: w.batch})
	}
	s.scratch = commands
	if len(commands) == 0 {
		return nil, nil
	}
	begin := time.Now()
	var failed []*runner.SlotError
	var inside time.Duration
	var err error
	if p.arena != nil {
		failed, inside, err = s.ring(ctx, p, commands, w)
	} else {
		failed, inside, err = s.call(ctx, p, commands, w)
	}
	total := time.Since(begin)
	inside = min(max(inside, 0), total) // reported by the plugin, so not trusted
	s.inside += inside
	s.waits += total - inside
	return failed, err
}

// ring sends commands through shared memory.
func (s *session) ring(ctx context.Context, p *peer, commands []protocol.Command, w work) ([]*runner.SlotError, time.Duration, error) {
	for i, c := range commands {
		protocol.PutCommand(p.arena.control, p.arena.parameters, i, c)
	}
	if err := p.bell.ring(ctx, len(commands), p.timeout); err != nil {
		slot := -1
		for i := range commands {
			if c := protocol.GetReply(p.arena.parameters, i).Current; c >= 0 && c < len(s.spec.Slots) {
				slot = c
			}
		}
		return nil, 0, s.fault(ctx, p, slot, err)
	}
	var failed []*runner.SlotError
	var inside time.Duration
	for i, c := range commands {
		reply := protocol.GetReply(p.arena.parameters, i)
		if reply.Sequence != c.Sequence {
			return failed, 0, s.fault(ctx, p, -1, fmt.Errorf("answered command %d when asked %d", reply.Sequence, c.Sequence))
		}
		inside += time.Duration(reply.Nanoseconds)
		for n, task := range c.Tasks {
			r := protocol.GetResult(p.arena.parameters, i, n)
			switch r.Status {
			case protocol.StatusOK:
				w.put(task.Slot, r.Value)
				if dst := w.metricsOf(task.Slot); dst != nil {
					protocol.GetMetrics(dst, p.arena.parameters, task.Slot)
				}
			case protocol.StatusAgain:
				if err := s.askedAgain(p, c, task.Slot); err != nil {
					failed = append(failed, err)
				}
			case protocol.StatusFailed:
				message := "reported an error"
				if reply.Message != "" { // there is room for the first one's
					message = protocol.Clean(reply.Message)
					if reply.FailedSlot != task.Slot {
						first, _, _ := strings.Cut(message, "\n")
						message = "reported an error; of the trials that did at this step, the first said: " + first
					}
				}
				failed = append(failed, &runner.SlotError{Slot: task.Slot, Plugin: p.name, Err: p.limited(errors.New(message), "")})
			default:
				return failed, 0, s.fault(ctx, p, task.Slot, fmt.Errorf("%w: no result for %d of %d slots", errWrongSize, len(c.Tasks)-n, len(c.Tasks)))
			}
		}
	}
	return failed, inside, nil
}

// put writes a value to the index at which its slot is active.
func (w work) put(slot int, v float64) {
	if w.values == nil {
		return
	}
	for i, a := range w.active {
		if a == slot {
			w.values[i] = v
		}
	}
}

// metricsOf is where the metrics of a slot go; nil if none are wanted.
func (w work) metricsOf(slot int) []float64 {
	if w.metrics == nil {
		return nil
	}
	return w.metrics[slices.Index(w.active, slot)]
}

// askedAgain notes that an optimizer wants another evaluation, if it has declared that it may.
func (s *session) askedAgain(p *peer, c protocol.Command, slot int) *runner.SlotError {
	for _, part := range s.parts {
		if part.peer == p && part.id == c.Session && (stage{part, slots.Op(c.Op)}).reverse() {
			s.again[slot] = true
			return nil
		}
	}
	return &runner.SlotError{Slot: slot, Plugin: p.name, Err: fmt.Errorf("asks to be evaluated again, but does not declare the feature %q", plugins.FeatureReverse)}
}

// Save implements runner.PluginSession: the states of a slot's parts, in their order.
func (s *session) Save(ctx context.Context, slot int) (runner.SlotState, error) {
	var state runner.SlotState
	for _, part := range s.parts {
		if !part.member[slot] {
			continue
		}
		limit := protocol.StateLimit(s.dim)
		reply, err := part.peer.rpc.Sessions.Save(ctx, &pluginv1.SaveRequest{Session: part.id, Slot: uint32(slot)}, grpc.MaxCallRecvMsgSize(limit))
		if tooLarge(err) { // the process is sound
			return nil, &runner.SlotError{Slot: slot, Plugin: part.peer.name, Err: fmt.Errorf("its state takes more than the %s that can be saved", bytesText(int64(limit)))}
		}
		if err != nil {
			return nil, s.refused(ctx, part.peer, slot, err)
		}
		state = append(state, reply.GetContent())
	}
	return state, nil
}

// Restore implements runner.PluginSession.
func (s *session) Restore(ctx context.Context, slot int, state runner.SlotState) error {
	for _, part := range s.parts {
		if !part.member[slot] {
			continue
		}
		if len(state) == 0 {
			return fmt.Errorf("restore slot %d: the saved state is of fewer components", slot)
		}
		_, err := part.peer.rpc.Sessions.Restore(ctx, &pluginv1.RestoreRequest{Session: part.id, Slot: uint32(slot), State: &pluginv1.SlotState{Content: state[0]}})
		if err != nil {
			return s.refused(ctx, part.peer, slot, err)
		}
		state = state[1:]
	}
	return nil
}

// refused tells an error of a component from a broken process.
func (s *session) refused(ctx context.Context, p *peer, slot int, err error) error {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.Internal, codes.DataLoss:
		return &runner.SlotError{Slot: slot, Plugin: p.name, Err: p.limited(plain(err), "")}
	}
	return s.fault(ctx, p, slot, err)
}

// fault ends the process and the session with it.
func (s *session) fault(ctx context.Context, p *peer, slot int, err error) error {
	if ctx.Err() != nil {
		s.worker.discard(p)
		return context.Cause(ctx)
	}
	err = p.broken(err) // asks a process that hangs where
	s.worker.discard(p)
	return p.fault(slot, err)
}

// Close forgets the remote sessions. A process that does not answer soon is not kept.
func (s *session) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, part := range s.parts {
		p := part.peer
		path := p.description.Path
		if s.worker.processes[path] != p {
			continue // ended after a fault
		}
		if _, err := p.rpc.Sessions.Close(ctx, &pluginv1.CloseRequest{Session: part.id}); err != nil {
			s.worker.discard(p)
			continue
		}
		s.worker.failures[path] = 0
	}
	return nil
}
