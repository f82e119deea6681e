package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/runner/tests"
)

var statistics = map[string]Statistic{"mean": Mean, "median": Median, "iqm": IQM}

// SciPy was given the estimates from all nⁿ resamples. So are the methods here, and must find the
// same ends.
func TestEndsOfAllResamplesMatchSciPy(t *testing.T) {
	for _, c := range reference[struct {
		XS        numbers
		Statistic string
		Level     float64
		BCa       numbers
	}](t, "every") {
		xs, of := c.XS.floats(), statistics[c.Statistic]
		var all []float64
		sample := make([]float64, len(xs))
		var draw func(at int)
		draw = func(at int) {
			if at == len(xs) {
				all = append(all, of(sample))
				return
			}
			for _, x := range xs {
				sample[at] = x
				draw(at + 1)
			}
		}
		draw(0)
		slices.Sort(all)
		low, high := float64(c.BCa[0]), float64(c.BCa[1])
		if math.IsNaN(low) {
			continue // SciPy gives up where no estimate that leaves a value out differs
		}
		if gotLow, gotHigh := bcaEnds(all, c.Level, of(xs), [][]float64{xs}, pooledBy(of)); !near(gotLow, low, 1e-9) || !near(gotHigh, high, 1e-9) {
			t.Errorf("%s of %v: [%v, %v], want [%v, %v]", c.Statistic, xs, gotLow, gotHigh, low, high)
		}
	}
}

func TestIntervalsComeNearSciPys(t *testing.T) {
	for _, c := range reference[struct {
		Statistic, Kind string
		Data            []numbers
		Error           float64
		BCa             numbers
	}](t, "resampled") {
		of, data := statistics[c.Statistic], rows(c.Data)
		// Both are drawn: of 200,000 resamples an end is good to about 0.014 standard errors, of 20,000 to 0.045, and the
		// difference between one of each to 0.047. The bounds are three and a half times as wide.
		reps, bound := tests.Either(20_000, 200_000), tests.Either(0.165, 0.07)
		b := Bootstrap{Reps: reps, Seed: 5}
		var got Interval
		switch c.Kind {
		case "one":
			got = b.Interval(data[0], of)
			zeros := make([]float64, len(data[0]))
			if paired := b.Paired(data[0], zeros, of); paired != got {
				t.Errorf("paired with zeros: %+v, alone %+v", paired, got)
			}
		case "two":
			got = b.TwoSample(data[0], data[1], of)
		}
		low, high := float64(c.BCa[0]), float64(c.BCa[1])
		if error := bound * c.Error; math.Abs(got.Low-low) > error || math.Abs(got.High-high) > error {
			t.Errorf("%s, %s: [%v, %v], want [%v, %v] ± %v", c.Statistic, c.Kind, got.Low, got.High, low, high, error)
		}
		if got.N != len(slices.Concat(data...)) {
			t.Errorf("N is %d", got.N)
		}
	}
}

func TestTheSeedDecidesEveryBit(t *testing.T) {
	xs := waves(9, 1)
	b := Bootstrap{Reps: 500, Seed: 3}
	first := b.Interval(xs, Mean)
	if again := b.Interval(xs, Mean); again != first {
		t.Errorf("seed 3 gives %+v and %+v", first, again)
	}
	b.Seed = 4
	if other := b.Interval(xs, Mean); other == first {
		t.Errorf("seeds 3 and 4 both give %+v", first)
	}
	// Pinned: reports made again by a later version must agree.
	got := Bootstrap{Seed: 1}.Interval([]float64{1, 2, 4, 8}, Mean)
	if want := (Interval{Value: 3.75, Low: 1.75, High: 7, N: 4}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	random := named("bootstrap", 1)
	for k, want := range []int{308, 666, 852, 796} {
		if got := random.below(1000); got != want {
			t.Errorf("number %d of the stream is %d, want %d", k, got, want)
		}
	}
}

func TestZeroStandsForTheStatedDefaults(t *testing.T) {
	xs := waves(8, 2)
	if got, want := (Bootstrap{}).Interval(xs, Mean), (Bootstrap{Reps: 10_000, Level: 0.95}).Interval(xs, Mean); got != want {
		t.Errorf("%+v, stated %+v", got, want)
	}
}

func TestNoIntervalWhereNothingVaries(t *testing.T) {
	b := Bootstrap{Reps: 200}
	for name, got := range map[string]Interval{
		"nothing":               b.Interval(nil, Mean),
		"one value":             b.Interval([]float64{3}, Mean),
		"NaN":                   b.Interval([]float64{3, 4, nan}, Mean),
		"both infinities":       b.Interval([]float64{3, -inf, inf}, Mean),
		"one pair":              b.Paired([]float64{3}, []float64{2}, Mean),
		"one against many":      b.TwoSample([]float64{3}, []float64{2, 3, 4}, Mean),
		"a level of 1":          Bootstrap{Level: 1}.Interval([]float64{1, 2}, Mean),
		"NaN a statistic hides": b.Interval([]float64{1, 2, nan}, func([]float64) float64 { return 1 }),
	} {
		if !math.IsNaN(got.Low) || !math.IsNaN(got.High) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if same := b.Interval([]float64{0.1, 0.1, 0.1}, Mean); same.Low != same.Value || same.High != same.Value {
		t.Errorf("equal values: %+v", same)
	}
}

func TestARunThatDivergedLeavesTheMedianAnInterval(t *testing.T) {
	xs := []float64{1, 2, 3, 4, 5, 6, 7, 8, inf}
	if got := (Bootstrap{}).Interval(xs, Median); got.Value != 5 || !(got.Low >= 1 && got.Low < 5 && got.High > 5 && got.High <= 8) {
		t.Errorf("the median has %+v", got)
	}
	if got := (Bootstrap{}).Interval(xs, Mean); got.Value != inf || !math.IsNaN(got.Low) || !math.IsNaN(got.High) {
		t.Errorf("the mean has %+v", got)
	}
	pair := Bootstrap{}.Paired([]float64{inf, 2, 3, 4, 5}, []float64{inf, 1, 1, 1, 1}, Median)
	if pair.Value != 2 || math.IsNaN(pair.Low) {
		t.Errorf("a pair that diverged alike: %+v", pair)
	}
}

func TestBCaGivesUpWhereAllEstimatesLieOnOneSide(t *testing.T) {
	distinct := func(xs []float64) float64 {
		seen := map[float64]bool{}
		for _, x := range xs {
			seen[x] = true
		}
		return float64(len(seen))
	}
	if got := (Bootstrap{Reps: 1000}).Interval(waves(20, 1), distinct); got.Value != 20 || !math.IsNaN(got.Low) || !math.IsNaN(got.High) {
		t.Errorf("got %+v", got)
	}
}

func TestIntervalsMoveWithTheirValues(t *testing.T) {
	xs, moved := waves(10, 1), waves(10, 1)
	for k := range moved {
		moved[k] = 4*moved[k] - 2
	}
	for name, of := range statistics {
		b := Bootstrap{Reps: 2000}
		here, there := b.Interval(xs, of), b.Interval(moved, of)
		if !near(there.Low, 4*here.Low-2, 1e-6) || !near(there.High, 4*here.High-2, 1e-6) {
			t.Errorf("%s: %+v moves to %+v", name, here, there)
		}
	}
}

// A 90 % interval of 30 normal values holds the mean about nine times in ten.
func TestIntervalsCoverWhatTheySay(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const times = 600
	held := 0
	for seed := range uint64(times) {
		xs := make([]float64, 30)
		for k := range xs {
			xs[k] = rng.NormFloat64() + 5
		}
		if (Bootstrap{Reps: 400, Seed: seed, Level: 0.9}).Interval(xs, Mean).Includes(5) {
			held++
		}
	}
	if part := float64(held) / times; part < 0.84 || part > 0.94 {
		t.Errorf("%v hold the mean", part)
	}
}
