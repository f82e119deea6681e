package plugintest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/sdk"
	"github.com/xrun-dev/xrun/runner/tests"
)

// A fault is one way to break the contract, and the check that has to see it.
type fault struct {
	name  string
	kind  plugins.Kind
	check string
}

var broken = []fault{
	{"wrong-sign", plugins.KindOptimizer, "optimizer/descends"},
	{"leaks-state", plugins.KindOptimizer, "slots/independent"},
	{"random", plugins.KindOptimizer, "determinism"},
	{"ignores-lr", plugins.KindOptimizer, "optimizer/learning-rate"},
	{"loses-a-moment", plugins.KindOptimizer, "state/restore"},
	{"nan-on-zero", plugins.KindOptimizer, "gradient/zero"},
	{"modifies-grad", plugins.KindOptimizer, "gradient/untouched"},
	{"out-of-range", plugins.KindOptimizer, "settings/bounds"},
	{"refuses-default", plugins.KindOptimizer, "settings/default"},
	{"impossible-default", plugins.KindOptimizer, "describe"},
	{"one-dimension", plugins.KindOptimizer, "dimension/one"},
	{"fails-at-limits", plugins.KindOptimizer, "settings/limits"},
	{"prox-is-none", plugins.KindRegularizer, "prox/definition"},
	{"other-gradient", plugins.KindRegularizer, "gradient/finite-differences"},
	{"penalises-biases", plugins.KindRegularizer, "regularizer/unpenalised"},
	{"ignores-lambda", plugins.KindRegularizer, "regularizer/strength"},
	{"at-zero-strength", plugins.KindRegularizer, "regularizer/zero-strength"},
	{"wrong-coefficients", plugins.KindRegularizer, "coefficients/sum"},
	{"negative", plugins.KindRegularizer, "regularizer/value"},
	{"wrong-gradient", plugins.KindObjective, "gradient/finite-differences"},
	{"order-of-calls", plugins.KindObjective, "objective/batches"},
	{"another-start", plugins.KindObjective, "objective/initial"},
	{"moves-parameters", plugins.KindObjective, "objective/metrics"},
}

// Each fault is seen by the check that is for it, and by no other; without one, all checks hold. An ordinary run tries
// every fourth fault.
func TestBrokenPluginsAreCaught(t *testing.T) {
	cases := append([]fault{{"none", plugins.KindOptimizer, ""}, {"no-fault", plugins.KindRegularizer, ""}, {"nothing-wrong", plugins.KindObjective, ""}}, broken...)
	for i, c := range cases {
		if i >= 3 && i%4 > 0 && !tests.Long() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := must(t, beginAs(t, c.name), Options{Short: true})
			seen := false
			for _, res := range r.all() {
				if res.Verdict != Failed || !res.Required {
					continue
				}
				if res.ID != c.check {
					t.Errorf("%s: %s", res.ID, res.Message)
					continue
				}
				seen = true
				t.Log(res.Message)
			}
			if want := c.check != ""; seen != want || r.Passed() == want {
				t.Errorf("seen by %q: %v; passed: %v", c.check, seen, r.Passed())
			}
		})
	}
}

// beginAs is the path by which this binary is a plugin with a fault.
func beginAs(t *testing.T, name string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the test binary is started under other names by symbolic links")
	}
	path := filepath.Join(t.TempDir(), host.Prefix+name)
	if err := os.Symlink(self(t), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// A plugin that hangs is waited for twice at most, and says where: the other checks are not tried.
func TestAHangSaysWhere(t *testing.T) {
	t.Parallel()
	var ended []string
	o := Options{Short: true, Host: host.Options{CallTimeout: time.Second}}
	o.Ended = func(of Component, r Result) { ended = append(ended, r.ID) }
	r := must(t, beginAs(t, "hangs"), o)
	var waited, told, left []string
	for _, res := range r.all() {
		switch {
		case res.Verdict == Failed && res.Required:
			waited, told = append(waited, res.ID), append(told, res.Message)
		case res.Verdict == Skipped && res.Same != "":
			left = append(left, res.ID)
		}
	}
	if !slices.Equal(waited, []string{"settings/limits"}) || !slices.Contains(left, "determinism") || !slices.Contains(left, "faults/killed") || r.Passed() {
		t.Errorf("waited in %q, left out %q", waited, left)
	}
	for _, want := range []string{"did not answer within 1s", "it hangs here", "stepper", "Step at ", "broken_test.go:"} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("it says %q, want %q in it", told, want)
		}
	}
	if strings.Contains(strings.Join(told, "\n"), "slots.(*session") {
		t.Errorf("it shows frames of xrun: %q", told)
	}
	if len(ended) != r.Count(OK)+r.Count(Failed)+r.Count(Skipped)+r.Count(Note) {
		t.Errorf("told of %d results while they came: %q", len(ended), ended)
	}
}

// One error of the plugin is the first check's; the others refer to it.
func TestTheSameErrorIsOne(t *testing.T) {
	t.Parallel()
	first, same := "", 0
	for _, res := range must(t, beginAs(t, "out-of-luck"), Options{Short: true}).all() {
		switch {
		case res.Verdict != Failed || !res.Required:
		case res.Same == "" && first == "":
			first = res.ID
		case res.Same == first && strings.Contains(res.Message, "out of luck"):
			same++
		default:
			t.Errorf("%s, as %q: %s", res.ID, res.Same, res.Message)
		}
	}
	if first != "settings/limits" || same < 3 {
		t.Errorf("it is shown in %q, and %d refer to it", first, same)
	}
}

// serveBroken serves a component with the fault of that name.
func serveBroken(name string) {
	momentum := plugins.RealSetting("momentum", 0.9, "μ, the share of the momentum that is kept").AtLeast(0).Below(1)
	if name == "impossible-default" {
		momentum.Default = plugins.Real(2)
	}
	spec := plugins.Spec{Name: "broken", Summary: "breaks the contract", Doc: "m ← μ·m + g, v ← v + g², θ ← θ − lr·m/(1 + √v)", Settings: []plugins.Setting{momentum}, StateFloats: 2}
	i := slices.IndexFunc(broken, func(f fault) bool { return f.name == name })
	var c plugins.Component
	switch {
	case i >= 0 && broken[i].kind == plugins.KindObjective || name == "nothing-wrong":
		spec.Doc, spec.StateFloats = "½(θ·x − y)², averaged", 0
		spec.Settings = []plugins.Setting{plugins.IntegerSetting("rows", 64, "examples").Within(4, 1000)}
		spec.Metrics = []string{plugins.MetricTrainLoss}
		c = plugins.NewObjective(spec, squaresWith[float32](name), squaresWith[float64](name))
	case i >= 0 && broken[i].kind == plugins.KindRegularizer || name == "no-fault":
		spec.Doc, spec.StateFloats = "R(θ) = λ/2·Σθ²", 0
		spec.Settings = []plugins.Setting{plugins.ChoiceSetting(plugins.SettingMode, "how it takes part in a step", plugins.ModeSubgradient, plugins.ModeProximal)}
		spec.Features = []string{plugins.FeatureProx, plugins.FeatureCoefficients}
		c = plugins.NewRegularizer(spec, ridgeWith[float32](name), ridgeWith[float64](name))
	default:
		c = plugins.NewOptimizer(spec, stepperWith[float32](name, spec.Settings), stepperWith[float64](name, spec.Settings))
	}
	sdk.Serve(plugins.Manifest{Name: name, Version: "0", Summary: "breaks the contract", License: "Apache-2.0", Components: []plugins.Component{c}})
}

// stepper is momentum divided by the root of the sum of squares, and a fault.
type stepper[F plugins.Float] struct {
	fault    string
	momentum F
	m, v     []F
}

// leaked is what all slots share that should not.
var leaked float64

func stepperWith[F plugins.Float](fault string, settings []plugins.Setting) func(plugins.Instance) (plugins.Optimizer[F], error) {
	return func(in plugins.Instance) (plugins.Optimizer[F], error) {
		momentum := in.Settings.Real("momentum")
		switch {
		case fault == "refuses-default" && momentum == 0.9:
			return nil, &plugins.SettingError{Setting: "momentum", Problem: "is not to my liking"}
		case fault == "out-of-range":
			settings[0].Low, settings[0].High = math.NaN(), math.NaN() // of the SDK's list too
		case fault == "fails-at-limits" && momentum == 0:
			return nil, fmt.Errorf("division by zero")
		}
		return &stepper[F]{fault: fault, momentum: F(momentum), m: make([]F, in.Layout.Dim()), v: make([]F, in.Layout.Dim())}, nil
	}
}

func (s *stepper[F]) Step(params, grad []F, lr F) error {
	switch s.fault {
	case "wrong-sign":
		lr = -lr
	case "ignores-lr":
		lr = 0.1
	case "random":
		lr *= F(1 + 0.01*rand.Float64())
	case "one-dimension":
		if len(params) == 1 {
			os.Exit(7)
		}
	case "hangs":
		select {}
	case "out-of-luck":
		return fmt.Errorf("out of luck after %d elements", len(params))
	case "leaks-state":
		lr *= F(1 + leaked)
		leaked = 0.5 * (leaked + math.Abs(float64(grad[0])))
	}
	squares := F(0)
	for i, g := range grad {
		squares += F(g * g)
		s.m[i] = F(s.momentum*s.m[i]) + g
		s.v[i] += F(g * g)
		params[i] -= F(lr * s.m[i] / (1 + F(math.Sqrt(float64(s.v[i])))))
	}
	switch s.fault {
	case "nan-on-zero":
		params[0] += squares / squares * 0
	case "modifies-grad":
		grad[len(grad)-1] *= 0.5
	}
	return nil
}

func (s *stepper[F]) State() plugins.State[F] {
	if s.fault == "loses-a-moment" {
		return plugins.State[F]{Vectors: [][]F{s.m}}
	}
	return plugins.State[F]{Vectors: [][]F{s.m, s.v}}
}

// ridge is λ/2·Σθ², and a fault.
type ridge[F plugins.Float] struct {
	fault    string
	strength F
	spans    []plugins.Span
}

func ridgeWith[F plugins.Float](fault string) func(plugins.Instance) (plugins.Regularizer[F], error) {
	return func(in plugins.Instance) (plugins.Regularizer[F], error) {
		r := &ridge[F]{fault: fault, strength: F(in.Lambda), spans: in.Layout.Penalized()}
		switch {
		case fault == "penalises-biases":
			r.spans = []plugins.Span{{From: 0, To: in.Layout.Dim()}}
		case fault == "ignores-lambda" && in.Lambda != 0:
			r.strength = 0.5
		case fault == "at-zero-strength" && in.Lambda == 0:
			r.strength = 1e-3
		}
		return r, nil
	}
}

func (r *ridge[F]) Coefficients() map[string]float64 {
	c := float64(r.strength)
	switch r.fault {
	case "wrong-coefficients":
		c *= 2 // as if R had no ½
	case "negative":
		c = -c
	case "penalises-biases":
		return map[string]float64{plugins.PartHuber: c} // of the sizes that the kit cannot know
	}
	return map[string]float64{plugins.PartL2: c}
}

func (r *ridge[F]) sign() F {
	if r.fault == "negative" {
		return -1
	}
	return 1
}

func (r *ridge[F]) Value(params []F) F {
	var sum F
	for _, span := range r.spans {
		for _, x := range params[span.From:span.To] {
			sum += F(x * x)
		}
	}
	return r.sign() * r.strength / 2 * sum
}

func (r *ridge[F]) AddGradient(params, grad []F) {
	for _, span := range r.spans {
		for i := span.From; i < span.To; i++ {
			slope := params[i]
			if r.fault == "other-gradient" { // that of Σ|θ|
				slope = F(math.Copysign(1, float64(slope)))
			}
			grad[i] += F(r.sign() * r.strength * slope)
		}
	}
}

func (r *ridge[F]) Prox(params []F, step F) {
	shrink := 1 + F(r.sign()*step*r.strength)
	if r.fault == "prox-is-none" { // a gradient step
		shrink = 1 / max(0, 1-F(step*r.strength))
	}
	for _, span := range r.spans {
		for i := span.From; i < span.To; i++ {
			params[i] /= shrink
		}
	}
}

// squares is linear regression in batches of 16 rows, and a fault.
type squares[F plugins.Float] struct {
	fault  string
	seed   uint64
	rows   int
	calls  int
	starts int
}

func squaresWith[F plugins.Float](fault string) func(plugins.Instance) (plugins.Objective[F], error) {
	return func(in plugins.Instance) (plugins.Objective[F], error) {
		return &squares[F]{fault: fault, seed: in.Seed, rows: int(in.Settings.Integer("rows"))}, nil
	}
}

const inputs = 5

func (s *squares[F]) Problem() plugins.Problem {
	return plugins.Problem{Layout: line(inputs), Examples: s.rows, Batches: (s.rows + 15) / 16, Loss: plugins.LossSquares}
}

func (s *squares[F]) Init(params []F) error {
	seed := s.seed
	if s.fault == "another-start" {
		seed += uint64(s.starts)
		s.starts++
	}
	for i, x := range draws(inputs, seed, 3) {
		params[i] = F(x)
	}
	return nil
}

// row is an example and its target.
func (s *squares[F]) row(n int) (x []float64, y float64) {
	x = draws(inputs, 77, uint64(n))
	return x, x[0] - 2*x[1]
}

func (s *squares[F]) Gradient(params, grad []F, epoch, batch int) (F, error) {
	from := 16 * ((batch + epoch) % ((s.rows + 15) / 16))
	if s.fault == "order-of-calls" {
		s.calls++
		from = 16 * (s.calls / 8 % ((s.rows + 15) / 16))
	}
	clear(grad)
	loss, n := 0.0, min(16, s.rows-from)
	for r := from; r < from+n; r++ {
		x, y := s.row(r)
		off := -y
		for i, v := range x {
			off += float64(v * float64(params[i]))
		}
		loss += float64(off*off) / 2 / float64(n)
		for i, v := range x {
			if s.fault == "wrong-gradient" && i == 3 {
				v *= 1.1
			}
			grad[i] += F(off * v / float64(n))
		}
	}
	return F(loss), nil
}

func (s *squares[F]) Evaluate(params []F, dst []float64) error {
	sum := 0.0
	for r := range s.rows {
		x, y := s.row(r)
		off := -y
		for i, v := range x {
			off += float64(v * float64(params[i]))
		}
		sum += float64(off * off)
	}
	dst[0] = sum / 2 / float64(s.rows)
	if s.fault == "moves-parameters" {
		params[0] *= 1.5
	}
	return nil
}
