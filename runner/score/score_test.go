package score

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/tests"
)

// A reference is a case of testdata/score.py, which scikit-learn has scored. A score that is null has no value.
type reference struct {
	Classes *struct {
		Labels        []int32
		Probabilities [][]float64
		Classes       int
		Scores        map[string]*float64
	}
	Numbers *struct {
		Y, H   []float64
		Scores map[string]*float64
	}
	ConstantOfClasses *struct {
		Train, Labels []int
		Classes       int
		Scores        map[string]*float64
	} `json:"constant_of_classes"`
	ConstantOfNumbers *struct {
		Train, Y []float64
		Scores   map[string]*float64
	} `json:"constant_of_numbers"`
}

func near(t *testing.T, about string, got float64, want *float64) {
	t.Helper()
	switch {
	case want == nil:
		if !math.IsNaN(got) {
			t.Errorf("%s is %v, and scikit-learn has no value", about, got)
		}
	case !(math.Abs(got-*want) <= 1e-12*math.Max(1, math.Abs(*want))):
		t.Errorf("%s is %v, scikit-learn has %v", about, got, *want)
	}
}

func check(t *testing.T, cases []reference) {
	t.Helper()
	var j Judge
	checked := map[string]int{}
	for i, c := range cases {
		about := func(what string) string {
			checked[what]++
			return fmt.Sprintf("case %d: %s", i, what)
		}
		if c := c.Classes; c != nil {
			rows := Classes{Labels: c.Labels, Count: c.Classes}
			for _, p := range c.Probabilities {
				rows.Probabilities = append(rows.Probabilities, p...)
				rows.Predicted = append(rows.Predicted, slices.Index(p, slices.Max(p)))
			}
			for name, want := range c.Scores {
				if name != "accuracy" {
					near(t, about(name), j.Classes(name, rows), want)
				}
			}
		}
		if c := c.Numbers; c != nil {
			for name, want := range c.Scores {
				near(t, about(name), Numbers(name, c.Y, c.H), want)
			}
		}
		if c := c.ConstantOfClasses; c != nil {
			count := func(labels []int) []int {
				rows := make([]int, c.Classes)
				for _, label := range labels {
					rows[label]++
				}
				return rows
			}
			constant := OfClasses(count(c.Train), nil)
			for name, want := range c.Scores {
				near(t, about("constant "+name), constant.Classes(name, count(c.Labels)), want)
			}
		}
		if c := c.ConstantOfNumbers; c != nil {
			constant := OfNumbers(c.Train)
			for name, want := range c.Scores {
				near(t, about("constant "+name), constant.Numbers(name, c.Y), want)
			}
		}
	}
	for _, name := range []string{AUC, AveragePrecision, F1, BalancedAccuracy, Brier, LogLoss, MAE, "quantile_loss_90"} {
		if checked[name] == 0 || checked["constant "+name] == 0 {
			t.Errorf("no case has %s", name)
		}
	}
}

func TestScoresAreThoseOfScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/score.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []reference }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	check(t, file.Cases)
}

func TestRandomScoresAreThoseOfScikitLearn(t *testing.T) {
	tests.NeedExamples(t, "asks scikit-learn for the scores of random rows")
	if out, err := exec.Command("python3", "-c", "import sklearn; print(sklearn.__version__)").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "1.9") {
		t.Skipf("python3 has no scikit-learn 1.9: %s", bytes.TrimSpace(out))
	}
	seed := tests.Random(t).Uint32()
	command := exec.Command("python3", "testdata/score.py", fmt.Sprint(seed), fmt.Sprint(tests.Either(400, 5000)))
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problems.String())
	}
	var cases []reference
	if err := json.Unmarshal(out, &cases); err != nil {
		t.Fatal(err)
	}
	check(t, cases)
}

// The order of rows changes nothing but rounding, and every probability that is no number leaves no value.
func TestOrderOfRows(t *testing.T) {
	random := tests.Random(t)
	const n, classes = 200, 3
	rows := Classes{Count: classes}
	for range n {
		a, b := random.Float64()/2, float64(random.IntN(4))/8
		rows.Labels, rows.Predicted = append(rows.Labels, int32(random.IntN(classes))), append(rows.Predicted, random.IntN(classes))
		rows.Probabilities = append(rows.Probabilities, a, b, 1-a-b)
	}
	turned := Classes{Count: classes}
	for _, i := range random.Perm(n) {
		turned.Labels, turned.Predicted = append(turned.Labels, rows.Labels[i]), append(turned.Predicted, rows.Predicted[i])
		turned.Probabilities = append(turned.Probabilities, rows.Probabilities[i*classes:][:classes]...)
	}
	var j Judge
	for _, name := range []string{AUC, AveragePrecision, F1, BalancedAccuracy, Brier, LogLoss} {
		if a, b := j.Classes(name, rows), j.Classes(name, turned); !(math.Abs(a-b) <= 1e-13) {
			t.Errorf("%s is %v, and %v in another order", name, a, b)
		}
	}
	rows.Probabilities[7] = math.NaN()
	for _, name := range []string{AUC, AveragePrecision, F1, BalancedAccuracy, Brier, LogLoss} {
		if v := j.Classes(name, rows); !math.IsNaN(v) {
			t.Errorf("%s of a probability that is no number is %v", name, v)
		}
	}
}

func TestQuantiles(t *testing.T) {
	for name, want := range map[string]float64{"quantile_loss_1": 0.01, "quantile_loss_50": 0.5, "quantile_loss_99": 0.99, "quantile_loss_0": 0, "quantile_loss_100": 0,
		"quantile_loss_05": 0, "quantile_loss_+5": 0, "quantile_loss_N": 0, "quantile_loss_": 0, "val_quantile_loss_5": 0, "mae": 0} {
		if got, ok := Quantile(name); got != want || ok != (want > 0) {
			t.Errorf("%s is for the quantile %v (%v), want %v", name, got, ok, want)
		}
	}
}

// A constant of weighted classes is the best of the weighted loss: any others are worse.
func TestConstantOfWeightedClasses(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	rows, weights := []int{70, 20, 10}, []float64{100. / 210, 100. / 60, 100. / 30}
	best := OfClasses(rows, weights).Classes("loss", rows)
	if want := math.Log(3); math.Abs(best-want) > 1e-12 {
		t.Errorf("where classes count alike, the loss of a constant is %v, want log 3", best)
	}
	for range 100 {
		p := []float64{random.Float64(), random.Float64(), random.Float64()}
		sum, loss := p[0]+p[1]+p[2], 0.0
		for class, n := range rows {
			loss -= weights[class] * float64(n) / 100 * math.Log(p[class]/sum)
		}
		if loss < best {
			t.Errorf("the shares %v have the loss %v, which is less than %v", p, loss, best)
		}
	}
}

func BenchmarkAUC(b *testing.B) {
	const n = 100_000
	random := rand.New(rand.NewPCG(1, 2))
	rows := Classes{Count: 2}
	for range n {
		p := random.Float64()
		rows.Labels, rows.Probabilities = append(rows.Labels, int32(random.IntN(2))), append(rows.Probabilities, 1-p, p)
	}
	var j Judge
	for b.Loop() {
		j.Classes(AUC, rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}
