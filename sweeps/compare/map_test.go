package compare

import (
	"errors"
	"fmt"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

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
