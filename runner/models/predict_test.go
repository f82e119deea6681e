package models

import (
	"math"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
	"github.com/xrun-dev/xrun/runner/data"
)

// The loss of predictions that are made piece by piece is that of training, to the bit.
func TestPredictionsHaveTheLossOfTraining(t *testing.T) {
	for name, c := range configs() {
		if _, ok := FunctionNamed(c.Name); ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			testPredictor[float64](t, c)
			testPredictor[float32](t, c)
		})
	}
}

func testPredictor[F plugins.Float](t *testing.T, c Config) {
	const n = 2*PieceRows + 77
	m := open[F](t, c)
	dim := m.Layout().Dim()
	all, s := rows[F](c, n, 2), slab[F](dim, 37)
	var want [1]Score
	m.Evaluate(all, s, []int{5}, want[:])
	want[0].R2 = 0
	p, err := NewPredictor(c, s.params(5, dim))
	if err != nil {
		t.Fatal(err)
	}
	values, classes := make([]float64, PieceRows*p.Columns()), make([]int, PieceRows)
	outputs := m.(Outputs[F])
	allValues, allClasses := make([]float64, n*outputs.Columns()), make([]int, n)
	outputs.Predict(all, s, 5, allValues, allClasses)
	right := 0
	for from := 0; from < n; from += PieceRows {
		piece := data.Part[F]{N: min(PieceRows, n-from), D: all.D, Classes: all.Classes}
		if all.IsSparse() {
			piece.Sparse = all.Sparse.Rows(from, from+piece.N)
		} else {
			piece.X = all.X[from*all.D:][:piece.N*all.D]
		}
		known := make([]bool, piece.N)
		for i := range known {
			known[i] = true
		}
		if all.Labels != nil {
			piece.Labels = all.Labels[from:][:piece.N]
		} else {
			piece.Y = all.Y[from:][:piece.N]
		}
		p.Predict(piece, known, values, classes)
		if got := allValues[from*p.Columns():][:piece.N*p.Columns()]; !slices.Equal(got, values[:len(got)]) || all.Labels != nil && !slices.Equal(allClasses[from:][:piece.N], classes[:piece.N]) {
			t.Fatalf("a slot among others says something else of rows from %d on than its parameters alone", from)
		}
		for i := range piece.N {
			if all.Labels == nil {
				continue
			}
			sum := 0.0
			for _, v := range values[i*p.Columns():][:p.Columns()] {
				sum += v
			}
			if math.Abs(sum-1) > 1e-12 || values[i*p.Columns()+classes[i]] < 1/float64(p.Columns())-1e-12 {
				t.Fatalf("row %d has the probabilities %v and the class %d", from+i, values[i*p.Columns():][:p.Columns()], classes[i])
			}
			if classes[i] == int(piece.Labels[i]) {
				right++
			}
		}
	}
	got, count := p.Score()
	if got != want[0] || count != n {
		t.Errorf("%s: the score over %d rows is %v, want %v", plugins.DTypeOf[F](), count, got, want[0])
	}
	if all.Labels != nil && float64(right)/n != got.Accuracy {
		t.Errorf("%d classes are right, and the accuracy is %v", right, got.Accuracy)
	}
}

// Outputs that are far apart have a probability of 0 and a finite loss all the same.
func TestTheLossOfAnImpossibleClassIsFinite(t *testing.T) {
	for _, c := range []Config{{Name: "logistic", Inputs: 1, Classes: 2}, {Name: "softmax", Inputs: 1, Classes: 2}} {
		params := []float64{2000, 0}
		if c.Name == "softmax" {
			params = []float64{0, 2000, 0, 0}
		}
		p, err := NewPredictor(c, params)
		if err != nil {
			t.Fatal(err)
		}
		values, classes := make([]float64, 2), make([]int, 1)
		p.Predict(data.Part[float64]{X: []float64{1}, N: 1, D: 1, Classes: 2, Labels: []int32{0}}, []bool{true}, values, classes)
		if s, n := p.Score(); values[0] != 0 || values[1] != 1 || classes[0] != 1 || s.Loss != 2000 || n != 1 {
			t.Errorf("%s: %v of class %d, %v over %d rows", c.Name, values, classes[0], s, n)
		}
	}
}

// An output is one chain of fused multiply-adds that begins with the bias, however wide the data are.
func TestAnOutputIsOneChain(t *testing.T) {
	c := configs()["wide"]
	part := rows[float32](c, 3, 7)
	params := make([]float32, c.Inputs+1)
	fill(params, 3)
	p, err := NewPredictor(c, params)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float64, 3)
	p.Predict(part, make([]bool, 3), values, nil)
	for i, got := range values {
		want := params[c.Inputs]
		for j, w := range params[:c.Inputs] {
			want = elementary.FMA(w, part.X[i*c.Inputs+j], want)
		}
		if float32(got) != want {
			t.Errorf("row %d has the output %v, want %v", i, got, want)
		}
	}
}
