package compare

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// bowl is a grid of two optimizers whose loss is a parabola in log lr and log λ, with curves of the chosen points.
func bowl(lrs, lambdas, seeds int) *Report {
	var all []runner.Result
	id := int64(0)
	for o, optimizer := range []string{"sgd", "adam"} {
		for i := range lrs {
			lr := math.Pow(10, -4+float64(i)*4/float64(max(1, lrs-1)))
			for j := range lambdas {
				lambda := 0.0
				if j > 0 {
					lambda = math.Pow(10, -4+float64(j)*5/float64(lambdas))
				}
				var values []float64
				for seed := range seeds {
					x, y := math.Log10(lr)+2-float64(o), float64(j)-float64(lambdas)/3
					values = append(values, 0.2+0.1*x*x+0.3*y*y/float64(lambdas*lambdas)+0.01*float64(seed)+0.03*float64(o))
				}
				list := comparetest.Results(optimizer, lr, lambda, values...)
				for k := range list {
					id++
					list[k].RunID = id
				}
				if i == lrs-1 && o == 0 {
					comparetest.Ended(runner.StatusDiverged, list)
				}
				all = append(all, list...)
			}
		}
	}
	r := Build(question, all, nil)
	r.Curves = map[int64][]runner.CurvePoint{}
	for _, s := range r.Points {
		for _, seed := range s.Seeds {
			for epoch := range 21 {
				r.Curves[seed.Run] = append(r.Curves[seed.Run], runner.CurvePoint{Epoch: epoch, Value: seed.Value + 2*math.Exp(-float64(epoch)*math.Sqrt(s.LR))})
			}
		}
	}
	return r
}

func TestMapsOfOtherAxes(t *testing.T) {
	axes := map[runner.Key][]runner.Setting{}
	var all []runner.Result
	for _, batch := range []int64{128, 16, 64} {
		for _, lr := range []float64{0.1, 0.01} {
			list := comparetest.Results("a", lr, 0, float64(batch)*lr)
			list[0].Point = runner.Key(fmt.Sprint(batch, lr))
			axes[list[0].Point] = []runner.Setting{{Path: "batch", Value: plugins.Integer(batch)}}
			all = append(all, list...)
		}
	}
	q := question
	q.Axes, q.Names = axes, runner.NewAxisNames([]string{"task.batch"})
	r := Build(q, all, nil)
	if err := r.CheckAxes("batch", "lr"); err != nil {
		t.Error(err)
	}
	maps := r.Maps("batch", "lr")
	if len(maps) != 1 || maps[0].Columns.Name != "batch" || len(maps[0].Columns.Ticks) != 3 || maps[0].Columns.Ticks[0].Text != "16" || maps[0].Cells[0][0] != 0 {
		t.Errorf("the map of batch and lr is %+v", maps)
	}
	// lr and λ, with the batch held where the best point has it.
	if maps = r.Maps("lr", "lambda"); len(maps) != 1 || maps[0].Title != "a · batch 16" || len(maps[0].Columns.Ticks) != 2 {
		t.Errorf("the map of lr and λ is %+v", maps)
	}
	var unknown *runner.AxisError
	if err := r.CheckAxes("lr", "width"); !errors.As(err, &unknown) || unknown.Hint() != "the axes are lr, lambda, optimizer, regularizer, batch" {
		t.Errorf("an unknown axis is %v", err)
	}
	if err := r.CheckAxes("lr", "lr"); err == nil {
		t.Error("a map of lr and lr is none")
	}
}
