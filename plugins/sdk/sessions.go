package sdk

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
	"github.com/xrun-dev/xrun/plugins/slots"
)

// session is an open session, and where its slabs lie in shared memory.
type session struct {
	slots.Session
	dtype            plugins.DType
	dim              int
	metrics          []float64 // of an objective, on their way
	stride           int       // bytes from one slot to the next
	parametersOffset int
	gradientsOffset  int
}

// sessionTable holds the open sessions. The control plane changes it while the data plane reads.
type sessionTable struct {
	mu       sync.Mutex
	sessions map[uint32]*session
	loader   protocol.Loader
}

func (t *sessionTable) find(id uint32) *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sessions[id]
}

func (s *server) Open(_ context.Context, r *pluginv1.OpenRequest) (*pluginv1.OpenReply, error) {
	kind := protocol.KindFromWire(r.GetKind())
	component, ok := s.component(kind, r.GetComponent())
	if !ok {
		return nil, status.Errorf(codes.NotFound, "plugin %s supplies no %s %q", s.manifest.Name, kind, r.GetComponent())
	}
	layout := protocol.LayoutFromWire(r.GetLayout())
	var given *plugins.Data
	if r.GetData() != 0 {
		s.mu.Lock()
		given = s.loader.Data(r.GetData())
		s.mu.Unlock()
		if given == nil {
			return nil, status.Errorf(codes.FailedPrecondition, "no data %d", r.GetData())
		}
	}
	set := make([]slots.Slot, len(r.GetSlots()))
	for i, slot := range r.GetSlots() {
		set[i] = slots.Slot{Number: int(slot.GetSlot()), Instance: plugins.Instance{
			Settings: protocol.SettingsFromWire(slot.GetSettings()),
			Layout:   layout,
			Lambda:   slot.GetLambda(),
			Examples: int(r.GetExamples()),
			LR:       slot.GetLr(),
			Seed:     slot.GetSeed(),

			Loss:         plugins.Loss(r.GetLoss()),
			NullGradient: r.GetNullGradient(),
			Data:         given,
		}}
	}
	dtype := plugins.DType(r.GetDtype())
	opened, err := slots.Open(component, dtype, set)
	if err != nil {
		return nil, asStatus(err)
	}
	reply := &pluginv1.OpenReply{}
	if kind == plugins.KindObjective {
		layout = opened.Problem().Layout
		reply.Problem = protocol.ProblemToWire(opened.Problem())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[r.GetSession()] = &session{
		Session: opened, dtype: dtype, dim: layout.Dim(), metrics: make([]float64, len(component.Metrics)), stride: int(r.GetStride()) * dtype.Size(),
		parametersOffset: int(r.GetParametersOffset()), gradientsOffset: int(r.GetGradientsOffset()),
	}
	for _, slot := range set {
		reply.Gains = append(reply.Gains, opened.Gain(slot.Number))
		reply.Coefficients = append(reply.Coefficients, &pluginv1.Coefficients{Parts: opened.Coefficients(slot.Number)})
	}
	return reply, nil
}

func (s *server) Place(_ context.Context, r *pluginv1.PlaceRequest) (*pluginv1.PlaceReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := s.sessions[r.GetSession()]
	if open == nil {
		return nil, status.Errorf(codes.NotFound, "no session %d", r.GetSession())
	}
	placed := *open // the data plane may hold the old one
	placed.stride = int(r.GetStride()) * open.dtype.Size()
	placed.parametersOffset, placed.gradientsOffset = int(r.GetParametersOffset()), int(r.GetGradientsOffset())
	s.sessions[r.GetSession()] = &placed
	return &pluginv1.PlaceReply{}, nil
}

func (s *server) Load(_ context.Context, r *pluginv1.LoadRequest) (*pluginv1.LoadReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.loader.Put(r); err != nil {
		return nil, status.Error(codes.InvalidArgument, describe(err))
	}
	return &pluginv1.LoadReply{}, nil
}

func (s *server) Run(_ context.Context, r *pluginv1.RunRequest) (*pluginv1.RunReply, error) {
	open := s.find(r.GetSession())
	if open == nil {
		return nil, status.Errorf(codes.NotFound, "no session %d", r.GetSession())
	}
	reply := &pluginv1.RunReply{Sequence: r.GetSequence()}
	start := time.Now()
	op := slots.Op(r.GetOp())
	for _, task := range r.GetTasks() {
		// gRPC's buffers need not be aligned to elements.
		params, grad := aligned(task.GetParameters()), aligned(task.GetGradient())
		if op == slots.Gradient {
			grad = protocol.Aligned(len(params))
		}
		with := slots.Scalars{Rate: task.GetRate(), Loss: task.GetLoss(), Epoch: int(r.GetEpoch()), Batch: int(r.GetBatch()), Metrics: open.metrics}
		value, err := open.Run(op, int(task.GetSlot()), params, grad, with)
		result := &pluginv1.SlotResult{Value: value, Again: err == plugins.ErrAgain}
		if err != nil && !result.Again {
			result.Error = describe(err)
		}
		wroteParams, wroteGrad := op.Writes()
		if wroteParams {
			result.Parameters = params
		}
		if wroteGrad {
			result.Gradient = grad
		}
		if op == slots.Metrics {
			result.Metrics = slices.Clone(open.metrics)
		}
		reply.Results = append(reply.Results, result)
	}
	reply.Nanoseconds = uint64(time.Since(start))
	return reply, nil
}

func aligned(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	c := protocol.Aligned(len(b))
	copy(c, b)
	return c
}

func (s *server) Save(_ context.Context, r *pluginv1.SaveRequest) (*pluginv1.SlotState, error) {
	open := s.find(r.GetSession())
	if open == nil {
		return nil, status.Errorf(codes.NotFound, "no session %d", r.GetSession())
	}
	content, err := open.Save(int(r.GetSlot()))
	if err != nil {
		return nil, asStatus(err)
	}
	return &pluginv1.SlotState{Content: content}, nil
}

func (s *server) Restore(_ context.Context, r *pluginv1.RestoreRequest) (*pluginv1.RestoreReply, error) {
	open := s.find(r.GetSession())
	if open == nil {
		return nil, status.Errorf(codes.NotFound, "no session %d", r.GetSession())
	}
	if err := open.Restore(int(r.GetSlot()), r.GetState().GetContent()); err != nil {
		return nil, status.Error(codes.DataLoss, describe(err))
	}
	return &pluginv1.RestoreReply{}, nil
}

func (s *server) Close(_ context.Context, r *pluginv1.CloseRequest) (*pluginv1.CloseReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, r.GetSession())
	return &pluginv1.CloseReply{}, nil
}

// asStatus gives an error its gRPC code: a wrong setting is the caller's fault, all else is the plugin's.
func asStatus(err error) error {
	var setting *plugins.SettingError
	if errors.As(err, &setting) {
		return status.Error(codes.InvalidArgument, describe(err))
	}
	return status.Error(codes.Internal, describe(err))
}

// describe is an error's text, with the stack if it was a panic, within [protocol.MaxText].
func describe(err error) string {
	var p *slots.PanicError
	if errors.As(err, &p) {
		return protocol.Cut(p.Error() + "\n" + p.Stack)
	}
	return protocol.Cut(err.Error())
}
