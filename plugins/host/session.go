package host

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	gains         []float64 // of each slot's optimizer

	steps, values []stage // the operations of Step and of Penalty, in order
	inside, waits time.Duration
	scratch       []protocol.Command
}

// part is one remote session: the slots of a cohort that use the same component.
type part struct {
	process  *process
	id       uint32
	kind     plugins.Kind
	proximal bool
	member   []bool // by slot

	tasks []protocol.Task // of the command being built
}

// stage is one operation of one part.
type stage struct {
	part *part
	op   slots.Op
}

// plan lays down the order of a step: gradient, regularizer, optimizer, proximal map.
func (s *session) plan() {
	add := func(list *[]stage, op slots.Op, want func(*part) bool) {
		for _, p := range s.parts {
			if want(p) {
				*list = append(*list, stage{p, op})
			}
		}
	}
	regularizer := func(p *part) bool { return p.kind == plugins.KindRegularizer }
	add(&s.steps, slots.Penalize, func(p *part) bool { return regularizer(p) && !p.proximal })
	add(&s.steps, slots.Step, func(p *part) bool { return p.kind == plugins.KindOptimizer })
	add(&s.steps, slots.Prox, func(p *part) bool { return regularizer(p) && p.proximal })
	add(&s.values, slots.Value, regularizer)
}

func (s *session) Slabs() (params, grads []byte, stride int) { return s.params, s.grads, s.stride }

func (s *session) Cost() (plugin, transport time.Duration) { return s.inside, s.waits }

func (s *session) Step(ctx context.Context, active []int, rates []float64) ([]*runner.SlotError, error) {
	return s.run(ctx, s.steps, active, rates, nil)
}

func (s *session) Penalty(ctx context.Context, dst []float64, active []int) ([]*runner.SlotError, error) {
	clear(dst)
	return s.run(ctx, s.values, active, nil, dst)
}

// run does the stages in order for the active slots. Neighbouring stages of one process go out
// together: one ring of the bell serves the regularizer and the optimizer.
func (s *session) run(ctx context.Context, stages []stage, active []int, rates, values []float64) ([]*runner.SlotError, error) {
	var failed []*runner.SlotError
	for len(stages) > 0 {
		n := 1
		for n < len(stages) && n < protocol.MaxCommands && stages[n].part.process == stages[0].part.process {
			n++
		}
		more, err := s.send(ctx, stages[:n], active, rates, values)
		failed = append(failed, more...)
		if err != nil {
			return failed, err
		}
		stages = stages[n:]
	}
	return failed, nil
}

// send runs stages of one process.
func (s *session) send(ctx context.Context, stages []stage, active []int, rates, values []float64) ([]*runner.SlotError, error) {
	p := stages[0].part.process
	commands := s.scratch[:0]
	for _, st := range stages {
		tasks := st.part.tasks[:0]
		for i, slot := range active {
			if !st.part.member[slot] {
				continue
			}
			t := protocol.Task{Slot: slot}
			if rates != nil {
				t.Rate = rates[i]
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
		commands = append(commands, protocol.Command{Op: uint32(st.op), Session: st.part.id, Sequence: p.sequence, Tasks: tasks})
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
		failed, inside, err = s.ring(ctx, p, commands, active, values)
	} else {
		failed, inside, err = s.call(ctx, p, commands, active, values)
	}
	total := time.Since(begin)
	inside = min(max(inside, 0), total) // a plugin's word
	s.inside += inside
	s.waits += total - inside
	return failed, err
}

// ring sends commands through shared memory.
func (s *session) ring(ctx context.Context, p *process, commands []protocol.Command, active []int, values []float64) ([]*runner.SlotError, time.Duration, error) {
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
				put(values, active, task.Slot, r.Value)
			case protocol.StatusFailed:
				message := "reported an error"
				if reply.Message != "" { // there is room for the first one's
					message = protocol.Clean(reply.Message)
					if reply.FailedSlot != task.Slot {
						first, _, _ := strings.Cut(message, "\n")
						message = "reported an error; of the trials that did at this step, the first said: " + first
					}
				}
				failed = append(failed, &runner.SlotError{Slot: task.Slot, Plugin: p.name, Err: fmt.Errorf("%s", message)})
			default:
				return failed, 0, s.fault(ctx, p, task.Slot, fmt.Errorf("%w: no result for %d of %d slots", errWrongSize, len(c.Tasks)-n, len(c.Tasks)))
			}
		}
	}
	return failed, inside, nil
}

// put writes a value to the index at which its slot is active.
func put(values []float64, active []int, slot int, v float64) {
	if values == nil {
		return
	}
	for i, a := range active {
		if a == slot {
			values[i] = v
		}
	}
}

// fault ends the process and the session with it.
func (s *session) fault(ctx context.Context, p *process, slot int, err error) error {
	if ctx.Err() != nil {
		s.worker.discard(p)
		return context.Cause(ctx)
	}
	if err == errDeadline {
		p.leash.Kill(context.Background())
	}
	err = p.broken(err)
	s.worker.discard(p)
	return p.fault(slot, err)
}

// Close forgets the remote sessions. A process that does not answer soon is not kept.
func (s *session) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, part := range s.parts {
		p := part.process
		path := p.description.Path
		if s.worker.processes[path] != p {
			continue // it had a fault
		}
		if _, err := p.rpc.Sessions.Close(ctx, &pluginv1.CloseRequest{Session: part.id}); err != nil {
			s.worker.discard(p)
			continue
		}
		s.worker.failures[path] = 0
	}
	return nil
}
