// Package slots runs the components of a plugin: K slots of one component, each with its own
// settings and state, on parameters that lie somewhere in memory as bytes.
//
// The Go SDK serves a Session from shared memory and from messages, and the in-process path of
// tests calls it directly, so the three give the same bits because they are the same code.
// The package knows nothing of processes or wires.
package slots

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"runtime/debug"
	"slices"
	"unsafe"

	"github.com/xrun-dev/xrun/plugins"
)

// An Op is an operation of a session on a slot.
type Op uint32

// The operations. The numbers are part of the protocol.
const (
	Step     Op = 1 // optimizer: one update; rate is the learning rate
	Penalize Op = 2 // regularizer: its gradient is added to the slot's
	Value    Op = 3 // regularizer: its value
	Prox     Op = 4 // regularizer: proximal map; rate is the step size
	Evaluate Op = 5 // optimizer: params become the parameters to evaluate
	Init     Op = 6 // objective: params become the start of training
	Gradient Op = 7 // objective: writes the gradient of the mini-batch to grad; the value is its loss
	Metrics  Op = 8 // objective: its metrics at params
)

// Writes reports whether the operation changes a slot's parameters or its gradient.
func (o Op) Writes() (params, grad bool) {
	switch o {
	case Step, Prox, Evaluate, Init:
		return true, false
	case Penalize, Gradient:
		return false, true
	}
	return false, false
}

// ReadsGradient reports whether the operation looks at a slot's gradient.
func (o Op) ReadsGradient() bool { return o == Step || o == Penalize }

// Scalars are the numbers that an operation works with.
type Scalars struct {
	Rate         float64   // see [Op]
	Loss         float64   // of Step: the objective at params, for a plugins.LossTaker
	Epoch, Batch int       // of Gradient
	Metrics      []float64 // of Metrics: where they go, as many as the component declares
}

// A Slot is the set-up of one slot.
type Slot struct {
	Number   int // its place in the cohort's slabs
	Instance plugins.Instance
}

// A Session runs K slots of one component. It is used by one goroutine at a time.
type Session interface {
	// Run does op for the slot with the given number. params and grad are its parameters and
	// gradient as little-endian elements, aligned to their size; grad may be nil for operations
	// that do not need it. The value is the result of Value or Gradient. A panic comes back as an error, and
	// plugins.ErrAgain as it is.
	Run(op Op, slot int, params, grad []byte, with Scalars) (value float64, err error)

	// Gain is the gain of the slot's optimizer, 1 if it has no valid one.
	Gain(slot int) float64

	// Coefficients returns the coefficients of the slot's regularizer; nil if it does not tell them.
	Coefficients(slot int) map[string]float64

	// Problem is the problem of the slots' objective; the zero Problem for others.
	Problem() plugins.Problem

	// Save returns the state of a slot, Restore puts one back.
	Save(slot int) ([]byte, error)
	Restore(slot int, state []byte) error
}

// Open makes a session: one instance of c for each slot.
func Open(c plugins.Component, dtype plugins.DType, slots []Slot) (Session, error) {
	switch dtype {
	case plugins.Float32:
		return open[float32](c, slots)
	case plugins.Float64:
		return open[float64](c, slots)
	}
	return nil, fmt.Errorf("open %s: unknown element type %q", c.Name, dtype)
}

// session is a Session for one element type. Unused slot numbers hold zero instances.
type session[F plugins.Float] struct {
	name      string
	dim       int
	problem   plugins.Problem
	metrics   int // that an objective reports
	instances []instance[F]
}

// instance is the component of one slot: exactly one of the two is set in a slot in use.
type instance[F plugins.Float] struct {
	optimizer   plugins.Optimizer[F]
	regularizer plugins.Regularizer[F]
	objective   plugins.Objective[F]
}

// component returns the component that is set; nil for a slot that is not in use.
func (i instance[F]) component() any {
	switch {
	case i.optimizer != nil:
		return i.optimizer
	case i.regularizer != nil:
		return i.regularizer
	case i.objective != nil:
		return i.objective
	}
	return nil
}

func open[F plugins.Float](c plugins.Component, slots []Slot) (_ Session, err error) {
	s := &session[F]{name: c.Name, metrics: len(c.Metrics)}
	for _, slot := range slots {
		settings, err := c.Complete(slot.Instance.Settings)
		if err != nil {
			return nil, err
		}
		slot.Instance.Settings = settings
		s.dim = slot.Instance.Layout.Dim()
		one, err := openOne[F](c, slot.Instance)
		if err != nil {
			return nil, err
		}
		if one.objective != nil {
			if err := s.ask(one.objective); err != nil {
				return nil, err
			}
		}
		for len(s.instances) <= slot.Number {
			s.instances = append(s.instances, instance[F]{})
		}
		s.instances[slot.Number] = one
	}
	return s, nil
}

// ask reads the problem of an objective. It is the same in all slots, since they share their settings.
func (s *session[F]) ask(o plugins.Objective[F]) (err error) {
	defer recovered(&err)
	p := o.Problem()
	if err := p.Check(); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if s.problem.Layout != nil && !reflect.DeepEqual(s.problem, p) {
		return fmt.Errorf("%s asks for another problem in each slot: layout, examples, batches and loss follow from the settings", s.name)
	}
	s.problem, s.dim = p, p.Layout.Dim()
	return nil
}

func openOne[F plugins.Float](c plugins.Component, in plugins.Instance) (one instance[F], err error) {
	defer recovered(&err)
	switch c.Kind {
	case plugins.KindOptimizer:
		one.optimizer, err = plugins.OpenOptimizer[F](c, in)
	case plugins.KindRegularizer:
		one.regularizer, err = plugins.OpenRegularizer[F](c, in)
	case plugins.KindObjective:
		one.objective, err = plugins.OpenObjective[F](c, in)
	}
	if err == nil && one.component() == nil {
		err = fmt.Errorf("component %q has no constructor for %s", c.Name, plugins.DTypeOf[F]())
	}
	if err != nil {
		return one, err
	}
	if g, ok := one.optimizer.(plugins.Gainer); ok {
		err = CheckGain(c.Name, g.Gain())
	}
	if w, ok := one.regularizer.(plugins.Weighted); ok && err == nil {
		err = CheckCoefficients(c.Name, w.Coefficients())
	}
	return one, err
}

// CheckGain returns an error for a number that cannot be the gain of an optimizer: penalties would have another strength
// than the one that was asked for.
func CheckGain(component string, gain float64) error {
	if gain > 0 && !math.IsInf(gain, 1) {
		return nil
	}
	return fmt.Errorf("%s says that its gain is %v, but a gain is a finite number above 0: lr times it is the step that momentum settles at", component, gain)
}

// CheckCoefficients returns an error for numbers that cannot be the coefficients of a penalty.
func CheckCoefficients(component string, parts map[string]float64) error {
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		if c := parts[part]; math.IsNaN(c) {
			return fmt.Errorf("%s says that the coefficient of its part %s is %v, but a coefficient is a number", component, part, c)
		}
	}
	return nil
}

func (s *session[F]) Run(op Op, slot int, params, grad []byte, with Scalars) (value float64, err error) {
	one, err := s.at(slot)
	if err != nil {
		return 0, err
	}
	p, g := elements[F](params), elements[F](grad)
	if len(p) != s.dim || g != nil && len(g) != s.dim {
		return 0, fmt.Errorf("slot %d: got %d parameters and %d gradient elements, want %d", slot, len(p), len(g), s.dim)
	}
	defer recovered(&err)
	switch op {
	case Step:
		if one.optimizer != nil {
			if taker, ok := one.optimizer.(plugins.LossTaker); ok {
				taker.SetLoss(with.Loss)
			}
			return 0, one.optimizer.Step(p, g, F(with.Rate))
		}
	case Penalize:
		if one.regularizer != nil {
			one.regularizer.AddGradient(p, g)
			return 0, nil
		}
	case Value:
		if one.regularizer != nil {
			return float64(one.regularizer.Value(p)), nil
		}
	case Prox:
		if prox, ok := one.regularizer.(plugins.ProxRegularizer[F]); ok {
			prox.Prox(p, F(with.Rate))
			return 0, nil
		}
	case Evaluate:
		if evaluator, ok := one.optimizer.(plugins.Evaluator[F]); ok {
			evaluator.Evaluate(p)
			return 0, nil
		}
	case Init:
		if one.objective != nil {
			return 0, one.objective.Init(p)
		}
	case Gradient:
		if one.objective != nil && g != nil {
			loss, err := one.objective.Gradient(p, g, with.Epoch, with.Batch)
			return float64(loss), err
		}
	case Metrics:
		if one.objective != nil && len(with.Metrics) == s.metrics {
			for i := range with.Metrics {
				with.Metrics[i] = math.NaN() // a metric that is not written is none, and not another slot's
			}
			return 0, one.objective.Evaluate(p, with.Metrics)
		}
	}
	return 0, fmt.Errorf("%s cannot do operation %d", s.name, op)
}

func (s *session[F]) Gain(slot int) float64 {
	if one, err := s.at(slot); err == nil {
		if g, ok := one.optimizer.(plugins.Gainer); ok && CheckGain(s.name, g.Gain()) == nil { // it may change later
			return g.Gain()
		}
	}
	return 1
}

func (s *session[F]) Coefficients(slot int) map[string]float64 {
	if one, err := s.at(slot); err == nil {
		if w, ok := one.regularizer.(plugins.Weighted); ok {
			return w.Coefficients()
		}
	}
	return nil
}

func (s *session[F]) Problem() plugins.Problem { return s.problem }

func (s *session[F]) at(slot int) (instance[F], error) {
	if slot >= 0 && slot < len(s.instances) {
		if one := s.instances[slot]; one.component() != nil {
			return one, nil
		}
	}
	return instance[F]{}, fmt.Errorf("%s has no slot %d in this session", s.name, slot)
}

// elements views bytes as elements without copying them.
func elements[F plugins.Float](b []byte) []F {
	if b == nil {
		return nil
	}
	var zero F
	return unsafe.Slice((*F)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(zero)))
}

// recovered turns a panic of a component into an error with its stack, so that one bad slot does
// not take the others with it.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = &PanicError{Value: fmt.Sprint(r), Stack: string(debug.Stack())}
	}
}

// A PanicError is a panic inside a component.
type PanicError struct {
	Value string
	Stack string
}

func (e *PanicError) Error() string { return "panic: " + e.Value }
