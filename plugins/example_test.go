package plugins_test

import (
	"errors"
	"fmt"

	"github.com/xrun-dev/xrun/plugins"
)

// momentum is gradient descent with a velocity.
type momentum[F plugins.Float] struct {
	mu       F
	velocity []F
}

func newMomentum[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &momentum[F]{mu: F(in.Settings.Real("momentum")), velocity: make([]F, in.Layout.Dim())}, nil
}

func (s *momentum[F]) Step(params, grad []F, lr F) error {
	for i, g := range grad {
		s.velocity[i] = s.mu*s.velocity[i] + g
		params[i] -= lr * s.velocity[i]
	}
	return nil
}

// State is all that a step depends on besides its arguments.
func (s *momentum[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.velocity}}
}

// Gain is the sum of the weights that a gradient gets over all later steps.
func (s *momentum[F]) Gain() float64 { return 1 / (1 - float64(s.mu)) }

var momentumComponent = plugins.NewOptimizer(plugins.Spec{
	Name:     "momentum",
	Settings: []plugins.Setting{plugins.RealSetting("momentum", 0.5, "share of the velocity that a step keeps").AtLeast(0).Below(1)},
	Features: []string{plugins.FeatureGain},
}, newMomentum[float32], newMomentum[float64])

// open makes the optimizer of one slot with its default settings.
func open(c plugins.Component, l plugins.Layout) plugins.Optimizer[float64] {
	settings, err := c.Complete(nil)
	if err != nil {
		panic(err)
	}
	o, err := plugins.OpenOptimizer[float64](c, plugins.Instance{Settings: settings, Layout: l})
	if err != nil {
		panic(err)
	}
	return o
}

var plane = plugins.NewLayout(plugins.Tensor{Name: "w", Shape: []int{2}, Role: plugins.RoleWeight, Penalized: true})

// An optimizer is one generic type, and a constructor for both element types.
func ExampleNewOptimizer() {
	optimizer := open(momentumComponent, plane)
	params := []float64{1, 1}
	for range 2 {
		optimizer.Step(params, []float64{1, -1}, 0.5)
	}
	fmt.Println(params)
	// Output: [-0.25 2.25]
}

// What one optimizer remembers can be copied into another, which goes on in its place.
func ExampleStateful() {
	first, second := open(momentumComponent, plane), open(momentumComponent, plane)
	params := []float64{1, 1}
	first.Step(params, []float64{1, -1}, 0.5)

	saved := first.(plugins.Stateful[float64]).State()
	restored := second.(plugins.Stateful[float64]).State()
	copy(restored.Vectors[0], saved.Vectors[0])

	second.Step(params, []float64{1, -1}, 0.5)
	fmt.Println(params)
	// Output: [-0.25 2.25]
}

// Under a constant gradient, steps with momentum ½ settle at twice the gradient.
func ExampleGainer() {
	fmt.Println(open(momentumComponent, plane).(plugins.Gainer).Gain())
	// Output: 2
}

// average trains at the newest point and is judged at the mean of all.
type average[F plugins.Float] struct {
	sum []F
	n   F
}

func newAverage[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &average[F]{sum: make([]F, in.Layout.Dim())}, nil
}

func (s *average[F]) Step(params, grad []F, lr F) error {
	s.n++
	for i, g := range grad {
		params[i] -= lr * g
		s.sum[i] += params[i]
	}
	return nil
}

func (s *average[F]) Evaluate(params []F) {
	for i := range params {
		params[i] = s.sum[i] / s.n
	}
}

func ExampleEvaluator() {
	optimizer := open(plugins.NewOptimizer(plugins.Spec{Name: "average", Features: []string{plugins.FeatureEval}}, newAverage[float32], newAverage[float64]), plane)
	params := []float64{0, 0}
	for range 3 {
		optimizer.Step(params, []float64{-1, 1}, 1)
	}
	judged := append([]float64(nil), params...)
	optimizer.(plugins.Evaluator[float64]).Evaluate(judged)
	fmt.Println("trained", params, "judged", judged)
	// Output: trained [3 -3] judged [2 -2]
}

// midpoint takes the gradient half a step ahead, and the step from where it was.
type midpoint[F plugins.Float] struct {
	from  []F
	ahead bool
}

func newMidpoint[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &midpoint[F]{from: make([]F, in.Layout.Dim())}, nil
}

func (s *midpoint[F]) Step(params, grad []F, lr F) error {
	if s.ahead = !s.ahead; s.ahead {
		copy(s.from, params)
		for i, g := range grad {
			params[i] -= lr / 2 * g
		}
		return plugins.ErrAgain
	}
	for i, g := range grad {
		params[i] = s.from[i] - lr*g
	}
	return nil
}

// The host evaluates again for as long as Step asks for it.
func ExampleErrAgain() {
	optimizer := open(plugins.NewOptimizer(plugins.Spec{Name: "midpoint", Features: []string{plugins.FeatureReverse}}, newMidpoint[float32], newMidpoint[float64]), plane)
	params, grad := []float64{1, 2}, make([]float64, 2)
	for {
		copy(grad, params) // the gradient of ½‖θ‖²
		err := optimizer.Step(params, grad, 1)
		fmt.Println(params, err)
		if !errors.Is(err, plugins.ErrAgain) {
			break
		}
	}
	// Output:
	// [0.5 1] evaluate again at the parameters written
	// [0.5 1] <nil>
}

// ridge is the penalty ½λΣθ².
type ridge[F plugins.Float] struct {
	lambda F
	spans  []plugins.Span
}

func newRidge[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	return &ridge[F]{lambda: F(in.Lambda), spans: in.Layout.Penalized()}, nil
}

func (r *ridge[F]) Value(params []F) (sum F) {
	for _, s := range r.spans {
		for _, x := range params[s.From:s.To] {
			sum += r.lambda / 2 * x * x
		}
	}
	return sum
}

func (r *ridge[F]) AddGradient(params, grad []F) {
	for _, s := range r.spans {
		for i := s.From; i < s.To; i++ {
			grad[i] += r.lambda * params[i]
		}
	}
}

func (r *ridge[F]) Prox(params []F, step F) {
	for _, s := range r.spans {
		for i := s.From; i < s.To; i++ {
			params[i] /= 1 + step*r.lambda
		}
	}
}

func (r *ridge[F]) Coefficients() map[string]float64 {
	return map[string]float64{plugins.PartL2: float64(r.lambda)}
}

// A regularizer looks at the penalised parts of the parameters only: here the bias is left alone.
func ExampleNewRegularizer() {
	c := plugins.NewRegularizer(plugins.Spec{Name: "ridge", Features: []string{plugins.FeatureProx, plugins.FeatureCoefficients},
		Settings: []plugins.Setting{plugins.ChoiceSetting(plugins.SettingMode, "how it takes part in a step", plugins.ModeSubgradient, plugins.ModeProximal)},
	}, newRidge[float32], newRidge[float64])
	layout := plugins.NewLayout(
		plugins.Tensor{Name: "w", Shape: []int{2}, Role: plugins.RoleWeight, Penalized: true},
		plugins.Tensor{Name: "b", Shape: []int{1}, Role: plugins.RoleBias})
	r, err := plugins.OpenRegularizer[float64](c, plugins.Instance{Layout: layout, Lambda: 2})
	if err != nil {
		panic(err)
	}
	params, grad := []float64{3, 4, 5}, make([]float64, 3)
	r.AddGradient(params, grad)
	fmt.Println(r.Value(params), grad)
	r.(plugins.ProxRegularizer[float64]).Prox(params, 0.5)
	fmt.Println(params, r.(plugins.Weighted).Coefficients())
	// Output:
	// 25 [6 8 0]
	// [1.5 2 5] map[l2:2]
}

// location learns the mean of three numbers, one a batch.
type location[F plugins.Float] struct{ rows []F }

func newLocation[F plugins.Float](plugins.Instance) (plugins.Objective[F], error) {
	return location[F]{[]F{1, 2, 6}}, nil
}

func (o location[F]) Problem() plugins.Problem {
	return plugins.Problem{Layout: plugins.NewLayout(plugins.Tensor{Name: "mean", Role: plugins.RoleBias}), Examples: len(o.rows), Batches: len(o.rows), Loss: plugins.LossSquares}
}

func (o location[F]) Init(params []F) error {
	params[0] = 0
	return nil
}

func (o location[F]) Gradient(params, grad []F, _, batch int) (F, error) {
	grad[0] = params[0] - o.rows[batch]
	return grad[0] * grad[0] / 2, nil
}

func (o location[F]) Evaluate(params []F, dst []float64) error {
	dst[0] = 0
	for _, y := range o.rows {
		d := float64(params[0] - y)
		dst[0] += d * d / 2 / float64(len(o.rows))
	}
	return nil
}

// An objective brings model and data; xrun brings the optimizer.
func ExampleNewObjective() {
	c := plugins.NewObjective(plugins.Spec{Name: "location", Metrics: []string{plugins.MetricTrainLoss}}, newLocation[float32], newLocation[float64])
	o, err := plugins.OpenObjective[float64](c, plugins.Instance{})
	if err != nil {
		panic(err)
	}
	problem := o.Problem()
	fmt.Println(problem.Layout.Dim(), "parameter,", problem.Batches, "steps an epoch", problem.Check())

	params, grad, metrics := make([]float64, 1), make([]float64, 1), make([]float64, 1)
	o.Init(params)
	loss, _ := o.Gradient(params, grad, 1, 2)
	o.Evaluate(params, metrics)
	fmt.Printf("batch 2: loss %v, gradient %v; all: %.3f\n", loss, grad, metrics)
	// Output:
	// 1 parameter, 3 steps an epoch <nil>
	// batch 2: loss 18, gradient [-6]; all: [6.833]
}

// Settings are declared once: range, default, and defaults that a convention changes.
func ExampleSpec_Complete() {
	spec := plugins.Spec{Kind: plugins.KindOptimizer, Name: "mine", Settings: []plugins.Setting{
		plugins.ChoiceSetting(plugins.SettingConvention, "whose definition", "torch", "keras"),
		plugins.RealSetting("eps", 1e-8, "added to the root").Above(0).Under("keras", plugins.Real(1e-7)),
	}}
	for _, given := range []plugins.Settings{
		nil,
		{"convention": plugins.Choice("keras")},
		{"eps": plugins.Real(0)},
		{"epsilon": plugins.Real(1)},
	} {
		complete, err := spec.Complete(given)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(complete.Choice("convention"), complete.Real("eps"))
	}
	// Output:
	// torch 1e-08
	// keras 1e-07
	// setting "eps" is 0, but its range is (0, ∞)
	// setting "epsilon" is unknown to optimizer "mine"
}

func ExampleSetting_Range() {
	fmt.Println(plugins.RealSetting("momentum", 0.9, "").AtLeast(0).Below(1).Range())
	fmt.Println(plugins.IntegerSetting("history", 10, "").Within(1, 100).Range())
	fmt.Println(plugins.ChoiceSetting("by", "", "neuron", "tensor").Range())
	// Output:
	// [0, 1)
	// [1, 100]
	// one of neuron, tensor
}

// A layout says where each tensor lies in the vector of parameters.
func ExampleNewLayout() {
	layout := plugins.NewLayout(
		plugins.Tensor{Name: "W", Shape: []int{2, 3}, Role: plugins.RoleWeight, Penalized: true},
		plugins.Tensor{Name: "b", Shape: []int{2}, Role: plugins.RoleBias},
		plugins.Tensor{Name: "V", Shape: []int{1, 2}, Role: plugins.RoleWeight, Penalized: true})
	fmt.Println(layout.Dim(), layout[2].Offset, layout.Penalized(), layout.Check())
	// Output: 10 8 [{0 6} {8 10}] <nil>
}

// spare is the penalty ½λΣθ² over the weights of all inputs but one.
type spare[F plugins.Float] struct{ factors []F }

func newSpare[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	r := &spare[F]{factors: make([]F, in.Layout.Dim())}
	for _, span := range in.Layout.Penalized() {
		for i := span.From; i < span.To; i++ {
			r.factors[i] = F(in.Lambda)
		}
	}
	for _, t := range in.Layout {
		for column, name := range t.Inputs {
			if name != in.Settings.Text("free") {
				continue
			}
			for i := t.Offset + column; i < t.Offset+t.Size(); i += len(t.Inputs) {
				r.factors[i] = 0
			}
		}
	}
	return r, nil
}

func (r *spare[F]) Value(params []F) (sum F) {
	for i, x := range params {
		sum += r.factors[i] / 2 * x * x
	}
	return sum
}

func (r *spare[F]) AddGradient(params, grad []F) {
	for i, x := range params {
		grad[i] += r.factors[i] * x
	}
}

// A penalty that asks for the names of the inputs leaves the weights of one alone.
func ExampleTensor_inputs() {
	c := plugins.NewRegularizer(plugins.Spec{Name: "spare", Features: []string{plugins.FeatureInputs}, Settings: []plugins.Setting{
		plugins.TextSetting("free", "", "the input whose weights are not penalised"),
	}}, newSpare[float32], newSpare[float64])
	settings, err := c.Complete(plugins.Settings{"free": plugins.Text("age")})
	if err != nil {
		panic(err)
	}
	layout := plugins.NewLayout(plugins.Tensor{Name: "W", Shape: []int{2, 3}, Role: plugins.RoleWeight, Penalized: true,
		Inputs: []string{"age", "age=(missing)", "port=Cork"}})
	r, err := plugins.OpenRegularizer[float64](c, plugins.Instance{Settings: settings, Layout: layout, Lambda: 1})
	if err != nil {
		panic(err)
	}
	grad := make([]float64, 6)
	r.AddGradient([]float64{1, 2, 3, 4, 5, 6}, grad)
	fmt.Println(grad)
	// Output: [0 2 3 0 5 6]
}
