package models

import (
	"math"
	"reflect"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
)

// scoreOf evaluates a model with one input, of which the weights come first.
func scoreOf(t *testing.T, c Config, part data.Part[float64], params ...float64) Score {
	t.Helper()
	c.Inputs, part.D, part.N = 1, 1, len(part.X)
	m := open[float64](t, c)
	var out [1]Score
	m.Evaluate(part, Slab[float64]{Params: params, Stride: len(params)}, []int{0}, out[:])
	return out[0]
}

func near(a, b float64) bool { return a == b || math.Abs(a-b) < 1e-12*(1+math.Abs(b)) }

func TestScoresOfRegression(t *testing.T) {
	c := Config{Name: "linear"}
	part := data.Part[float64]{X: []float64{1, 2, 3}, Y: []float64{2, 4, 9}}
	got := scoreOf(t, c, part, 2, 1) // predicts 3, 5, 7
	if !near(got.Loss, 1) || !near(got.RMSE, math.Sqrt(2)) || !near(got.R2, 1-6./26) || got.Accuracy != 0 {
		t.Errorf("score is %+v", got)
	}
	constant := data.Part[float64]{X: []float64{1, 2, 3}, Y: []float64{0.1, 0.1, 0.1}}
	if got := scoreOf(t, c, constant, 0, 0.1).R2; got != 1 {
		t.Errorf("R² of a constant that is met is %v, want 1", got)
	}
	if got := scoreOf(t, c, constant, 1, 0).R2; got != 0 {
		t.Errorf("R² of a constant that is missed is %v, want 0", got)
	}
	if got := scoreOf(t, c, constant, math.NaN(), 0); !math.IsNaN(got.R2) || !math.IsNaN(got.Loss) {
		t.Errorf("score of NaN is %+v", got)
	}
}

func TestScoresOfClasses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	logistic, softmax := Config{Name: "logistic", Classes: 2}, Config{Name: "softmax", Classes: 3}
	for _, c := range []struct {
		name           string
		config         Config
		params         []float64
		labels         []int32
		loss, accuracy float64
	}{
		{"even", logistic, []float64{0, 0}, []int32{0, 1}, math.Ln2, 0.5}, // a tie goes to class 0
		{"sure", logistic, []float64{1000, 0}, []int32{1, 1}, 0, 1},
		{"surely wrong", logistic, []float64{1000, 0}, []int32{0, 0}, 1000, 0},
		{"surely wrong below", logistic, []float64{-1000, 0}, []int32{1, 0}, 500, 0.5},
		{"NaN", logistic, []float64{nan, 0}, []int32{0, 1}, nan, 0},
		{"even", softmax, []float64{0, 0, 0, 0, 0, 0}, []int32{0, 2}, math.Log(3), 0.5},
		{"tie of the last two", softmax, []float64{0, 0, 0, -1000, 0, 0}, []int32{1, 2}, math.Ln2, 0.5},
		{"sure", softmax, []float64{1000, 0, -1000, 0, 0, 0}, []int32{0, 1}, 500, 0.5},
		{"NaN", softmax, []float64{0, nan, 0, 0, 0, 0}, []int32{0, 1}, nan, 0},
		{"infinite", softmax, []float64{0, inf, 0, 0, 0, 0}, []int32{0, 1}, nan, 0},
	} {
		got := scoreOf(t, c.config, data.Part[float64]{X: []float64{1, 1}, Labels: c.labels, Classes: c.config.Classes}, c.params...)
		if !near(got.Loss, c.loss) && !(math.IsNaN(c.loss) && math.IsNaN(got.Loss)) {
			t.Errorf("%s, %s: loss is %v, want %v", c.config.Name, c.name, got.Loss, c.loss)
		}
		if got.Accuracy != c.accuracy {
			t.Errorf("%s, %s: accuracy is %v, want %v", c.config.Name, c.name, got.Accuracy, c.accuracy)
		}
	}
}

func TestQuadraticIsWhatItSays(t *testing.T) {
	m := open[float64](t, Config{Name: "quadratic", Dimension: 3, Condition: 100})
	s := Slab[float64]{Params: []float64{1, 2, 3}, Grads: make([]float64, 3), Stride: 3}
	var out [1]Score
	m.Gradient(data.Part[float64]{}, s, []int{0})
	m.Evaluate(data.Part[float64]{}, s, []int{0}, out[:])
	for i, want := range []float64{1, 0.2, 0.03} {
		if !near(s.Grads[i], want) {
			t.Errorf("element %d of the gradient is %v, want %v", i, s.Grads[i], want)
		}
	}
	if want := 0.5 * (1 + 0.4 + 0.09); !near(out[0].Loss, want) {
		t.Errorf("loss is %v, want %v", out[0].Loss, want)
	}
}

// Every metric that a model names has an answer here that was found by hand. One that is not computed would be 0.
func TestEveryMetricIsComputed(t *testing.T) {
	ln := math.Log
	for _, c := range []struct {
		config Config
		part   data.Part[float64]
		params []float64
		want   map[string]float64
	}{
		// predicts 3, 5, 7
		{Config{Name: "linear"}, data.Part[float64]{X: []float64{1, 2, 3}, Y: []float64{2, 4, 9}}, []float64{2, 1},
			map[string]float64{"loss": 1, "rmse": math.Sqrt(2), "r2": 1 - 6./26}},
		// gives each label the odds e
		{Config{Name: "logistic", Classes: 2}, data.Part[float64]{X: []float64{-1, 1}, Labels: []int32{0, 1}, Classes: 2}, []float64{1, 0},
			map[string]float64{"loss": ln(1 + 1/math.E), "accuracy": 1}},
		// gives the classes the weights e, 1, 1/e and the reverse; the second label is the class between
		{Config{Name: "softmax", Classes: 3}, data.Part[float64]{X: []float64{1, -1}, Labels: []int32{0, 1}, Classes: 3}, []float64{1, 0, -1, 0, 0, 0},
			map[string]float64{"loss": ln(math.E+1+1/math.E) - 0.5, "accuracy": 0.5}},
	} {
		got := scoreOf(t, c.config, c.part, c.params...)
		for _, metric := range open[float64](t, Config{Name: c.config.Name, Classes: c.config.Classes, Inputs: 1}).Metrics() {
			want, known := c.want[metric]
			switch v, ok := got.Value(metric); {
			case !ok || v == 0:
				t.Errorf("%s names the metric %q and does not compute it", c.config.Name, metric)
			case !known:
				t.Errorf("%s has %q = %v here: work it out by hand and put it into the table of this test", c.config.Name, metric, v)
			case !near(v, want):
				t.Errorf("%s has %q = %v, want %v", c.config.Name, metric, v, want)
			}
		}
	}
}

func TestMetricsAreNamedAsTheirValues(t *testing.T) {
	var s Score
	for i, v := 0, reflect.ValueOf(&s).Elem(); i < v.NumField(); i++ {
		v.Field(i).SetFloat(float64(i + 1))
	}
	for name, c := range configs() {
		for _, metric := range open[float64](t, c).Metrics() {
			if v, ok := s.Value(metric); !ok || v == 0 {
				t.Errorf("%s: metric %q has no value", name, metric)
			}
		}
	}
	if _, ok := s.Value("f1"); ok {
		t.Error("f1 has a value")
	}
}
