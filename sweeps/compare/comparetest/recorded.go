package comparetest

import (
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

//go:embed testdata/*.csv
var recorded embed.FS

// Recorded are the best values of val_loss of a sweep's points under 25 seeds, which stand for the truth.
type Recorded struct {
	Optimizer  []string
	LR, Lambda []float64
	Values     [][]float64 // by point and seed
}

// Record reads a sweep that was recorded.
//
// digits25 is the digits example's, 105 points. breast_cancer25 is made by xrun: a network of 16 hidden units on
// breast_cancer, 3 optimizers × 6 lr × 4 λ, where the validation data have 114 rows, and losses are 0 under some seeds. A seed
// that diverged has NaN.
func Record(t testing.TB, name string) Recorded {
	t.Helper()
	f, err := recorded.Open("testdata/" + name + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var g Recorded
	at := map[string]int{}
	for _, row := range rows[1:] {
		var numbers [3]float64 // lr, lambda, value
		for k, column := range []int{1, 2, 4} {
			if numbers[k], err = strconv.ParseFloat(row[column], 64); err != nil {
				t.Fatal(err)
			}
		}
		point := fmt.Sprint(row[:3])
		i, known := at[point]
		if !known {
			i = len(g.Values)
			at[point] = i
			g.Optimizer, g.LR, g.Lambda, g.Values = append(g.Optimizer, row[0]), append(g.LR, numbers[0]), append(g.Lambda, numbers[1]), append(g.Values, nil)
		}
		g.Values[i] = append(g.Values[i], numbers[2])
	}
	return g
}

// Under are the results under some of the seeds, which are then 0, 1, …
func (g Recorded) Under(seeds []int) []runner.Result {
	var all []runner.Result
	for i := range g.Values {
		values := make([]float64, len(seeds))
		for k, seed := range seeds {
			values[k] = g.Values[i][seed]
		}
		all = append(all, Results(g.Optimizer[i], g.LR[i], g.Lambda[i], values...)...)
	}
	return all
}
