package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// shareOf is the share with a name, 0 if there is none, and the sum of all.
func shareOf(r *Report, name string) (share, sum float64) {
	for _, s := range r.Shares {
		sum += s.Share
		if s.Name == name {
			share = s.Share
		}
	}
	return share, sum
}

// What a seed does to all points alike is told from what chance does to each, and together they are what varies within points.
func TestSharesOfSeedsAreAlikeOrChance(t *testing.T) {
	question := Question{Sweep: "s", Metric: "val_loss", Goal: stop.Min}
	lrs := []float64{0.001, 0.01, 0.1, 1}
	grid := func(alike, own float64, seeds int) []runner.Result {
		random := rand.New(rand.NewPCG(3, 4))
		shared := make([]float64, seeds)
		for s := range shared {
			shared[s] = random.NormFloat64()
		}
		var all []runner.Result
		for i, lr := range lrs {
			values := make([]float64, seeds)
			for s := range values {
				values[s] = 10 + float64(i)/10 + alike*shared[s] + own*random.NormFloat64()
			}
			all = append(all, comparetest.Results("sgd", lr, 0, values...)...)
		}
		return all
	}
	for about, c := range map[string]struct {
		alike, own        float64
		fewest, most, sum float64 // of what is alike, as a part of both
	}{
		"all alike":     {1, 0, 1, 1, 1},
		"mostly alike":  {1, 0.1, 0.97, 0.999, 1},
		"only of their": {0, 1, 0, 0.05, 1},
		"half of each":  {1, 1, 0.35, 0.65, 1},
	} {
		r := Build(question, grid(c.alike, c.own, 200), nil)
		alike, sum := shareOf(r, ShareAlike)
		chance, _ := shareOf(r, ShareChance)
		if whole, _ := shareOf(r, ShareSeeds); whole != 0 || math.Abs(sum-1) > 1e-9 {
			t.Errorf("%s: %v, the sum is %v", about, r.Shares, sum)
		}
		if part := alike / (alike + chance); !(part >= c.fewest-1e-9 && part <= c.most) {
			t.Errorf("%s: %v of what varies within points is alike for all, want %v to %v", about, part, c.fewest, c.most)
		}
	}

	// By hand: two points, three seeds. Points 1 2 6 and 3 2 10: means 3 and 5, of seeds 2 2 8, grand 4. Within: 14 + 38 = 52 of
	// 58. Seeds: 2·(4 + 4 + 16) = 48, so 4 are left with 2 degrees of freedom: chance is 2·2·2 = 8, and 44 are alike.
	hand := append(comparetest.Results("sgd", 0.1, 0, 1, 2, 6), comparetest.Results("sgd", 0.2, 0, 3, 2, 10)...)
	check := func(about string, results []runner.Result) {
		t.Helper()
		r := Build(question, results, nil)
		alike, _ := shareOf(r, ShareAlike)
		if chance, _ := shareOf(r, ShareChance); math.Abs(alike-44./58) > 1e-12 || math.Abs(chance-8./58) > 1e-12 {
			t.Errorf("%s: %v, want 44/58 alike and 8/58 by chance", about, r.Shares)
		}
	}
	check("by hand", hand)
	turned := slices.Clone(hand)
	slices.Reverse(turned[3:])
	check("seeds in another order", turned)

	for i := 3; i < 6; i++ {
		hand[i].Seed += 100
		hand[i].Trial += "x"
	}
	r := Build(question, hand, nil)
	if whole, sum := shareOf(r, ShareSeeds); math.Abs(whole-52./58) > 1e-12 || math.Abs(sum-1) > 1e-9 {
		t.Errorf("points with seeds of their own: %v, want 52/58 of seeds, and no more", r.Shares)
	}
}

// Shares are of the scale on which points are told apart: of logarithms for ratios, of logits for rates, and of the values
// themselves for a test that looks at them.
func TestSharesAreOfTheScaleOfTheTest(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	places := map[float64][]float64{}
	for i := range 12 {
		lr := math.Pow(2, float64(i))
		for range 4 {
			places[lr] = append(places[lr], float64(i*i)/20-3+0.3*random.NormFloat64())
		}
	}
	build := func(q Question, value func(place float64) float64) *Report {
		var all []runner.Result
		for i := range 12 {
			lr := math.Pow(2, float64(i))
			values := make([]float64, 4)
			for s, place := range places[lr] {
				values[s] = value(place)
			}
			all = append(all, comparetest.Results("sgd", lr, 0, values...)...)
		}
		return Build(q, all, nil)
	}
	itself := func(x float64) float64 { return x }
	want := build(Question{Sweep: "s", Metric: "val_loss", Goal: stop.Min}, itself)
	if want.DifferBy() != DifferPlain || len(want.Shares) != 3 {
		t.Fatalf("values below 0 are told apart by %s, with the shares %v", want.DifferBy(), want.Shares)
	}
	for about, c := range map[string]struct {
		question Question
		value    func(float64) float64
		by       Differ
		alike    bool
	}{
		"losses":                  {Question{Metric: "val_loss", Goal: stop.Min}, math.Exp, DifferRatio, true},
		"rates":                   {Question{Metric: "val_error", Goal: stop.Min}, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, DifferLogit, true},
		"losses by differences":   {Question{Metric: "val_loss", Goal: stop.Min, Differ: DifferPlain}, math.Exp, DifferPlain, false},
		"losses by a paired test": {Question{Metric: "val_loss", Goal: stop.Min, Test: TestPairedT}, math.Exp, DifferRatio, false},
	} {
		r := build(c.question, c.value)
		if r.DifferBy() != c.by {
			t.Errorf("%s are told apart by %s", about, r.DifferBy())
		}
		for _, name := range []string{"lr", ShareChance} {
			got, sum := shareOf(r, name)
			place, _ := shareOf(want, name)
			if math.Abs(sum-1) > 1e-9 || (math.Abs(got-place) < 1e-9) != c.alike {
				t.Errorf("%s: %s has %v, and of the places %v; all are %v", about, name, got, place, sum)
			}
		}
	}
}
