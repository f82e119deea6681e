package runner

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/reference"
)

// Plugins opens plugins for the cohorts of one worker. plugins/host runs them in processes of
// their own. One goroutine at a time uses it.
type Plugins interface {
	// Open opens the plugins of one cohort; the session before it has been closed.
	// Wrong settings are a *SlotError, a plugin that cannot be used is a *Fault.
	Open(ctx context.Context, spec PluginSpec) (PluginSession, error)
	Close() error
}

// A PluginSpec says what a cohort needs of its plugins.
type PluginSpec struct {
	DType    plugins.DType
	Layout   plugins.Layout
	Examples int // m, the number of training examples
	// Loss and NullGradient are what conventions of λ depend on; see plugins.Instance.
	Loss         plugins.Loss
	NullGradient float64
	// Objective is the plugin in which model and data live; nil for others. It then says itself
	// what Layout, Examples and Loss are; see [Objective].Problem.
	Objective *Choice
	// ObjectiveSeed is the trial's seed. With PenalizeBias, regularizers apply to biases as well.
	// Only an Objective reads them.
	ObjectiveSeed int64
	PenalizeBias  bool
	// Data is what an Objective with plugins.FeatureData learns from; nil for others. Equal pointers are equal data.
	Data  *plugins.Data
	Slots []PluginSlot
}

// A PluginSlot is what one trial of a cohort needs.
type PluginSlot struct {
	Optimizer   Choice  // without a plugin where a regularizer is tried alone
	Regularizer *Choice // nil without a penalty
	LR          float64 // that the schedule starts from
	Lambda      float64
	Seed        uint64
}

// TrialSpec is a spec of one slot with a few parameters, for trying whether the plugins of a task
// accept their settings.
func TrialSpec(t Task, slot PluginSlot) PluginSpec {
	spec := PluginSpec{DType: t.DType, Examples: 1, Loss: t.loss(), NullGradient: math.NaN(), Slots: []PluginSlot{slot}}
	if slices.Contains([]string{reference.Linear, reference.Logistic, reference.Softmax}, t.Model) {
		spec.NullGradient = 1
	}
	if t.Objective != nil && !t.Objective.Has(plugins.FeatureData) { // it describes the rest itself; one with data needs that first
		spec.Objective, spec.PenalizeBias = t.Objective, t.PenalizeBias
		return spec
	}
	spec.Layout = plugins.Layout{
		{Name: "W", Shape: []int{2, 2}, Role: plugins.RoleWeight, Penalized: true},
		{Name: "b", Shape: []int{2}, Role: plugins.RoleBias, Offset: 4, Penalized: t.PenalizeBias},
	}
	return spec
}

// asksFor reports whether a component that works on the trial's parameters declares a feature.
func (t Trial) asksFor(feature string) bool {
	return t.Optimizer.Has(feature) || t.Optimizer.Base != nil && t.Optimizer.Base.Has(feature) || t.Regularizer != nil && t.Regularizer.Has(feature)
}

// named is a model's layout with the names of its inputs, which its first tensor multiplies.
func named(l plugins.Layout, inputs []string) plugins.Layout {
	if len(inputs) == 0 {
		return l
	}
	l = slices.Clone(l)
	l[0].Inputs = validNames(inputs)
	return l
}

// validNames are names as messages take them, which is UTF-8.
func validNames(names []string) (valid []string) {
	for _, name := range names {
		valid = append(valid, strings.ToValidUTF8(name, "\uFFFD"))
	}
	return valid
}

// A PluginSession is the open plugins of a cohort and the memory they share with the runner.
// Slots are numbered as in the PluginSpec. A *Fault, from whichever call, ends the session.
type PluginSession interface {
	// Slabs returns the parameters and the gradients of all slots: slot s begins at element
	// s·stride. Between calls they belong to the runner, which reads and writes them in place.
	Slabs() (params, grads []byte, stride int)

	Stepper
	Penalizer
	Objective
	Memory
	Costs
	Close() error
}

// A Stepper takes the steps of the slots' optimizers. Slots whose component reported an error are
// named in failed, by this and the other interfaces of a session; the others are done.
type Stepper interface {
	// Step takes one update in each of the active slots: the regularizer adds its part to the
	// gradient, the optimizer steps, and a regularizer in proximal mode maps the result, for the
	// rate times the optimizer's gain (see plugins.Gainer). Slots named in again have not stepped:
	// their optimizer wants the gradient, and the loss, at the parameters that it has written, and
	// to be called once more.
	Step(ctx context.Context, active []int, with StepInputs) (again []int, failed []*SlotError, err error)

	// Evaluate replaces the parameters of active slots, all of which have an optimizer with
	// plugins.FeatureEval, by those to evaluate and to keep.
	Evaluate(ctx context.Context, active []int) (failed []*SlotError, err error)
}

// A Penalizer computes the slots' penalties. Slots without a regularizer have the penalty 0.
type Penalizer interface {
	// Penalty writes the penalty of each active slot to dst.
	Penalty(ctx context.Context, dst []float64, active []int) (failed []*SlotError, err error)

	// AddPenalty adds the gradient of each active slot's penalty to the slot's gradient, whatever
	// the regularizer's mode.
	AddPenalty(ctx context.Context, active []int) (failed []*SlotError, err error)

	// Coefficients returns the coefficients of a slot's regularizer; nil if it does not report them.
	Coefficients(slot int) map[string]float64
}

// An Objective is a model with its data in a plugin. Without one, Problem is the zero Problem and
// the other methods are not called.
type Objective interface {
	// Problem is what the objective asks to be trained, with its tensors marked as penalised or not.
	Problem() plugins.Problem

	// Init writes the parameters that training starts from to each active slot.
	Init(ctx context.Context, active []int) (failed []*SlotError, err error)

	// Gradient writes to each active slot the gradient of the mean loss over a mini-batch,
	// and that loss to losses; see plugins.Objective for the numbers of epoch and batch.
	Gradient(ctx context.Context, active []int, epoch, batch int, losses []float64) (failed []*SlotError, err error)

	// Metrics writes the metrics of each active slot to the slice of dst with its index.
	Metrics(ctx context.Context, active []int, dst [][]float64) (failed []*SlotError, err error)
}

// Memory is what the plugins remember of a slot between two steps.
type Memory interface {
	Save(ctx context.Context, slot int) (SlotState, error)

	// Restore puts a state back into a slot of the same content, which then goes on as if it had
	// never been away.
	Restore(ctx context.Context, slot int, state SlotState) error
}

// Costs is the time that the plugins have taken so far.
type Costs interface {
	// Cost returns the time spent inside plugins, and the time beyond it that was spent waiting
	// for them.
	Cost() (plugin, transport time.Duration)
}

// StepInputs are the numbers that go into a step, with the index of the active slots.
type StepInputs struct {
	Rates  []float64
	Losses []float64 // the objective, where an optimizer has plugins.FeatureLoss; may be nil
}

// SlotState is the saved memory of a slot's components, in an order of the session's own.
type SlotState [][]byte

// A SlotError is an error that a component reported for one slot.
type SlotError struct {
	Slot   int
	Plugin string
	Err    error
}

func (e *SlotError) Error() string { return fmt.Sprintf("plugin %s: %v", e.Plugin, e.Err) }
func (e *SlotError) Unwrap() error { return e.Err }

// A Fault is a plugin process that crashed, hung or answered nonsense.
type Fault struct {
	Plugin string
	// Slot is the one the plugin was working on; −1 if unknown.
	Slot int
	// Start says that the process could not even be started, so that no slot is to blame.
	Start bool
	Err   error
	// LastWords are the last lines of what the process printed.
	LastWords string
}

func (e *Fault) Error() string { return fmt.Sprintf("plugin %s %v", e.Plugin, e.Err) }
func (e *Fault) Unwrap() error { return e.Err }

// Hint is what the process printed last.
func (e *Fault) Hint() string {
	if e.LastWords == "" {
		return ""
	}
	return "it last said:\n" + e.LastWords
}
