package builtin

import "github.com/xrun-dev/xrun/plugins"

var l2 = plugins.NewRegularizer(plugins.Spec{
	Name:    "l2",
	Summary: "sum of squares: weights become small",
	Doc: `R(θ) = κ/2·Σθ², gradient κ·θ, proximal map for a step s: θ / (1 + s·κ). κ is λ/m by the
convention mean_squares, m the number of training examples, also under mini-batches.`,
	Citation:    "Hoerl, Kennard 1970 (Technometrics 12); proximal map: Parikh, Boyd 2014, Proximal Algorithms, 6.1",
	Revision:    1,
	Settings:    []plugins.Setting{strengthsOfL2.setting(), mode},
	Conventions: strengthsOfL2.conventions(),
	Features:    []string{plugins.FeatureProx, plugins.FeatureCoefficients},
}, newL2[float32], newL2[float64])

var strengthsOfL2 = strengths{
	{plugins.Convention{Name: meanSquares, Source: sourceMeanSquares,
		Rule: "R = λ/(2m)·Σθ²"}, perExample},
	{plugins.Convention{Name: "sklearn", Source: sourceSKLearn,
		Rule: "λ = alpha of Ridge: R = λ/(2m)·Σθ² as mean_squares; squared losses only"}, ofRidge},
	{plugins.Convention{Name: "inverse_C", Source: sourceSKLearn,
		Rule: "λ = 1/C of LogisticRegression: R = λ/(2m)·Σθ² as mean_squares; not for squared losses"}, inverseC},
	{plugins.Convention{Name: "keras", Source: sourceKeras,
		Rule: "λ = l2 of regularizers.L2: R = λ·Σθ², or λ/2·Σθ² beside squares, as the loss mse lacks our ½"}, ofKeras},
	{plugins.Convention{Name: "torch", Source: sourceTorch,
		Rule: "λ = weight_decay of SGD: R = λ/2·Σθ², or λ/4·Σθ² beside squares, as MSELoss lacks our ½"}, ofTorch},
	{plugins.Convention{Name: "glmnet", Source: sourceGLMNet,
		Rule: "λ = lambda at alpha = 0: R = λ/2·Σθ². The R package scales a numeric y first: its lambda is sd(y) times this one"}, plain},
}

// mode is the setting of all regularizers that have a gradient and a proximal map.
var mode = plugins.ChoiceSetting(plugins.SettingMode,
	"subgradient adds R's gradient to the loss's; proximal applies R's proximal map after the step",
	plugins.ModeSubgradient, plugins.ModeProximal)

func newL2[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	return newPenalty[F](in, strengthsOfL2, 0)
}

// penalty is l1·Σ|θ| + l2/2·Σθ² over the penalised spans: the common form of l1, l2 and elastic net.
type penalty[F plugins.Float] struct {
	l1, l2 F
	exact  parts // before they were rounded to F
	spans  []plugins.Span
}

func newPenalty[F plugins.Float](in plugins.Instance, by strengths, share float64) (plugins.Regularizer[F], error) {
	p, err := by.of(in, share)
	if err != nil {
		return nil, err
	}
	return &penalty[F]{l1: F(p.l1), l2: F(p.l2), exact: p, spans: in.Layout.Penalized()}, nil
}

func (p *penalty[F]) Coefficients() map[string]float64 {
	all := map[string]float64{}
	if p.exact.l1 != 0 {
		all[plugins.PartL1] = p.exact.l1
	}
	if p.exact.l2 != 0 {
		all[plugins.PartL2] = p.exact.l2
	}
	return all
}

func (p *penalty[F]) Value(params []F) F {
	var absolute, squares F
	for _, span := range p.spans {
		for _, x := range params[span.From:span.To] {
			absolute += max(x, -x)
			squares += F(x * x)
		}
	}
	return F(p.l1*absolute) + F(p.l2*squares)/2
}

func (p *penalty[F]) AddGradient(params, grad []F) {
	for _, span := range p.spans {
		part := params[span.From:span.To]
		g := grad[span.From:span.To][:len(part)]
		if p.l1 == 0 {
			for i, x := range part {
				g[i] += F(p.l2 * x)
			}
			continue
		}
		for i, x := range part {
			g[i] += F(p.l2*x) + F(p.l1*sign(x))
		}
	}
}

// Prox of the sum of both parts: soft threshold, then shrink (Parikh, Boyd 2014, 6.5.2 and 2.2).
func (p *penalty[F]) Prox(params []F, step F) {
	threshold, shrink := F(step*p.l1), 1+F(step*p.l2)
	for _, span := range p.spans {
		part := params[span.From:span.To]
		for i, x := range part {
			part[i] = F(sign(x)*max(max(x, -x)-threshold, 0)) / shrink
		}
	}
}

// sign is 0 at 0, where every number from −1 to 1 is a subgradient of |x|.
func sign[F plugins.Float](x F) F {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
