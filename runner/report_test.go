package runner

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestReports(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for line, want := range map[string]Report{
		`{"epoch": 3, "val_loss": 0.41, "acc": 87}`:                        {3, []string{"acc", "val_loss"}, []float64{87, 0.41}},
		"  {\"epoch\":0}\r\n":                                              {0, nil, nil},
		`{"epoch": 3.0, "a": 1e-3}`:                                        {3, []string{"a"}, []float64{1e-3}},
		`{"a": NaN, "b": Infinity, "c": -Infinity, "epoch": 1}`:            {1, []string{"a", "b", "c"}, []float64{nan, inf, -inf}},
		`{"a": null, "epoch": 1}`:                                          {1, []string{"a"}, []float64{nan}},
		`{"a": 1e400, "epoch": 1}`:                                         {1, []string{"a"}, []float64{inf}},
		`{"NaN \" NaN": NaN, "epoch": 1, "note": "Infinity, {NaN}"}`:       {1, nil, nil}, // a name with spaces
		`{"note \" NaN": "x", "a": NaN, "epoch": 1, "s": "NaN\\"}`:         {1, []string{"a"}, []float64{nan}},
		`{"epoch": 2, "lr": [1, 2], "t": true, "s": "1", "o": {}, "a": 1}`: {2, []string{"a"}, []float64{1}},
		`{"epoch": 2, "µ": 1}`:                                             {2, []string{"µ"}, []float64{1}},
		`{"epoch": 1, "epoch": 2}`:                                         {2, nil, nil},
	} {
		got, ok := ParseReport([]byte(line))
		same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
		if !ok || got.Epoch != want.Epoch || !slices.Equal(got.Metrics, want.Metrics) || !slices.EqualFunc(got.Values, want.Values, same) {
			t.Errorf("%s is %v, %v, want %v", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "{}", "epoch 3", `{"val_loss": 1}`, `{"epoch": "3"}`, `{"epoch": 1.5}`, `{"epoch": -1}`, `{"epoch": NaN}`, `{"epoch": null}`,
		`{"epoch": 1e300}`, `{"epoch": true}`, `[{"epoch": 1}]`, `{"epoch": 1} {"epoch": 2}`, `{"epoch": 1}}`, `{"epoch": 1, "a": nan}`, `{'epoch': 1}`,
		`"epoch": 1`, `{"epoch": 1, "s": "` + strings.Repeat("x", MaxReportBytes) + `"}`} {
		if got, ok := ParseReport([]byte(line)); ok {
			t.Errorf("%.60s is taken for the report %v", line, got)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add([]byte(`{"epoch": 1, "a": NaN, "b": "\"Infinity"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, ok := ParseReport(line)
		if ok && (r.Epoch < 0 || len(r.Metrics) != len(r.Values) || !slices.IsSorted(r.Metrics)) {
			t.Errorf("%q is taken for the report %v", line, r)
		}
	})
}
