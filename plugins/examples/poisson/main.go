// Command xrun-plugin-poisson is an objective that lives outside xrun: a model that xrun does not
// have, Poisson regression, with data of its own. Build it and train it with any optimizer:
//
//	go build -o xrun-plugin-poisson .
//	xrun sweep sweep.toml
package main

import (
	"math"
	"math/rand/v2"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/sdk"
)

func main() {
	sdk.Serve(plugins.Manifest{
		Name:       "poisson",
		Version:    "1.0.0",
		Summary:    "Poisson regression on generated counts",
		License:    "Apache-2.0",
		Components: []plugins.Component{component},
	})
}

var component = plugins.NewObjective(plugins.Spec{
	Name:    "poisson",
	Summary: "counts y with E[y | x] = exp(w·x + b)",
	Doc: "The loss is the mean of exp(η) − y·η with η = w·x + b: the negative log-likelihood without\n" +
		"log y!, which no parameter changes. The rows are generated from a fixed seed; a fifth of them\n" +
		"validates.",
	Citation: "McCullagh, Nelder 1989 (Generalized Linear Models, 2nd ed.), chapter 6",
	Metrics:  []string{plugins.MetricTrainLoss, "val_loss", "val_deviance"},
	Settings: []plugins.Setting{
		plugins.IntegerSetting("rows", 500, "examples, a fifth of them for validation").Within(10, 1_000_000),
		plugins.IntegerSetting("features", 8, "inputs of each example").Within(1, 1000),
		plugins.IntegerSetting("batch", 32, "examples a step").AtLeast(1),
	},
}, open[float32], open[float64])

// poisson holds the data of one trial. Its order of mini-batches is a function of seed and epoch
// alone, so that a trial that is interrupted goes on with the same ones.
type poisson[F plugins.Float] struct {
	x        [][]F
	y        []F
	training int // the first rows; the others validate
	batch    int
	seed     uint64
	order    []int // of the epoch below
	epoch    int
}

func open[F plugins.Float](in plugins.Instance) (plugins.Objective[F], error) {
	rows, features := int(in.Settings.Integer("rows")), int(in.Settings.Integer("features"))
	p := &poisson[F]{training: rows - rows/5, seed: in.Seed}
	p.batch = min(int(in.Settings.Integer("batch")), p.training)
	rng := rand.New(rand.NewPCG(20, 24)) // the data is the same for all seeds
	truth := make([]float64, features)
	for i := range truth {
		truth[i] = rng.NormFloat64() / math.Sqrt(float64(features))
	}
	for range rows {
		row, eta := make([]F, features), 0.5
		for i := range row {
			v := rng.NormFloat64()
			row[i], eta = F(v), eta+float64(v*truth[i])
		}
		p.x, p.y = append(p.x, row), append(p.y, F(draw(rng, math.Exp(eta))))
	}
	p.order = make([]int, p.training)
	return p, nil
}

// draw is a Poisson number by Knuth's method, whose time grows with the mean.
func draw(rng *rand.Rand, mean float64) int {
	n := 0
	for product := rng.Float64(); product > math.Exp(-mean); product *= rng.Float64() {
		n++
	}
	return n
}

func (p *poisson[F]) Problem() plugins.Problem {
	return plugins.Problem{
		Layout: plugins.NewLayout(
			plugins.Tensor{Name: "w", Shape: []int{len(p.x[0])}, Role: plugins.RoleWeight},
			plugins.Tensor{Name: "b", Shape: []int{1}, Role: plugins.RoleBias},
		),
		Examples: p.training,
		Batches:  (p.training + p.batch - 1) / p.batch,
		Loss:     plugins.LossFunction,
	}
}

func (p *poisson[F]) Init(params []F) error {
	clear(params)
	return nil
}

func (p *poisson[F]) Gradient(params, grad []F, epoch, batch int) (F, error) {
	if epoch != p.epoch {
		p.shuffle(epoch)
	}
	rows := p.order[batch*p.batch : min((batch+1)*p.batch, p.training)]
	clear(grad)
	bias := len(params) - 1
	var loss F
	for _, r := range rows {
		eta := p.eta(params, r)
		mean := F(math.Exp(float64(eta)))
		loss += mean - F(p.y[r]*eta)
		residual := mean - p.y[r]
		for i, v := range p.x[r] {
			grad[i] += F(residual * v)
		}
		grad[bias] += residual
	}
	for i := range grad {
		grad[i] /= F(len(rows))
	}
	return loss / F(len(rows)), nil
}

func (p *poisson[F]) shuffle(epoch int) {
	p.epoch = epoch
	for i := range p.order {
		p.order[i] = i
	}
	rand.New(rand.NewPCG(p.seed, uint64(epoch))).Shuffle(len(p.order), func(i, j int) { p.order[i], p.order[j] = p.order[j], p.order[i] })
}

// eta is w·x + b of a row. A product that is added is rounded first, so that the bits are the
// same on machines that could fuse the two.
func (p *poisson[F]) eta(params []F, row int) F {
	sum := params[len(params)-1]
	for i, v := range p.x[row] {
		sum += F(params[i] * v)
	}
	return sum
}

func (p *poisson[F]) Evaluate(params []F, dst []float64) error {
	dst[0], _ = p.score(params, 0, p.training)
	dst[1], dst[2] = p.score(params, p.training, len(p.y))
	return nil
}

// score is the mean loss and the mean deviance 2·Σ(y·log(y/μ) − y + μ) of some rows.
func (p *poisson[F]) score(params []F, from, to int) (loss, deviance float64) {
	for r := from; r < to; r++ {
		eta, y := float64(p.eta(params, r)), float64(p.y[r])
		mean := math.Exp(eta)
		loss += mean - float64(y*eta)
		deviance += 2 * (mean - y)
		if y > 0 {
			deviance += float64(2 * y * (math.Log(y) - eta))
		}
	}
	n := float64(to - from)
	return loss / n, deviance / n
}
