package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
	"github.com/xrun-dev/xrun/plugins/slots"
	"github.com/xrun-dev/xrun/runner"
)

// call sends commands as messages, with the slabs' contents inline.
func (s *session) call(ctx context.Context, p *peer, commands []protocol.Command, w work) ([]*runner.SlotError, time.Duration, error) {
	var failed []*runner.SlotError
	var inside time.Duration
	size := s.dim * s.spec.DType.Size()
	for _, c := range commands {
		op := slots.Op(c.Op)
		wroteParams, wroteGrad := op.Writes()
		request := &pluginv1.RunRequest{Session: c.Session, Sequence: c.Sequence, Op: pluginv1.Op(c.Op), Epoch: int64(c.Epoch), Batch: int64(c.Batch)}
		for _, t := range c.Tasks {
			task := &pluginv1.SlotTask{Slot: uint32(t.Slot), Rate: t.Rate, Loss: t.Loss, Parameters: s.slot(s.params, t.Slot)}
			if op.ReadsGradient() {
				task.Gradient = s.slot(s.grads, t.Slot)
			}
			request.Tasks = append(request.Tasks, task)
		}
		vectors, metrics := 0, 0
		if wroteParams {
			vectors += size
		}
		if wroteGrad {
			vectors += size
		}
		if w.metrics != nil {
			metrics = plugins.MaxMetrics
		}
		limit := protocol.RunReplyLimit(len(c.Tasks), vectors, metrics)
		reply, err := p.rpc.Sessions.Run(ctx, request, grpc.MaxCallRecvMsgSize(limit))
		if tooLarge(err) {
			err = fmt.Errorf("%w: more than the %s that its answer may have", errWrongSize, bytesText(int64(limit)))
		}
		if err != nil {
			return failed, 0, s.fault(ctx, p, -1, err)
		}
		if reply.GetSequence() != c.Sequence {
			return failed, 0, s.fault(ctx, p, -1, fmt.Errorf("answered command %d when asked %d", reply.GetSequence(), c.Sequence))
		}
		if len(reply.GetResults()) != len(c.Tasks) {
			return failed, 0, s.fault(ctx, p, -1, fmt.Errorf("%w: %d results for %d slots", errWrongSize, len(reply.GetResults()), len(c.Tasks)))
		}
		inside += time.Duration(reply.GetNanoseconds())
		for n, r := range reply.GetResults() {
			slot := c.Tasks[n].Slot
			if r.GetError() != "" {
				failed = append(failed, &runner.SlotError{Slot: slot, Plugin: p.name, Err: p.limited(errors.New(protocol.Clean(r.GetError())), "")})
				continue
			}
			if r.GetAgain() {
				if err := s.askedAgain(p, c, slot); err != nil {
					failed = append(failed, err)
					continue
				}
			}
			if wroteParams {
				if len(r.GetParameters()) != size {
					return failed, 0, s.fault(ctx, p, slot, fmt.Errorf("%w: %d bytes of parameters, want %d", errWrongSize, len(r.GetParameters()), size))
				}
				copy(s.slot(s.params, slot), r.GetParameters())
			}
			if wroteGrad {
				if len(r.GetGradient()) != size {
					return failed, 0, s.fault(ctx, p, slot, fmt.Errorf("%w: %d bytes of gradient, want %d", errWrongSize, len(r.GetGradient()), size))
				}
				copy(s.slot(s.grads, slot), r.GetGradient())
			}
			if dst := w.metricsOf(slot); dst != nil {
				if len(r.GetMetrics()) != len(dst) {
					return failed, 0, s.fault(ctx, p, slot, fmt.Errorf("%w: %d metrics, want %d", errWrongSize, len(r.GetMetrics()), len(dst)))
				}
				copy(dst, r.GetMetrics())
			}
			w.put(slot, r.GetValue())
		}
	}
	return failed, inside, nil
}

// slot is the part of a slab that belongs to one slot.
func (s *session) slot(slab []byte, slot int) []byte {
	width := s.spec.DType.Size()
	return slab[slot*s.stride*width:][:s.dim*width]
}
