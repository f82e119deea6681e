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
	// What does not vary is no axis of a map that nobody has asked for.
	if maps = r.Maps("", ""); len(maps) != 1 || maps[0].Columns.Name != "lr" || maps[0].Rows.Name != "batch" || len(maps[0].Rows.Ticks) != 3 {
		t.Errorf("the map without axes is %+v", maps)
	}
	var unknown *runner.AxisError
	if err := r.CheckAxes("lr", "width"); !errors.As(err, &unknown) || unknown.Hint() != "the axes are lr, lambda, optimizer, regularizer, batch" {
		t.Errorf("an unknown axis is %v", err)
	}
	if err := r.CheckAxes("lr", "lr"); err == nil {
		t.Error("a map of lr and lr is none")
	}
}

func TestMapsAndEdgesOfACommand(t *testing.T) {
	axes := map[runner.Key][]runner.Setting{}
	var all []runner.Result
	for _, w := range []int64{1, 2, 4} {
		for _, b := range []int64{5, 6, 7} {
			list := comparetest.Results("p", 0, 0, float64(w)+0.1*float64((b-6)*(b-6)))
			list[0].Point = runner.Key(fmt.Sprint(w, b))
			axes[list[0].Point] = []runner.Setting{{Path: "w", Value: plugins.Integer(w)}, {Path: "b", Value: plugins.Integer(b)}}
			all = append(all, list...)
		}
	}
	q := question
	q.Command, q.Axes, q.Names = true, axes, runner.NewAxisNames([]string{"w", "b"})
	r := Build(q, all, nil)
	maps := r.Maps("", "")
	if len(maps) != 1 || maps[0].Columns.Name != "w" || maps[0].Rows.Name != "b" || len(maps[0].Cells) != 3 || len(maps[0].Cells[0]) != 3 {
		t.Errorf("the map of a command is %+v", maps)
	}
	var edges []string
	for _, n := range r.Notes() {
		if n.Warning && n.Then != "" {
			edges = append(edges, n.Text+"; "+n.Then)
		}
	}
	if want := "[the best w, 1, is the smallest of the grid: a better one may lie beyond; add values to w in [grid]]"; fmt.Sprint(edges) != want {
		t.Errorf("the edges are %v, want %s", edges, want)
	}
}
