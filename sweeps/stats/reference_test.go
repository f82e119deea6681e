package stats

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
)

// A number is a float64 that JSON may hold as the text "nan", "inf" or "-inf".
type number float64

func (n *number) UnmarshalJSON(text []byte) error {
	x, err := strconv.ParseFloat(string(bytes.Trim(text, `"`)), 64)
	*n = number(x)
	return err
}

type numbers []number

func (ns numbers) floats() []float64 {
	xs := make([]float64, len(ns))
	for k, n := range ns {
		xs[k] = float64(n)
	}
	return xs
}

func rows(rs []numbers) [][]float64 {
	xs := make([][]float64, len(rs))
	for k, r := range rs {
		xs[k] = r.floats()
	}
	return xs
}

// reference reads the cases of a file that testdata/reference.py or testdata/limma.R made.
func reference[Case any](t *testing.T, name string) []Case {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []Case }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatalf("%s has no cases", name)
	}
	return file.Cases
}

var nan, inf = math.NaN(), math.Inf(1)

// near compares up to a relative error, or what that is of 1e-12 for smaller numbers. NaN is near
// NaN alone, and an infinity itself.
func near(got, want, within float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return got == want || math.IsNaN(got) && math.IsNaN(want)
	}
	return math.Abs(got-want) <= within*math.Max(math.Abs(want), 1e-12)
}

func check(t *testing.T, what string, got float64, want number, within float64) {
	t.Helper()
	if !near(got, float64(want), within) {
		t.Errorf("%s is %v, want %v", what, got, float64(want))
	}
}

// waves are n values without a pattern that matters.
func waves(n int, phase float64) []float64 {
	xs := make([]float64, n)
	for k := range xs {
		xs[k] = math.Sin(float64(k*k)+phase) + phase
	}
	return xs
}
