package compare

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// Of a random search every point has a learning rate of its own, which would explain all there is: ranges of it are compared.
func TestSharesOfDrawnValues(t *testing.T) {
	shares := func(effect float64, optimizers ...string) map[string]float64 {
		draw := rand.New(rand.NewPCG(1, 1))
		var all [][]runner.Result
		for i := range 300 {
			lr := math.Pow(10, -4*draw.Float64())
			all = append(all, comparetest.Results(optimizers[i%len(optimizers)], lr, 0, effect*math.Abs(math.Log10(lr)+2)+draw.NormFloat64()))
		}
		found := map[string]float64{}
		for _, s := range Build(question, comparetest.Join(all...), nil).Shares {
			found[s.Name] = s.Share
		}
		return found
	}
	if s := shares(10, "adam", "sgd"); s["lr in 7 ranges"] < 0.8 || s["lr"] != 0 || s["optimizer"] > 0.05 {
		t.Errorf("the learning rate matters, and the shares are %v", s)
	}
	if s := shares(0, "adam", "sgd"); s["lr in 7 ranges"] > 0.1 || s["within ranges, and further interactions"] < 0.8 {
		t.Errorf("nothing matters, and the shares are %v", s)
	}
	if s := shares(10, "adam"); s["lr"] == 0 { // one axis explains what it explains
		t.Errorf("of one axis the shares are %v", s)
	}
	// A text of its own for each point has no ranges, and says nothing.
	var named [][]runner.Result
	for i := range 40 {
		named = append(named, comparetest.Results(strings.Repeat("x", i+1), float64(1+i%2), 0, float64(i%2)))
	}
	for _, s := range Build(question, comparetest.Join(named...), nil).Shares {
		if strings.Contains(s.Name, "optimizer") {
			t.Errorf("a name for each point has the share %v", s)
		}
	}
}
