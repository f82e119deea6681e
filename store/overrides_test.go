package store

import (
	"slices"
	"testing"
)

func TestOverridesAreKept(t *testing.T) {
	s := fresh(t)
	for _, want := range [][]string{{`grid.lr=[0.1, 0.2]`, `name="a\"b"`}, nil} {
		id, err := s.PutSweep(t.Context(), Sweep{Name: "s", Digest: "d", Metric: "val_loss", Goal: "min", At: "best", Overrides: want}, grid(1))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.SweepText(t.Context(), id)
		if err != nil || !slices.Equal(got.Overrides, want) {
			t.Errorf("got %q and %v, want %q", got.Overrides, err, want)
		}
	}
}
