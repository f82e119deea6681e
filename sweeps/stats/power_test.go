package stats

import (
	"fmt"
	"math"
	"testing"
)

func TestPowerMatchesSciPy(t *testing.T) {
	for _, c := range reference[struct {
		SD     float64
		N      int
		Alpha  float64
		Power  float64
		Effect number
		Wanted float64
		Seeds  int
	}](t, "power") {
		what := fmt.Sprintf("%+v", c)
		check(t, what, DetectableEffect(c.SD, c.N, c.Alpha, c.Power), c.Effect, 1e-9)
		if got := SeedsFor(c.SD, c.Wanted, c.Alpha, c.Power); got != c.Seeds {
			t.Errorf("%s: %d seeds", what, got)
		}
	}
}

func TestSeedsForStops(t *testing.T) {
	for _, effect := range []float64{0, 1e-9, -1, nan} {
		if got := SeedsFor(1, effect, 0.05, 0.8); got != mostSeeds {
			t.Errorf("an effect of %v takes %d seeds", effect, got)
		}
	}
	if got := SeedsFor(0, 0.1, 0.05, 0.8); got != 2 {
		t.Errorf("without noise it takes %d seeds", got)
	}
	if !math.IsNaN(DetectableEffect(1, 1, 0.05, 0.8)) || !math.IsNaN(DetectableEffect(1, 5, 1.5, 0.8)) {
		t.Error("one seed, or no level, detects something")
	}
}
