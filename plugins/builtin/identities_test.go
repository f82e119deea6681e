package builtin

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

type set = map[string]any

// θ after 1, 2 and 10 steps on f = ½(10x² + y²) from (1, −2), to ten digits, computed from the
// published formulas by another program. The frameworks themselves agree.
func TestTrajectoriesOfTheFormulas(t *testing.T) {
	for _, c := range []struct {
		component string
		settings  set
		lr        float64
		want      [3][2]string
	}{
		{"sgd", set{"momentum": 0.9}, 0.05, [3][2]string{{"0.5", "-1.9"}, {"-0.2", "-1.715"}, {"0.087724768", "0.6218458213"}}},
		{"sgd", set{"momentum": 0.9, "convention": keras}, 0.05, [3][2]string{{"0.5", "-1.9"}, {"-0.2", "-1.715"}, {"0.087724768", "0.6218458213"}}},
		{"sgd", set{"momentum": 0.9, "convention": optax}, 0.05, [3][2]string{{"0.5", "-1.9"}, {"-0.2", "-1.715"}, {"0.087724768", "0.6218458213"}}},
		{"sgd", set{"momentum": 0.9, "nesterov": true}, 0.02, [3][2]string{{"0.62", "-1.924"}, {"0.2224", "-1.818488"}, {"0.05136073566", "-0.526297187"}}},
		{"sgd", set{"momentum": 0.9, "nesterov": true, "convention": keras}, 0.02, [3][2]string{{"0.62", "-1.924"}, {"0.2224", "-1.818488"}, {"0.05136073566", "-0.526297187"}}},
		{"adagrad", set{}, 0.1, [3][2]string{{"0.9", "-1.9"}, {"0.8331035268", "-1.831125054"}, {"0.5537312004", "-1.523979448"}}},
		{"adagrad", set{"convention": keras}, 0.1, [3][2]string{{"0.9000499626", "-1.901227042"}, {"0.8331699094", "-1.832776724"}, {"0.5538208625", "-1.52636115"}}},
		{"adadelta", set{}, 1, [3][2]string{{"0.9968377225", "-1.996837726"}, {"0.9935981663", "-1.993595735"}, {"0.9665970135", "-1.96642279"}}},
		{"rmsprop", set{}, 0.01, [3][2]string{{"0.900000001", "-1.900000005"}, {"0.8329179621", "-1.830943333"}, {"0.5498911089", "-1.519793811"}}},
		{"rmsprop", set{"convention": keras}, 0.01, [3][2]string{{"0.9683772236", "-1.968377227"}, {"0.9457880249", "-1.945609642"}, {"0.8320524154", "-1.829285272"}}},
		{"rmsprop", set{"centered": true, "momentum": 0.9}, 0.01, [3][2]string{{"0.8994962195", "-1.899496224"}, {"0.7413059713", "-1.739298758"}, {"-0.5426194042", "0.0433555423"}}},
		{"adam", set{}, 0.1, [3][2]string{{"0.9000000001", "-1.9"}, {"0.8004122279", "-1.800166487"}, {"0.0762491516", "-1.02458684"}}},
		{"adam", set{"convention": keras}, 0.1, [3][2]string{{"0.9000000316", "-1.900000158"}, {"0.8004122825", "-1.800166758"}, {"0.07624930086", "-1.024587656"}}},
		{"amsgrad", set{}, 0.1, [3][2]string{{"0.9000000001", "-1.9"}, {"0.8004122279", "-1.800166487"}, {"0.0762491516", "-1.02458684"}}},
		{"amsgrad", set{"convention": optax}, 0.1, [3][2]string{{"0.9", "-1.9"}, {"0.8052631581", "-1.80263158"}, {"0.2314616839", "-1.122068199"}}},
		{"adamw", set{"weight_decay": 0.01}, 0.1, [3][2]string{{"0.899", "-1.898"}, {"0.7985190264", "-1.796272589"}, {"0.0716954931", "-1.009727278"}}},
		{"adamax", set{}, 0.1, [3][2]string{{"0.9", "-1.9"}, {"0.8051683264", "-1.802534114"}, {"0.2287922081", "-1.118550806"}}},
		{"nadam", set{}, 0.1, [3][2]string{{"0.8943548223", "-1.894354823"}, {"0.8199730699", "-1.817897531"}, {"0.3233640169", "-1.25125077"}}},
		{"nadam", set{"convention": keras}, 0.1, [3][2]string{{"0.8937212207", "-1.893721225"}, {"0.8202450312", "-1.818222465"}, {"0.3305564663", "-1.270537993"}}},
		{"nadam", set{"convention": optax}, 0.1, [3][2]string{{"0.8526315791", "-1.85263158"}, {"0.7416971589", "-1.739121475"}, {"0.06136409079", "-0.9686540418"}}},
		{"radam", set{}, 0.01, [3][2]string{{"0.9", "-1.98"}, {"0.8052631579", "-1.960105263"}, {"0.5506001231", "-1.899187677"}}},
		{"rprop", set{}, 0.01, [3][2]string{{"0.99", "-1.99"}, {"0.978", "-1.978"}, {"0.7404131789", "-1.740413179"}}},
		{"ftrl", set{"l1": 0.5}, 0.1, [3][2]string{{"0.8634454836", "-1.564186277"}, {"0.7981104844", "-1.50305296"}, {"0.5232137856", "-1.215016133"}}},
	} {
		t.Run(fmt.Sprint(c.component, c.settings), func(t *testing.T) {
			opt := optimizer[float64](t, c.component, settingsOf(t, component(t, c.component), c.settings), 2, c.lr)
			theta := []float64{1, -2}
			for step, seen := 1, 0; step <= 10; step++ {
				if err := opt.Step(theta, []float64{10 * theta[0], theta[1]}, c.lr); err != nil {
					t.Fatal(err)
				}
				if step != 1 && step != 2 && step != 10 {
					continue
				}
				for i, x := range theta {
					want, err := strconv.ParseFloat(c.want[seen][i], 64)
					if err != nil {
						t.Fatal(err)
					}
					if !near(x, want, 5.01e-10) {
						t.Errorf("after %d steps θ[%d] = %.12g, want %s", step, i, x, c.want[seen][i])
					}
				}
				seen++
			}
		})
	}
}

// The size of the first step where ε is 0, or for adadelta small beside g.
func TestFirstStep(t *testing.T) {
	const lr = 0.25
	always := func(size float64) func(float64) float64 { return func(float64) float64 { return size } }
	gradient := func(g float64) float64 { return lr * g }
	mu := func(t, psi float64) float64 { return 0.9 * (1 - 0.5*math.Pow(0.96, t*psi)) }
	ahead := func(psi float64) float64 { return lr * (1 + 0.1*mu(2, psi)/(1-mu(1, psi)*mu(2, psi))) }
	for _, c := range []struct {
		component string
		settings  set
		size      func(g float64) float64
		within    float64
	}{
		{"sgd", set{}, gradient, 1e-13},
		{"sgd", set{"momentum": 0.9, "dampening": 0.5}, gradient, 1e-13},
		{"sgd", set{"momentum": 0.9, "convention": keras}, gradient, 1e-13},
		{"sgd", set{"momentum": 0.9, "nesterov": true, "convention": optax}, func(g float64) float64 { return 1.9 * lr * g }, 1e-13},
		{"radam", set{"eps": 0.0}, gradient, 1e-13},
		{"radam", set{"eps": 0.0, "convention": optax}, gradient, 1e-13},
		{"adam", set{"eps": 0.0}, always(lr), 1e-13},
		{"adam", set{"eps": 0.0, "convention": keras}, always(lr), 1e-13},
		{"adam", set{"eps": 0.0, "convention": optax}, always(lr), 1e-13},
		{"adamw", set{"eps": 0.0, "weight_decay": 0.0}, always(lr), 1e-13},
		{"amsgrad", set{"eps": 0.0}, always(lr), 1e-13},
		{"amsgrad", set{"eps": 0.0, "convention": optax}, always(lr), 1e-13},
		{"amsgrad", set{"eps": 0.0, "convention": paper}, always(lr * 0.1 / math.Sqrt(0.001)), 1e-13},
		{"adamax", set{"eps": 0.0}, always(lr), 1e-13},
		{"adamax", set{"eps": 0.0, "convention": keras}, always(lr), 1e-13},
		{"lion", set{}, always(lr), 1e-13},
		{"rprop", set{}, always(lr), 1e-13},
		{"rprop", set{"convention": optax}, always(0), 0},
		{"adagrad", set{"eps": 0.0}, always(lr), 1e-13},
		{"adagrad", set{"eps": 0.0, "convention": keras}, func(g float64) float64 { return lr * g / math.Sqrt(0.1+g*g) }, 1e-13},
		{"rmsprop", set{"eps": 0.0}, always(lr / math.Sqrt(0.01)), 1e-13},
		{"rmsprop", set{"eps": 0.0, "convention": keras}, always(lr / math.Sqrt(0.1)), 1e-13},
		{"rmsprop", set{"eps": 0.0, "convention": optax, "bias_correction": true}, always(lr), 1e-13},
		{"adadelta", set{}, always(lr * 3.1622776601683795e-3), 1e-4},
		{"adadelta", set{"convention": keras}, always(lr * 1.4142135623730951e-3), 1e-4},
		{"nadam", set{"eps": 0.0}, always(ahead(0.004)), 1e-13},
		{"nadam", set{"eps": 0.0, "convention": keras}, always(ahead(1)), 1e-13},
		{"nadam", set{"eps": 0.0, "convention": optax}, always(lr * (1 + 0.09/0.19)), 1e-13},
	} {
		for _, g := range []float64{0.3, -4} {
			opt := optimizer[float64](t, c.component, settingsOf(t, component(t, c.component), c.settings), 1, lr)
			theta := []float64{0}
			if err := opt.Step(theta, []float64{g}, lr); err != nil {
				t.Fatal(err)
			}
			if want := -math.Copysign(c.size(math.Abs(g)), g); !near(theta[0], want, c.within) {
				t.Errorf("%s %v: the first step against %v is %.17g, want %.17g", c.component, c.settings, g, theta[0], want)
			}
		}
	}
}

// Methods that divide by the gradient's size do not see its unit where ε is 0; gradient descent
// does, and wants a learning rate in the inverse unit. Factors of two leave every bit as it is.
func TestScaleOfTheGradient(t *testing.T) {
	for _, c := range []struct {
		component string
		settings  set
		divide    bool // the learning rate by the factor
	}{
		{"sgd", set{}, true},
		{"sgd", set{"momentum": 0.9, "convention": keras}, true},
		{"sgd", set{"momentum": 0.9, "nesterov": true}, true},
		{"adam", set{"eps": 0.0}, false},
		{"adam", set{"eps": 0.0, "convention": keras}, false},
		{"adamw", set{"eps": 0.0}, false},
		{"amsgrad", set{"eps": 0.0}, false},
		{"amsgrad", set{"eps": 0.0, "convention": optax}, false},
		{"amsgrad", set{"eps": 0.0, "convention": paper}, false},
		{"adamax", set{"eps": 0.0}, false},
		{"nadam", set{"eps": 0.0}, false},
		{"nadam", set{"eps": 0.0, "convention": optax}, false},
		{"rmsprop", set{"eps": 0.0, "momentum": 0.9}, false},
		{"rmsprop", set{"eps": 0.0, "momentum": 0.9, "convention": keras}, false},
		{"adagrad", set{"eps": 0.0}, false},
		{"adagrad", set{"eps": 0.0, "initial": 0.0, "convention": optax}, false},
		{"lion", set{}, false},
		{"rprop", set{}, false},
	} {
		for _, factor := range []float64{1024, 1. / 64, 3.7} {
			run := func(factor float64) []float64 {
				lr := 0.125
				if c.divide {
					lr /= factor
				}
				opt := optimizer[float64](t, c.component, settingsOf(t, component(t, c.component), c.settings), 3, lr)
				theta := []float64{1, -2, 3}
				for step := range 12 {
					grad := make([]float64, 3)
					for i := range grad {
						grad[i] = factor * math.Sin(float64(1+i+7*step))
					}
					if err := opt.Step(theta, grad, lr); err != nil {
						t.Fatal(err)
					}
				}
				return theta
			}
			within := 0.0
			if factor == 3.7 {
				within = 1e-13
			}
			for i, want := range run(1) {
				if got := run(factor)[i]; !near(got, want, within) {
					t.Errorf("%s %v, gradients times %v: θ[%d] = %.17g, want %.17g", c.component, c.settings, factor, i, got, want)
				}
			}
		}
	}
}

// Keras keeps the learning rate inside the velocity: after lr has become 0 it still moves.
func TestVelocityKeepsTheRateInsideOrNot(t *testing.T) {
	for _, c := range []struct {
		component, convention string
		moves                 bool
	}{
		{"sgd", torch, false}, {"sgd", optax, false}, {"sgd", keras, true},
		{"rmsprop", torch, false}, {"rmsprop", keras, true}, {"rmsprop", optax, true},
	} {
		opt := optimizer[float64](t, c.component, plugins.Settings{"convention": plugins.Choice(c.convention), "momentum": plugins.Real(0.9)}, 1, 0.1)
		theta := []float64{1}
		opt.Step(theta, []float64{1}, 0.1)
		before := theta[0]
		opt.Step(theta, []float64{1}, 0)
		if moved := theta[0] != before; moved != c.moves {
			t.Errorf("%s, %s: moved at lr 0: %v, want %v", c.component, c.convention, moved, c.moves)
		}
	}
}
