package builtin

import (
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// meanSquares is the convention by which a squared loss is the mean of ½(h − y)² and a penalty is divided alike:
// λ/(2m). It was called seed.
const meanSquares = "mean_squares"

// A strength is a convention of λ: its meaning in other programs, and the coefficients that it gives.
type strength struct {
	plugins.Convention
	// parts are the coefficients of the penalty for a trial. The share ρ belongs to the absolute
	// values: 1 for l1 and 0 for l2.
	parts func(in plugins.Instance, share float64) (parts, error)
}

// parts are the coefficients of Σ|θ| and of ½·Σθ².
type parts struct{ l1, l2 float64 }

type strengths []strength

// setting declares the choice among the conventions.
func (s strengths) setting() plugins.Setting {
	var names []string
	for _, one := range s {
		names = append(names, one.Name)
	}
	return plugins.ChoiceSetting(plugins.SettingConvention, "how λ is meant", names...)
}

func (s strengths) conventions() []plugins.Convention {
	var all []plugins.Convention
	for _, one := range s {
		all = append(all, one.Convention)
	}
	return all
}

// of returns the coefficients for λ of an instance under the convention that its settings choose.
func (s strengths) of(in plugins.Instance, share float64) (parts, error) {
	name := in.Settings.Choice(plugins.SettingConvention)
	for _, one := range s {
		if one.Name == name {
			return one.parts(in, share)
		}
	}
	return parts{}, refuse("is %q, which this regularizer does not know", name)
}

func refuse(format string, args ...any) error {
	return &plugins.SettingError{Setting: plugins.SettingConvention, Problem: fmt.Sprintf(format, args...)}
}

// The programs that conventions follow, as they were compared with these formulas.
const (
	sourceSKLearn     = "scikit-learn 1.9"
	sourceKeras       = "Keras 3.15"
	sourceTorch       = "PyTorch 2.15"
	sourceGLMNet      = "Friedman, Hastie, Tibshirani 2010 (J. Stat. Softw. 33), eq. 1 to 3"
	sourceMeanSquares = "mean loss with ½ on squares, and λ/(2m) before the penalty"
)

// perExample divides λ by 2m: λ/(2m)·(ρ·Σ|θ| + (1 − ρ)·Σθ²).
func perExample(in plugins.Instance, share float64) (parts, error) {
	m := float64(in.Examples)
	return parts{in.Lambda * share / (2 * m), in.Lambda * (1 - share) / m}, nil
}

// plain takes λ as the coefficient itself: λ·(ρ·Σ|θ| + (1 − ρ)/2·Σθ²).
func plain(in plugins.Instance, share float64) (parts, error) {
	return parts{float64(in.Lambda * share), float64(in.Lambda * (1 - share))}, nil
}

// ofSquares is plain, for programs whose λ goes with squares only.
func ofSquares(in plugins.Instance, share float64) (parts, error) {
	if in.Loss != plugins.LossSquares {
		return parts{}, refuse("sklearn means alpha, which goes with squared losses only; choose inverse_C for log-loss")
	}
	return plain(in, share)
}

// ofRidge is α of ‖y − Xθ‖² + α·‖θ‖²: 2m times our objective if the coefficient of ½·Σθ² is α/m.
func ofRidge(in plugins.Instance, share float64) (parts, error) {
	p, err := ofSquares(in, share)
	p.l2 /= float64(in.Examples)
	return p, err
}

// inverseC is 1/C of C·Σ loss + ρ·Σ|θ| + (1 − ρ)/2·Σθ²: C·m times our objective.
func inverseC(in plugins.Instance, share float64) (parts, error) {
	if in.Loss == plugins.LossSquares {
		return parts{}, refuse("inverse_C means 1/C of logistic regression, which has no squared loss; choose sklearn or mean_squares")
	}
	m := float64(in.Examples)
	return parts{in.Lambda * share / m, in.Lambda * (1 - share) / m}, nil
}

// halved is 2 for a squared loss, which lacks our ½ in frameworks, so that their penalty counts half
// in our objective; 1 for other losses.
func halved(in plugins.Instance) (float64, error) {
	switch in.Loss {
	case plugins.LossSquares:
		return 2, nil
	case plugins.LossLog, plugins.LossFunction:
		return 1, nil
	}
	return 0, refuse("is %s, which depends on the kind of loss, and that is not known here; choose mean_squares",
		in.Settings.Choice(plugins.SettingConvention))
}

// ofKeras is the argument of L1, L2 or L1L2: λ·(ρ·Σ|θ| + (1 − ρ)·Σθ²), without ½ on the squares.
func ofKeras(in plugins.Instance, share float64) (parts, error) {
	factor, err := halved(in)
	return parts{in.Lambda * share / factor, 2 * in.Lambda * (1 - share) / factor}, err
}

// ofTorch is weight_decay, added as λ·θ to the gradient of the framework's loss.
func ofTorch(in plugins.Instance, share float64) (parts, error) {
	factor, err := halved(in)
	return parts{l2: in.Lambda * (1 - share) / factor}, err
}

// ofNull is the share of the strength at which the last weight becomes 0. That one has the coefficient
// max |∂ mean loss/∂θ| of Σ|θ|, and of ½·Σθ² what belongs to it by ρ.
func ofNull(in plugins.Instance, share float64) (parts, error) {
	switch {
	case share == 0:
		return parts{}, refuse("lambda_max_fraction means nothing with l1_ratio 0, under which no strength makes all weights 0; raise l1_ratio")
	case math.IsNaN(in.NullGradient):
		return parts{}, refuse("lambda_max_fraction needs the gradient without weights, which is known for linear, logistic and softmax models only; choose another convention")
	case !(in.NullGradient > 0) || math.IsInf(in.NullGradient, 1):
		return parts{}, refuse("lambda_max_fraction is of a strength that is %v here; choose another convention", in.NullGradient)
	}
	l1 := float64(in.Lambda * in.NullGradient)
	return parts{l1, l1 * (1 - share) / share}, nil
}
