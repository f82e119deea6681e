package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The chances sum to 1, fall with the place where normal noise is alike, and are the same for points that show no spread.
func TestTheChancesToBeTheBest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 5, 30, 1000} {
		for _, spread := range []float64{0, 0.5, 5} {
			points := make([]Candidate, n)
			for i := range points {
				points[i] = Candidate{spread*rng.ExpFloat64() + rng.NormFloat64(), 1, math.Inf(1)}
			}
			points = append(points, Candidate{100, 1, 9}, Candidate{math.Inf(1), 1, 9}, Candidate{-100, math.NaN(), 9}, Candidate{-100, 1, 0})
			chances, sum := BestChances(points), 0.0
			for i, p := range chances {
				sum += p
				for j, other := range chances[:n] {
					if i < n && points[i].At < points[j].At && p < other-1e-12 {
						t.Fatalf("%d points: %+v is the best with %g, %+v with %g", n, points[i], p, points[j], other)
					}
				}
				if i >= n && p != 0 {
					t.Errorf("%d points: %+v is the best with %g", n, points[i], p)
				}
			}
			if math.Abs(sum-1) > 1e-9 {
				t.Errorf("%d points: the chances sum to %g", n, sum)
			}
		}
	}
	for _, p := range BestChances([]Candidate{{3, 1, 9}, {3, 1, 9}, {3, 1, 9}, {3, 1, 9}}) {
		if math.Abs(p-0.25) > 1e-12 {
			t.Errorf("of four that are the same one is the best with %g", p)
		}
	}
	if chances := BestChances(nil); len(chances) != 0 {
		t.Errorf("of no points: %v", chances)
	}
}

// A noisy point that is seen behind may be the best sooner than a quiet one beside it. Units do not matter.
func TestTheChanceOfANoisyPoint(t *testing.T) {
	var points, scaled []Candidate
	for i := range 20 {
		points = append(points, Candidate{float64(i) / 2, 0.5, 30})
	}
	points = append(points, Candidate{6, 3, 30}) // beside points[12]
	for _, p := range points {
		scaled = append(scaled, Candidate{1e-6 * (p.At - 50), 1e-6 * p.SE, p.DF})
	}
	chances, other := BestChances(points), BestChances(scaled)
	if !(chances[20] > 10*chances[12]) || !(chances[0] > chances[20]) {
		t.Errorf("a noisy one is the best with %g, a quiet one beside it with %g, the first with %g", chances[20], chances[12], chances[0])
	}
	for i := range chances {
		if math.Abs(chances[i]-other[i]) > 1e-6 {
			t.Errorf("#%d is the best with %g, in another unit with %g", i, chances[i], other[i])
		}
	}
}

// Of points whose means are drawn again and again, one is the best as often as its chance says.
func TestTheChancesToBeTheBestAreThoseOfDraws(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const draws = 1500
	hits, promised := 0, 0.0
	for range draws {
		points, best, lowest := make([]Candidate, 40), 0, math.Inf(1)
		for i := range points {
			mean := 4 * rng.ExpFloat64()
			if mean < lowest {
				best, lowest = i, mean
			}
			points[i] = Candidate{mean + rng.NormFloat64(), 1, math.Inf(1)}
		}
		first := 0
		for i := range points {
			if points[i].At < points[first].At {
				first = i
			}
		}
		promised += BestChances(points)[first] / draws
		if first == best {
			hits++
		}
	}
	if share := float64(hits) / draws; math.Abs(share-promised) > 0.08 {
		t.Errorf("the first is the best in %.3f of draws, and is said to be it with %.3f", share, promised)
	}
}

// Few variances that are alike do not show that all are; many do. What was found is the most.
func TestThePriorThatVariancesCanShow(t *testing.T) {
	last := 0.0
	for _, n := range []int{4, 20, 100, 1000, 100_000} {
		got := Prior{Common: math.Inf(1)}.SureDF(2, n)
		if !(got > last) {
			t.Errorf("%d variances: %g, of fewer %g", n, got, last)
		}
		last = got
		if got := (Prior{Common: 3}).SureDF(2, n); !(got < 3) {
			t.Errorf("%d variances that show 3: %g", n, got)
		}
	}
	// ψ‴(1) = π⁴/15, ψ′(1) = π²/6
	want := 2 * trigammaInverse(math.Sqrt((math.Pow(math.Pi, 4)/15+math.Pow(math.Pi, 4)/18)/20))
	if got := (Prior{Common: math.Inf(1)}).SureDF(2, 20); math.Abs(got/want-1) > 1e-9 {
		t.Errorf("20 variances with 2 degrees of freedom: %g, want %g", got, want)
	}
}
