// Package plugins defines what an xrun plugin is: the three kinds of component a plugin may
// supply, the settings they take, and how they describe themselves.
//
// An author reads this package and then writes one type and one call to sdk.Serve. The
// components that ship with xrun (plugins/builtin) are written against the same interfaces and
// run in a process of their own in the same way, so the rest of xrun cannot tell them apart.
//
// The package is not concerned with processes, shared memory or gRPC; see plugins/protocol for
// the wire and plugins/host for the side that starts plugins. It imports the standard library only.
package plugins

import (
	"errors"
	"fmt"
)

// Float is the element type of parameters and gradients. A component is written once, for both.
type Float interface{ float32 | float64 }

// An Optimizer moves one parameter vector. A session keeps one Optimizer for each slot, that is
// for each trial, so an Optimizer never sees the parameters of two trials.
//
// Calls are made one at a time. The slices belong to the caller and are valid for the call only.
type Optimizer[F Float] interface {
	// Step moves params in place, against grad, by the learning rate lr.
	// It leaves grad as it found it. An error fails the trial; a step that diverges is not an
	// error: write what the rule gives, the host looks for NaN and Inf.
	Step(params, grad []F, lr F) error
}

// A Gainer is an Optimizer whose steps settle at a multiple of the gradient: under a constant
// gradient g they approach lr·Gain()·g, as steps with momentum μ approach lr·g/(1 − μ). A proximal map
// that follows its steps is that for lr·Gain(), without which momentum would weaken the penalty.
// Optimizers that scale each coordinate apart have no such number. Declared by [FeatureGain].
type Gainer interface {
	Gain() float64
}

// ErrAgain is what Step of an optimizer with [FeatureReverse] returns to ask for another evaluation:
// the gradient, and with [FeatureLoss] the loss, of the same mini-batch at the parameters that it
// has written. Step is then called once more, until it returns something else; only then the step
// is done. Line searches and look-ahead methods work this way.
var ErrAgain = errors.New("evaluate again at the parameters written")

// A LossTaker is an Optimizer that wants the loss: SetLoss is called before each Step with the
// objective at params, that is the mean loss over the mini-batch plus the penalty, unless the
// latter follows as a proximal map. Declared by [FeatureLoss].
type LossTaker interface {
	SetLoss(loss float64)
}

// An Evaluator is an Optimizer that trains at one point and is judged at another, as averaging
// methods do. Declared by [FeatureEval].
type Evaluator[F Float] interface {
	// Evaluate replaces params, those that the last step left, by the ones to evaluate and to
	// keep. It changes nothing else: the host puts params back before the next step.
	Evaluate(params []F)
}

// A Weighted regularizer tells its strength in the terms that all conventions share, whatever λ
// was measured in. Declared by [FeatureCoefficients].
type Weighted interface {
	// Coefficients are the factors of the penalty's parts, by the names below: R is their sum.
	Coefficients() map[string]float64
}

// The parts of a penalty, θ being the penalised parameters.
const (
	PartL1    = "l1"    // Σ|θ|
	PartL2    = "l2"    // ½·Σθ²
	PartGroup = "group" // Σ √p·‖θ_g‖₂ over groups g of p parameters
	PartHuber = "huber" // Σ ½θ² where |θ| ≤ δ, δ·|θ| − ½δ² elsewhere
)

// A Regularizer is a penalty R that is added to the mean loss: J = mean loss + R(params).
// The strength λ and what else R depends on arrived in the [Instance].
type Regularizer[F Float] interface {
	// Value returns R(params).
	Value(params []F) F

	// AddGradient adds the gradient of R at params, or the subgradient that the component
	// documents, to grad.
	AddGradient(params, grad []F)
}

// A ProxRegularizer is a Regularizer that also has a proximal map, declared by [FeatureProx].
type ProxRegularizer[F Float] interface {
	Regularizer[F]

	// Prox replaces params by argmin over y of ½‖y − params‖² + step·R(y).
	Prox(params []F, step F)
}

// An Objective is a model together with its data, both of which live in the plugin: xrun's optimizers
// and regularizers train its parameters. There is one for each slot, that is for each trial.
//
// What it gives depends on its settings, the seed, the data that it is given, and the arguments of the call, and on nothing
// else: not on the calls before, nor on other slots. Only then a trial gives the same numbers
// alone, in a grid, and after an interruption.
//
// Calls are made one at a time. The slices belong to the caller and are valid for the call only,
// with one exception: in a process of its own, params and grad of an Objective are the same
// memory at each call, so that a framework may hold views of it.
type Objective[F Float] interface {
	// Problem describes the problem to train. It does not depend on the seed, but may depend on [Instance].Data.
	Problem() Problem

	// Init writes the parameters that training starts from.
	Init(params []F) error

	// Gradient writes the gradient of the mean loss over a mini-batch at params to grad, and
	// returns that loss, without a penalty. Epochs count from 1, batches from 0 to
	// Problem().Batches − 1; the same two numbers are the same mini-batch, however often it is
	// asked for.
	Gradient(params, grad []F, epoch, batch int) (loss F, err error)

	// Evaluate writes the metrics at params to dst, in the order of [Spec].Metrics. It must not
	// change params.
	Evaluate(params []F, dst []float64) error
}

// A Problem is what an [Objective] asks to be trained.
type Problem struct {
	// Layout describes the parameters. Whether a regularizer applies to a tensor follows from
	// its role and the sweep, so Penalized is ignored here.
	Layout Layout
	// Examples is m, the number of training examples, at least 1.
	Examples int
	// Batches is the number of steps that make an epoch, at least 1.
	Batches int
	// Loss is the kind of the loss, for regularizers whose conventions depend on it.
	Loss Loss
}

// Check reports why p cannot be trained.
func (p Problem) Check() error {
	switch {
	case p.Examples < 1:
		return fmt.Errorf("an objective has %d training examples, want at least 1", p.Examples)
	case p.Batches < 1:
		return fmt.Errorf("an objective has %d batches an epoch, want at least 1", p.Batches)
	case p.Loss != LossSquares && p.Loss != LossLog && p.Loss != LossFunction:
		return fmt.Errorf("an objective has the loss %q, want %s, %s or %s", p.Loss, LossSquares, LossLog, LossFunction)
	}
	if err := p.Layout.Check(); err != nil {
		return fmt.Errorf("the layout of an objective: %w", err)
	}
	return nil
}

// MetricTrainLoss is the metric that every objective reports: the mean loss over its training set.
const MetricTrainLoss = "train_loss"

// The metrics that xrun adds to those of an objective, which cannot report them itself.
const (
	MetricPenalty = "penalty"
	MetricJ       = "J" // the training loss and the penalty
	// MetricRate is reported by trials with a schedule: the learning rate of the last step of the
	// epoch, and after epoch 0 that of the first step to come.
	MetricRate = "lr"
)

// AddedMetrics lists them.
var AddedMetrics = []string{MetricPenalty, MetricJ, MetricRate}

// MaxMetrics limits what an objective reports.
const MaxMetrics = 64

// A Stateful component carries something from one call to the next. Restoring a saved state
// into a fresh instance and going on gives the bits that going on without the pause gives.
type Stateful[F Float] interface {
	State() State[F]
}

// State lists the variables that make up a component's memory. The vectors and counters are the
// live ones, not copies: Save reads them, Restore writes them.
type State[F Float] struct {
	Vectors  [][]F
	Counters []*int64
}

// Kind says what a component is.
type Kind string

// The kinds of component.
const (
	KindOptimizer   Kind = "optimizer"
	KindRegularizer Kind = "regularizer"
	KindObjective   Kind = "objective"
)

// DType names the element type of a slab.
type DType string

// The element types, by the names that sweep files use.
const (
	Float32 DType = "float32"
	Float64 DType = "float64"
)

// Size is the width of one element in bytes.
func (d DType) Size() int {
	if d == Float32 {
		return 4
	}
	return 8
}

// DTypeOf is the DType of F.
func DTypeOf[F Float]() DType {
	var zero F
	if _, ok := any(zero).(float32); ok {
		return Float32
	}
	return Float64
}

// Features are optional abilities, declared by name in a [Spec]. Unknown names are ignored.
const (
	// FeatureProx: the regularizer has a proximal map, and the setting [SettingMode] with the
	// choices [ModeSubgradient] and [ModeProximal], by which the host decides what to call. One
	// without a gradient, such as a projection, has the latter choice only.
	FeatureProx = "prox"
	// FeatureGain: the optimizer is a [Gainer].
	FeatureGain = "gain"
	// FeatureReverse: Step of the optimizer may return [ErrAgain].
	FeatureReverse = "reverse"
	// FeatureLoss: the optimizer is a [LossTaker].
	FeatureLoss = "loss_value"
	// FeatureEval: the optimizer is an [Evaluator].
	FeatureEval = "eval_params"
	// FeatureOwnPenalty: the optimizer has a penalty of its own and stands with no regularizer.
	FeatureOwnPenalty = "owns_regularization"
	// FeatureBase: the optimizer only moves the parameters to the point at which the gradient is taken.
	// When its Step returns nil, the host lets another optimizer, its base, step with that gradient.
	FeatureBase = "base"
	// FeatureFullBatch: the optimizer compares gradients from step to step, which makes sense
	// only if each is the gradient of the whole training set. A sweep warns of mini-batches.
	FeatureFullBatch = "full_batch"
	// FeatureCoefficients: the regularizer is [Weighted].
	FeatureCoefficients = "coefficients"
	// FeatureInputs: the optimizer or regularizer is told what the model's inputs are called; see [Tensor].Inputs.
	FeatureInputs = "inputs"
	// FeatureData: the objective learns from a table that xrun reads, and is given it as [Instance].Data. Its [task] in a
	// sweep file then takes the keys [DataKeys] as well.
	FeatureData = "data"
)

// How a regularizer with a proximal map takes part in a step.
const (
	SettingMode     = "mode"
	ModeSubgradient = "subgradient" // its gradient is added to the loss's before the step
	ModeProximal    = "proximal"    // its proximal map is applied after the step
)

// A Manifest describes a plugin and the components that it supplies.
type Manifest struct {
	Name       string // lower case letters, digits, dot, dash, underscore
	Version    string
	Summary    string // one line
	License    string // an SPDX identifier
	Citation   string
	Components []Component
}

// A Spec describes one component without running it.
type Spec struct {
	Kind     Kind
	Name     string // as sweep files name it
	Summary  string // one line
	Doc      string // the update rule, its convention and its source
	Citation string
	// Revision is raised whenever the same settings give different numbers than before.
	// It is part of the identity of a trial that used a built-in component.
	Revision int
	Settings []Setting
	// Conventions are the definitions that go by this name, the default first; empty where there
	// is only one. A component that has some declares the setting [SettingConvention].
	Conventions []Convention
	Features    []string
	// Metrics are what an objective reports after each epoch, by the names that sweep files use.
	// [MetricTrainLoss] is among them; metrics of held-out data begin with val_ or test_.
	Metrics []string
	// StateFloats is how many numbers the component keeps for each parameter.
	StateFloats int
}

// SettingConvention is the setting that chooses among a component's conventions. What a
// convention changes of the other settings' defaults is declared by [Setting.Under].
const SettingConvention = "convention"

// ConventionNullGradient is the convention under which λ is a fraction of [Instance].NullGradient.
const ConventionNullGradient = "lambda_max_fraction"

// A Convention is one definition of a method that frameworks define differently.
type Convention struct {
	Name   string  // as sweep files choose it, such as torch, keras or optax
	Rule   string  // the update rule, or how λ is meant
	LR     float64 // the framework's default learning rate; 0 if it has none
	Source string  // the program and its version, or the paper, that the rule follows
}

// Has reports whether the component declares the feature.
func (s Spec) Has(feature string) bool {
	for _, f := range s.Features {
		if f == feature {
			return true
		}
	}
	return false
}

// Setting finds a declared setting by name.
func (s Spec) Setting(name string) (Setting, bool) {
	for _, setting := range s.Settings {
		if setting.Name == name {
			return setting, true
		}
	}
	return Setting{}, false
}

// An Instance is everything a component is told when one of its slots is set up.
type Instance struct {
	Settings Settings
	Layout   Layout // empty for an objective, whose Problem has it
	// Lambda is the regularization strength of the trial as its sweep file states it,
	// Examples the number m of training examples. An optimizer has the λ 0.
	Lambda   float64
	Examples int
	// LR is the learning rate that the trial's schedule starts from and multiplies.
	// It is 0 for a regularizer.
	LR float64
	// Loss is what Examples are averaged over, for regularizers whose conventions depend on it.
	Loss Loss
	// NullGradient is max |∂ mean loss/∂θ| over the weights of a linear model that has nothing but
	// its intercepts: the smallest coefficient of Σ|θ| under which no weight differs from 0. It is
	// NaN where it is not known; it is computed under [ConventionNullGradient] only.
	NullGradient float64
	// Seed is for components that draw random numbers; it is derived from the trial's seed. That
	// of an objective is the trial's own, so that the same model can be trained outside xrun.
	Seed uint64
	// Data is for an objective with [FeatureData]; nil for others.
	Data *Data
}

// A Loss is the kind of a model's loss for one example.
type Loss string

// The kinds of loss.
const (
	LossSquares  Loss = "squares"  // ½(h − y)²
	LossLog      Loss = "log"      // −log p(y)
	LossFunction Loss = "function" // none of these: a test function, for instance
)

// A Component is a Spec with the constructors behind it.
// Make one with [NewOptimizer], [NewRegularizer] or [NewObjective].
type Component struct {
	Spec
	optimizer32   func(Instance) (Optimizer[float32], error)
	optimizer64   func(Instance) (Optimizer[float64], error)
	regularizer32 func(Instance) (Regularizer[float32], error)
	regularizer64 func(Instance) (Regularizer[float64], error)
	objective32   func(Instance) (Objective[float32], error)
	objective64   func(Instance) (Objective[float64], error)
}

// NewOptimizer makes an optimizer component. The two constructors are the two instantiations of
// one generic function; spec.Kind is set here.
func NewOptimizer(spec Spec, f32 func(Instance) (Optimizer[float32], error), f64 func(Instance) (Optimizer[float64], error)) Component {
	spec.Kind = KindOptimizer
	return Component{Spec: spec, optimizer32: f32, optimizer64: f64}
}

// NewRegularizer makes a regularizer component; see [NewOptimizer].
func NewRegularizer(spec Spec, f32 func(Instance) (Regularizer[float32], error), f64 func(Instance) (Regularizer[float64], error)) Component {
	spec.Kind = KindRegularizer
	return Component{Spec: spec, regularizer32: f32, regularizer64: f64}
}

// NewObjective makes an objective component; see [NewOptimizer].
func NewObjective(spec Spec, f32 func(Instance) (Objective[float32], error), f64 func(Instance) (Objective[float64], error)) Component {
	spec.Kind = KindObjective
	return Component{Spec: spec, objective32: f32, objective64: f64}
}

// OpenOptimizer makes the optimizer of one slot. It returns nil if c is of another kind.
func OpenOptimizer[F Float](c Component, in Instance) (Optimizer[F], error) {
	if f, ok := any(c.optimizer32).(func(Instance) (Optimizer[F], error)); ok {
		return openAs(f, in)
	}
	f, _ := any(c.optimizer64).(func(Instance) (Optimizer[F], error))
	return openAs(f, in)
}

// OpenRegularizer makes the regularizer of one slot. It returns nil if c is of another kind.
func OpenRegularizer[F Float](c Component, in Instance) (Regularizer[F], error) {
	if f, ok := any(c.regularizer32).(func(Instance) (Regularizer[F], error)); ok {
		return openAs(f, in)
	}
	f, _ := any(c.regularizer64).(func(Instance) (Regularizer[F], error))
	return openAs(f, in)
}

// OpenObjective makes the objective of one slot. It returns nil if c is of another kind.
func OpenObjective[F Float](c Component, in Instance) (Objective[F], error) {
	if f, ok := any(c.objective32).(func(Instance) (Objective[F], error)); ok {
		return openAs(f, in)
	}
	f, _ := any(c.objective64).(func(Instance) (Objective[F], error))
	return openAs(f, in)
}

func openAs[T any](open func(Instance) (T, error), in Instance) (T, error) {
	if open == nil {
		var none T
		return none, nil
	}
	return open(in)
}
