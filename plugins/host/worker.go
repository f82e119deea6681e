package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
	"github.com/xrun-dev/xrun/plugins/slots"
	"github.com/xrun-dev/xrun/runner"
)

// Worker keeps the plugin processes of one worker, and the memory it shares with them.
// It is used by one goroutine at a time.
type Worker struct {
	host      *Host
	arena     *arena // nil where there is no shared memory
	processes map[string]*peer
	failures  map[string]int // faults in a row, by plugin
	started   map[string]bool
	keeper    *process.Keeper // nil before the first plugin that is not built in
	variables []string
}

var _ runner.Plugins = (*Worker)(nil)

// Worker makes a place for one worker to open plugins. Close it. Their processes have the given variables of the environment, NAME=value,
// before those that all plugins have.
func (h *Host) Worker(variables ...string) (*Worker, error) {
	w := &Worker{host: h, variables: variables, processes: map[string]*peer{}, failures: map[string]int{}, started: map[string]bool{}}
	if h.options.Inline {
		return w, nil
	}
	var err error
	if w.arena, err = newArena(leastSlabs); err != nil {
		h.options.Logger.Warn("no shared memory, messages are used", "error", err)
		w.arena = nil
	}
	return w, nil
}

// Close stops the worker's plugins and frees its memory.
func (w *Worker) Close() error {
	for _, p := range w.processes {
		p.stop()
	}
	clear(w.processes)
	w.keeper.Close()
	if w.arena != nil {
		w.arena.close()
	}
	return nil
}

// Describe is [Host.Describe] by a process that goes on running and serves later calls.
func (w *Worker) Describe(ctx context.Context, ref string) (*Description, error) {
	p, err := w.peer(ctx, ref)
	if err != nil {
		return nil, err
	}
	w.host.mu.Lock()
	defer w.host.mu.Unlock()
	if w.host.described[p.description.Path] == nil {
		w.host.described[p.description.Path] = p.description
	}
	return w.host.described[p.description.Path], nil
}

// peer is the running process of a plugin, which is started if needed. After each fault the next start
// waits a little longer: a short wait is enough to keep a plugin that faults at work from taking the machine. A plugin
// that has started before gets three tries, since the reason may pass.
func (w *Worker) peer(ctx context.Context, ref string) (*peer, error) {
	src, err := w.host.Find(ref)
	if err != nil {
		var find *FindError
		if errors.As(err, &find) {
			err = errors.New(find.Problem)
		}
		return nil, &runner.Fault{Plugin: ref, Slot: -1, Start: true, Err: err}
	}
	if p := w.processes[src.Path]; p != nil {
		if !p.ended() {
			return p, nil
		}
		w.discard(p) // it ended between two cohorts
	}
	tries := 1
	if w.started[src.Path] {
		tries = 3
	}
	const afterWork, afterStart = 160 * time.Millisecond, 2 * time.Second
	for most := afterWork; ; tries, most = tries-1, afterStart {
		if n := w.failures[src.Path]; n > 0 {
			select {
			case <-time.After(min(10*time.Millisecond<<min(n, 10), most)):
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		p, err := w.host.start(ctx, src, w.arena, w.keep(src), w.variables)
		if err == nil {
			w.processes[src.Path], w.started[src.Path] = p, true
			return p, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		w.failures[src.Path]++
		if tries == 1 {
			var f *runner.Fault
			if errors.As(err, &f) {
				f.Start = true
			}
			return nil, err
		}
	}
}

// keep is the keeper of a plugin's process group; nil for built-in ones, which start no processes.
func (w *Worker) keep(src Source) *process.Keeper {
	if src.Builtin {
		return nil
	}
	if w.keeper == nil {
		w.keeper = process.StartKeeper(w.host.options.Keeper)
	}
	return w.keeper
}

// discard stops a process that cannot be trusted any more.
func (w *Worker) discard(p *peer) {
	path := p.description.Path
	if w.processes[path] == p {
		delete(w.processes, path)
		w.failures[path]++
	}
	p.kill()
	p.stop()
}

// Open implements runner.Plugins. After a fault without a suspect it tries a second time: the cohort
// before may have broken the process.
func (w *Worker) Open(ctx context.Context, spec runner.PluginSpec) (runner.PluginSession, error) {
	if len(spec.Slots) > protocol.MaxSlots {
		return nil, fmt.Errorf("a cohort of %d slots, at most %d are possible", len(spec.Slots), protocol.MaxSlots)
	}
	s, err := w.open(ctx, spec)
	var f *runner.Fault
	if errors.As(err, &f) && !f.Start && ctx.Err() == nil {
		s, err = w.open(ctx, spec)
	}
	if err != nil {
		return nil, err // and no session, not even a nil one in an interface
	}
	return s, nil
}

func (w *Worker) open(ctx context.Context, spec runner.PluginSpec) (_ *session, err error) {
	s := &session{worker: w, spec: spec, gains: make([]float64, len(spec.Slots)),
		coefficients: make([]map[string]float64, len(spec.Slots)), again: make([]bool, len(spec.Slots))}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	bytes := 0
	measure := func() {
		s.dim = s.spec.Layout.Dim()
		// Slots begin at cache lines, so that two of them never share one.
		perLine := protocol.Align / spec.DType.Size()
		s.stride = (s.dim + perLine - 1) / perLine * perLine
		bytes = s.stride * spec.DType.Size() * len(spec.Slots)
	}
	room := func(n int) error {
		if w.arena == nil {
			return nil
		}
		if err := w.room(n); err != nil {
			return &runner.SlotError{Slot: -1, Plugin: "memory", Err: err} // fewer slots may fit
		}
		return nil
	}
	measure()
	if spec.Objective != nil {
		ask := func() error {
			return s.openRole(ctx, plugins.KindObjective, func(*runner.PluginSlot) *runner.Choice { return spec.Objective })
		}
		if err := room(w.host.needs(spec.Objective.Plugin, 0)); err != nil {
			return nil, err
		}
		if err := ask(); err != nil {
			return nil, err
		}
		measure()
		before := w.arena
		if err := room(bytes); err != nil {
			return nil, err
		}
		w.host.needs(spec.Objective.Plugin, bytes)
		if w.arena != before { // its process has been stopped
			s.parts, s.spec = nil, spec
			if err := ask(); err != nil {
				return nil, err
			}
			measure()
		}
	}
	if w.arena != nil {
		if err := room(bytes); err != nil {
			return nil, err
		}
		if s.params, s.grads, err = w.arena.slabs(bytes); err != nil {
			return nil, &runner.SlotError{Slot: -1, Plugin: "memory", Err: err}
		}
	} else {
		s.params, s.grads = protocol.Aligned(bytes), protocol.Aligned(bytes)
	}
	for i := range s.gains {
		s.gains[i] = 1
	}
	if spec.Objective != nil {
		if err := s.place(ctx, s.parts[0]); err != nil {
			return nil, err
		}
	}
	for _, role := range []struct {
		kind plugins.Kind
		of   func(*runner.PluginSlot) *runner.Choice
	}{
		{plugins.KindRegularizer, func(s *runner.PluginSlot) *runner.Choice { return s.Regularizer }},
		{plugins.KindOptimizer, optimizerOf},
		{plugins.KindOptimizer, func(s *runner.PluginSlot) *runner.Choice { return s.Optimizer.Base }},
	} {
		if err := s.openRole(ctx, role.kind, role.of); err != nil {
			return nil, err
		}
	}
	s.plan()
	return s, nil
}

// optimizerOf is a slot's optimizer, nil if its regularizer stands alone.
func optimizerOf(s *runner.PluginSlot) *runner.Choice {
	if s.Optimizer.Plugin == "" {
		return nil
	}
	return &s.Optimizer
}

// PIDs are the process ids of the running plugins, for tests that stop or kill them.
func (w *Worker) PIDs() []int {
	var ids []int
	for _, p := range w.processes {
		ids = append(ids, p.leash.Pid())
	}
	return ids
}

// openRole opens one remote session for each component that slots want in a role, in the order in
// which they ask. of is a slot's choice, nil if it has none.
func (s *session) openRole(ctx context.Context, kind plugins.Kind, of func(*runner.PluginSlot) *runner.Choice) error {
	type id struct{ plugin, component, mode string }
	var order []id
	members := map[id][]int{}
	features := map[id][]string{}
	for i := range s.spec.Slots {
		c := of(&s.spec.Slots[i])
		if c == nil {
			continue
		}
		key := id{plugin: c.Plugin, component: c.Component, mode: c.Settings[plugins.SettingMode].Text}
		if members[key] == nil {
			order = append(order, key)
			features[key] = c.Features
		}
		members[key] = append(members[key], i)
	}
	for _, key := range order {
		p, err := s.worker.peer(ctx, key.plugin)
		if err != nil {
			return err
		}
		part := &part{peer: p, kind: kind, features: features[key], proximal: kind == plugins.KindRegularizer && key.mode == plugins.ModeProximal,
			member: make([]bool, len(s.spec.Slots))}
		for _, i := range members[key] {
			part.member[i] = true
		}
		if err := s.openPart(ctx, part, key.component, members[key], of); err != nil {
			return err
		}
		s.parts = append(s.parts, part)
	}
	return nil
}

func (s *session) openPart(ctx context.Context, part *part, component string, members []int, of func(*runner.PluginSlot) *runner.Choice) error {
	p := part.peer
	p.session++
	part.id = p.session
	request := &pluginv1.OpenRequest{
		Session: part.id, Kind: protocol.KindToWire(part.kind), Component: component, Dtype: string(s.spec.DType),
		Layout: protocol.LayoutToWire(s.spec.Layout.For(part.features)), Examples: int64(s.spec.Examples),
		ParametersOffset: protocol.SlabsOffset, Stride: int64(s.stride),
		Loss: string(s.spec.Loss), NullGradient: s.spec.NullGradient,
	}
	if part.kind == plugins.KindObjective && slices.Contains(part.features, plugins.FeatureData) && s.spec.Data != nil {
		if err := s.load(ctx, p); err != nil {
			return err
		}
		request.Data = p.data
	}
	for _, i := range members {
		slot := &s.spec.Slots[i]
		wire := &pluginv1.Slot{Slot: uint32(i), Seed: slot.Seed, Settings: protocol.SettingsToWire(of(slot).Settings)}
		switch part.kind {
		case plugins.KindRegularizer:
			wire.Lambda = slot.Lambda
		case plugins.KindOptimizer:
			wire.Lr = slot.LR
		case plugins.KindObjective:
			wire.Seed = uint64(s.spec.ObjectiveSeed)
		}
		request.Slots = append(request.Slots, wire)
	}
	reply, err := p.rpc.Sessions.Open(ctx, request)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch status.Code(err) {
	case codes.OK:
		switch part.kind {
		case plugins.KindOptimizer:
			if slot, err := s.noteGains(members, reply.GetGains()); err != nil {
				return &runner.SlotError{Slot: slot, Plugin: p.name, Err: err}
			}
			return nil
		case plugins.KindObjective:
			return s.pose(part, reply.GetProblem())
		}
		for n, slot := range members {
			if n < len(reply.GetCoefficients()) && slices.Contains(part.features, plugins.FeatureCoefficients) {
				parts := protocol.CoefficientsFromWire(reply.GetCoefficients()[n])
				if err := slots.CheckCoefficients(p.name, parts); err != nil {
					return &runner.SlotError{Slot: slot, Plugin: p.name, Err: err}
				}
				s.coefficients[slot] = parts
			}
		}
		return nil
	case codes.InvalidArgument, codes.NotFound, codes.Internal: // the component said no; the process is fine
		slot := -1
		if len(members) == 1 {
			slot = members[0]
		}
		return &runner.SlotError{Slot: slot, Plugin: p.name, Err: p.limited(plain(err), "")}
	}
	err = p.broken(err)
	s.worker.discard(p)
	return p.fault(-1, err)
}

// load hands the cohort's data to the process of its objective, unless it has it from the cohort before. Messages reach any
// process, a sandboxed one too, which could not read a file.
func (s *session) load(ctx context.Context, p *peer) error {
	if p.loaded == s.spec.Data {
		return nil
	}
	p.data, p.loaded = p.data+1, nil
	err := protocol.Pieces(p.data, s.spec.Data, func(r *pluginv1.LoadRequest) error {
		_, err := p.rpc.Sessions.Load(ctx, r)
		return err
	})
	if err != nil {
		return s.refused(ctx, p, -1, err)
	}
	p.loaded = s.spec.Data
	return nil
}

// pose takes the problem of an objective.
func (s *session) pose(part *part, wire *pluginv1.Problem) error {
	problem, err := protocol.ProblemFromWire(wire)
	if err != nil {
		return &runner.SlotError{Slot: -1, Plugin: part.peer.name, Err: err}
	}
	s.problem = pose(&s.spec, problem)
	return nil
}

// place tells an objective where its parameters and gradients lie.
func (s *session) place(ctx context.Context, part *part) error {
	_, err := part.peer.rpc.Sessions.Place(ctx, &pluginv1.PlaceRequest{Session: part.id, ParametersOffset: protocol.SlabsOffset, Stride: int64(s.stride)})
	if err == nil {
		return nil
	}
	return s.refused(ctx, part.peer, -1, err)
}

// noteGains keeps the gains that an optimizer reports. Missing or 0 is 1, as the protocol says. An error is one of a slot.
func (s *session) noteGains(members []int, gains []float64) (slot int, err error) {
	for n, slot := range members {
		s.gains[slot] = 1
		if n >= len(gains) || gains[n] == 0 {
			continue
		}
		if err := slots.CheckGain("it", gains[n]); err != nil {
			return slot, err
		}
		s.gains[slot] = gains[n]
	}
	return 0, nil
}

var errWrongSize = errors.New("answered with a wrong size")
